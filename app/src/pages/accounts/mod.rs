//! Cloud accounts: how the console signs in to each cloud, and whether the cloud takes what it shows.
//!
//! A secret is typed and sent; no page ever has one to show. Leaving its field empty keeps the former one.

mod delete;
mod edit;
mod fields;
mod list;
mod new;

pub use delete::AccountDelete;
pub use edit::AccountEdit;
pub use list::AccountList;
pub use new::AccountNew;
