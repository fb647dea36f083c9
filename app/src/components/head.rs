use leptos::prelude::*;

use super::Prose;

/// The top of a page: where it hangs, what it is, its state, what can be done. Children are the actions, primary last.
#[component]
pub fn PageHead(
    #[prop(into)] title: String,
    /// The pages above this one: (name, href).
    #[prop(optional, into)]
    crumbs: Vec<(String, String)>,
    /// The answer in a sentence, under the title.
    #[prop(optional, into)]
    lead: Option<String>,
    /// A [`super::Badge`] beside the title: `badge=move || view! { … }`.
    #[prop(optional, into)]
    badge: ViewFnOnce,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let crumb = |(name, href): (String, String)| {
        view! {
            <li>
                <a href=href>{name}</a>
            </li>
        }
    };
    let crumbs = (!crumbs.is_empty()).then(|| {
        view! {
            <nav class="crumbs" aria-label="Breadcrumb">
                <ol>{crumbs.into_iter().map(crumb).collect_view()}</ol>
            </nav>
        }
    });
    view! {
        <div class="head">
            {crumbs}
            <div>
                <h1 class="flow">{title} {badge.run()}</h1>
                {lead.map(|text| view! { <p class="lead"><Prose text/></p> })}
            </div>
            {children.map(|children| view! { <div class="actions">{children()}</div> })}
        </div>
    }
}

/// A part of a page, opened by a rule like a line of a timetable; never a card.
#[component]
pub fn Block(
    /// The id by which its heading is known; unique on the page.
    id: &'static str,
    #[prop(into)] title: String,
    #[prop(optional, into)] lead: Option<String>,
    /// At the far end of the heading: a link, a filter, a legend.
    #[prop(optional, into)]
    aside: Option<ViewFnOnce>,
    children: Children,
) -> impl IntoView {
    view! {
        <section class="block" aria-labelledby=id>
            <header>
                <h2 id=id>{title}</h2>
                {lead.map(|text| view! { <p><Prose text/></p> })}
                {aside.map(|aside| view! { <div class="flow">{aside.run()}</div> })}
            </header>
            {children()}
        </section>
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::components::{Badge, Tone, html};

    #[test]
    fn a_page_says_where_it_hangs_and_how_it_is() {
        let html = html(|| {
            view! {
                <PageHead
                    title="payments-eu"
                    crumbs=vec![("VPCs".to_owned(), "/vpcs".to_owned())]
                    badge=|| view! { <Badge tone=Tone::Good word="Active"/> }
                />
            }
        });
        assert!(
            html.contains(r#"<a href="/vpcs">VPCs</a>"#) && html.contains("Active") && html.contains("<h1"),
            "{html}"
        );
        assert!(!html.contains("actions"), "{html}");
    }
}
