use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use super::{
    fields::{NAMES, OneCloud, Refused, Typed},
    list::{List, accounts},
};
use crate::{
    api::{ApiError, accounts::UpdateAccount},
    components::{Badge, Button, ButtonLink, Fact, Facts, Field, Kind, Panel, PanelBody, PanelFoot, Prose, Tone},
    domain::{
        AccountId,
        account::{CloudAccount, NewAccount},
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
                            let memory = Memory::of::<UpdateAccount>(flash.await);
                            let found = once(accounts).await.and_then(|all| of(all, &id.get_untracked()));
                            settle(found, |account| view! { <Form account memory close/> }.into_any())
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

#[component]
fn Form(account: CloudAccount, memory: Memory, close: String) -> impl IntoView {
    let update = ServerAction::<UpdateAccount>::new();
    let typed = Typed::of(&memory, &account.name, Some(&account.config));
    let provider = account.provider();
    typed.provider.set(provider.as_str().to_owned());
    let remote = memory.error(update);
    typed.forget_secrets_after(remote);
    let (former, keeps) = (StoredValue::new(account.config.clone()), account.config.has_secret());
    let (tone, word, sentence) = (Tone::from(account.standing()), account.word(), account.sentence());
    let local = Signal::derive(move || {
        let form = typed.form();
        former.with_value(|former| NewAccount::parse(&form, Some(former)).err().map(ApiError::Refused))
    });
    let refused: Refused = Callback::new(move |field: &'static str| at(field, local, remote));
    view! {
        <ActionForm action=update>
            <PanelBody>
                <input type="hidden" name="project" value=use_project().get_untracked()/>
                <input type="hidden" name="id" value=account.id.to_string()/>
                <input type="hidden" name="form[provider]" value=provider.as_str()/>
                <Facts>
                    <Fact label="Cloud">{provider.label()}</Fact>
                    <Fact label="Credentials"><Badge tone word/></Fact>
                </Facts>
                <p class="muted"><Prose text=sentence/></p>
                <Field name="form[name]" id="name" label="Name" value=typed.name error=refused.run("name") required=true/>
                <OneCloud provider typed refused keeps/>
            </PanelBody>
            <PanelFoot error=beside(NAMES, remote)>
                <ButtonLink kind=Kind::Quiet href=close>"Cancel"</ButtonLink>
                <Button kind=Kind::Primary busy=update.pending()>"Save account"</Button>
            </PanelFoot>
        </ActionForm>
    }
}
