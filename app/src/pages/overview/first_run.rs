//! The empty project: where to begin, and the lab for whoever wants to look first.

use leptos::prelude::*;

use crate::{
    api::lab::{BuildLab, LabHost, LabState, RemoveLab},
    components::{
        Block, Button, ButtonLink, Column, Copy, Glyph, Kind, Notice, PageHead, Progress, Refusal, Space, Step,
        Stepper, Table, Tone,
    },
    domain::ProjectName,
    pages::{
        form::{Memory, beside, flash},
        here::use_project,
    },
    routes,
};

pub fn first_run(lab: LabState, project: &ProjectName) -> impl IntoView + use<> {
    let new = routes::vpc_new(project);
    view! {
        <PageHead title=project.to_string() lead="Nothing is built yet. Declare your networks, or look at the lab first."/>
        <Block id="h-first" title="First run">
            <Stepper>
                <Step number=1 progress=Progress::Done title="Administrator">
                    <p>"You are signed in."</p>
                </Step>
                <Step number=2 progress=Progress::Here title="The first VPC">
                    <p>"A private range of addresses in one place. Choose it where nothing of yours lies yet; it never changes afterwards."</p>
                    <div class="flow">
                        <ButtonLink kind=Kind::Primary href=new icon=Glyph::Plus>"Create VPC"</ButtonLink>
                    </div>
                </Step>
                <Step number=3 progress=Progress::Ahead title="A VPN gateway in each VPC">
                    <p>"A Linux host of yours that runs the agent. It makes its own key and keeps its tunnels without the console."</p>
                </Step>
                <Step number=4 progress=Progress::Ahead title="Join them">
                    <p>"One click exchanges keys, addresses and routes on both sides."</p>
                </Step>
            </Stepper>
        </Block>
        <LabBlock lab/>
        <Block id="h-space" title="Address space" lead="17,891,328 private addresses, none in use">
            <Space held=vec![]/>
        </Block>
    }
}

/// The lab where it can be built; elsewhere why not, in one sentence.
#[component]
fn LabBlock(lab: LabState) -> impl IntoView {
    view! {
        <Block id="h-lab" title="Lab network" lead="Two VPCs, two gateways, a laptop and an internet on this machine, with real packets">
            {match lab {
                LabState::Unavailable { because } => view! { <p class="quiet">{because}</p> }.into_any(),
                LabState::Absent => view! {
                    <p>"Causeway makes seven hosts in network namespaces, enrols them as anybody would, and peers them. It takes about ten seconds and leaves nothing behind when you remove it."</p>
                    <LabForm action=LabAction::Build/>
                }
                .into_any(),
                LabState::Building { done, now } => view! { <Progressing done now/> }.into_any(),
                LabState::Failed { because } => view! {
                    <p class="refusal">{because}</p>
                    <div class="flow"><LabForm action=LabAction::Build/><LabForm action=LabAction::Remove/></div>
                }
                .into_any(),
                LabState::Up { hosts } => view! { <Hosts hosts/> }.into_any(),
            }}
        </Block>
    }
}

/// On a project that is built: only what there is to say of a lab.
pub fn lab_notice(lab: LabState) -> impl IntoView {
    match lab {
        LabState::Unavailable { .. } | LabState::Absent => ().into_any(),
        LabState::Failed { because } => view! {
            <Notice tone=Tone::Bad title="The lab network is not complete" text=because>
                <LabForm action=LabAction::Build/>
                <LabForm action=LabAction::Remove/>
            </Notice>
        }
        .into_any(),
        LabState::Building { done, now } => view! {
            <Block id="h-lab" title="Lab network"><Progressing done now/></Block>
        }
        .into_any(),
        LabState::Up { hosts } => view! {
            <details class="more">
                <summary>"Lab network: seven hosts on this machine"</summary>
                <Hosts hosts/>
            </details>
        }
        .into_any(),
    }
}

#[component]
fn Progressing(done: Vec<String>, now: String) -> impl IntoView {
    let line = |tone: Tone, text: String| view! { <li><crate::components::Mark tone/><span>{text}</span></li> };
    view! {
        <ul class="consequences" role="status">
            {done.into_iter().map(|text| line(Tone::Good, text)).collect_view()}
            {line(Tone::Move, now)}
        </ul>
    }
}

#[component]
fn Hosts(hosts: Vec<LabHost>) -> impl IntoView {
    let rows = hosts
        .into_iter()
        .map(|host| {
            view! {
                <tr>
                    <th scope="row">{host.name}</th>
                    <td>{host.role}</td>
                    <td><Copy value=host.address/></td>
                    <td><Copy value=host.enter/></td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Table label="Hosts of the lab" columns=vec![Column::text("Host"), Column::text("Role"), Column::text("Address"), Column::text("Enter it")]>
            {rows}
        </Table>
        <div class="flow tail"><LabForm action=LabAction::Remove/></div>
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LabAction {
    Build,
    Remove,
}

#[component]
fn LabForm(action: LabAction) -> impl IntoView {
    let project = use_project().get_untracked();
    let remembered = flash();
    match action {
        LabAction::Build => {
            let build = ServerAction::<BuildLab>::new();
            view! {
                <ActionForm action=build>
                    <input type="hidden" name="project" value=project/>
                    <Button icon=Glyph::Flask busy=build.pending()>"Build the lab network"</Button>
                    <Suspense>
                        {move || Suspend::new(async move {
                            let error = Memory::of::<BuildLab>(remembered.await).error(build);
                            view! { <Refusal id="lab-build-refusal" error=beside(&[], error)/> }
                        })}
                    </Suspense>
                </ActionForm>
            }
            .into_any()
        }
        LabAction::Remove => {
            let remove = ServerAction::<RemoveLab>::new();
            view! {
                <ActionForm action=remove>
                    <input type="hidden" name="project" value=project/>
                    <Button kind=Kind::Danger icon=Glyph::Trash busy=remove.pending()>"Remove the lab network"</Button>
                    <Suspense>
                        {move || Suspend::new(async move {
                            let error = Memory::of::<RemoveLab>(remembered.await).error(remove);
                            view! { <Refusal id="lab-remove-refusal" error=beside(&[], error)/> }
                        })}
                    </Suspense>
                </ActionForm>
            }
            .into_any()
        }
    }
}
