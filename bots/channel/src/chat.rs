//! What a chat has beyond a letter: buttons, commands, edited messages, handles to answer by.
//!
//! The keys of buttons and the names of commands are the desk's; a channel carries them to and fro and gives them no meaning.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Most bytes a [`Choice::key`] may have: the smallest limit of the chats served (Telegram's `callback_data`).
pub const LONGEST_KEY: usize = 64;

/// What a chat tells of an arrival beyond its text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ChatArrival {
    /// The conversation: an id of the chat inside this channel (one bot), where answers are sent.
    pub conversation: String,
    /// A button of ours that was pressed.
    pub pressed: Option<Press>,
    /// A command (`/status`), when the message is one.
    pub command: Option<Command>,
    /// The arrival changes an earlier message instead of being one.
    pub alters: Option<Alteration>,
    /// The person came or went.
    pub presence: Option<Presence>,
    /// Messages of one conversation with the same group were sent as one (an album).
    pub group: Option<String>,
    /// What an answer can use to be cheaper or better placed, while it lasts.
    pub reply_handle: Option<ReplyHandle>,
    /// Others read along: the answer must be shown to this person alone.
    pub public: bool,
}

/// A pressed button.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Press {
    /// The key of the [`Choice`], unchanged.
    pub key: String,
    /// The server's id of the message the button stood under.
    pub under: Option<String>,
}

/// A command, without its leading sign and without the name of the bot.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Command {
    /// Lower case (`status`).
    pub name: String,
    /// What stood after it, trimmed.
    pub argument: String,
}

/// A change to a message that arrived before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alteration {
    /// The `message_id` of that message.
    pub message_id: String,
    /// What was done to it.
    pub kind: AlterationKind,
}

/// What can be done to a message in a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlterationKind {
    /// It reads now as the arrival's text does.
    Edited,
    /// It was taken back; the arrival has no text.
    Deleted,
}

/// Coming and going of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Began a conversation, or let the bot in again.
    Came,
    /// Blocked the bot: nothing can be delivered.
    Went,
}

/// Lets one answer go out as a reply (LINE's reply token, Discord's interaction token). A key to act in the person's
/// conversation, so it is kept out of logs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyHandle {
    /// The channel's own form.
    pub value: String,
    /// Useless from then on; the channel then delivers in its ordinary way.
    pub until: Timestamp,
}

impl std::fmt::Debug for ReplyHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReplyHandle")
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

/// What a chat needs to deliver beyond the text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ChatDeparture {
    /// Buttons under the text, in their order.
    pub choices: Vec<Choice>,
    /// The handle of the arrival this answers.
    pub reply_handle: Option<ReplyHandle>,
    /// Others read along where the inquiry was asked: show it to the person alone.
    pub public: bool,
    /// Parts of a long text delivered by earlier attempts; they are not sent again.
    pub parts_sent: usize,
}

/// A button.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Choice {
    /// Comes back when it is pressed; at most [`LONGEST_KEY`] bytes of ASCII.
    pub key: String,
    /// What the person reads.
    pub label: String,
}
