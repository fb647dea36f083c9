-- What hosts are told (document), who they are (enrolment, credential, departed) and what they were seen to be (host, observed_*).
-- The first two kinds are the console's wish; the last is written by reconcilers only.

-- The version of each gateway's desired document. Its body is derived from the network again whenever it is needed.
create table document (
    gateway_id text not null,
    epoch bigint not null,
    generation bigint not null,
    hash text not null,
    derived_at bigint not null,
    constraint document_pkey primary key (gateway_id),
    constraint document_gateway_fkey foreign key (gateway_id) references gateway (id) on delete cascade
);

-- A one-time token that joins a host to a gateway. Only its SHA-256 is kept.
create table enrolment (
    digest text not null,
    gateway_id text not null,
    -- the database's epoch at that moment: a restored backup ends every token
    epoch bigint not null,
    expires_at bigint not null,
    -- 0: not yet
    used_at bigint not null,
    constraint enrolment_pkey primary key (digest),
    constraint enrolment_gateway_fkey foreign key (gateway_id) references gateway (id) on delete cascade
);
create index enrolment_gateway on enrolment (gateway_id);

-- An agent's bearer token, by its SHA-256. A rotated one ends when its successor is first used.
create table credential (
    digest text not null,
    gateway_id text not null,
    created_at bigint not null,
    -- 0: not yet
    used_at bigint not null,
    constraint credential_pkey primary key (digest),
    constraint credential_gateway_fkey foreign key (gateway_id) references gateway (id) on delete cascade
);
create index credential_gateway on credential (gateway_id);

-- Credentials of gateways that were removed for good: their agents are told so instead of being turned away.
create table departed (
    digest text not null,
    gateway_id text not null,
    removed_at bigint not null,
    constraint departed_pkey primary key (digest)
);

-- A gateway's host as it was seen.
create table host (
    gateway_id text not null,
    public_key text not null,
    -- JSON
    facts text not null,
    last_seen bigint not null,
    -- the generation that the host's tools accepted last, and the one that the host, read back, showed last; 0: none
    applied bigint not null,
    verified bigint not null,
    -- '': none
    apply_error text not null,
    -- JSON list
    drift text not null,
    -- the agent has removed everything
    cleaned bigint not null,
    -- what the event log was told last; '' before the first
    noted_status text not null,
    constraint host_pkey primary key (gateway_id),
    constraint host_gateway_fkey foreign key (gateway_id) references gateway (id) on delete cascade
);

-- A peer as its gateway's WireGuard sees it.
create table observed_peer (
    peer_id text not null,
    -- 0: never
    handshake bigint not null,
    -- summed over restarts of the host's counters
    received bigint not null,
    sent bigint not null,
    -- the host's counters as they were reported last
    host_received bigint not null,
    host_sent bigint not null,
    -- the one in use; '' if none is known
    endpoint text not null,
    -- JSON list of [slot, received, sent], at most 24 of five minutes each
    samples text not null,
    constraint observed_peer_pkey primary key (peer_id),
    constraint observed_peer_peer_fkey foreign key (peer_id) references peer (id) on delete cascade
);

-- The state of a VPC peering that the event log was told last.
create table observed_pair (
    pair_id text not null,
    noted_state text not null,
    constraint observed_pair_pkey primary key (pair_id)
);
