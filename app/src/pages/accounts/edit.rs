use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use super::{
    fields::{NAMES, OneCloud, Refused, Typed},
    list::{List, accounts},
};
use crate::{
    api::{
        ApiError,
        accounts::{ConfirmAccount, UpdateAccount},
    },
    components::{
        Badge, Button, ButtonLink, Fact, Facts, Field, Kind, Notice, Panel, PanelBody, PanelFoot, Prose, Tone,
    },
    domain::{
        AccountId,
        account::{CloudAccount, Dispute, NewAccount},
    },
    pages::{
        failure::settle,
        form::{Memory, at, beside, flash},
        fresh::once,
        here::{project_for_links, use_project, use_segment},
    },
    routes,
};

pub struct AccountEdit;

#[lazy_route]
impl LazyRoute for AccountEdit {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let (accounts, id) = (accounts(), use_segment("account"));
        let flash = flash();
        let close = routes::accounts(&project_for_links(&use_project().get_untracked()));
        view! {
            <Title text="Change cloud account"/>
            <List accounts/>
            <Panel title="Change cloud account" close=close.clone()>
                <Transition>
                    {move || {
                        let close = close.clone();
                        Suspend::new(async move {
                            let flash = flash.await;
                            let memories =
                                (Memory::of::<UpdateAccount>(flash.clone()), Memory::of::<ConfirmAccount>(flash));
                            let found = once(accounts).await.and_then(|all| of(all, &id.get_untracked()));
                            settle(found, |account| view! { <Form account memories close/> }.into_any())
                        })
                    }}
                </Transition>
            </Panel>
        }
        .into_any()
    }
}

/// The account of the path. Those of look-alikes have no form.
pub fn of(all: Vec<CloudAccount>, id: &str) -> Result<CloudAccount, ApiError> {
    let id = id.parse::<AccountId>().map_err(|_| ApiError::NotFound)?;
    all.into_iter().find(|account| account.id == id && !account.simulated).ok_or(ApiError::NotFound)
}

/// The form that answers whose the credentials are. It stands outside of the one that changes them, its button inside.
const CONFIRMATION: &str = "confirmation";

/// `memories`: of the change, and of the confirmation.
#[component]
fn Form(account: CloudAccount, memories: (Memory, Memory), close: String) -> impl IntoView {
    let update = ServerAction::<UpdateAccount>::new();
    let confirm = ServerAction::<ConfirmAccount>::new();
    let (memory, confirmed) = memories;
    let typed = Typed::of(&memory, &account.name, Some(&account.config));
    let provider = account.provider();
    typed.provider.set(provider.as_str().to_owned());
    let remote = memory.error(update);
    typed.forget_secrets_after(remote);
    let (former, keeps) = (StoredValue::new(account.config.clone()), account.config.has_secret());
    let refusal = beside(NAMES, remote);
    let not_confirmed = beside(&[], confirmed.error(confirm));
    let error = Signal::derive(move || not_confirmed.get().or_else(|| refusal.get()));
    let (tone, word) = (Tone::from(account.standing()), account.word());
    let (project, id) = (use_project().get_untracked(), account.id.to_string());
    let found = account.disputed().map(|dispute| dispute.found.to_owned());
    let confirmation = found.map(|identity| {
        let (project, id) = (project.clone(), id.clone());
        view! {
            <ActionForm action=confirm attr:id=CONFIRMATION>
                <input type="hidden" name="project" value=project/>
                <input type="hidden" name="id" value=id/>
                <input type="hidden" name="identity" value=identity/>
            </ActionForm>
        }
    });
    let said = match account.disputed() {
        Some(dispute) => {
            let (title, text) = asked(dispute);
            view! {
                <Notice tone=Tone::Bad title text>
                    <Button busy=confirm.pending() attr:form=CONFIRMATION>"These credentials are the same account's"</Button>
                </Notice>
            }
            .into_any()
        }
        None => view! { <p class="muted"><Prose text=account.sentence()/></p> }.into_any(),
    };
    let local = Signal::derive(move || {
        let form = typed.form();
        former.with_value(|former| NewAccount::parse(&form, Some(former)).err().map(ApiError::Refused))
    });
    let refused: Refused = Callback::new(move |field: &'static str| at(field, local, remote));
    view! {
        <ActionForm action=update>
            <PanelBody>
                <input type="hidden" name="project" value=project/>
                <input type="hidden" name="id" value=id/>
                <input type="hidden" name="form[provider]" value=provider.as_str()/>
                <Facts>
                    <Fact label="Cloud">{provider.label()}</Fact>
                    <Fact label="Credentials"><Badge tone word/></Fact>
                </Facts>
                {said}
                <Field name="form[name]" id="name" label="Name" value=typed.name error=refused.run("name") required=true/>
                <OneCloud provider typed refused keeps/>
            </PanelBody>
            <PanelFoot error>
                <ButtonLink kind=Kind::Quiet href=close>"Cancel"</ButtonLink>
                <Button kind=Kind::Primary busy=update.pending()>"Save account"</Button>
            </PanelFoot>
        </ActionForm>
        {confirmation}
    }
}

/// What is to be confirmed, and what a wrong answer does.
fn asked(Dispute { found, known_as }: Dispute<'_>) -> (String, String) {
    let title = format!("Are {found} and {known_as} users of one UpCloud account?");
    let text = format!(
        "The VPCs here were made as {known_as}; UpCloud says that the credentials are {found}'s. The VPCs stand still until you save credentials of {known_as}, or say that both are users of one UpCloud account, who see the same networks. If they are not, do not say so: {found} would not find the networks, and they would be made again in another account, while the first ones stay where they are and are paid for."
    );
    (title, text)
}
