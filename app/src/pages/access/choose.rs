use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::{
    components::{Block, ButtonLink, Glyph, Kind, Progress, Prose, Step, Stepper, each},
    domain::access::{
        Access,
        choice::{Answer, Leads, Question, Trail},
    },
    pages::here::{project_for_links, use_project},
    routes,
};

/// What the stop after the last question is known by, from the number it has.
const END: usize = 90;

/// At most three questions. Every answer stays where it is when it is taken, so that a keyboard does not lose its place.
#[component]
pub fn Choose() -> impl IntoView {
    let query = use_query_map();
    let trail = Memo::new(move |_| Trail::read(&query.with(|query| query.get("for")).unwrap_or_default()));
    let stops = move || {
        let questions = trail.with(Trail::questions).into_iter().map(Some);
        let end = trail.with(|trail| matches!(trail.leads(), Leads::To(_)).then_some(None));
        questions.chain(end).enumerate().collect::<Vec<_>>()
    };
    let key =
        |(number, stop): &(usize, Option<Question>)| stop.map_or((END + number) as u128, |question| question as u128);
    let show = move |(number, stop): (usize, Option<Question>)| {
        let number = u32::try_from(number + 1).unwrap_or_default();
        match stop {
            Some(question) => asked(number, question, trail).into_any(),
            None => found(number, trail).into_any(),
        }
    };
    view! {
        <Block id="h-choose" title="Which one do I need?" lead="At most three questions.">
            <div aria-live="polite">
                <Stepper>{each(stops, key, show)}</Stepper>
            </div>
        </Block>
    }
}

fn asked(number: u32, question: Question, trail: Memo<Trail>) -> impl IntoView {
    let project = use_project();
    let open = move || trail.with(|trail| trail.answer_to(question).is_none());
    let progress = Signal::derive(move || if open() { Progress::Here } else { Progress::Done });
    let answer = move |answer: &'static Answer| {
        let href = move || {
            let links = project_for_links(&project.get());
            routes::networking_for(&links, &trail.with(|trail| trail.with(question, *answer)))
        };
        let taken = move || trail.with(|trail| trail.answer_to(question) == Some(*answer)).then_some("true");
        view! {
            <li>
                <a href=href aria-current=taken data-noscroll="">{answer.text}</a>
            </li>
        }
    };
    let answers = question.answers().iter().map(answer).collect_view();
    view! {
        <Step number progress title=question.text() ours=move || view! { <p class="muted">{question.why()}</p> }>
            <ul class="answers">{answers}</ul>
        </Step>
    }
}

fn found(number: u32, trail: Memo<Trail>) -> impl IntoView {
    let access = Memo::new(move |before: Option<&Access>| match trail.with(Trail::leads) {
        Leads::To(access) => access,
        // Only while the page is being left.
        Leads::On(_) => before.copied().unwrap_or(Access::Public),
    });
    let explained = move || access.get().explanation();
    view! {
        <Step number progress=Progress::Done title="Take" ours=move || view! { <p class="muted">"Its facts stand below, beside the others."</p> }>
            <p class="answer">
                <span class="strong">{move || access.get().label()} ":"</span>
                " "
                {move || view! { <Prose text=explained().what/> }}
            </p>
            <div class="flow">
                {move || {
                    let access = access.get();
                    view! {
                        <ButtonLink kind=Kind::Primary href=format!("#{}", access.slug()) icon=Glyph::ArrowRight>
                            {format!("Read about {}", access.label())}
                        </ButtonLink>
                    }
                }}
            </div>
        </Step>
    }
}
