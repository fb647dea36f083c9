-- A credential says, sealed, whose it is and since when. One that the database does not know was revoked, unless it was
-- issued after this moment: then the database is an older copy that was put back.
alter table gateway add column credentials_from bigint not null default 0;

-- A deed about two gateways is one entry, found by either: their ids, each in spaces; '' if there is but one object.
alter table change add column also text not null default '';
