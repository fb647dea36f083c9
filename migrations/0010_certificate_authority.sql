-- Certificate authorities of projects, and what they have signed.

-- A project's CA, made when it is first needed. Its key is sealed; those of services never come here.
create table project_ca (
    project_id text not null,
    -- PEM
    certificate text not null,
    -- PKCS #8
    sealed_key text not null,
    not_before bigint not null,
    not_after bigint not null,
    constraint project_ca_pkey primary key (project_id),
    constraint project_ca_project_fkey foreign key (project_id) references project (id)
);

-- A certificate for host names of a service. Those that have ended go when the next is issued.
create table service_certificate (
    service_id text not null,
    -- lower-case hexadecimal
    serial text not null,
    -- JSON: a list of host names
    names text not null,
    not_before bigint not null,
    not_after bigint not null,
    -- PEM
    certificate text not null,
    constraint service_certificate_pkey primary key (serial),
    constraint service_certificate_service_fkey foreign key (service_id) references service (id) on delete cascade
);
create index service_certificate_service on service_certificate (service_id);
