//! The office: everything the use cases need, wired once in `main` and in the tests.

use crate::domain::calendar::Calendar;
use crate::domain::ids::{AgentId, DeskId, QueueId};
use crate::domain::language::Lang;
use crate::domain::screen::{Caps, without_detail};
use crate::domain::sla::Policy;
use crate::domain::token::TokenKey;
use crate::flow::ports::{Knowledge, RandomSource, SenderChecks, Store, TimeSource, Vault};
use crate::prompts::Prompts;
use madoguchi_channel::Party;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A programme's counter as it is run: what configuration and knowledge say together.
#[derive(Debug, Clone)]
pub struct DeskProfile {
    /// Its id.
    pub id: DeskId,
    /// Its name by language; Japanese is always there.
    pub names: BTreeMap<Lang, String>,
    /// The address its mail comes from.
    pub address: String,
    /// Where notices about its tickets go when they have no assignee, and copies of breaches.
    pub lead: Option<String>,
    /// When it is open.
    pub calendar: Arc<Calendar>,
    /// The two targets.
    pub policy: Policy,
    /// Where a ticket lies when no rule says otherwise.
    pub default_queue: QueueId,
    /// Where urgent tickets lie.
    pub urgent_queue: QueueId,
    /// Operator's own threshold; the knowledge's calibration decides when `None`.
    pub threshold: Option<f64>,
    /// Largest file this desk takes, in bytes (Q3); no limit when `None`.
    pub largest_file: Option<u64>,
    /// Tokens also go into the reply address (`desk+md-….token@`); needs a server with sub-addressing (RFC 5233).
    pub plus_address: bool,
}

impl DeskProfile {
    /// Its name in a language, else in Japanese, else the id.
    pub fn name(&self, lang: Lang) -> &str {
        self.names
            .get(&lang)
            .or_else(|| self.names.get(&Lang::Ja))
            .map_or(self.id.as_str(), String::as_str)
    }
}

/// A channel as the use cases see it.
#[derive(Debug, Clone)]
pub struct ChannelProfile {
    /// The desk all its mail belongs to; `None` when routing decides.
    pub desk: Option<DeskId>,
    /// The address replies come from; the desk's own address when `None`.
    pub address: Option<String>,
    /// A chat: a conversation without letters around it.
    pub chat: bool,
}

/// Everything the use cases need.
pub struct Office {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// What the desk knows.
    pub knowledge: Arc<dyn Knowledge>,
    /// Every text a person gets.
    pub prompts: Arc<Prompts>,
    /// The wall clock.
    pub time: Arc<dyn TimeSource>,
    /// Randomness.
    pub random: Arc<dyn RandomSource>,
    /// Desks by id.
    pub desks: BTreeMap<DeskId, DeskProfile>,
    /// The desk that takes what no rule places.
    pub default_desk: DeskId,
    /// Channels by name.
    pub channels: BTreeMap<String, ChannelProfile>,
    /// Mail addresses of agents.
    pub agents: BTreeMap<AgentId, Option<String>>,
    /// The channel that carries notices to staff.
    pub notice_channel: Option<String>,
    /// Contents of files, and the virus scanner.
    pub vault: Arc<dyn Vault>,
    /// Finds out about senders.
    pub sender_checks: Arc<dyn SenderChecks>,
    /// Limits on automatic messages.
    pub caps: Caps,
    /// A closed ticket older than this many days is not reopened; a new, linked one is made.
    pub reopen_days: i64,
    /// This installation's random id, part of every message id.
    pub installation: String,
    /// This installation's former ids (before a restore).
    pub former_installations: Vec<String>,
    /// Signs the tokens that prove a reply belongs to a ticket.
    pub token_key: TokenKey,
}

impl Office {
    /// The profile of a desk, else of the default desk; `None` only when neither exists (refused at start).
    pub fn desk(&self, id: &DeskId) -> Option<&DeskProfile> {
        self.desks
            .get(id)
            .or_else(|| self.desks.get(&self.default_desk))
    }

    /// The desks a message names among its recipients and that get no copy by a channel of their own.
    pub fn desks_addressed(&self, recipients: &[String]) -> Vec<DeskId> {
        let named: Vec<String> = recipients.iter().map(|to| without_detail(to)).collect();
        let bound: Vec<&DeskId> = self
            .channels
            .values()
            .filter_map(|c| c.desk.as_ref())
            .collect();
        self.desks
            .values()
            .filter(|desk| {
                named.contains(&desk.address.to_lowercase()) && !bound.contains(&&desk.id)
            })
            .map(|desk| desk.id.clone())
            .collect()
    }

    /// Addresses the desk itself writes from, lower case.
    pub fn own_addresses(&self) -> Vec<String> {
        self.desks
            .values()
            .map(|desk| desk.address.to_lowercase())
            .chain(
                self.channels
                    .values()
                    .filter_map(|channel| channel.address.as_deref().map(str::to_lowercase)),
            )
            .collect()
    }

    /// Addresses of agents and leads, lower case.
    pub fn staff_addresses(&self) -> Vec<String> {
        self.agents
            .values()
            .flatten()
            .chain(self.desks.values().filter_map(|desk| desk.lead.as_ref()))
            .map(|address| address.to_lowercase())
            .collect()
    }

    /// A new message id without brackets: unguessable, and tells this installation from its clones.
    pub fn new_message_id(&self, address: &str) -> String {
        let domain = address.rsplit_once('@').map_or("desk.invalid", |(_, d)| d);
        let random: String = self
            .random
            .bytes(12)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!("{random}.{}@{domain}", self.installation)
    }

    /// The sender of a desk's mail.
    pub fn desk_party(&self, desk: &DeskProfile, address: &str, lang: Lang) -> Party {
        Party {
            address: address.to_owned(),
            name: Some(desk.name(lang).to_owned()),
        }
    }
}
