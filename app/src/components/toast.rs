use std::time::Duration;

use leptos::prelude::*;

use super::{Glyph, Icon, Mark, Prose, Tone, each};

/// What was said and has not gone yet.
#[derive(Clone, Debug, PartialEq)]
struct Said {
    number: u64,
    tone: Tone,
    text: String,
}

/// Where a page says what happened after the person has left the place where it happened. What a row can say itself needs no toast.
#[derive(Clone, Copy, Debug)]
pub struct Toaster {
    said: RwSignal<Vec<Said>>,
    number: RwSignal<u64>,
}

impl Toaster {
    /// Says it for eight seconds; a failure stays until it is closed.
    pub fn say(self, tone: Tone, text: impl Into<String>) {
        let number = self.number.get_untracked();
        self.number.set(number + 1);
        self.said.update(|said| said.push(Said { number, tone, text: text.into() }));
        if tone != Tone::Bad {
            set_timeout(move || self.forget(number), Duration::from_secs(8));
        }
    }

    fn forget(self, number: u64) {
        self.said.update(|said| said.retain(|said| said.number != number));
    }
}

/// Called once, by the shell, which also shows [`Toasts`].
pub fn provide_toaster() -> Toaster {
    let toaster = Toaster { said: RwSignal::new(Vec::new()), number: RwSignal::new(0) };
    provide_context(toaster);
    toaster
}

/// The region that reads out what is said. Nothing without a [`Toaster`].
#[component]
pub fn Toasts() -> impl IntoView {
    let toaster = use_context::<Toaster>();
    let said = move || toaster.map(|toaster| toaster.said.get()).unwrap_or_default();
    let shown = move |said: Said| {
        let number = said.number;
        let close = move |_| {
            if let Some(toaster) = toaster {
                toaster.forget(number);
            }
        };
        view! {
            <div class="toast" data-tone=said.tone.as_str()>
                <Mark tone=said.tone/>
                <span>
                    <Prose text=said.text/>
                </span>
                <button class="icon-button" type="button" aria-label="Dismiss" on:click=close>
                    <Icon glyph=Glyph::X/>
                </button>
            </div>
        }
        .into_any()
    };
    view! {
        <div class="toasts" role="status" aria-live="polite">
            {each(said, |said| said.number.into(), shown)}
        </div>
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::components::html;

    #[test]
    fn what_is_said_is_read_out() {
        let html = html(|| {
            provide_toaster().say(Tone::Bad, "10.0.0.0/16 could not be deleted.");
            view! { <Toasts/> }
        });
        assert!(html.contains(r#"role="status""#) && html.contains("could not be deleted"), "{html}");
    }
}
