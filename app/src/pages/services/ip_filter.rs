use std::collections::BTreeSet;

use leptos::prelude::*;
use leptos_router::{LazyRoute, hooks::use_query_map, lazy_route};

use super::{
    over::{Under, panel},
    reading::{Reading, path, reading},
    settings::Settings,
};
use crate::{
    api::{
        ApiError,
        services::{ServiceReading, SetIpFilter},
    },
    components::{
        Button, ButtonLink, Check, Consequences, Glyph, Icon, Kind, Notice, PanelBody, PanelFoot, TextArea, Tone,
        grouped,
    },
    domain::{
        AddressRange, Cidr,
        service::{
            IpFilter, Service,
            ip_filter::{EMPTY_WARNING, MOST_ENTRIES, OPEN_HINT, RESTRICTED},
        },
    },
    pages::{
        form::{Memory, at, beside},
        fresh::fresh,
        here::{project_for_links, use_project},
    },
    routes,
};

pub struct ServiceIpFilter;

#[lazy_route]
impl LazyRoute for ServiceIpFilter {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let reading = reading();
        let under = Under { page: view! { <Settings reading/> }.into_any(), close: path(routes::service_settings) };
        panel::<SetIpFilter>("Set public IP filters", under, true, reading, |resource, read, memory, close| {
            view! { <Form resource read memory close/> }.into_any()
        })
    }
}

#[component]
fn Form(resource: Reading, read: ServiceReading, memory: Memory, close: String) -> impl IntoView {
    let set = ServerAction::<SetIpFilter>::new();
    let remote = memory.error(set);
    let project = use_project().get_untracked();
    let first = read.service.clone();
    let page = routes::service_ip_filter(&project_for_links(&project), first.id);
    let add = use_query_map().with_untracked(|query| query.get("add")).as_deref() == Some("peered");
    let begin = if add { first.filter.with_peered(&first.uncovered()).text() } else { first.filter.text() };
    let text = memory.text("filter", begin);
    let version = RwSignal::new(first.filter.version);
    let allow = memory.ticked("allow_empty", false);

    let read = fresh(resource, read);
    let service = Memo::new(move |_| read.with(|read| read.service.clone()));
    let parsed = Memo::new(move |_| text.with(|text| IpFilter::parse(text, 0)));
    let local = Signal::derive(move || parsed.with(|parsed| parsed.clone().err().map(ApiError::Refused)));
    let empty = Memo::new(move |_| parsed.with(|parsed| parsed.as_ref().is_ok_and(IpFilter::is_empty)));
    let missing = Memo::new(move |_| {
        parsed.with(|parsed| {
            service.with(|service| parsed.as_ref().map(|typed| missing(service, typed)).unwrap_or_default())
        })
    });
    let restricted = Signal::derive(move || {
        service.with(|service| service.going().or((!service.filter_applies()).then(|| RESTRICTED.to_owned())))
    });
    // Somebody else's save: seen here, or by the server when this one was sent.
    let conflict = IpFilter::changed_meanwhile().sentence;
    let theirs = Memo::new(move |_| {
        let moved = service.with(|service| service.filter.version) != version.get();
        let told = remote.with(|error| error.as_ref().and_then(|error| error.at("filter")) == Some(conflict.as_str()));
        let differs = parsed.with(|parsed| service.with(|service| difference(&service.filter, parsed.as_ref().ok())));
        differs.filter(|_| moved || told)
    });
    let saved = move || service.with_untracked(|service| (service.filter.text(), service.filter.version));
    let take = move |_| {
        let (theirs, now) = saved();
        text.set(theirs);
        version.set(now);
    };
    let keep = move |_| version.set(saved().1);
    let meanwhile = move || {
        theirs.get().map(|difference| {
            view! {
                <Notice tone=Tone::Wait title="Somebody saved this list since you opened it" text=difference>
                    <span class="live-only flow">
                        <Button kind_of="button" small=true on:click=take>"Take theirs"</Button>
                        <Button kind_of="button" small=true on:click=keep>"Keep mine"</Button>
                    </span>
                </Notice>
            }
        })
    };
    let add_peered = move |event: leptos::ev::MouseEvent| {
        event.prevent_default();
        if let Ok(typed) = parsed.get_untracked() {
            text.set(typed.with_peered(&missing.get_untracked()).text());
        }
    };
    let corrected = Memo::new(move |_| text.with(|text| IpFilter::corrected(text)));
    let correct = move |_| {
        if let Some(right) = corrected.get_untracked() {
            text.set(right);
        }
    };
    let count = move || parsed.with(|parsed| parsed.as_ref().ok().map(|typed| entries(typed.entries().len())));
    let lines = Memo::new(move |_| {
        parsed.with(|parsed| parsed.as_ref().map(|typed| warnings(typed, &missing.get())).unwrap_or_default())
    });
    view! {
        <ActionForm action=set>
            <PanelBody>
                <input type="hidden" name="project" value=project/>
                <input type="hidden" name="id" value=first.id.to_string()/>
                <input type="hidden" name="version" value=move || version.get().to_string()/>
                {move || service.with(|service| !service.filter_applies()).then(|| view! {
                    <Notice tone=Tone::Off title=RESTRICTED text="Only peered networks reach a service in a VPC. Give a component public access, and the list decides."/>
                })}
                {meanwhile}
                <TextArea
                    name="filter"
                    label="Allowed addresses"
                    value=text
                    error=at("filter", local, remote)
                    hint="An address or a range per line, IPv4 or IPv6, and after it whatever describes it. A pasted list may have commas. Order does not matter."
                    placeholder="203.0.113.0/24 office"
                    fact=true
                    rows=14
                />
                <div class="list-tools flow">
                    <p class="quiet" role="status">{count}</p>
                    {move || corrected.with(Option::is_some).then(|| view! {
                        <span class="live-only"><Button kind_of="button" small=true on:click=correct>"Put the ranges right"</Button></span>
                    })}
                    {move || (!missing.with(Vec::is_empty)).then(|| view! {
                        <a class="button" data-size="small" href=format!("{page}?add=peered") on:click=add_peered>
                            <Icon glyph=Glyph::Plus/>"Add peered networks"
                        </a>
                    })}
                </div>
                {move || lines.with(|lines| (!lines.is_empty()).then(|| view! { <Consequences lines=lines.clone()/> }))}
                <div class=move || (!empty.get()).then_some("still-only")>
                    <Check name="allow_empty" label="Save an empty list" checked=allow hint=EMPTY_WARNING/>
                </div>
            </PanelBody>
            <PanelFoot error=beside(&["filter"], remote)>
                <ButtonLink kind=Kind::Quiet href=close>"Cancel"</ButtonLink>
                <Button kind=Kind::Primary reason=restricted busy=set.pending()>"Save filters"</Button>
            </PanelFoot>
        </ActionForm>
    }
}

fn entries(count: usize) -> String {
    let most = grouped(MOST_ENTRIES as u64);
    match count {
        1 => format!("1 entry of at most {most}."),
        many => format!("{} entries of at most {most}.", grouped(many as u64)),
    }
}

/// Peered networks that a list would lock out.
fn missing(service: &Service, typed: &IpFilter) -> Vec<(String, Cidr)> {
    Service { filter: typed.clone(), ..service.clone() }.uncovered()
}

fn warnings(typed: &IpFilter, missing: &[(String, Cidr)]) -> Vec<(Tone, String)> {
    const SHOWN: usize = 5;
    if typed.is_empty() {
        return Vec::new();
    }
    let said = IpFilter::warnings(missing);
    let more = said.len().saturating_sub(SHOWN);
    let mut lines: Vec<(Tone, String)> = said.into_iter().take(SHOWN).map(|line| (Tone::Bad, line)).collect();
    if more > 0 {
        lines.push((Tone::Bad, format!("{more} more peered networks are missing.")));
    }
    if typed.is_open() {
        let narrower = typed.networks().any(|network| !network.is_everything());
        let rest = if narrower { " Take 0.0.0.0/0 and ::/0 out, or the narrower entries change nothing." } else { "" };
        lines.push((Tone::Wait, format!("{OPEN_HINT}{rest}")));
    }
    lines
}

/// What the saved list has and the typed one lacks, and the other way round; `None` if they are one set.
fn difference(saved: &IpFilter, typed: Option<&IpFilter>) -> Option<String> {
    const SHOWN: usize = 6;
    let set = |filter: &IpFilter| filter.networks().collect::<BTreeSet<AddressRange>>();
    let (saved, typed) = (set(saved), set(typed?));
    let said = |ranges: Vec<&AddressRange>| {
        let more = ranges.len().saturating_sub(SHOWN);
        let shown: Vec<String> = ranges.iter().take(SHOWN).map(ToString::to_string).collect();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{}{more}", shown.join(", "))
    };
    let (theirs, mine): (Vec<_>, Vec<_>) = (saved.difference(&typed).collect(), typed.difference(&saved).collect());
    match (theirs.is_empty(), mine.is_empty()) {
        (true, true) => None,
        (false, true) => Some(format!("Only the saved list has {}.", said(theirs))),
        (true, false) => Some(format!("Only yours has {}.", said(mine))),
        (false, false) => Some(format!("Only the saved list has {}. Only yours has {}.", said(theirs), said(mine))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> IpFilter {
        IpFilter::parse(text, 0).expect("a list")
    }

    #[test]
    fn row_41_an_open_list_reminds_of_it_and_of_the_entries_that_change_nothing_meanwhile() {
        assert_eq!(warnings(&IpFilter::default(), &[]), [(Tone::Wait, "Open to every address.".to_owned())]);
        let both = warnings(&list("0.0.0.0/0\n203.0.113.0/24"), &[]);
        assert!(both[0].1.ends_with("or the narrower entries change nothing."), "{both:?}");
        assert_eq!(warnings(&list("203.0.113.0/24"), &[]), []);
    }

    #[test]
    fn row_40_who_would_be_locked_out_is_named_and_many_are_counted() {
        let peered: Vec<(String, Cidr)> =
            (0..8).map(|at| (format!("peer-{at}"), Cidr::literal([10, at, 0, 0], 16))).collect();
        let said = warnings(&list("203.0.113.0/24"), &peered);
        assert_eq!(said.len(), 6);
        assert!(said[0].1.starts_with("The allowlist does not include 10.0.0.0/16 of peering peer-0."), "{said:?}");
        assert_eq!(said[5].1, "3 more peered networks are missing.");
    }

    #[test]
    fn what_two_people_saved_is_told_apart_as_sets() {
        let (theirs, mine) = (list("10.0.0.0/8 a\n203.0.113.0/24"), list("203.0.113.0/24 office\n198.51.100.0/24"));
        assert_eq!(
            difference(&theirs, Some(&mine)).as_deref(),
            Some("Only the saved list has 10.0.0.0/8. Only yours has 198.51.100.0/24.")
        );
        assert_eq!(difference(&mine, Some(&list("198.51.100.0/24\n203.0.113.0/24"))), None, "order is nothing");
    }
}
