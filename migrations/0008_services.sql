-- Services that operators run: where they are placed, on which hosts, and who may reach them.

-- A service. Its name is part of its host names and never changes. Deleted ones stay until their hosts have cleaned up.
create table service (
    id text not null,
    project_id text not null,
    name text not null,
    -- as the API writes it: pg, kafka, custom …
    type text not null,
    plan text not null,
    node_count bigint not null,
    cloud text not null,
    -- '': in public
    vpc_id text not null,
    state text not null,
    termination_protection bigint not null,
    static_ips bigint not null,
    drift_policy text not null,
    deleting_at bigint not null,
    tombstone text not null,
    created_at bigint not null,
    updated_at bigint not null,
    constraint service_pkey primary key (id),
    constraint service_name_key unique (project_id, name, tombstone)
);
create index service_vpc on service (vpc_id);

-- What of a service can be reached: a port, and by which routes.
create table service_component (
    service_id text not null,
    name text not null,
    -- the main one first
    position bigint not null,
    port bigint not null,
    public_access bigint not null,
    private_access bigint not null,
    privatelink_access bigint not null,
    constraint service_component_pkey primary key (service_id, name),
    constraint service_component_port_key unique (service_id, port),
    constraint service_component_service_fkey foreign key (service_id) references service (id) on delete cascade
);

-- Who may reach the public routes of a service: one document, saved as a whole.
create table ip_filter (
    service_id text not null,
    -- counts the saves: who saves says which one he saw
    version bigint not null,
    -- JSON list of {network, description}, in a person's order
    entries text not null,
    constraint ip_filter_pkey primary key (service_id),
    constraint ip_filter_service_fkey foreign key (service_id) references service (id) on delete cascade
);

-- A host of a service, in the place where it was enrolled.
create table node (
    id text not null,
    service_id text not null,
    name text not null,
    cloud text not null,
    -- '': in public
    vpc_id text not null,
    -- 0: listed without an agent, so that nothing enforces its firewall
    enforced bigint not null,
    -- '': what the agent reports, or none
    private_address text not null,
    public_address text not null,
    -- the public address is translated before the host
    translated bigint not null,
    -- of a migration: the node that this one takes over from; else ''
    replaces_id text not null,
    -- how often a person asked that the host be put right
    repairs bigint not null,
    -- 0: it serves
    leaving_at bigint not null,
    tombstone text not null,
    created_at bigint not null,
    -- a credential that is not known counts only if it was issued after this
    credentials_from bigint not null,
    constraint node_pkey primary key (id),
    constraint node_service_fkey foreign key (service_id) references service (id),
    constraint node_name_key unique (service_id, name, tombstone)
);

-- A migration that is under way: where to, and since when there is no way back.
create table service_migration (
    service_id text not null,
    cloud text not null,
    vpc_id text not null,
    started_at bigint not null,
    -- 0: names were not switched yet
    drains_until bigint not null,
    constraint service_migration_pkey primary key (service_id),
    constraint service_migration_service_fkey foreign key (service_id) references service (id) on delete cascade
);
