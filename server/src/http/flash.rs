//! What was typed into a refused form, or what a function answered to one, kept for the page that the browser is led back to.
//!
//! In memory, for ten minutes, under a random id that only this browser's own cookie opens.
//! Passwords, tokens and private keys that were typed are never kept; an answer is given out
//! once. Bounded: the oldest go first.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Mutex,
};

use app::{
    api::{ApiError, flash::Flash},
    domain::Timestamp,
};

use crate::{clock, console::door::Token};

struct Kept {
    id: String,
    /// Digest of the browser's cookie.
    browser: String,
    flash: Flash,
    size: usize,
    until: Timestamp,
}

#[derive(Default)]
pub struct Flashes(Mutex<VecDeque<Kept>>);

const MINUTES: i64 = 10;
/// The most that is kept for all browsers together, in bytes.
const ROOM: usize = 4 * 1024 * 1024;
/// A longer value is no list of addresses either.
const LONGEST: usize = 512 * 1024;

impl Flashes {
    /// Keeps an outcome with the form's values; gives its id.
    pub fn keep(&self, browser: &str, action: &str, form: &[u8], outcome: Result<String, ApiError>) -> String {
        let id = Token::new().text;
        let values = values(form);
        let size = 512
            + outcome.as_ref().map_or(0, String::len)
            + values.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
        let now = clock::now();
        let flash = Flash { action: action.to_owned(), values, outcome };
        let kept =
            Kept { id: id.clone(), browser: browser.to_owned(), flash, size, until: now.plus_seconds(MINUTES * 60) };
        let mut all = self.all();
        let mut total: usize = size + all.iter().map(|kept| kept.size).sum::<usize>();
        while let Some(oldest) = all.front().filter(|oldest| oldest.until < now || total > ROOM) {
            total -= oldest.size;
            all.pop_front();
        }
        all.push_back(kept);
        id
    }

    /// What is kept under an id for this browser. A refusal stays, for a reload; an answer goes.
    pub fn find(&self, browser: &str, id: &str) -> Option<Flash> {
        let now = clock::now();
        let mut all = self.all();
        let index = all.iter().position(|kept| kept.id == id && kept.browser == browser && kept.until > now)?;
        if all[index].flash.outcome.is_ok() {
            all.remove(index).map(|kept| kept.flash)
        } else {
            Some(all[index].flash.clone())
        }
    }

    fn all(&self) -> std::sync::MutexGuard<'_, VecDeque<Kept>> {
        self.0.lock().expect("nobody panics with it in hand")
    }
}

/// The fields of a form that may be shown again.
fn values(form: &[u8]) -> BTreeMap<String, String> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(form).unwrap_or_default();
    let may_be_shown =
        |name: &str, value: &str| !is_secret(name) && !is_key(value) && name.len() + value.len() <= LONGEST;
    pairs.into_iter().filter(|(name, value)| may_be_shown(name, value)).collect()
}

/// A private key that was pasted where a certificate or a request was asked for (RFC 7468).
fn is_key(value: &str) -> bool {
    value.contains("PRIVATE KEY-----")
}

fn is_secret(field: &str) -> bool {
    let field = field.to_ascii_lowercase();
    ["password", "token", "secret", "private_key", "preshared_key", "credential", "service_account"]
        .iter()
        .any(|word| field.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_browser_that_typed_it_sees_it_and_nobody_a_password() {
        let flashes = Flashes::default();
        let form = b"email=ingrid%40example.com&request=-----BEGIN+EC+PRIVATE+KEY-----&password=hunter2&form%5Bpreshared_key%5D=x&token=t&private_key=y\
            &form%5Bprivate_address%5D=10.0.0.4";
        let id = flashes.keep("digest", "/api/session/sign-in", form, Err(ApiError::NotFound));
        assert_eq!(flashes.find("another", &id), None);
        let flash = flashes.find("digest", &id).expect("its own");
        let kept = [("email", "ingrid@example.com"), ("form[private_address]", "10.0.0.4")];
        assert_eq!(flash.values, kept.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    }

    #[test]
    fn an_answer_is_given_out_once_and_a_refusal_again_at_a_reload() {
        let flashes = Flashes::default();
        let answer = flashes.keep("b", "/api/gateways/enrolment", b"", Ok("{}".to_owned()));
        assert!(flashes.find("b", &answer).is_some());
        assert!(flashes.find("b", &answer).is_none());
        let refusal = flashes.keep("b", "/api/vpcs/create", b"", Err(ApiError::NotFound));
        assert!(flashes.find("b", &refusal).is_some());
        assert!(flashes.find("b", &refusal).is_some());
    }

    #[test]
    fn a_flood_of_refusals_takes_bounded_room() {
        let flashes = Flashes::default();
        let form = format!("name={}", "x".repeat(10_000));
        let ids: Vec<String> =
            (0..1000).map(|_| flashes.keep("b", "/api/x", form.as_bytes(), Err(ApiError::NotFound))).collect();
        assert!(flashes.find("b", &ids[0]).is_none());
        assert!(flashes.find("b", &ids[999]).is_some());
        assert!(flashes.all().iter().map(|kept| kept.size).sum::<usize>() <= ROOM);
    }
}
