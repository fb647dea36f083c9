use leptos::prelude::*;

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    Done,
    Here,
    Ahead,
}

impl Progress {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Here => "here",
            Self::Ahead => "ahead",
        }
    }
}

/// A line with stations. Left is what happens in this console, right what you do elsewhere. Children: [`Step`].
#[component]
pub fn Stepper(
    /// Above the left and the right column.
    #[prop(optional, into)]
    heads: Option<(String, String)>,
    children: Children,
) -> impl IntoView {
    view! {
        {heads.map(|(ours, yours)| view! { <div class="stepper-head"><span>{ours}</span><span>{yours}</span></div> })}
        <ol class="stepper">{children()}</ol>
    }
}

/// One station. Children are the right side: what to do, with what to copy.
#[component]
pub fn Step(
    number: u32,
    #[prop(into)] progress: Signal<Progress>,
    #[prop(into)] title: String,
    /// Under the title, on the left: `ours=move || view! { … }`.
    #[prop(optional, into)]
    ours: ViewFnOnce,
    children: Children,
) -> impl IntoView {
    let here = move || progress.get() == Progress::Here;
    view! {
        <li
            data-step=move || progress.get().as_str()
            data-tone=move || here().then_some("wait")
            aria-current=move || here().then_some("step")
        >
            <span class="stop">{number}</span>
            <div class="ours">
                <h3>{title}</h3>
                {ours.run()}
            </div>
            <div class="yours">{children()}</div>
        </li>
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::components::html;

    #[test]
    fn the_current_step_says_so() {
        let html = html(|| {
            view! {
                <Stepper heads=("Here".to_owned(), "On the host".to_owned())>
                    <Step number=1 progress=Progress::Done title="Gateway created">"…"</Step>
                    <Step number=2 progress=Progress::Here title="Waiting for the agent">"Run this on the host"</Step>
                </Stepper>
            }
        });
        assert_eq!(html.matches(r#"aria-current="step""#).count(), 1, "{html}");
        assert!(html.contains("Run this on the host") && html.contains("On the host"), "{html}");
    }
}
