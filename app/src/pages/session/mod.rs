//! Before there is anybody: sign in, and the first administrator.

mod set_up;
mod sign_in;

pub use set_up::SetUp;
pub use sign_in::SignIn;
