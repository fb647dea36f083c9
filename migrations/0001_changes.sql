-- Numbers that order events come from here, in the transaction that writes them: a sequence commits out of order.
create table counter (
    name text not null,
    value bigint not null,
    constraint counter_pkey primary key (name)
);
insert into counter (name, value) values ('change', 0);
-- Raised when a backup is restored; documents are ordered by (epoch, generation).
insert into counter (name, value) values ('epoch', 1);

-- Event log, audit trail and outbox at once.
create table change (
    seq bigint not null,
    at bigint not null,
    actor text not null,
    kind text not null,
    topic text not null,
    -- '' for the installation as a whole
    project_id text not null,
    object text not null,
    object_name text not null,
    -- JSON objects of texts, without secrets
    before_facts text not null,
    after_facts text not null,
    constraint change_pkey primary key (seq)
);
create index change_object on change (object, seq);
