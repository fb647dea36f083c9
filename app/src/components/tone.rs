use std::fmt;

use crate::domain::standing::Standing;

/// What a state asks of the person who sees it. Declared worst first, so that sorting puts what needs them in front.
///
/// Only `Bad` and `Wait` are ever filled on screen; what is right stays quiet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tone {
    /// Failed: a red square.
    Bad,
    /// Your turn: an amber diamond.
    Wait,
    /// In progress, without anybody's help: a turning ring.
    Move,
    /// As asked: a green dot.
    Good,
    /// Gone, never, switched off: a hollow dot.
    Off,
}

impl Tone {
    /// The value of `data-tone`, which style sheets go by.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bad => "bad",
            Self::Wait => "wait",
            Self::Move => "move",
            Self::Good => "good",
            Self::Off => "off",
        }
    }

    /// The word for someone who does not see the mark.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Bad => "failed",
            Self::Wait => "waiting for you",
            Self::Move => "in progress",
            Self::Good => "active",
            Self::Off => "gone",
        }
    }
}

impl fmt::Display for Tone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<Standing> for Tone {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Failed => Self::Bad,
            Standing::YourTurn => Self::Wait,
            Standing::Moving => Self::Move,
            Standing::AsAsked => Self::Good,
            Standing::Off => Self::Off,
        }
    }
}
