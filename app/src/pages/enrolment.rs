//! The commands by which a host is enrolled, as gateways and the nodes of services show them: once, with the token.

use leptos::prelude::*;

use crate::{
    api::enrolment::Enrolment,
    components::{Command, Progress},
    domain::{Timestamp, host::TOKEN_SECONDS},
};

/// Where an enrolment stands: token, install, contact, at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub issued: bool,
    pub enrolled: bool,
    pub applied: bool,
}

impl Standing {
    /// `enrolled`: a host has a credential that is good; `at_work`: what it was asked for is on it.
    pub fn new(answer: Option<&Enrolment>, last_seen: Option<Timestamp>, enrolled: bool, at_work: bool) -> Self {
        // A host that was there before the token counts only once it was heard of afterwards.
        let heard = answer
            .is_none_or(|answer| last_seen.is_some_and(|seen| seen >= answer.expires_at.plus_seconds(-TOKEN_SECONDS)));
        let enrolled = enrolled && heard;
        Self { issued: answer.is_some() || enrolled, enrolled, applied: enrolled && at_work }
    }

    /// Each step is done, here, or ahead: the first that is not done is here.
    pub fn steps(self) -> [Progress; 4] {
        let done = [self.issued, self.issued && self.enrolled, self.enrolled, self.applied];
        let here = done.iter().position(|done| !done);
        std::array::from_fn(|at| match here {
            Some(here) if at == here => Progress::Here,
            Some(here) if at > here => Progress::Ahead,
            _ => Progress::Done,
        })
    }
}

#[component]
pub fn Commands(answer: Enrolment) -> impl IntoView {
    view! {
        <p>"As root, with systemd:"</p>
        <Command text=unit_text(&answer) label="the commands for systemd"/>
        <details class="advanced">
            <summary>"Without systemd, in the foreground"</summary>
            <div>
                <Command text=foreground_text(&answer) label="the commands for the foreground"/>
            </div>
        </details>
        <p class="muted">"The token goes into a file that only root reads, never into an argument, where every user of the host could see it."</p>
    }
}

/// What the agent's unit reads (packaging/systemd/causeway-agent.service). Not the console's folder, which belongs to its own user.
const FOLDER: &str = "/etc/causeway-agent";

/// Writes the token from standard input, so that it stands in no argument list.
fn token_text(answer: &Enrolment) -> String {
    format!("install -d -m 0700 {FOLDER}\n(umask 077; cat > {FOLDER}/token) <<'TOKEN'\n{}\nTOKEN\n", answer.token)
}

fn foreground_text(answer: &Enrolment) -> String {
    format!("{}causeway agent --console '{}' --token-file {FOLDER}/token\n", token_text(answer), answer.console)
}

/// The unit comes out of the binary itself, so that it is the one that was packaged and tested with it.
fn unit_text(answer: &Enrolment) -> String {
    let console = &answer.console;
    // A socket on this machine is for the console's group; a host without a console has no such group.
    let group = if console.starts_with("unix:") {
        "install -d /etc/systemd/system/causeway-agent.service.d\n\
         cat > /etc/systemd/system/causeway-agent.service.d/console.conf <<'GROUP'\n\
         [Service]\n\
         SupplementaryGroups=causeway\n\
         GROUP\n"
    } else {
        ""
    };
    format!(
        "{}cat > {FOLDER}/agent.environment <<'SETTINGS'\n\
         CAUSEWAY_AGENT_CONSOLE='{console}'\n\
         CAUSEWAY_AGENT_TOKEN_FILE={FOLDER}/token\n\
         SETTINGS\n\
         causeway agent unit > /etc/systemd/system/causeway-agent.service\n\
         {group}systemctl daemon-reload\n\
         systemctl enable causeway-agent\n\
         systemctl restart causeway-agent\n",
        token_text(answer)
    )
}

/// What a console answers to a wish for a token.
#[cfg(test)]
pub fn answer(issued: Timestamp) -> Enrolment {
    Enrolment {
        token: "cwe_0123".into(),
        expires_at: issued.plus_seconds(TOKEN_SECONDS),
        console: "https://console.example:3000#sha256=ab".into(),
        hint: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::NOW;

    #[test]
    fn the_token_is_in_no_argument() {
        for text in [foreground_text(&answer(NOW)), unit_text(&answer(NOW))] {
            let lines: Vec<&str> = text.lines().filter(|line| line.contains("cwe_0123")).collect();
            assert_eq!(lines, ["cwe_0123"], "{text}");
        }
        assert!(foreground_text(&answer(NOW)).contains("--console 'https://console.example:3000#sha256=ab'"));
    }

    #[test]
    fn the_commands_install_the_packaged_unit_and_leave_the_consoles_own_folder_alone() {
        let unit = include_str!("../../../packaging/systemd/causeway-agent.service");
        let text = unit_text(&answer(NOW));
        for line in [
            "causeway agent unit > /etc/systemd/system/causeway-agent.service",
            "CAUSEWAY_AGENT_CONSOLE='https://console.example:3000#sha256=ab'",
            "CAUSEWAY_AGENT_TOKEN_FILE=/etc/causeway-agent/token",
        ] {
            assert!(text.lines().any(|own| own == line), "{text}");
        }
        assert!(!text.contains("/etc/causeway/") && !text.contains("/etc/causeway\n"), "{text}");
        assert!(!text.contains("SupplementaryGroups"), "a host without a console has no such group: {text}");
        assert!(unit.contains(&format!("EnvironmentFile={FOLDER}/agent.environment")));
        // A restart of the agent spares a userspace WireGuard, and a deleted gateway's agent stays ended.
        assert!(unit.contains("\nKillMode=process\n") && unit.contains("\nRestart=on-failure\n"));
    }

    #[test]
    fn an_agent_beside_the_console_is_let_in_by_the_consoles_group() {
        let local = Enrolment { console: "unix:/run/causeway/agent.sock".into(), ..answer(NOW) };
        assert!(unit_text(&local).contains("[Service]\nSupplementaryGroups=causeway\n"));
        let console = include_str!("../../../packaging/systemd/causeway.service");
        assert!(console.contains("\nGroup=causeway\n") && console.contains("\nRuntimeDirectory=causeway\n"));
    }
}
