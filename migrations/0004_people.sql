-- Who owns projects.
create table organization (
    id text not null,
    name text not null,
    created_at bigint not null,
    constraint organization_pkey primary key (id),
    constraint organization_name_key unique (name)
);

-- The scope of every network; its name is the path key.
create table project (
    id text not null,
    name text not null,
    organization_id text not null,
    created_at bigint not null,
    constraint project_pkey primary key (id),
    constraint project_name_key unique (name),
    constraint project_organization_fkey foreign key (organization_id) references organization (id)
);

-- Who can sign in.
create table person (
    id text not null,
    -- lower case
    email text not null,
    -- Argon2id in PHC form
    password_hash text not null,
    is_super_admin bigint not null,
    -- active, invited or deactivated
    state text not null,
    created_at bigint not null,
    constraint person_pkey primary key (id),
    constraint person_email_key unique (email)
);

-- What a person may do, and where. Rights are the union of all rows.
create table membership (
    person_id text not null,
    -- organization or project
    scope text not null,
    scope_id text not null,
    -- admin, operator, developer or read_only
    role text not null,
    created_at bigint not null,
    constraint membership_pkey primary key (person_id, scope, scope_id),
    constraint membership_person_fkey foreign key (person_id) references person (id)
);

-- Signed-in browsers. A row that is gone is a session that has ended.
create table session (
    -- SHA-256 of the id in the cookie
    digest text not null,
    person_id text not null,
    -- the database's epoch at sign-in: a restored backup ends every session
    epoch bigint not null,
    created_at bigint not null,
    seen_at bigint not null,
    constraint session_pkey primary key (digest),
    constraint session_person_fkey foreign key (person_id) references person (id)
);
create index session_person on session (person_id);

-- The one-time link by which the first administrator is made. At most one row.
create table set_up_link (
    name text not null,
    -- SHA-256 of the token in the link
    digest text not null,
    expires_at bigint not null,
    constraint set_up_link_pkey primary key (name)
);
