use std::sync::Arc;

use leptos::prelude::*;

/// One item of a list, not shown yet.
struct Item {
    key: u128,
    show: Box<dyn FnOnce() -> AnyView + Send>,
}

/// Each item of a list, in its order, shown once for its key: what stands already stays while others come and go. Of one
/// type for all lists, so that telling what has changed is compiled once and sent once; [`For`] does it once per list.
pub fn each<T: Send + 'static>(
    items: impl Fn() -> Vec<T> + Send + Sync + 'static,
    key: impl Fn(&T) -> u128 + Send + Sync + 'static,
    show: impl Fn(T) -> AnyView + Send + Sync + 'static,
) -> AnyView {
    let show = Arc::new(show);
    let erased = move |item: T| {
        let (key, show) = (key(&item), Arc::clone(&show));
        Item { key, show: Box::new(move || show(item)) }
    };
    shown(Box::new(move || items().into_iter().map(&erased).collect()))
}

fn shown(items: Box<dyn Fn() -> Vec<Item> + Send + Sync>) -> AnyView {
    view! { <For each=items key=|item| item.key children=|item| (item.show)()/> }.into_any()
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::components::html;

    #[test]
    fn items_are_shown_in_their_order() {
        let shown = |text: &'static str| view! { <li>{text}</li> }.into_any();
        let html = html(|| each(|| vec!["bc", "a"], |text| text.len() as u128, shown));
        assert_eq!(html, "<li>bc</li><li>a</li>");
    }
}
