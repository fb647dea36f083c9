use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use super::{
    edit::of,
    list::{List, accounts},
};
use crate::{
    api::accounts::DeleteAccount,
    components::{Button, ButtonLink, Consequences, Dialog, Kind, PanelBody, PanelFoot, Tone},
    domain::{Provider, account::CloudAccount},
    pages::{
        failure::settle,
        form::{Memory, beside, flash},
        fresh::once,
        here::{project_for_links, use_project, use_segment},
    },
    routes,
};

pub struct AccountDelete;

#[lazy_route]
impl LazyRoute for AccountDelete {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let (accounts, id) = (accounts(), use_segment("account"));
        let flash = flash();
        let close = routes::accounts(&project_for_links(&use_project().get_untracked()));
        view! {
            <Title text="Remove cloud account"/>
            <List accounts/>
            <Dialog title="Confirmation" close=close.clone()>
                <Transition>
                    {move || {
                        let close = close.clone();
                        Suspend::new(async move {
                            let memory = Memory::of::<DeleteAccount>(flash.await);
                            let all = once(accounts).await;
                            let fakes: Vec<Provider> = all.iter().flatten().filter(|one| one.simulated).map(CloudAccount::provider).collect();
                            let found = all.and_then(|all| of(all, &id.get_untracked()));
                            settle(found, |account| {
                                let simulated = fakes.contains(&account.provider());
                                view! { <Form account simulated memory close/> }.into_any()
                            })
                        })
                    }}
                </Transition>
            </Dialog>
        }
        .into_any()
    }
}

#[component]
fn Form(account: CloudAccount, simulated: bool, memory: Memory, close: String) -> impl IntoView {
    let delete = ServerAction::<DeleteAccount>::new();
    let error = memory.error(delete);
    let refusal = account.deletion_refusal().map(|refusal| refusal.sentence);
    let provider = account.provider();
    let until = if simulated {
        (Tone::Wait, format!("New VPCs in {provider} are simulated until there is another account."))
    } else {
        (Tone::Bad, format!("No VPC can be made in {provider} until there is another account."))
    };
    let lines = vec![
        until,
        (
            Tone::Off,
            format!("Its secret is deleted here. In {provider} nothing is touched: revoke the credentials there."),
        ),
    ];
    view! {
        <ActionForm action=delete>
            <PanelBody>
                <p>{format!("Remove the cloud account {}?", account.name)}</p>
                <Consequences lines/>
                <input type="hidden" name="project" value=use_project().get_untracked()/>
                <input type="hidden" name="id" value=account.id.to_string()/>
            </PanelBody>
            <PanelFoot error=beside(&[], error)>
                <ButtonLink kind=Kind::Quiet href=close>"Cancel"</ButtonLink>
                <Button kind=Kind::Danger reason=refusal busy=delete.pending()>"Remove account"</Button>
            </PanelFoot>
        </ActionForm>
    }
}
