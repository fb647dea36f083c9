//! Virtual private clouds.

mod delete;
mod detail;
mod list;
mod new;

pub use delete::VpcDelete;
pub use detail::VpcDetail;
pub use list::VpcList;
pub use new::VpcNew;
