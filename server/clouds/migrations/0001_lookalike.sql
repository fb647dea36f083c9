-- The world of the look-alike clouds. Nothing outside `clouds::lookalike` may name these tables.

-- One settled thing: who may sign in, and where the clock stands.
create table lookalike_fact (
    name text not null,
    value text not null,
    constraint lookalike_fact_key primary key (name)
);

-- Everything that exists in a cloud, as its module writes it; `id` is unique within the cloud.
create table lookalike_thing (
    vendor text not null,
    id text not null,
    body text not null,
    constraint lookalike_thing_key primary key (vendor, id)
);

-- What should go wrong, and how often yet.
create table lookalike_fault (
    vendor text not null,
    id text not null,
    body text not null,
    remaining bigint not null,
    constraint lookalike_fault_key primary key (vendor, id)
);

-- Every time that something went wrong by such a rule.
create table lookalike_use (
    vendor text not null,
    id text not null,
    fault text not null,
    action text not null,
    at bigint not null,
    constraint lookalike_use_key primary key (vendor, id)
);
create index lookalike_use_at on lookalike_use (vendor, at);
