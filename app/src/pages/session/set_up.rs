use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use crate::{
    api::{
        ApiError,
        session::{SetUp as Submit, check_set_up_link},
    },
    components::{Button, Field, Kind, Logo, Mark, Refusal, Tone},
    domain::person::Password,
    pages::{
        failure::set_status,
        form::{Memory, at, beside, flash},
        here,
    },
    routes,
};

pub struct SetUp;

#[lazy_route]
impl LazyRoute for SetUp {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let token = here::query::<String>("token").unwrap_or_default();
        let asked = token.clone();
        let flash = flash();
        let good = Resource::new(|| (), move |()| check_set_up_link(asked.clone()));
        view! {
            <Title text="Set up"/>
            <main class="gate">
                <Suspense>
                    {move || {
                        let token = token.clone();
                        Suspend::new(async move {
                            let memory = Memory::of::<Submit>(flash.await);
                            match good.await {
                                Ok(true) => view! { <Form memory token/> }.into_any(),
                                _ => view! { <Expired/> }.into_any(),
                            }
                        })
                    }}
                </Suspense>
            </main>
        }
        .into_any()
    }
}

#[component]
fn Form(memory: Memory, token: String) -> impl IntoView {
    let submit = ServerAction::<Submit>::new();
    let email = memory.text("email", "");
    let password = RwSignal::new(String::new());
    let organization = memory.text("organization", "");
    let project = memory.text("project", "");
    let error = memory.error(submit);
    // The browser asks the same question that the server will ask, once there is something to ask about.
    let local = Signal::derive(move || {
        let typed = [email, password, organization, project].map(|field| field.get());
        let refusals = crate::domain::person::SetUp::parse(&typed[0], &typed[1], &typed[2], &typed[3]).err()?;
        let names = ["email", "password", "organization", "project"];
        let said = refusals
            .0
            .into_iter()
            .filter(|refusal| names.iter().zip(&typed).any(|(name, text)| refusal.field == *name && !text.is_empty()));
        crate::domain::Refusals::none_of(said.collect()).err().map(ApiError::Refused)
    });
    let strength = move || match Password::chosen(&password.get()) {
        Ok(_) => "Long enough.",
        Err(_) => "At least 12 characters; a few words are easier to remember than signs.",
    };
    view! {
        <ActionForm action=submit>
            <div class="flow">
                <span class="brand"><Logo/>"Causeway"</span>
            </div>
            <h1>"Set up this console"</h1>
            <p class="muted">"You become its first administrator. This link works once."</p>
            <Field name="email" label="E-mail" kind="email" autocomplete="username" value=email error=at("email", local, error) required=true autofocus=true/>
            <Field name="password" label="Password" kind="password" autocomplete="new-password" value=password error=at("password", local, error) required=true>
                <p class="hint">{strength}</p>
            </Field>
            <Field name="organization" label="Organization" value=organization error=at("organization", local, error) placeholder="Tidewater" required=true/>
            <Field
                name="project"
                label="First project"
                value=project
                error=at("project", local, error)
                placeholder="harbor-prod"
                hint="Networks live in projects. Its name is in every address of this console and stays."
                fact=true
                required=true
            />
            <input type="hidden" name="token" value=token/>
            <Refusal id="form-refusal" error=beside(&["email", "password", "organization", "project"], error)/>
            <Button kind=Kind::Primary busy=submit.pending()>"Create administrator"</Button>
        </ActionForm>
    }
}

#[component]
fn Expired() -> impl IntoView {
    set_status(404);
    view! {
        <form method="get" action=routes::SIGN_IN>
            <div class="flow">
                <span class="brand"><Logo/>"Causeway"</span>
            </div>
            <h1 class="flow"><Mark tone=Tone::Wait/>"Open the set-up link"</h1>
            <p>"The link in your address bar is not good: a link works once, for 24 hours, and only until there is an administrator."</p>
            <p>"If nobody has set this console up yet, its link is in the terminal where it was started, or in the file " <code class="fact">"setup-link"</code> " of its data folder. A restart writes a new one."</p>
            <Button kind=Kind::Primary>"Sign in"</Button>
        </form>
    }
}
