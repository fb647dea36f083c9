-- Whose credentials were checked, and which.

-- who the cloud last took the console for: a token does not say whose it is, and VPCs stay with their owner
alter table cloud_account_check add column known_as text not null default '';
-- a digest of the facts and the sealed secret that were checked: a check of former ones says nothing of the present ones
alter table cloud_account_check add column checked_of text not null default '';
