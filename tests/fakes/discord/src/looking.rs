//! What a test sees of it, and what happens to accounts, files and tokens.

use crate::FakeDiscord;
use crate::people::{Asked, Person};
use crate::state::Sent;
use serde_json::Value;

impl FakeDiscord {
    /// Waits until an interaction was answered for the first time; returns the kind of the answer (5 deferred, 6 taken, 9 a form).
    pub async fn answered(&self, asked: &Asked) -> u64 {
        self.wait("an answer to an interaction", |state| {
            state.interactions[&asked.token].answered
        })
        .await
    }

    /// Whether an interaction has been answered.
    pub fn is_answered(&self, asked: &Asked) -> bool {
        self.state().interactions[&asked.token].answered.is_some()
    }

    /// The form the bot opened.
    pub fn form(&self, asked: &Asked) -> Option<Value> {
        self.state().interactions[&asked.token].form.clone()
    }

    /// The tokens of all interactions so far have run out.
    pub fn end_interactions(&self) {
        let mut state = self.state();
        state
            .interactions
            .values_mut()
            .for_each(|interaction| interaction.over = true);
    }

    /// The person dismisses the answer to an interaction.
    pub fn dismiss(&self, asked: &Asked) {
        let mut state = self.state();
        state.interactions.get_mut(&asked.token).unwrap().original = None;
    }

    /// Addresses of files given out so far have run out.
    pub fn end_addresses(&self) {
        self.state().signature += 1;
    }

    /// All files are gone.
    pub fn remove_files(&self) {
        self.state()
            .files
            .values_mut()
            .for_each(|file| file.gone = true);
    }

    /// The person does not take direct messages (true), or takes them again.
    pub fn block(&self, person: &Person, blocked: bool) {
        self.state().people.get_mut(&person.id).unwrap().blocked = blocked;
    }

    /// The conversation with the person is no longer there.
    pub fn close_conversation(&self, person: &Person) {
        self.state()
            .conversations
            .retain(|_, conversation| conversation.user != person.id);
    }

    /// Commands and buttons go to a web address instead of the gateway.
    pub fn set_endpoint(&self, url: Option<&str>) {
        self.state().endpoint = url.map(str::to_owned);
    }

    /// What the bot wrote to a person, in order; a filled or changed message appears where it was filled.
    pub fn sent_to(&self, person: &Person) -> Vec<Sent> {
        self.state().people[&person.id].sent.clone()
    }

    /// The next message of the bot to a person that was not handed out yet.
    ///
    /// # Panics
    /// After twenty seconds.
    pub async fn next_sent(&self, person: &Person) -> Sent {
        let what = format!("a message to {}", person.name);
        self.wait(&what, |state| {
            let known = state.people.get_mut(&person.id).unwrap();
            let next = known.sent.get(known.handed).cloned()?;
            known.handed += 1;
            Some(next)
        })
        .await
    }

    /// How often the bot showed this person that it is writing.
    pub fn typing_shown(&self, person: &Person) -> usize {
        self.state()
            .typing
            .get(&person.id)
            .copied()
            .unwrap_or_default()
    }
}
