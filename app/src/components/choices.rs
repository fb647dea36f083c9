use leptos::{html, prelude::*};

use super::{
    Glyph, Icon, Prose, dom,
    field::{Hint, Label, Refusal, described_by},
};

/// One thing that can be chosen, or cannot and says why.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// What the form sends.
    pub value: String,
    pub label: String,
    /// A word more, behind the label.
    pub detail: String,
    /// An address or a number, at the end of the row.
    pub fact: String,
    /// Why it cannot be chosen; it is shown disabled.
    pub refused: Option<String>,
    /// What it is listed under in a [`Select`]; empty: under nothing.
    pub group: String,
}

impl Choice {
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into(), ..Self::default() }
    }

    pub fn detail(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }

    pub fn fact(self, fact: impl Into<String>) -> Self {
        Self { fact: fact.into(), ..self }
    }

    pub fn refused(self, reason: Option<String>) -> Self {
        Self { refused: reason, ..self }
    }

    pub fn under(self, group: impl Into<String>) -> Self {
        Self { group: group.into(), ..self }
    }
}

/// A list to choose one from, with facts in a column. What cannot be chosen stays visible and says why in its own row.
#[component]
pub fn Choices(
    #[prop(into)] name: String,
    #[prop(into)] legend: String,
    #[prop(into)] options: Signal<Vec<Choice>>,
    value: RwSignal<String>,
    #[prop(optional, into)] error: Signal<Option<String>>,
    #[prop(optional, into)] hint: Option<String>,
) -> impl IntoView {
    let described = described_by(&name, hint.is_some());
    let refusal = format!("{name}-refusal");
    let hint = hint.map(|hint| view! { <Hint id=format!("{name}-hint") hint/> });
    let rows = move || {
        let row = |choice: Choice| {
            let label = view! {
                <span>
                    <b class="strong">
                        <Prose text=choice.label/>
                    </b>
                    " "
                    <span class="muted">{choice.detail}</span>
                </span>
                <span class="fact">{choice.fact}</span>
                {choice.refused.clone().map(|why| view! { <span class="why"><Prose text=why/></span> })}
            };
            view! {
                <label>
                    <Radio name=name.clone() choice=choice.value disabled=choice.refused.is_some() value/>
                    {label}
                </label>
            }
        };
        options.get().into_iter().map(row).collect_view()
    };
    view! {
        <fieldset class="field" aria-describedby=described>
            <legend>{legend}</legend>
            {hint}
            <div class="choices">{rows}</div>
            <Refusal id=refusal error/>
        </fieldset>
    }
}

/// Up to six short words side by side, one of which is chosen: a provider, a peer's type.
#[component]
pub fn SegmentField(
    #[prop(into)] name: String,
    #[prop(into)] legend: String,
    #[prop(into)] options: Vec<Choice>,
    value: RwSignal<String>,
    #[prop(optional, into)] error: Signal<Option<String>>,
    #[prop(optional, into)] hint: Option<String>,
) -> impl IntoView {
    let described = described_by(&name, hint.is_some());
    let refusal = format!("{name}-refusal");
    let hint = hint.map(|hint| view! { <Hint id=format!("{name}-hint") hint/> });
    let segment = |choice: Choice| {
        view! {
            <label title=choice.refused.clone()>
                <Radio name=name.clone() choice=choice.value disabled=choice.refused.is_some() value/>
                {choice.label}
            </label>
        }
    };
    view! {
        <fieldset class="field" aria-describedby=described>
            <legend>{legend}</legend>
            <div class="seg">{options.into_iter().map(segment).collect_view()}</div>
            <Refusal id=refusal error/>
            {hint}
        </fieldset>
    }
}

#[component]
fn Radio(name: String, choice: String, disabled: bool, value: RwSignal<String>) -> impl IntoView {
    let node = NodeRef::<html::Input>::new();
    let checked = value.with_untracked(|value| *value == choice);
    let (mine, chosen) = (choice.clone(), choice.clone());
    let chosen = Signal::derive(move || value.with(|value| *value == chosen));
    let pick = move |picked: bool| {
        if picked {
            value.set(mine.clone());
        }
    };
    dom::join_checked(node, chosen, pick.clone());
    view! {
        <input
            node_ref=node
            type="radio"
            name=name
            value=choice
            checked=checked
            disabled=disabled
            on:change:target=move |event| pick(event.target().checked())
        />
    }
}

/// A long list to choose one from. Options that cannot be chosen are disabled and carry the reason in their text.
#[component]
pub fn Select(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    #[prop(into)] options: Signal<Vec<Choice>>,
    value: RwSignal<String>,
    #[prop(optional, into)] error: Signal<Option<String>>,
    #[prop(optional, into)] hint: Option<String>,
    /// A first entry that chooses nothing: "Choose a gateway".
    #[prop(optional, into)]
    nothing: Option<String>,
    #[prop(optional)] optional: bool,
    #[prop(optional, into)] id: Option<String>,
) -> impl IntoView {
    let id = id.unwrap_or_else(|| name.clone());
    let node = NodeRef::<html::Select>::new();
    dom::join(node, value);
    let entry = move |choice: Choice| {
        let selected = value.with_untracked(|value| *value == choice.value);
        let text = option_text(&choice);
        view! { <option value=choice.value selected=selected disabled=choice.refused.is_some()>{text}</option> }
    };
    let listed = move |choices: &[Choice]| {
        let entries = choices.iter().cloned().map(entry).collect_view();
        match choices[0].group.clone() {
            group if group.is_empty() => entries.into_any(),
            group => view! { <optgroup label=group>{entries}</optgroup> }.into_any(),
        }
    };
    // Neighbours of one group stand together.
    let entries =
        move || options.with(|options| options.chunk_by(|a, b| a.group == b.group).map(listed).collect_view());
    view! {
        <div class="field">
            <Label id=id.clone() label optional/>
            <span class="select">
                <select
                    node_ref=node
                    class="input"
                    id=id.clone()
                    name=name
                    aria-invalid=move || error.try_with(|error| error.is_some().then_some("true")).flatten()
                    aria-describedby=described_by(&id, hint.is_some())
                    on:change:target=move |event| value.set(event.target().value())
                >
                    {nothing.map(|text| view! { <option value="">{text}</option> })}
                    {entries}
                </select>
                <Icon glyph=Glyph::ChevronDown/>
            </span>
            <Refusal id=format!("{id}-refusal") error/>
            {hint.map(|hint| view! { <Hint id=format!("{id}-hint") hint/> })}
        </div>
    }
}

/// "gw-oslo · hq-oslo · 172.20.0.0/16: a peering already exists", in one line, since an option holds nothing else.
fn option_text(choice: &Choice) -> String {
    let parts: Vec<&str> = [&choice.label, &choice.detail, &choice.fact]
        .into_iter()
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    let text = parts.join(" · ");
    match &choice.refused {
        Some(why) => format!("{text}: {why}"),
        None => text,
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::components::html;

    fn gateways() -> Vec<Choice> {
        vec![
            Choice::new("1", "gw-dublin").detail("payments-eu").fact("10.16.0.0/20"),
            Choice::new("2", "gw-oslo").refused(Some("A peering already exists between these gateways".to_owned())),
        ]
    }

    #[test]
    fn a_choice_that_cannot_be_made_says_why_in_its_row() {
        let html = html(
            || view! { <Choices name="remote" legend="Remote Gateway" options=gateways() value=RwSignal::new("1".to_owned())/> },
        );
        assert!(html.contains("A peering already exists between these gateways"), "{html}");
        assert_eq!(html.matches(" disabled").count(), 1, "{html}");
        assert_eq!(html.matches(" checked").count(), 1, "{html}");
    }

    #[test]
    fn options_of_a_group_stand_under_its_name() {
        let all: Vec<Choice> = gateways().into_iter().map(|gateway| gateway.under("Yours")).collect();
        let html = html(|| {
            view! { <Select name="remote" label="Remote Gateway" options=all value=RwSignal::new(String::new())/> }
        });
        assert_eq!(html.matches("<optgroup").count(), 1, "{html}");
        assert!(html.contains(r#"<optgroup label="Yours"><option value="1""#), "{html}");
    }

    #[test]
    fn a_select_holds_the_reason_in_the_options_text() {
        let html = html(|| {
            view! {
                <Select name="remote" label="Remote Gateway" options=gateways() value=RwSignal::new(String::new()) nothing="Choose a gateway"/>
            }
        });
        assert!(html.contains("gw-oslo: A peering already exists between these gateways</option>"), "{html}");
        assert!(html.contains("gw-dublin · payments-eu · 10.16.0.0/20"), "{html}");
    }
}
