use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use crate::{
    api::session::SignIn as Submit,
    components::{Button, Field, Kind, Logo, Refusal, Space},
    pages::{
        form::{Memory, at, beside, flash},
        frame::ThemeSwitch,
        here,
    },
};

pub struct SignIn;

#[lazy_route]
impl LazyRoute for SignIn {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let flash = flash();
        let next = here::query::<String>("next").unwrap_or_default();
        view! {
            <Title text="Sign in"/>
            <main class="gate">
                <Suspense>
                    {move || {
                        let next = next.clone();
                        Suspend::new(async move {
                            let memory = Memory::of::<Submit>(flash.await);
                            view! { <Form memory next/> }
                        })
                    }}
                </Suspense>
                <Space held=vec![]/>
                <footer class="fact">
                    <span>{concat!("version ", env!("CARGO_PKG_VERSION"))}</span>
                    <ThemeSwitch/>
                </footer>
            </main>
        }
        .into_any()
    }
}

#[component]
fn Form(memory: Memory, next: String) -> impl IntoView {
    let submit = ServerAction::<Submit>::new();
    let (email, password) = (memory.text("email", ""), RwSignal::new(String::new()));
    let next = memory.text("next", next).get_untracked();
    let error = memory.error(submit);
    let quiet = Signal::stored(None);
    view! {
        <ActionForm action=submit>
            <div class="flow">
                <span class="brand"><Logo/>"Causeway"</span>
            </div>
            <h1>"Sign in"</h1>
            <Field name="email" label="E-mail" kind="email" autocomplete="username" value=email error=at("email", quiet, error) required=true autofocus=true/>
            <Field name="password" label="Password" kind="password" autocomplete="current-password" value=password error=at("password", quiet, error) required=true/>
            <input type="hidden" name="next" value=next/>
            <Refusal id="form-refusal" error=beside(&["email", "password"], error)/>
            <Button kind=Kind::Primary busy=submit.pending()>"Sign in"</Button>
            <p class="muted">"Forgotten? Whoever runs this console sets a new password with " <code class="fact">"causeway user password"</code> "."</p>
        </ActionForm>
    }
}
