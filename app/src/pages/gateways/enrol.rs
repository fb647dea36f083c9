use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use crate::{
    api::{
        ApiError,
        enrolment::{Enrolment, IssueEnrolment},
        gateways::get_gateway,
    },
    components::{
        Badge, Block, Button, ButtonLink, Glyph, Kind, Mark, Notice, PageHead, Prose, Refusal, Step, Stepper, Time,
        Tone,
    },
    domain::{
        ProjectName,
        change::Topic,
        gateway::{Gateway, GatewayStatus},
        host::WireGuardKind,
    },
    live::use_live,
    pages::{
        enrolment::{Commands, Standing},
        form::{Memory, beside, flash},
        fresh::{living, once},
        here::{project_for_links, use_project, use_segment},
        tones::{gateway_tone, sync_tone},
    },
    routes,
};

pub struct GatewayEnrol;

#[lazy_route]
impl LazyRoute for GatewayEnrol {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let (live, project, id) = (use_live(), use_project(), use_segment("gateway"));
        let gateway = Resource::new(
            move || (project.get(), id.get(), live.version(Topic::Gateways)),
            |(project, id, _)| get_gateway(project, id),
        );
        let flash = flash();
        let issue = ServerAction::<IssueEnrolment>::new();
        view! {
            <Title text="Enrol a host"/>
            <Transition>
                {move || Suspend::new(async move {
                    let memory = Memory::of::<IssueEnrolment>(once(flash).await);
                    let (answer, error) = (memory.answer(issue), memory.error(issue));
                    living(gateway, move |gateway| view! { <Enrol gateway answer error issue/> }.into_any())
                })}
            </Transition>
        }
        .into_any()
    }
}

#[component]
fn Enrol(
    gateway: Signal<Gateway>,
    answer: Signal<Option<Enrolment>>,
    error: Signal<Option<ApiError>>,
    issue: ServerAction<IssueEnrolment>,
) -> impl IntoView {
    let project = project_for_links(&use_project().get_untracked());
    view! {
        {move || gateway.with(|gateway| head(gateway, &project))}
        {move || gateway.with(already)}
        <Block id="h-steps" title="Steps">
            {move || view! { <Steps gateway=gateway.get() answer=answer.get() error issue/> }}
        </Block>
    }
}

fn head(gateway: &Gateway, project: &ProjectName) -> impl IntoView + use<> {
    let (status, sync) = (gateway.status, gateway.sync);
    let crumbs = vec![
        ("VPN Gateways".to_owned(), routes::gateways(project)),
        (gateway.name.to_string(), routes::gateway(project, gateway.id)),
    ];
    let badge = move || {
        let config = status != GatewayStatus::Provisioning;
        view! {
            <Badge tone=gateway_tone(status) word=status.word()/>
            {config.then(|| view! { <Badge tone=sync_tone(status, sync) word=sync.word()/> })}
        }
    };
    let title = format!("Enrol a host for {}", gateway.name);
    let lead = format!("The host that joins {} ({}) to other networks.", gateway.vpc_name, gateway.vpc_cidr);
    let open = routes::gateway(project, gateway.id);
    view! {
        <PageHead title crumbs lead badge>
            <ButtonLink href=open>"Open the gateway"</ButtonLink>
        </PageHead>
    }
}

/// A host that is there already, and what becomes of it.
fn already(gateway: &Gateway) -> impl IntoView + use<> {
    let host = gateway.host.as_ref().filter(|_| gateway.enrolled() && !gateway.mute)?;
    let title = format!("{} is enrolled", host.host_name);
    let text = "To move the gateway to another host, or to give this one a new credential, issue a token and run the command there. The earlier credential ends when the new host enrols; if the key changes, people and sites need new files.";
    Some(view! { <Notice tone=Tone::Off title text/> })
}

fn standing(gateway: &Gateway, answer: Option<&Enrolment>) -> Standing {
    let at_work = gateway.applied > 0 && matches!(gateway.status, GatewayStatus::Active | GatewayStatus::Recorded);
    Standing::new(answer, gateway.last_seen, gateway.enrolled() && !gateway.mute, at_work)
}

#[component]
fn Steps(
    gateway: Gateway,
    answer: Option<Enrolment>,
    error: Signal<Option<ApiError>>,
    issue: ServerAction<IssueEnrolment>,
) -> impl IntoView {
    let standing = standing(&gateway, answer.as_ref());
    let [token, install, contact, active] = standing.steps();
    let (project, id) = (use_project().get_untracked(), gateway.id.to_string());
    let again = answer.is_some() || gateway.enrolled();
    let (word, kind) =
        if again { ("Issue another token", Kind::Default) } else { ("Issue enrolment token", Kind::Primary) };
    let expires = answer.as_ref().map(|answer| {
        let at = answer.expires_at;
        view! { <p class="muted">"Issued. Good for one use; it expires " <Time at/> "."</p> }
    });
    let hint = answer.as_ref().and_then(|answer| answer.hint.clone()).map(|text| {
        view! { <Notice tone=Tone::Wait title="Not every host reaches this console" text/> }
    });
    let commands = match answer {
        Some(answer) => view! { <Commands answer/> }.into_any(),
        None => view! { <p class="muted">"The commands stand here once a token is issued. They are shown once."</p> }
            .into_any(),
    };
    let waiting = !standing.enrolled;
    let contact_text = if waiting {
        "This page shows it as soon as the agent calls.".to_owned()
    } else {
        let host = gateway.host.as_ref().map_or_else(|| "The host".to_owned(), |host| host.host_name.clone());
        format!("{host} made its key pair and has a credential of its own.")
    };
    let recorded = gateway.host.as_ref().is_some_and(|host| host.wireguard == WireGuardKind::Recording);
    let active_text = match (standing.applied, &gateway.apply_error) {
        (true, _) if recorded => {
            "Recorded, no packets: this host writes down what it is told and drives no WireGuard.".to_owned()
        }
        (true, _) => format!("Generation {} is on the host. The gateway can be peered.", gateway.applied),
        (false, Some(message)) => format!("The host refused generation {}: {message}", gateway.wanted),
        (false, None) if standing.enrolled => format!("Applying generation {}.", gateway.wanted),
        (false, None) => "The host applies its configuration, reads it back and reports.".to_owned(),
    };
    let failed = standing.enrolled && gateway.apply_error.is_some();
    let peering = routes::peering_new(&project_for_links(&project), gateway.id);
    let next = standing.applied.then(
        || view! { <p><ButtonLink href=peering small=true icon=Glyph::Cable>"Create VPC Peering"</ButtonLink></p> },
    );
    let contact_title = if waiting { "Waiting for the host…" } else { "Enrolled" };
    let active_title = if standing.applied {
        "Active"
    } else if failed {
        "Refused by the host"
    } else if standing.enrolled {
        "Applying"
    } else {
        "Active"
    };
    view! {
        <div role="status" class="sr">{format!("{contact_title} {active_title}")}</div>
        <Stepper heads=("This console".to_owned(), "On the host".to_owned())>
            <Step
                number=1
                progress=token
                title="Issue a token"
                ours=move || view! {
                    <p class="muted">"One token joins one host to this gateway, once, within an hour. Earlier unused ones end."</p>
                    <ActionForm action=issue>
                        <input type="hidden" name="project" value=project/>
                        <input type="hidden" name="id" value=id/>
                        <Button kind icon=Glyph::Key busy=issue.pending()>{word}</Button>
                    </ActionForm>
                    <Refusal id="issue-refusal" error=beside(&[], error)/>
                    {expires}
                }
            >
                <p class="muted">"A Linux host in the VPC with IP forwarding, nftables, and WireGuard in its kernel or wireguard-go."</p>
                <p class="muted">"Copy the causeway binary there as /usr/bin/causeway; it is the same file that runs this console."</p>
            </Step>
            <Step number=2 progress=install title="Run the agent" ours=move || hint>
                {commands}
            </Step>
            <Step number=3 progress=contact title=contact_title>
                <p class="muted flow">{(waiting && standing.issued).then(|| view! { <Mark tone=Tone::Move/> })} {contact_text}</p>
            </Step>
            <Step number=4 progress=active title=active_title>
                <p class="muted"><Prose text=active_text/></p>
                {next}
            </Step>
        </Stepper>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        components::Progress,
        domain::fixtures::{NOW, Town},
        pages::enrolment::answer,
    };

    #[test]
    fn a_host_goes_from_the_token_to_active() {
        let mut town = Town::default();
        town.vpc("oslo", "oslo", "10.10.0.0/16");
        let gateway = town.gateway("oslo");
        let key = gateway.public_key.take();
        (gateway.applied, gateway.last_seen, gateway.status) = (0, None, GatewayStatus::Provisioning);
        use Progress::{Ahead, Done, Here};
        assert_eq!(standing(gateway, None).steps(), [Here, Ahead, Ahead, Ahead]);
        let issued = answer(NOW);
        assert_eq!(standing(gateway, Some(&issued)).steps(), [Done, Here, Ahead, Ahead]);
        (gateway.public_key, gateway.last_seen) = (key, Some(NOW.plus_seconds(9)));
        assert_eq!(standing(gateway, Some(&issued)).steps(), [Done, Done, Done, Here]);
        (gateway.applied, gateway.status) = (1, GatewayStatus::Active);
        assert_eq!(standing(gateway, Some(&issued)).steps(), [Done; 4]);
    }

    #[test]
    fn a_silent_host_of_before_does_not_count_for_a_new_token() {
        let mut town = Town::default();
        town.vpc("oslo", "oslo", "10.10.0.0/16");
        let gateway = town.gateway("oslo");
        gateway.last_seen = Some(NOW.plus_seconds(-900));
        assert!(standing(gateway, None).enrolled);
        assert!(!standing(gateway, Some(&answer(NOW))).enrolled);
        gateway.mute = true;
        assert!(!standing(gateway, None).enrolled, "its credential was revoked");
    }
}
