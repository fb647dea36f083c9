//! Which way to take: at most three questions, each an address of its own.
//!
//! A trail is what was answered, as words with dots between (`cloud.clear.few`). It stands in the page's address, so
//! that answering needs no script, and what somebody was led to can be sent to a colleague.

use std::fmt;

use super::Access;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Question {
    Clients,
    Listed,
    Ranges,
    Networks,
}

/// One answer to a question, and where it leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its name in an address.
    pub word: &'static str,
    pub text: &'static str,
    pub leads: Leads,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leads {
    On(Question),
    To(Access),
}

impl Question {
    /// What is asked first.
    pub const FIRST: Self = Self::Clients;

    pub fn text(self) -> &'static str {
        match self {
            Self::Clients => "Where are the clients?",
            Self::Listed => "Do their firewalls list the addresses that they may connect to?",
            Self::Ranges => "May the two networks be joined?",
            Self::Networks => "How many networks are there?",
        }
    }

    /// Why it is asked.
    pub fn why(self) -> &'static str {
        match self {
            Self::Clients => "What lies between them and the VPC decides most.",
            Self::Listed => "Addresses of nodes change when nodes are replaced.",
            Self::Ranges => "Joining takes ranges that do not overlap, and trust in both directions.",
            Self::Networks => "Each peering connection joins two; a hub joins whatever hangs on it.",
        }
    }

    pub fn answers(self) -> &'static [Answer] {
        const fn answer(word: &'static str, text: &'static str, leads: Leads) -> Answer {
            Answer { word, text, leads }
        }
        match self {
            Self::Clients => {
                const {
                    &[
                        answer("internet", "On the internet", Leads::On(Question::Listed)),
                        answer("cloud", "In a network of mine, in the VPC's cloud", Leads::On(Question::Ranges)),
                        answer("elsewhere", "In offices, on laptops, in other clouds", Leads::To(Access::VpnGateway)),
                    ]
                }
            }
            Self::Listed => {
                const {
                    &[
                        answer("unlisted", "No", Leads::To(Access::Public)),
                        answer("listed", "Yes", Leads::To(Access::StaticIps)),
                    ]
                }
            }
            Self::Ranges => {
                const {
                    &[
                        answer("clear", "Yes: ranges differ, and both sides are mine", Leads::On(Question::Networks)),
                        answer(
                            "apart",
                            "No: ranges overlap, or only one service shall be reached",
                            Leads::To(Access::PrivateLink),
                        ),
                    ]
                }
            }
            Self::Networks => {
                const {
                    &[
                        answer("few", "One, or a few", Leads::To(Access::VpcPeering)),
                        answer("hub", "Many, on an AWS Transit Gateway", Leads::To(Access::TransitGateway)),
                    ]
                }
            }
        }
    }
}

/// What was answered so far. Words that answer nothing end it: an old address still leads somewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trail(Vec<(Question, Answer)>);

impl Trail {
    pub fn read(text: &str) -> Self {
        let mut trail = Self::default();
        for word in text.split('.') {
            let Leads::On(question) = trail.leads() else { break };
            let Some(answer) = question.answers().iter().find(|answer| answer.word == word) else { break };
            trail.0.push((question, *answer));
        }
        trail
    }

    /// The next question, or what to take.
    pub fn leads(&self) -> Leads {
        self.0.last().map_or(Leads::On(Question::FIRST), |(_, answer)| answer.leads)
    }

    /// Every question so far, the open one too.
    pub fn questions(&self) -> Vec<Question> {
        let open = if let Leads::On(question) = self.leads() { Some(question) } else { None };
        self.0.iter().map(|(question, _)| *question).chain(open).collect()
    }

    /// How a question was answered.
    pub fn answer_to(&self, question: Question) -> Option<Answer> {
        self.0.iter().find(|(asked, _)| *asked == question).map(|(_, answer)| *answer)
    }

    /// The trail with this answer; what was answered after that question no longer counts.
    pub fn with(&self, question: Question, answer: Answer) -> Self {
        let before = self.0.iter().take_while(|(asked, _)| *asked != question).copied();
        Self(before.chain([(question, answer)]).collect())
    }
}

impl fmt::Display for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.0.iter().map(|(_, answer)| answer.word).collect();
        f.write_str(&words.join("."))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Every trail that ends.
    fn ends(trail: &Trail) -> Vec<(String, Access)> {
        match trail.leads() {
            Leads::To(access) => vec![(trail.to_string(), access)],
            Leads::On(question) => {
                question.answers().iter().flat_map(|answer| ends(&trail.with(question, *answer))).collect()
            }
        }
    }

    #[test]
    fn every_way_is_found_by_one_trail_of_at_most_three_questions() {
        let ends = ends(&Trail::default());
        let trails: Vec<String> = ends.iter().map(|(trail, access)| format!("{trail}: {}", access.label())).collect();
        assert_eq!(
            trails,
            [
                "internet.unlisted: Public access",
                "internet.listed: Static IPs",
                "cloud.clear.few: VPC peering",
                "cloud.clear.hub: Transit Gateway",
                "cloud.apart: PrivateLink",
                "elsewhere: VPN gateways",
            ]
        );
        let found: BTreeSet<Access> = ends.into_iter().map(|(_, access)| access).collect();
        assert_eq!(found, BTreeSet::from(Access::ALL));
    }

    #[test]
    fn a_trail_is_read_as_it_was_written_and_no_further_than_it_makes_sense() {
        for text in ["", "cloud", "cloud.clear", "cloud.clear.hub"] {
            assert_eq!(Trail::read(text).to_string(), text);
        }
        assert_eq!(Trail::read("cloud.nonsense.hub").to_string(), "cloud");
        assert_eq!(Trail::read("elsewhere.cloud.clear").to_string(), "elsewhere", "nothing is asked after the end");
        assert_eq!(Trail::read("<script>").questions(), [Question::Clients]);
    }

    #[test]
    fn another_answer_forgets_what_was_answered_after_it() {
        let trail = Trail::read("cloud.clear.hub");
        let answer = Question::Ranges.answers()[1];
        assert_eq!(trail.with(Question::Ranges, answer).to_string(), "cloud.apart");
        assert_eq!(trail.questions(), [Question::Clients, Question::Ranges, Question::Networks]);
        assert_eq!(trail.answer_to(Question::Networks).map(|answer| answer.word), Some("hub"));
    }
}
