use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use super::{
    fields::{AnyCloud, NAMES, Refused, Typed},
    list::{List, accounts},
};
use crate::{
    api::{ApiError, accounts::CreateAccount},
    components::{Button, ButtonLink, Field, Kind, Panel, PanelBody, PanelFoot},
    domain::{
        Provider, Refusal, Refusals,
        account::{AccountForm, CloudAccount, NewAccount},
    },
    pages::{
        failure::settle,
        form::{Memory, at, beside, flash},
        fresh::once,
        here::{project_for_links, use_project},
    },
    routes,
};

pub struct AccountNew;

#[lazy_route]
impl LazyRoute for AccountNew {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let accounts = accounts();
        let flash = flash();
        let close = routes::accounts(&project_for_links(&use_project().get_untracked()));
        view! {
            <Title text="Add cloud account"/>
            <List accounts/>
            <Panel title="Add cloud account" close=close.clone()>
                <Transition>
                    {move || {
                        let close = close.clone();
                        Suspend::new(async move {
                            let memory = Memory::of::<CreateAccount>(flash.await);
                            settle(once(accounts).await, |all| view! { <Form all memory close/> }.into_any())
                        })
                    }}
                </Transition>
            </Panel>
        }
        .into_any()
    }
}

#[component]
fn Form(all: Vec<CloudAccount>, memory: Memory, close: String) -> impl IntoView {
    let create = ServerAction::<CreateAccount>::new();
    let taken: Vec<Provider> = all.iter().filter(|account| !account.simulated).map(CloudAccount::provider).collect();
    let typed = Typed::of(&memory, "", None);
    if let Some(free) = Provider::CLOUDS.into_iter().find(|provider| !taken.contains(provider))
        && typed.provider.with_untracked(|text| Provider::from_text(text)).is_none_or(|now| taken.contains(&now))
    {
        typed.provider.set(free.as_str().to_owned());
    }
    let full = (taken.len() == Provider::CLOUDS.len()).then(|| "Every cloud has its account already.".to_owned());
    let remote = memory.error(create);
    typed.forget_secrets_after(remote);
    let local = Signal::derive(move || judged(&typed.form()).err().map(ApiError::Refused));
    let refused: Refused = Callback::new(move |field: &'static str| at(field, local, remote));
    view! {
        <ActionForm action=create>
            <PanelBody>
                <input type="hidden" name="project" value=use_project().get_untracked()/>
                <Field name="form[name]" id="name" label="Name" value=typed.name error=refused.run("name") placeholder="operations" autofocus=true required=true/>
                <AnyCloud typed refused taken/>
                <p class="muted">"Secrets are encrypted before they are stored, and no page shows them again. The credentials are checked at once."</p>
            </PanelBody>
            <PanelFoot error=beside(NAMES, remote)>
                <ButtonLink kind=Kind::Quiet href=close>"Cancel"</ButtonLink>
                <Button kind=Kind::Primary reason=full busy=create.pending()>"Add cloud account"</Button>
            </PanelFoot>
        </ActionForm>
    }
}

/// What can be said of the fields that were filled in: what is missing is said by the server.
fn judged(form: &AccountForm) -> Result<(), Refusals> {
    let Err(refusals) = NewAccount::parse(form, None) else { return Ok(()) };
    let said: Vec<Refusal> = refusals.0.into_iter().filter(|refusal| Typed::touched(form, &refusal.field)).collect();
    Refusals::none_of(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_form_is_refused_nothing_and_a_wrong_account_is_said_at_once() {
        let mut form = AccountForm { provider: "aws".into(), ..AccountForm::default() };
        assert_eq!(judged(&form), Ok(()));
        form.aws_account_id = "12".into();
        assert_eq!(judged(&form).unwrap_err().at("aws_account_id"), Some("The AWS account ID has 12 digits."));
    }
}
