use leptos::prelude::*;

/// Names and values, as a list or as a `row` under a title. Children: [`Fact`].
#[component]
pub fn Facts(#[prop(optional)] row: bool, children: Children) -> impl IntoView {
    view! { <dl class="facts" data-lay=row.then_some("row")>{children()}</dl> }
}

/// One name and its value. A bare address or number goes into a [`super::Copy`] or a `<span class="fact">`.
#[component]
pub fn Fact(#[prop(into)] label: String, children: Children) -> impl IntoView {
    view! {
        <div>
            <dt>{label}</dt>
            <dd>{children()}</dd>
        </div>
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::components::html;

    #[test]
    fn facts_are_a_description_list() {
        let html = html(|| view! { <Facts row=true><Fact label="MTU">"1420"</Fact></Facts> });
        assert!(html.contains(r#"data-lay="row""#) && html.contains("<dt>MTU</dt><dd>1420</dd>"), "{html}");
    }
}
