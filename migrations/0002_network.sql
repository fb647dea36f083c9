-- What people ask for: VPCs, gateways, peers. What hosts were seen to do has its own tables.
-- `tombstone` is '' while a row lives and its own id once it is deleted, so that names and VPCs are free again at once.

-- A virtual private cloud. A deleted one is kept only while a gateway of it is still being removed from its host.
create table vpc (
    id text not null,
    project_id text not null,
    name text not null,
    cloud text not null,
    cidr text not null,
    state text not null,
    tombstone text not null,
    created_at bigint not null,
    constraint vpc_pkey primary key (id),
    constraint vpc_name_key unique (project_id, name, tombstone)
);

-- A VPN gateway. A deleted one stays until its host has cleaned up.
create table gateway (
    id text not null,
    project_id text not null,
    owner_id text not null,
    vpc_id text not null,
    name text not null,
    tunnel text not null,
    -- the first usable address of the tunnel subnet, as a number; it is the gateway's own
    tunnel_address bigint not null,
    -- '': what the agent reports
    public_address text not null,
    listen_port bigint not null,
    mtu bigint not null,
    -- JSON list of addresses
    dns text not null,
    masquerade_vpc bigint not null,
    internet_egress bigint not null,
    drift_policy text not null,
    -- how often a person asked that the host be put right
    repairs bigint not null,
    -- 0: it lives
    deleting_at bigint not null,
    tombstone text not null,
    created_at bigint not null,
    constraint gateway_pkey primary key (id),
    constraint gateway_vpc_fkey foreign key (vpc_id) references vpc (id),
    constraint gateway_name_key unique (project_id, owner_id, name, tombstone),
    constraint gateway_vpc_key unique (vpc_id, tombstone)
);

-- A peer of a gateway. Preshared keys are sealed.
create table peer (
    id text not null,
    gateway_id text not null,
    kind text not null,
    name text not null,
    -- of a VPC peering: the other gateway's
    public_key text not null,
    -- '': none
    sealed_preshared_key text not null,
    -- a number, so that the lowest free one is found by the index
    tunnel_address bigint not null,
    -- '': the peer calls us. Of a VPC peering: where the other gateway was when the two were joined.
    endpoint text not null,
    keepalive bigint not null,
    -- of a VPC peering: the same on both rows; else ''
    pair_id text not null,
    -- of a VPC peering: the other gateway; else ''
    remote_id text not null,
    enabled bigint not null,
    share_peered bigint not null,
    -- the first generation of the gateway's document that can hold it
    generation bigint not null,
    -- JSON list of ranges in the file that was last downloaded; '' if none was
    downloaded text not null,
    created_at bigint not null,
    constraint peer_pkey primary key (id),
    constraint peer_gateway_fkey foreign key (gateway_id) references gateway (id),
    constraint peer_name_key unique (gateway_id, name),
    constraint peer_public_key_key unique (gateway_id, public_key),
    constraint peer_tunnel_address_key unique (gateway_id, tunnel_address)
);
-- sites and VPC peerings among thousands of road warriors
create index peer_kind on peer (gateway_id, kind);
create index peer_pair on peer (pair_id);
create index peer_remote on peer (remote_id);

-- A range behind a site.
create table peer_network (
    peer_id text not null,
    cidr text not null,
    constraint peer_network_pkey primary key (peer_id, cidr),
    constraint peer_network_peer_fkey foreign key (peer_id) references peer (id) on delete cascade
);

-- A range that somebody owns or plans elsewhere, beside the project's own.
create table planned_network (
    project_id text not null,
    name text not null,
    cidr text not null,
    constraint planned_network_pkey primary key (project_id, name)
);
