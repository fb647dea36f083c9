//! A console that is killed while a service moves: whatever a person has begun is done or it is not, and the rest goes on.

use std::{
    thread,
    time::{Duration, Instant},
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::Value;

use super::serving::{Browser, Console};

/// How often a service moves; all of it under `CAUSEWAY_TEST_FULL=1`.
const ROUNDS: usize = 30;

fn rounds() -> usize {
    if std::env::var("CAUSEWAY_TEST_FULL").is_ok_and(|value| value == "1") { ROUNDS } else { ROUNDS / 10 }
}

#[test]
fn row_31_a_console_that_is_killed_while_a_service_moves_finishes_or_returns_and_never_half() {
    Campaign::on(Console::start()).run();
}

#[test]
fn row_31_the_same_on_postgresql() {
    if let Some(console) = Console::start_on_postgres() {
        Campaign::on(console).run();
    }
}

/// What is seen of a service that moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Home,
    Moving,
    Switched,
    Draining,
    Away,
}

struct Campaign {
    console: Console,
    browser: Browser,
    random: StdRng,
    vpc: String,
    kills: u32,
    /// How long a write takes here; a kill falls into it or just behind it.
    pace: Duration,
}

impl Campaign {
    fn on(console: Console) -> Self {
        let seed = std::env::var("CAUSEWAY_TEST_SEED").ok().and_then(|text| text.parse().ok());
        let seed: u64 = seed.unwrap_or_else(rand::random);
        println!("CAUSEWAY_TEST_SEED={seed}");
        let mut browser = Browser::signed_in(&console);
        let fields = [("project", "default"), ("name", "alpha"), ("cloud", "local-default"), ("cidr", "10.20.0.0/16")];
        let vpc = browser.call("vpcs/create", &fields).body.trim_matches('"').to_owned();
        Self { console, browser, random: StdRng::seed_from_u64(seed), vpc, kills: 0, pace: Duration::from_millis(30) }
    }

    fn run(mut self) {
        for number in 0..rounds() {
            let service = self.service(number);
            let returns = self.random.random_bool(0.3);
            self.moves(&service, returns);
        }
        println!("{} moves, {} kills", rounds(), self.kills);
        assert!(self.kills as usize >= rounds(), "it was killed {} times", self.kills);
    }

    fn must(&mut self, function: &str, fields: &[(&str, &str)]) -> String {
        let answer = self.browser.call(function, fields);
        assert_eq!(answer.status, 200, "{function}: {}", answer.body);
        answer.body.trim_matches('"').to_owned()
    }

    /// A service in public with two hosts that are listed without an agent.
    fn service(&mut self, number: usize) -> String {
        let name = format!("orders{number}");
        let fields = [
            ("project", "default"),
            ("form[name]", name.as_str()),
            ("form[kind]", "pg"),
            ("form[plan]", "business"),
            ("form[place]", "local-default"),
        ];
        let service = self.must("services/create", &fields);
        self.list(&service);
        service
    }

    /// Lists whoever waits for a host.
    fn list(&mut self, service: &str) {
        let nodes = self.read(service)["nodes"].as_array().expect("nodes").clone();
        for (number, node) in (4..).zip(nodes.iter().filter(|node| node["settings"]["enforced"] == true)) {
            let (private, public) = (format!("10.20.0.{number}"), format!("203.0.113.{number}"));
            let fields = [
                ("project", "default"),
                ("id", service),
                ("node", node["id"].as_str().expect("an id")),
                ("form[private_address]", private.as_str()),
                ("form[public_address]", public.as_str()),
            ];
            let began = Instant::now();
            self.must("services/nodes/update", &fields);
            self.pace = began.elapsed();
        }
    }

    fn read(&mut self, service: &str) -> Value {
        let answer = self.browser.call("services/read", &[("project", "default"), ("id", service)]);
        assert_eq!(answer.status, 200, "{}", answer.body);
        serde_json::from_str::<Value>(&answer.body).expect("JSON")["service"].take()
    }

    /// Where the service stands, if everything of it stands there.
    fn stage(&mut self, service: &str) -> Stage {
        let shown = self.read(service);
        let (migration, nodes) = (&shown["migration"], shown["nodes"].as_array().expect("nodes"));
        let away = |place: &Value| place["vpc"] == self.vpc.as_str();
        let there = nodes.iter().filter(|node| away(&node["place"])).count();
        let replacing = nodes.iter().filter(|node| !node["replaces"].is_null()).count();
        let leaving = nodes.iter().filter(|node| node["state"] == "leaving").count();
        // Place, nodes, those there, those that replace, those that leave.
        let seen = (away(&shown["place"]), nodes.len(), there, replacing, leaving);
        let now = server::clock::now();
        let until = serde_json::from_value::<Option<app::domain::Timestamp>>(migration["drains_until"].clone())
            .expect("a moment");
        match (migration.is_null(), until, seen) {
            (true, None, (false, 2, 0, 0, 0)) => Stage::Home,
            (false, None, (false, 4, 2, 2, 0)) => Stage::Moving,
            (false, Some(until), (true, 4, 2, 0, 2)) => {
                if until > now {
                    Stage::Switched
                } else {
                    Stage::Draining
                }
            }
            (false, Some(_), (true, 2, 2, 0, 0)) => Stage::Draining,
            (true, None, (true, 2, 2, 0, 0)) => Stage::Away,
            _ => panic!("half moved: {shown:#}"),
        }
    }

    /// What the event log tells of the person's own steps.
    fn noted(&mut self, service: &str) -> usize {
        let fields = [
            ("project", "default"),
            ("filter[object]", service),
            ("filter[kind]", "service_migrate"),
            ("filter[limit]", "200"),
        ];
        let all: Vec<Value> = serde_json::from_str(&self.must("changes/list", &fields)).expect("JSON");
        all.iter().filter(|change| change["actor"] != "Automation").count()
    }

    /// Asks for a step and kills the console meanwhile, until the step is taken. It is taken and noted, or neither.
    fn step(&mut self, service: &str, function: &str, more: &[(&str, &str)], from: Stage, to: &[Stage]) {
        let before = self.noted(service);
        for tried in 0.. {
            let mut fields = vec![("project".to_owned(), "default".to_owned()), ("id".to_owned(), service.to_owned())];
            fields.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
            let (mut hand, asked) = (self.browser.clone(), function.to_owned());
            let asking = thread::spawn(move || {
                let fields: Vec<(&str, &str)> =
                    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                hand.call(&asked, &fields).status
            });
            // Now and then it is left alone, or nothing would ever be done.
            if tried < 6 && self.random.random_bool(0.8) {
                let late = self.random.random_range(0.0..1.5);
                thread::sleep(self.pace.mul_f64(late));
                self.kill();
                _ = asking.join();
                self.console.restart();
            } else {
                _ = asking.join();
            }
            let (stage, noted) = (self.stage(service), self.noted(service) - before);
            match noted {
                0 => assert_eq!(stage, from, "{function} was not noted, and done"),
                1 => {
                    assert!(to.contains(&stage), "{function} was noted, and is at {stage:?}");
                    return;
                }
                many => panic!("{function} was done {many} times"),
            }
        }
    }

    fn kill(&mut self) {
        self.console.kill();
        self.kills += 1;
    }

    fn moves(&mut self, service: &str, returns: bool) {
        let target = format!("local-default/{}", self.vpc);
        self.step(service, "services/migrate", &[("form[place]", target.as_str())], Stage::Home, &[Stage::Moving]);
        self.list(service);
        if returns {
            return self.step(service, "services/migrate/return", &[], Stage::Moving, &[Stage::Home]);
        }
        self.step(service, "services/migrate/switch", &[], Stage::Moving, &[Stage::Switched]);
        let after = [Stage::Draining, Stage::Away];
        self.step(service, "services/migrate/finish", &[], Stage::Switched, &after);
        // The rest is nobody's but the console's.
        for _ in 0..self.random.random_range(0..3) {
            thread::sleep(Duration::from_millis(self.random.random_range(0..300)));
            self.kill();
            self.console.restart();
            assert!(after.contains(&self.stage(service)));
        }
        for _ in 0..200 {
            if self.stage(service) == Stage::Away && self.read(service)["state"] == "RUNNING" {
                return;
            }
            thread::sleep(Duration::from_millis(100));
        }
        panic!("20 s later it has not moved: {:#}", self.read(service));
    }
}
