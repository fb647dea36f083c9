-- What passed a node's firewall, in slots: short ones for a day, longer ones for a month. Older slots go when a new one begins.
create table node_traffic (
    node_id text not null,
    -- the seconds of one slot: 300 (288 of them are kept) or 3600 (720)
    slot_seconds bigint not null,
    -- slots since 1970
    slot bigint not null,
    -- JSON list of {rule, packets, bytes}
    passed text not null,
    constraint node_traffic_pkey primary key (node_id, slot_seconds, slot),
    constraint node_traffic_node_fkey foreign key (node_id) references node (id) on delete cascade
);
-- Two hours of it, without the rules, were kept here.
alter table observed_node drop column samples;
