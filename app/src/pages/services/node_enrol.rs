//! Joining a host to a node: a token, the commands, contact, firewall.

use leptos::prelude::*;

use crate::{
    api::{ApiError, enrolment::Enrolment, services::IssueNodeEnrolment},
    components::{Button, Glyph, Kind, Mark, Notice, Refusal, Step, Stepper, Time, Tone},
    domain::service::{Node, NodeState},
    pages::{
        enrolment::{Commands, Standing},
        form::{FlashResource, Memory, beside},
        fresh::{awaited, once},
        here::{use_project, use_segment},
    },
};

#[component]
pub fn Enrol(node: Memo<Node>, flash: FlashResource) -> impl IntoView {
    let issue = ServerAction::<IssueNodeEnrolment>::new();
    let lead = move || {
        let again = "To move the node to another host, or to give this one a new credential.";
        node.with(|node| node.sync.is_some()).then_some(again)
    };
    view! {
        <section class="block" aria-labelledby="h-enrol">
            <header>
                <h2 id="h-enrol">"Enrol a host"</h2>
                {move || lead().map(|lead| view! { <p>{lead}</p> })}
            </header>
            {awaited(move || async move {
                let memory = Memory::of::<IssueNodeEnrolment>(once(flash).await);
                let (answer, error) = (memory.answer(issue), memory.error(issue));
                view! { <Steps node answer error issue/> }.into_any()
            })}
        </section>
    }
}

fn standing(node: &Node, answer: Option<&Enrolment>) -> Standing {
    let at_work = !matches!(node.state, NodeState::SettingUpVm | NodeState::TimingOut);
    Standing::new(answer, node.last_seen, node.sync.is_some(), at_work)
}

#[component]
fn Steps(
    node: Memo<Node>,
    answer: Signal<Option<Enrolment>>,
    error: Signal<Option<ApiError>>,
    issue: ServerAction<IssueNodeEnrolment>,
) -> impl IntoView {
    let standing = Memo::new(move |_| node.with(|node| answer.with(|answer| standing(node, answer.as_ref()))));
    // Not read of the node where it is shown: it is gone from the page in the moment in which the node needs no host.
    let replaces = Memo::new(move |_| node.with(|node| node.replaces.is_some()));
    let step = move |at: usize| Signal::derive(move || standing.get().steps()[at]);
    let (project, service) = (use_project().get_untracked(), use_segment("service").get_untracked());
    let id = node.with_untracked(|node| node.id.to_string());
    let again = Memo::new(move |_| answer.with(Option::is_some) || node.with(|node| node.sync.is_some()));
    let button = move || {
        let (word, kind) =
            if again.get() { ("Issue another token", Kind::Default) } else { ("Issue enrolment token", Kind::Primary) };
        view! { <Button kind icon=Glyph::Key busy=issue.pending()>{word}</Button> }
    };
    let expires = move || {
        answer.get().map(|answer| {
            let at = answer.expires_at;
            view! { <p class="muted">"Issued. Good for one use; it expires " <Time at/> "."</p> }
        })
    };
    let hint = move || {
        answer.get().and_then(|answer| answer.hint).map(|text| {
            view! { <Notice tone=Tone::Wait title="Not every host reaches this console" text/> }
        })
    };
    let commands = move || match answer.get() {
        Some(answer) => view! { <Commands answer/> }.into_any(),
        None => view! { <p class="muted">"The commands stand here once a token is issued. They are shown once."</p> }
            .into_any(),
    };
    let contact = move || {
        let standing = standing.get();
        let text = if standing.enrolled {
            let host = node.with(|node| node.host_name.clone()).unwrap_or_else(|| "The host".to_owned());
            format!("{host} has a credential of its own.")
        } else {
            "This page shows it as soon as the agent calls.".to_owned()
        };
        let turning = (!standing.enrolled && standing.issued).then(|| view! { <Mark tone=Tone::Move/> });
        view! { <p class="muted flow">{turning} {text}</p> }
    };
    let guarded = move || {
        let standing = standing.get();
        if standing.applied && replaces.get() {
            "Its firewall is on the host. Names lead to it once they are switched."
        } else if standing.applied {
            "Its firewall is on the host, and names lead to it."
        } else if standing.enrolled {
            "The host applies its firewall, reads it back and reports."
        } else {
            "The host lets in what the effective firewall says, and nothing else, on the ports of the service."
        }
    };
    let said = move || {
        let standing = standing.get();
        match (standing.enrolled, standing.applied) {
            (false, _) => "Waiting for the host",
            (true, false) => "Enrolled, applying",
            (true, true) => "Enrolled and guarded",
        }
    };
    view! {
        <div role="status" class="sr">{said}</div>
        <Stepper heads=("This console".to_owned(), "On the host".to_owned())>
            <Step
                number=1
                progress=step(0)
                title="Issue a token"
                ours=move || view! {
                    <p class="muted">"One token joins one host to this node, once, within an hour. Earlier unused ones end."</p>
                    <ActionForm action=issue>
                        <input type="hidden" name="project" value=project/>
                        <input type="hidden" name="id" value=service/>
                        <input type="hidden" name="node" value=id/>
                        {button}
                    </ActionForm>
                    <Refusal id="issue-refusal" error=beside(&[], error)/>
                    {expires}
                }
            >
                <p class="muted">"A Linux host with nftables, where the service runs. Other ports than the service's stay as they are."</p>
                <p class="muted">"Copy the causeway binary there as /usr/bin/causeway; it is the same file that runs this console."</p>
            </Step>
            <Step number=2 progress=step(1) title="Run the agent" ours=hint>
                {commands}
            </Step>
            <Step number=3 progress=step(2) title="Contact">
                {contact}
            </Step>
            <Step number=4 progress=step(3) title="Guarded">
                <p class="muted">{guarded}</p>
            </Step>
        </Stepper>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        components::Progress,
        domain::{fixtures::NOW, gateway::ConfigSync, service::fixtures::node},
        pages::enrolment::answer,
    };

    #[test]
    fn a_host_goes_from_the_token_to_a_guarded_node_and_one_of_before_counts_only_when_it_calls_again() {
        use Progress::{Ahead, Done, Here};
        let mut node = Node { state: NodeState::SettingUpVm, ..node(1, None, None) };
        let issued = answer(NOW);
        assert_eq!(standing(&node, None).steps(), [Here, Ahead, Ahead, Ahead]);
        assert_eq!(standing(&node, Some(&issued)).steps(), [Done, Here, Ahead, Ahead]);
        (node.sync, node.last_seen) = (Some(ConfigSync::Pending), Some(NOW.plus_seconds(-900)));
        assert!(!standing(&node, Some(&issued)).enrolled, "it has not called since");
        node.last_seen = Some(NOW.plus_seconds(9));
        assert_eq!(standing(&node, Some(&issued)).steps(), [Done, Done, Done, Here]);
        node.state = NodeState::Running;
        assert_eq!(standing(&node, Some(&issued)).steps(), [Done; 4]);
    }
}
