use icondata_core::IconData;
use leptos::prelude::*;

/// The icons of this console, all of them. Lucide, 16 px, stroke 1.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyph {
    ArrowRight,
    ArrowUpRight,
    Box,
    Cable,
    Check,
    ChevronDown,
    Copy,
    Database,
    Download,
    Ellipsis,
    Flask,
    History,
    Key,
    Laptop,
    LogOut,
    Menu,
    Network,
    Pencil,
    Plus,
    Power,
    PowerOff,
    Refresh,
    Route,
    Router,
    Ruler,
    Search,
    SunMoon,
    Terminal,
    Trash,
    Users,
    X,
}

impl Glyph {
    fn drawing(self) -> &'static IconData {
        match self {
            Self::ArrowRight => icondata_lu::LuArrowRight,
            Self::ArrowUpRight => icondata_lu::LuArrowUpRight,
            Self::Box => icondata_lu::LuBox,
            Self::Cable => icondata_lu::LuCable,
            Self::Check => icondata_lu::LuCheck,
            Self::ChevronDown => icondata_lu::LuChevronDown,
            Self::Copy => icondata_lu::LuCopy,
            Self::Database => icondata_lu::LuDatabase,
            Self::Download => icondata_lu::LuDownload,
            Self::Ellipsis => icondata_lu::LuEllipsis,
            Self::Flask => icondata_lu::LuFlaskConical,
            Self::History => icondata_lu::LuHistory,
            Self::Key => icondata_lu::LuKeyRound,
            Self::Laptop => icondata_lu::LuLaptop,
            Self::LogOut => icondata_lu::LuLogOut,
            Self::Menu => icondata_lu::LuMenu,
            Self::Network => icondata_lu::LuNetwork,
            Self::Pencil => icondata_lu::LuPencil,
            Self::Plus => icondata_lu::LuPlus,
            Self::Power => icondata_lu::LuPower,
            Self::PowerOff => icondata_lu::LuPowerOff,
            Self::Refresh => icondata_lu::LuRefreshCw,
            Self::Route => icondata_lu::LuRoute,
            Self::Router => icondata_lu::LuRouter,
            Self::Ruler => icondata_lu::LuRuler,
            Self::Search => icondata_lu::LuSearch,
            Self::SunMoon => icondata_lu::LuSunMoon,
            Self::Terminal => icondata_lu::LuTerminal,
            Self::Trash => icondata_lu::LuTrash2,
            Self::Users => icondata_lu::LuUsers,
            Self::X => icondata_lu::LuX,
        }
    }
}

/// A drawing beside a word, never instead of one: it is hidden from screen readers.
#[component]
pub fn Icon(#[prop(into)] glyph: Signal<Glyph>) -> impl IntoView {
    view! {
        <svg
            class="icon"
            viewBox="0 0 24 24"
            aria-hidden="true"
            inner_html=move || glyph.get().drawing().data
        ></svg>
    }
}

/// A causeway: a deck on three piers. Beside the product's name.
#[component]
pub fn Logo() -> impl IntoView {
    view! {
        <svg width="22" height="16" viewBox="0 0 22 16" aria-hidden="true">
            <path fill="currentColor" d="M0 4h22v3H0zM3 7h2.5v9H3zM9.75 7h2.5v9h-2.5zM16.5 7H19v9h-2.5z"></path>
        </svg>
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::components::html;

    #[test]
    fn an_icon_is_drawn_and_says_nothing() {
        let html = html(|| view! { <Icon glyph=Glyph::Plus/> });
        assert!(html.contains("M5 12h14") && html.contains(r#"aria-hidden="true""#), "{html}");
    }
}
