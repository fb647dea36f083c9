-- Cloud accounts, and the VPCs and peering connections that the console makes with them.

-- An account of the operator's in a cloud. Its secrets are sealed; a simulated one is known to the look-alike clouds only.
create table cloud_account (
    id text not null,
    organization_id text not null,
    provider text not null,
    name text not null,
    -- JSON of what may be shown: account, role, project, tenant, subscription …
    facts text not null,
    sealed_secret text not null,
    simulated bigint not null,
    tombstone text not null,
    created_at bigint not null,
    updated_at bigint not null,
    constraint cloud_account_pkey primary key (id),
    constraint cloud_account_name_key unique (organization_id, name, tombstone)
);

-- What the last check of an account's credentials told.
create table cloud_account_check (
    account_id text not null,
    checked_at bigint not null,
    -- who the cloud says that they belong to; '' if they were refused
    identity text not null,
    error text not null,
    constraint cloud_account_check_pkey primary key (account_id),
    constraint cloud_account_check_account_fkey foreign key (account_id) references cloud_account (id) on delete cascade
);

-- '' for a local VPC. A VPC stays with its account for life: it is never moved between a cloud and its look-alike.
alter table vpc add column account_id text not null default '';
-- 0: it lives
alter table vpc add column deleting_at bigint not null default 0;
-- when its connections were last asked to be refreshed
alter table vpc add column refresh_asked_at bigint not null default 0;
-- when anything about it or its connections was last asked for
alter table vpc add column asked_at bigint not null default 0;

-- What was seen of a cloud VPC's network; written by the reconciler only.
create table cloud_network (
    vpc_id text not null,
    state text not null,
    -- what the cloud calls it; '' until it is there
    cloud_id text not null,
    -- JSON: ids of the cloud, for the driver
    reference text not null,
    -- '': nothing went wrong
    error text not null,
    retry_at bigint not null,
    failing_since bigint not null,
    attempt bigint not null,
    looked_at bigint not null,
    next_look_at bigint not null,
    refreshed_at bigint not null,
    constraint cloud_network_pkey primary key (vpc_id),
    constraint cloud_network_vpc_fkey foreign key (vpc_id) references vpc (id) on delete cascade
);

-- A peering connection as it was asked for.
create table connection (
    id text not null,
    vpc_id text not null,
    -- JSON: the other side
    peer text not null,
    -- what makes two requests the same one
    peer_key text not null,
    -- JSON list: ranges that a person routes through it
    ranges text not null,
    -- 0: it is wanted
    deleting_at bigint not null,
    tombstone text not null,
    created_at bigint not null,
    constraint connection_pkey primary key (id),
    constraint connection_vpc_fkey foreign key (vpc_id) references vpc (id) on delete cascade,
    constraint connection_peer_key unique (vpc_id, peer_key, tombstone)
);

-- What was seen of it; written by the reconciler only.
create table observed_connection (
    connection_id text not null,
    state text not null,
    since bigint not null,
    was_active bigint not null,
    -- JSON: message, type, warnings and the identifiers that a person needs
    state_info text not null,
    -- JSON list, or null until the cloud tells
    discovered text not null,
    routed text not null,
    opened text not null,
    -- the cloud's own words; '' if it has no such connection
    cloud_state text not null,
    cloud_message text not null,
    -- JSON: ids of the cloud, for the driver
    reference text not null,
    sent_at bigint not null,
    expires_at bigint not null,
    failing_since bigint not null,
    attempt bigint not null,
    looked_at bigint not null,
    next_look_at bigint not null,
    updated_at bigint not null,
    constraint observed_connection_pkey primary key (connection_id),
    constraint observed_connection_connection_fkey foreign key (connection_id) references connection (id) on delete cascade
);
