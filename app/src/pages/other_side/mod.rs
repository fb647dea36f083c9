//! The other side of a simulated cloud: where a person plays the peer, by the vendor's own calls.

use std::time::Duration;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, hooks::use_query_map, lazy_route};

use crate::{
    api::other_side::{ActAsTheOtherSide, read_other_side},
    components::{
        Badge, Block, Button, ButtonLink, Choice, Copy, Empty, Fact, Facts, Field, Kind, Notice, PageHead, Prose,
        Refusal, Select, Time, Tone,
    },
    domain::{
        ProjectName,
        change::Topic,
        other_side::{Deed, FailureUse, OtherSide as Side, Thing},
    },
    live::use_live,
    pages::{
        form::{Memory, beside, flash},
        fresh::living,
        here::{project_for_links, use_project, use_segment},
    },
    routes,
};

/// How often the peer's account is read while somebody looks: what a cloud does by itself wakes nobody.
const EVERY: Duration = Duration::from_secs(2);

pub struct OtherSide;

#[lazy_route]
impl LazyRoute for OtherSide {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let (live, project, cloud) = (use_live(), use_project(), use_segment("cloud"));
        let query = use_query_map();
        let region = Memo::new(move |_| query.with(|query| query.get("region")).unwrap_or_default());
        let beat = RwSignal::new(0_u32);
        Effect::new(move || {
            if let Ok(ticking) = set_interval_with_handle(move || beat.update(|beat| *beat += 1), EVERY) {
                on_cleanup(move || ticking.clear());
            }
        });
        let side = Resource::new(
            move || (project.get(), cloud.get(), region.get(), live.version(Topic::Accounts), beat.get()),
            |(project, cloud, region, ..)| read_other_side(project, cloud, region),
        );
        let flash = flash();
        view! {
            <Title text="The other side"/>
            <Transition>
                {move || Suspend::new(async move {
                    let memory = Memory::of::<ActAsTheOtherSide>(flash.await);
                    living(side, move |side| view! { <Shown side memory=memory.clone()/> }.into_any())
                })}
            </Transition>
        }
        .into_any()
    }
}

#[component]
fn Shown(side: Signal<Side>, memory: Memory) -> impl IntoView {
    let act = ServerAction::<ActAsTheOtherSide>::new();
    let project = use_project().get_untracked();
    let links = project_for_links(&project);
    let first = side.get_untracked();
    let (provider, region) = (first.provider, first.region.clone());
    let error = beside(&[], memory.error(act));
    let scene = Scene { act, memory, project, cloud: provider.as_str(), region };
    let of_rows = scene.clone();
    let keys = Memo::new(move |_| side.with(|side| side.things.iter().map(Thing::key).collect::<Vec<_>>()));
    let card = move |key: String| {
        let scene = of_rows.clone();
        let thing = Memo::new(move |_| side.with(|side| side.things.iter().find(|one| one.key() == key).cloned()));
        move || thing.try_get().flatten().map(|thing| shown(&thing, &scene))
    };
    let of_rules = scene.clone();
    let rule_keys = Memo::new(move |_| side.with(|side| side.rules.iter().map(Thing::key).collect::<Vec<_>>()));
    let rule = move |key: String| {
        let scene = of_rules.clone();
        let rule = Memo::new(move |_| side.with(|side| side.rules.iter().find(|one| one.key() == key).cloned()));
        move || rule.try_get().flatten().map(|rule| shown(&rule, &scene))
    };
    let rule_deeds = first.rule_deeds.iter().map(|deed| form(deed, "", &scene)).collect_view();
    let account = first.account.clone();
    let title = format!("The other side: {provider}");
    let accounts = routes::accounts(&links);
    let regions = first.regions.clone();
    let regions = (!regions.is_empty()).then(|| regions_of(&links, &scene, regions));
    let deeds = first.deeds.iter().map(|deed| form(deed, "", &scene)).collect_view();
    let endpoint = first.endpoint.clone();
    view! {
        <PageHead title=title lead="A second account in the simulated cloud, signed in on its own. What you do here goes through the cloud's API, as the peer would do it; our side hears of it from the cloud alone.">
            <ButtonLink href=accounts>"Cloud accounts"</ButtonLink>
        </PageHead>
        <Notice tone=Tone::Off title="Simulated" text="No packet passes, and no state can be set by hand: changes fall due by the clock."/>
        <Refusal id="deed-refusal" error/>
        <Block id="h-account" title="Account">
            <Facts row=true>
                {account.into_iter().map(|(name, value)| view! { <Fact label=name><Copy value/></Fact> }).collect_view()}
                <Fact label="API endpoint"><Copy value=endpoint/></Fact>
            </Facts>
            {regions}
            <div class="deeds">{deeds}</div>
        </Block>
        <Block id="h-things" title="What it has">
            {move || keys.with(Vec::is_empty).then(|| view! { <Empty what="Nothing here yet." why="Make a network first; then ask for a peering connection with it on our side."/> })}
            <div class="cards"><For each=move || keys.get() key=String::clone children=card/></div>
        </Block>
        <Block id="h-rules" title="Failure rules" lead="What goes wrong for our side, so that you see what the console makes of it.">
            <div class="cards"><For each=move || rule_keys.get() key=String::clone children=rule/></div>
            <div class="deeds">{rule_deeds}</div>
            {move || side.with(|side| (!side.uses.is_empty()).then(|| struck(&side.uses)))}
        </Block>
    }
}

/// What every form of the page is sent with.
#[derive(Clone)]
struct Scene {
    act: ServerAction<ActAsTheOtherSide>,
    memory: Memory,
    project: String,
    cloud: &'static str,
    region: String,
}

fn regions_of(links: &ProjectName, scene: &Scene, regions: Vec<String>) -> impl IntoView + use<> {
    let action = routes::other_side_of(links, scene.cloud);
    let options: Vec<Choice> = regions.into_iter().map(|region| Choice::new(region.clone(), region)).collect();
    let value = RwSignal::new(scene.region.clone());
    view! {
        <form class="deed" method="get" action=action>
            <Select name="region" label="Region" options value/>
            <Button>"Show region"</Button>
        </form>
    }
}

fn shown(thing: &Thing, scene: &Scene) -> impl IntoView + use<> {
    let state = (!thing.state.is_empty()).then(|| view! { <Badge tone=Tone::Off word=thing.state.clone()/> });
    let facts: Vec<_> = thing.facts.iter().filter(|(_, value)| !value.is_empty()).cloned().collect();
    let deeds = thing.deeds.iter().map(|deed| form(deed, &thing.id, scene)).collect_view();
    let label = thing.key();
    view! {
        <article class="card" aria-label=label>
            <header class="flow"><strong>{thing.kind.clone()}</strong> <Copy value=thing.id.clone()/> {state}</header>
            <Facts>
                {facts.into_iter().map(|(name, value)| view! { <Fact label=name><Prose text=value/></Fact> }).collect_view()}
            </Facts>
            <div class="deeds">{deeds}</div>
        </article>
    }
}

/// When rules struck lately.
fn struck(uses: &[FailureUse]) -> impl IntoView + use<> {
    let line = |used: FailureUse| view! { <li><code>{used.action}</code> " " <Time at=used.at/></li> };
    view! {
        <h3>"Struck lately"</h3>
        <ul class="plain">{uses.iter().cloned().map(line).collect_view()}</ul>
    }
}

fn form(deed: &Deed, thing: &str, scene: &Scene) -> impl IntoView + use<> {
    let Scene { act, memory, project, cloud, region } = scene.clone();
    let tried = |name: &str| memory.text(name, "").get_untracked();
    let again = tried("thing") == thing && tried("deed") == deed.name;
    let fields = deed.fields.iter().map(|field| {
        let name = format!("typed[{}]", field.name);
        let value = match again {
            true => memory.text(&name, field.suggestion.clone()),
            false => RwSignal::new(field.suggestion.clone()),
        };
        let id = format!("{} {} {}", thing, deed.name, field.name).replace([' ', '/', ':'], "-");
        view! { <Field name=name id=id label=field.label.clone() value fact=true/> }
    });
    let fields = fields.collect_view();
    let kind = if deed.removes() { Kind::Danger } else { Kind::default() };
    let (busy, label, name, id) = (act.pending(), deed.label.clone(), deed.name.clone(), thing.to_owned());
    let of = (!thing.is_empty()).then(|| view! { <span class="sr">{format!(" {thing}")}</span> });
    view! {
        <ActionForm action=act>
            <div class="deed">
                <input type="hidden" name="project" value=project/>
                <input type="hidden" name="cloud" value=cloud/>
                <input type="hidden" name="region" value=region/>
                <input type="hidden" name="thing" value=id/>
                <input type="hidden" name="deed" value=name/>
                {fields}
                <Button kind busy>{label}{of}</Button>
            </div>
        </ActionForm>
    }
}
