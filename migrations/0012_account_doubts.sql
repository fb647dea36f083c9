-- Why a check did not confirm an account's credentials.

-- 'foreign', 'denied', 'refused', 'unreachable' or 'unclear'; empty where it confirmed them, or was made before this was kept
alter table cloud_account_check add column doubt text not null default '';
