//! What a chat asks of the desk besides words: buttons, commands, comings and goings. The keys of our buttons are made and read here.

use crate::domain::guard::{GuardHit, GuardKind};
use crate::domain::ids::TicketId;
use crate::domain::language::Lang;
use madoguchi_channel::{AlterationKind, ChatArrival, Choice, Presence};

/// Best mark a person can give.
pub const BEST_RATING: u8 = 5;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChatAct {
    /// The person began the conversation.
    Welcome,
    /// What can be done here.
    Help,
    /// The language to answer in; which ones there are, where none is named.
    Language(Option<Lang>),
    /// How the inquiry stands.
    Status,
    /// A person is wanted.
    Human(Option<TicketId>),
    /// What is known about the person is to be removed.
    Erase,
    /// One of the entries offered in a ticket is chosen; the place in the list, from 1.
    Choose(TicketId, usize),
    /// The answer helped.
    Solved(TicketId),
    /// It did not.
    NotSolved(TicketId),
    /// A mark from 1 (poor) to 5 (very good).
    Rate(TicketId, u8),
    /// An earlier message reads otherwise now, or was taken back.
    Altered {
        /// Which.
        message_id: String,
        /// How.
        kind: AlterationKind,
    },
    /// The person has shut the desk out.
    Gone,
}

/// Reads what an arrival asks; `None` for plain words.
pub fn act_of(chat: &ChatArrival) -> Option<ChatAct> {
    if let Some(alteration) = &chat.alters {
        return Some(ChatAct::Altered {
            message_id: alteration.message_id.clone(),
            kind: alteration.kind,
        });
    }
    if let Some(press) = &chat.pressed {
        return pressed(&press.key);
    }
    if let Some(command) = &chat.command {
        return match command.name.as_str() {
            "start" => Some(ChatAct::Welcome),
            "help" => Some(ChatAct::Help),
            "language" | "lang" => Some(ChatAct::Language(Lang::parse(&command.argument))),
            "status" => Some(ChatAct::Status),
            "human" => Some(ChatAct::Human(None)),
            "delete" => Some(ChatAct::Erase),
            // A word that only looks like a command is a message.
            _ => None,
        };
    }
    match chat.presence {
        Some(Presence::Came) => Some(ChatAct::Welcome),
        Some(Presence::Went) => Some(ChatAct::Gone),
        None => None,
    }
}

fn pressed(key: &str) -> Option<ChatAct> {
    let mut parts = key.split(':');
    let (name, first, second) = (parts.next()?, parts.next(), parts.next());
    let ticket = || first.and_then(TicketId::parse);
    match name {
        "solved" => ticket().map(ChatAct::Solved),
        "unsolved" => ticket().map(ChatAct::NotSolved),
        "human" => Some(ChatAct::Human(ticket())),
        "entry" => {
            let place = second?.parse().ok()?;
            ticket().map(|ticket| ChatAct::Choose(ticket, place))
        }
        "rate" => {
            let mark = second?.parse().ok()?;
            (1..=BEST_RATING)
                .contains(&mark)
                .then(|| ticket().map(|ticket| ChatAct::Rate(ticket, mark)))
                .flatten()
        }
        "lang" => Some(ChatAct::Language(first.and_then(Lang::parse))),
        _ => None,
    }
}

/// Buttons under an answer.
pub fn answer_choices(ticket: TicketId, labels: [&str; 3]) -> Vec<Choice> {
    ["solved", "unsolved", "human"]
        .into_iter()
        .zip(labels)
        .map(|(name, label)| choice(format!("{name}:{}", ticket.number()), label))
        .collect()
}

/// Buttons for entries that are offered, and for a person.
pub fn offer_choices(ticket: TicketId, titles: &[String], human: &str) -> Vec<Choice> {
    let number = ticket.number();
    let mut choices: Vec<Choice> = (1..)
        .zip(titles)
        .map(|(place, title): (usize, &String)| choice(format!("entry:{number}:{place}"), title))
        .collect();
    choices.push(choice(format!("human:{number}"), human));
    choices
}

/// Buttons to rate an inquiry, the best first.
pub fn rating_choices(ticket: TicketId) -> Vec<Choice> {
    (1..=BEST_RATING)
        .rev()
        .map(|mark| {
            let stars = "★".repeat(usize::from(mark));
            choice(format!("rate:{}:{mark}", ticket.number()), &stars)
        })
        .collect()
}

/// Buttons for the languages, each in its own words.
pub fn language_choices() -> Vec<Choice> {
    Lang::ALL
        .iter()
        .map(|lang| {
            let label = match lang {
                Lang::Ja => "日本語",
                Lang::En => "English",
                Lang::Zh => "中文",
                Lang::Vi => "Tiếng Việt",
            };
            choice(format!("lang:{lang}"), label)
        })
        .collect()
}

fn choice(key: String, label: &str) -> Choice {
    Choice {
        key,
        label: label.to_owned(),
    }
}

/// What a button or command means to the guards: pressed words need no pattern.
pub fn guard_of(act: &ChatAct) -> Option<GuardHit> {
    let kind = match act {
        ChatAct::NotSolved(_) => GuardKind::NotHelped,
        ChatAct::Human(_) => GuardKind::HumanWanted,
        ChatAct::Erase => GuardKind::PersonalDataRequest,
        _ => return None,
    };
    Some(GuardHit {
        kind,
        pattern_name: "chat".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use madoguchi_channel::{Command, LONGEST_KEY, Press};

    #[test]
    fn every_key_fits_and_comes_back_as_what_it_means() {
        let ticket = TicketId(42);
        let key = |choice: &Choice| {
            assert!(choice.key.len() <= LONGEST_KEY && choice.key.is_ascii());
            let chat = ChatArrival {
                pressed: Some(Press {
                    key: choice.key.clone(),
                    under: None,
                }),
                ..ChatArrival::default()
            };
            act_of(&chat).unwrap()
        };
        let acts: Vec<ChatAct> = answer_choices(ticket, ["a", "b", "c"])
            .iter()
            .map(key)
            .collect();
        assert_eq!(
            acts,
            [
                ChatAct::Solved(ticket),
                ChatAct::NotSolved(ticket),
                ChatAct::Human(Some(ticket))
            ]
        );
        let marks: Vec<ChatAct> = rating_choices(ticket).iter().map(key).collect();
        assert_eq!(marks.first(), Some(&ChatAct::Rate(ticket, 5)));
        assert_eq!(marks.len(), 5);
        let languages: Vec<ChatAct> = language_choices().iter().map(key).collect();
        assert!(languages.contains(&ChatAct::Language(Some(Lang::Vi))));
        for odd in [
            "",
            "rate:MD-000042:6",
            "rate:MD-000042:0",
            "solved:x",
            "drop:1",
            "::",
        ] {
            assert_eq!(pressed(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_word_that_only_looks_like_a_command_is_a_message() {
        for (name, act) in [
            ("status", Some(ChatAct::Status)),
            ("delete", Some(ChatAct::Erase)),
            ("weather", None),
        ] {
            let chat = ChatArrival {
                command: Some(Command {
                    name: name.to_owned(),
                    argument: String::new(),
                }),
                ..ChatArrival::default()
            };
            assert_eq!(act_of(&chat), act, "{name}");
        }
    }
}
