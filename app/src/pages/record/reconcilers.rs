use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use crate::{
    api::reconcilers::list_controllers,
    components::{Badge, Column, Due, PageHead, Table, Time, Tone, grouped},
    domain::{change::Topic, reconciler::ControllerStatus},
    live::use_live,
    pages::{failure::settle, here::use_project},
};

pub struct Reconcilers;

#[lazy_route]
impl LazyRoute for Reconcilers {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let (live, project) = (use_live(), use_project());
        let topics = [Topic::Reconcilers, Topic::Gateways, Topic::Peers, Topic::Vpcs];
        let controllers = Resource::new(
            move || (project.get(), topics.map(|topic| live.version(topic))),
            |(project, _)| list_controllers(project),
        );
        view! {
            <Title text="Reconcilers"/>
            <PageHead title="Reconcilers" lead="They read what should be, look at what is, and take the next step. A missed wake-up costs one period, never correctness."/>
            <Transition>
                {move || Suspend::new(async move { settle(controllers.await, |controllers| table(&controllers).into_any()) })}
            </Transition>
        }
        .into_any()
    }
}

fn table(controllers: &[ControllerStatus]) -> impl IntoView + use<> {
    let row = |controller: &ControllerStatus| {
        let badge = match (controller.failures.len(), controller.last_run) {
            (0, None) => view! { <Badge tone=Tone::Off word="Not run yet"/> }.into_any(),
            (0, Some(_)) => view! { <Badge tone=Tone::Good word="Settled"/> }.into_any(),
            (failed, _) => view! { <Badge tone=Tone::Bad word=format!("{failed} failed")/> }.into_any(),
        };
        let failures = controller.failures.iter().take(5).map(|(key, reason)| {
            view! { <div class="refusal"><span class="fact">{key.clone()}</span> " " {reason.clone()}</div> }
        });
        view! {
            <tr>
                <th scope="row" data-at="a1">{controller.name.clone()}</th>
                <td data-at="c">{controller.purpose.clone()} {failures.collect_view()}</td>
                <td data-at="a2">{badge}</td>
                <td class="num fact">{grouped(controller.keys)}</td>
                <td class="num fact">{grouped(controller.runs)}</td>
                <td class="num fact nowrap" data-at="b2">{duration(controller.duration_micros)}</td>
                <td class="nowrap quiet" data-at="b1">{controller.last_run.map(|at| view! { <Time at/> })}</td>
                <td class="nowrap quiet">{controller.next_run.map(|at| view! { <Due at/> })}</td>
            </tr>
        }
    };
    let rows = controllers.iter().map(row).collect_view();
    view! {
        <section class="block" aria-label="Reconcilers">
            <Table
                label="Reconcilers"
                columns=vec![
                    Column::text("Controller"), Column::text("Answers for"), Column::text("Result"), Column::number("Things"),
                    Column::number("Runs"), Column::number("Took"), Column::text("Last run"), Column::text("Next by itself"),
                ]
                stack=true
            >
                {rows}
            </Table>
        </section>
    }
}

fn duration(micros: u64) -> String {
    match micros {
        0..1000 => format!("{micros} µs"),
        1000..1_000_000 => format!("{}.{} ms", micros / 1000, micros % 1000 / 100),
        _ => format!("{}.{} s", micros / 1_000_000, micros % 1_000_000 / 100_000),
    }
}
