use leptos::{html, prelude::*};

use super::{Mark, Prose, Tone, dom};

/// A labelled input with its hint and, if it is refused, the sentence why.
///
/// What was typed before the page came alive is kept. Children stand between the input and
/// the refusal: a [`super::Lens`], a table of consequences.
#[component]
pub fn Field(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    value: RwSignal<String>,
    /// Why the value is refused.
    #[prop(optional, into)]
    error: Signal<Option<String>>,
    #[prop(optional, into)] hint: Option<String>,
    /// `type` of the input: text, email, password, number, search.
    #[prop(default = "text")]
    kind: &'static str,
    #[prop(default = "off")] autocomplete: &'static str,
    #[prop(optional, into)] placeholder: Option<String>,
    /// An address, range, key or number: set in mono, never spell-checked.
    #[prop(optional)]
    fact: bool,
    /// Says "(optional)" beside the label.
    #[prop(optional)]
    optional: bool,
    #[prop(optional)] required: bool,
    /// Takes the focus when its panel opens.
    #[prop(optional)]
    autofocus: bool,
    /// The element's id where two forms of a page have a field of one name.
    #[prop(optional, into)]
    id: Option<String>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let id = id.unwrap_or_else(|| name.clone());
    let node = NodeRef::<html::Input>::new();
    dom::join(node, value);
    view! {
        <div class="field">
            <Label id=id.clone() label optional/>
            <input
                node_ref=node
                class="input"
                class:fact=fact
                id=id.clone()
                name=name
                type=kind
                value=value.get_untracked()
                autocomplete=autocomplete
                autocapitalize=fact.then_some("off")
                spellcheck=fact.then_some("false")
                placeholder=placeholder
                required=required
                autofocus=autofocus
                aria-invalid=move || error.try_with(|error| error.is_some().then_some("true")).flatten()
                aria-describedby=described_by(&id, hint.is_some())
                on:input:target=move |event| value.set(event.target().value())
            />
            {children.map(|children| children())}
            <Refusal id=format!("{id}-refusal") error/>
            {hint.map(|hint| view! { <Hint id=format!("{id}-hint") hint/> })}
        </div>
    }
}

/// The same for several lines: AllowedIPs of a site, a description.
#[component]
pub fn TextArea(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    value: RwSignal<String>,
    #[prop(optional, into)] error: Signal<Option<String>>,
    #[prop(optional, into)] hint: Option<String>,
    #[prop(optional, into)] placeholder: Option<String>,
    #[prop(optional)] fact: bool,
    #[prop(optional)] optional: bool,
    #[prop(default = 4)] rows: u32,
    #[prop(optional, into)] id: Option<String>,
) -> impl IntoView {
    let id = id.unwrap_or_else(|| name.clone());
    let node = NodeRef::<html::Textarea>::new();
    dom::join(node, value);
    // As inner HTML, because an empty text node would be written as a space and typed into the field.
    let text = value.get_untracked().replace('&', "&amp;").replace('<', "&lt;");
    view! {
        <div class="field">
            <Label id=id.clone() label optional/>
            <textarea
                node_ref=node
                class="input"
                class:fact=fact
                id=id.clone()
                name=name
                rows=rows
                autocomplete="off"
                spellcheck=fact.then_some("false")
                placeholder=placeholder
                aria-invalid=move || error.try_with(|error| error.is_some().then_some("true")).flatten()
                aria-describedby=described_by(&id, hint.is_some())
                on:input:target=move |event| value.set(event.target().value())
                inner_html=text
            ></textarea>
            <Refusal id=format!("{id}-refusal") error/>
            {hint.map(|hint| view! { <Hint id=format!("{id}-hint") hint/> })}
        </div>
    }
}

/// One box to tick. Sends its name with "true", or nothing, as HTML does.
#[component]
pub fn Check(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    checked: RwSignal<bool>,
    #[prop(optional, into)] hint: Option<String>,
    #[prop(optional, into)] id: Option<String>,
    /// What is sent, where several boxes make a list.
    #[prop(default = "true".to_owned(), into)]
    value: String,
    /// It cannot be ticked; the hint says why.
    #[prop(optional)]
    disabled: bool,
) -> impl IntoView {
    let id = id.unwrap_or_else(|| name.clone());
    let node = NodeRef::<html::Input>::new();
    dom::join_checked(node, checked.into(), move |ticked| checked.set(ticked));
    let described = hint.as_ref().map(|_| format!("{id}-hint"));
    view! {
        <div class="field">
            <label class="check">
                <input
                    node_ref=node
                    type="checkbox"
                    id=id.clone()
                    name=name
                    value=value
                    checked=checked.get_untracked()
                    disabled=disabled
                    aria-describedby=described
                    on:change:target=move |event| checked.set(event.target().checked())
                />
                <span>{label}</span>
            </label>
            {hint.map(|hint| view! { <Hint id=format!("{id}-hint") hint/> })}
        </div>
    }
}

/// Why something is refused, read out when it appears. Takes no room while there is nothing to say.
#[component]
pub fn Refusal(#[prop(into)] id: String, #[prop(into)] error: Signal<Option<String>>) -> impl IntoView {
    view! {
        <p class="refusal" id=id role="alert">
            {move || {
                error
                    .try_get()
                    .flatten()
                    .map(|text| {
                        view! {
                            <Mark tone=Tone::Bad/>
                            <span>
                                <Prose text/>
                            </span>
                        }
                    })
            }}
        </p>
    }
}

#[component]
pub(super) fn Hint(id: String, hint: String) -> impl IntoView {
    view! {
        <p class="hint" id=id>
            <Prose text=hint/>
        </p>
    }
}

#[component]
pub(super) fn Label(id: String, label: String, optional: bool) -> impl IntoView {
    view! {
        <label for=id>
            {label}
            {optional.then(|| view! { <span class="quiet">" (optional)"</span> })}
        </label>
    }
}

pub(super) fn described_by(id: &str, hint: bool) -> String {
    if hint { format!("{id}-refusal {id}-hint") } else { format!("{id}-refusal") }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::components::html;

    #[test]
    fn a_refusal_is_tied_to_its_input() {
        let html = html(|| {
            view! {
                <Field
                    name="cidr"
                    label="IP range"
                    value=RwSignal::new("10.0.0.0/8".to_owned())
                    error=Some("10.0.0.0/8 is too large.".to_owned())
                    hint="Local takes /16 to /28."
                    fact=true
                />
            }
        });
        for part in [
            r#"for="cidr""#,
            r#"aria-invalid="true""#,
            r#"aria-describedby="cidr-refusal cidr-hint""#,
            r#"value="10.0.0.0/8""#,
            r#"id="cidr-refusal""#,
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
    }

    #[test]
    fn a_field_without_a_refusal_is_not_invalid() {
        let html =
            html(|| view! { <Field name="name" label="Name" value=RwSignal::new(String::new()) optional=true/> });
        assert!(!html.contains("aria-invalid") && html.contains("(optional)"), "{html}");
    }

    #[test]
    fn an_empty_text_area_holds_nothing_and_a_hostile_one_only_text() {
        let html = |text: &str| {
            html(|| view! { <TextArea name="ips" label="Allowed IPs" value=RwSignal::new(text.to_owned())/> })
        };
        assert!(html("").contains("></textarea>"), "{}", html(""));
        assert!(html("</textarea><b>").contains(">&lt;/textarea>&lt;b></textarea>"), "{}", html("</textarea><b>"));
    }
}
