-- When a person last asked for a check of an account's credentials; the reconciler answers in cloud_account_check.
alter table cloud_account add column check_asked_at bigint not null default 0;
