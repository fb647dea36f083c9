//! Passwords as hashes: Argon2id with OWASP's parameters, off the async threads, a few at a time.
//!
//! Each hash takes 19 MiB, so the number at once is bounded: a crowd at the door waits, it
//! does not fill the memory.

use std::sync::LazyLock;

use app::domain::person::Password;
use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version,
    password_hash::{SaltString, rand_core::OsRng},
};
use tokio::sync::Semaphore;

/// 19 MiB, two passes, one lane.
fn argon() -> Argon2<'static> {
    let params = Params::new(19_456, 2, 1, None).expect("OWASP's parameters are valid");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

static ROOM: Semaphore = Semaphore::const_new(4);

/// What the password of nobody is compared with, so that an unknown address takes as long as a wrong password.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash_now("nobody has this password"));

fn hash_now(password: &str) -> String {
    let salt = SaltString::generate(&mut OsRng);
    argon().hash_password(password.as_bytes(), &salt).expect("a salt of the right length").to_string()
}

/// The hash to store, in PHC form.
pub async fn hash(password: Password) -> String {
    off_thread(move || hash_now(password.reveal())).await
}

/// Whether the password is that of the hash. Without a hash the same work is done, in vain.
pub async fn matches(password: Password, hash: Option<String>) -> bool {
    off_thread(move || {
        let somebody = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODY.clone());
        let fits = PasswordHash::new(&hash)
            .is_ok_and(|hash| argon().verify_password(password.reveal().as_bytes(), &hash).is_ok());
        fits && somebody
    })
    .await
}

async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let _seat = ROOM.acquire().await.expect("never closed");
    tokio::task::spawn_blocking(work).await.expect("hashing does not panic")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_password_itself_matches_its_hash() {
        let hash = hash(Password::tried("correct horse battery staple")).await;
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(matches(Password::tried("correct horse battery staple"), Some(hash.clone())).await);
        assert!(!matches(Password::tried("correct horse battery stapl"), Some(hash)).await);
        assert!(!matches(Password::tried("nobody has this password"), None).await);
    }
}
