use leptos::prelude::*;

/// Nothing here yet: one sentence what this is, one why you want it, one button. Never an illustration.
#[component]
pub fn Empty(
    #[prop(into)] what: String,
    #[prop(into)] why: String,
    /// The button, or several ways to begin.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="empty">
            <h2>{what}</h2>
            <p>{why}</p>
            {children.map(|children| view! { <div class="flow">{children()}</div> })}
        </div>
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::components::html;

    #[test]
    fn an_empty_place_says_what_and_why() {
        let html = html(|| view! { <Empty what="No VPC yet." why="A VPC is a private range of addresses."/> });
        assert!(html.contains("<h2>No VPC yet.</h2>") && html.contains("private range"), "{html}");
    }
}
