//! Browsers that remember their cookies, and their event streams.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    net::TcpStream,
    time::Duration,
};

use super::{
    Console, EMAIL, PASSWORD,
    answer::{Answer, ask, head},
};

pub fn form(fields: &[(&str, &str)]) -> String {
    serde_urlencoded::to_string(fields).expect("texts")
}

/// A browser without WASM and one that calls functions, with one set of cookies.
#[derive(Clone)]
pub struct Browser {
    port: u16,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    pub fn new(console: &Console) -> Self {
        Self { port: console.port, cookies: BTreeMap::new() }
    }

    pub fn signed_in(console: &Console) -> Self {
        let mut browser = Self::new(console);
        let answer = browser.sign_in(EMAIL, PASSWORD);
        assert_eq!(answer.status, 200, "{}", answer.body);
        browser
    }

    pub fn sign_in(&mut self, email: &str, password: &str) -> Answer {
        self.call("session/sign-in", &[("email", email), ("password", password), ("next", "")])
    }

    pub fn create_vpc(&mut self, name: &str, cidr: &str) {
        let fields = [("project", "default"), ("name", name), ("cloud", "local-default"), ("cidr", cidr)];
        let answer = self.call("vpcs/create", &fields);
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// Opens a page.
    pub fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, &[("accept", "text/html,application/xhtml+xml"), ("sec-fetch-site", "none")], b"")
    }

    /// Calls a server function as WASM does.
    pub fn call(&mut self, function: &str, fields: &[(&str, &str)]) -> Answer {
        let headers = [
            ("accept", "application/json"),
            ("sec-fetch-site", "same-origin"),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        self.send("POST", &format!("/api/{function}"), &headers, form(fields).as_bytes())
    }

    /// Submits a plain HTML form on a page.
    pub fn submit(&mut self, function: &str, page: &str, fields: &[(&str, &str)]) -> Answer {
        let referer = format!("http://127.0.0.1:{}{page}", self.port);
        let headers = [
            ("accept", "text/html,application/xhtml+xml"),
            ("sec-fetch-site", "same-origin"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("referer", referer.as_str()),
        ];
        self.send("POST", &format!("/api/{function}"), &headers, form(fields).as_bytes())
    }

    pub fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let own = self.headers();
        let mut all: Vec<(&str, &str)> = headers.to_vec();
        for (name, value) in &own {
            if !headers.iter().any(|(given, _)| given == name) {
                all.push((name, value));
            }
        }
        let answer = Answer::over_tcp(self.port, method, path, &all, body).expect("the console listens");
        for (_, cookie) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (name, rest) = cookie.split_once('=').expect("a cookie");
            let value = rest.split(';').next().expect("a value");
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            ("host", format!("127.0.0.1:{}", self.port)),
            ("content-type", "application/x-www-form-urlencoded".to_owned()),
        ];
        if !self.cookies.is_empty() {
            let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            headers.push(("cookie", pairs.join("; ")));
        }
        headers
    }

    /// Opens the event stream.
    pub fn events(&mut self, last: Option<u64>) -> Events {
        self.events_as(last, &[])
    }

    /// As [`Self::events`], with further headers.
    pub fn events_as(&mut self, last: Option<u64>, more: &[(&str, &str)]) -> Events {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the console listens");
        let own = self.headers();
        let mut headers: Vec<(&str, &str)> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let last = last.map(|last| last.to_string());
        headers.extend(last.as_deref().map(|last| ("last-event-id", last)));
        headers.push(("accept", "text/event-stream"));
        headers.extend_from_slice(more);
        ask(&mut stream, "GET", "/events", &headers, b"");
        let mut reader = BufReader::new(stream);
        let (status, _) = head(&mut reader);
        assert_eq!(status, 200);
        Events(reader)
    }

    pub fn events_status(&mut self) -> u16 {
        self.send("GET", "/events", &[("accept", "text/event-stream")], b"").status
    }
}

/// An event stream.
pub struct Events(BufReader<TcpStream>);

impl Events {
    /// The next event as it was written; `None` if none comes in time or the stream has ended.
    pub fn next_event(&mut self, patience: Duration) -> Option<String> {
        self.0.get_ref().set_read_timeout(Some(patience)).expect("a timeout");
        let mut event = String::new();
        loop {
            let mut line = String::new();
            match self.0.read_line(&mut line) {
                Ok(0) | Err(_) => return None,
                Ok(_) if line.trim().is_empty() && !event.trim().is_empty() => return Some(event),
                Ok(_) if line.starts_with(':') => {}
                Ok(_) => event.push_str(&line),
            }
        }
    }
}
