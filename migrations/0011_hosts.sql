-- Hosts are gateways' or service nodes': what is kept of them names no gateway any more. Two kinds of rows lead here, so that
-- no foreign key does; who removes a gateway or a node removes these too.

create table document_before as select gateway_id, epoch, generation, hash, derived_at from document;
drop table document;
-- The version of each host's desired document. Its body is derived again whenever it is needed.
create table document (
    host_id text not null,
    -- gateway or node
    role text not null,
    epoch bigint not null,
    generation bigint not null,
    hash text not null,
    derived_at bigint not null,
    constraint document_pkey primary key (host_id)
);
insert into document (host_id, role, epoch, generation, hash, derived_at)
    select gateway_id, 'gateway', epoch, generation, hash, derived_at from document_before;
drop table document_before;

create table enrolment_before as select digest, gateway_id, epoch, expires_at, used_at from enrolment;
drop table enrolment;
-- A one-time token that joins a host to a gateway or a node. Only its SHA-256 is kept.
create table enrolment (
    digest text not null,
    host_id text not null,
    role text not null,
    -- the database's epoch at that moment: a restored backup ends every token
    epoch bigint not null,
    expires_at bigint not null,
    -- 0: not yet
    used_at bigint not null,
    constraint enrolment_pkey primary key (digest)
);
create index enrolment_host on enrolment (host_id);
insert into enrolment (digest, host_id, role, epoch, expires_at, used_at)
    select digest, gateway_id, 'gateway', epoch, expires_at, used_at from enrolment_before;
drop table enrolment_before;

create table credential_before as select digest, gateway_id, created_at, used_at from credential;
drop table credential;
-- An agent's bearer token, by its SHA-256. A rotated one ends when its successor is first used.
create table credential (
    digest text not null,
    host_id text not null,
    role text not null,
    created_at bigint not null,
    -- 0: not yet
    used_at bigint not null,
    constraint credential_pkey primary key (digest)
);
create index credential_host on credential (host_id);
insert into credential (digest, host_id, role, created_at, used_at)
    select digest, gateway_id, 'gateway', created_at, used_at from credential_before;
drop table credential_before;

-- Credentials of gateways and nodes that were removed for good: their agents are told so instead of being turned away.
alter table departed rename column gateway_id to host_id;

create table host_before as
    select gateway_id, public_key, facts, last_seen, applied, verified, apply_error, drift, cleaned, noted_status from host;
drop table host;
-- A host as it was seen.
create table host (
    host_id text not null,
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
    constraint host_pkey primary key (host_id)
);
insert into host (host_id, public_key, facts, last_seen, applied, verified, apply_error, drift, cleaned, noted_status)
    select gateway_id, public_key, facts, last_seen, applied, verified, apply_error, drift, cleaned, noted_status from host_before;
drop table host_before;

-- What the firewall of a node has counted.
create table observed_node (
    node_id text not null,
    -- JSON list of {rule, packets, bytes, host_packets, host_bytes}: summed over restarts of the host's counters, and these
    counters text not null,
    -- JSON list of [slot, bytes admitted, packets dropped], at most 24 of five minutes each
    samples text not null,
    constraint observed_node_pkey primary key (node_id),
    constraint observed_node_node_fkey foreign key (node_id) references node (id) on delete cascade
);

-- Connection attempts that the nodes of a service refused: at most 500 per service, the latest ones.
create table refused_attempt (
    service_id text not null,
    node_id text not null,
    source text not null,
    port bigint not null,
    -- summed over restarts of the host's counter, and this
    packets bigint not null,
    host_packets bigint not null,
    first_at bigint not null,
    last_at bigint not null,
    constraint refused_attempt_pkey primary key (node_id, source, port),
    constraint refused_attempt_node_fkey foreign key (node_id) references node (id) on delete cascade
);
create index refused_attempt_service on refused_attempt (service_id, last_at);
