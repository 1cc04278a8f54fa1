//! The gateway: serenity's shards, on a thread and a runtime of their own.
//!
//! Of their own for four reasons. serenity hands each event to a new task: on one thread they keep their order. Its warnings
//! repeat whole messages: this thread has no log. After some failures it runs in circles until a heartbeat is due: nobody else
//! is held up. And dropping the runtime ends everything at once.

use crate::fault::{Fault, Kind};
use futures_util::StreamExt;
use serenity::all::{Context, Event, RawEventHandler, ShardId};
use serenity::async_trait;
use serenity::gateway::{ConnectionStage, GatewayError, ShardManager, ShardManagerOptions};
use serenity::http::Http;
use serenity::model::gateway::GatewayIntents;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// So long the connection may be away before operators are told.
const UNEASY: Duration = Duration::from_secs(10);
/// So long before it is begun anew from the start.
const HOPELESS: Duration = Duration::from_secs(90);
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// So long saying good-bye may take; a thread that does not come back is left behind and ends by itself.
const FAREWELL: Duration = Duration::from_millis(300);

/// What the gateway tells.
pub enum Told {
    /// An event.
    Event(Box<Event>),
    /// The connection has been away for a while.
    Down(Fault),
}

/// Where to connect.
pub struct Gate {
    /// serenity's client, which knows the token.
    pub http: Arc<Http>,
    /// The address the server named.
    pub url: String,
    /// Connections the server recommends: one for an ordinary desk.
    pub shards: u32,
}

struct Ears {
    told: mpsc::UnboundedSender<Told>,
}

#[async_trait]
impl RawEventHandler for Ears {
    async fn raw_event(&self, _: Context, event: Event) {
        let _ = self.told.send(Told::Event(Box::new(event)));
    }
}

/// When all connections were last seen to stand. A thread that runs in circles does not look, and so they do not.
type Pulse = Arc<Mutex<Instant>>;

/// Stays connected until told to stop, or until only a new beginning or the operator can help.
pub async fn listen(
    gate: Gate,
    told: mpsc::UnboundedSender<Told>,
    stop: CancellationToken,
) -> Result<(), Fault> {
    let (done, mut outcome) = oneshot::channel();
    // Whoever no longer waits for the outcome wants no connection either.
    let end = stop.child_token();
    let _end_with_me = end.clone().drop_guard();
    let pulse = Pulse::new(Mutex::new(Instant::now()));
    let (beat, tell) = (pulse.clone(), told.clone());
    let spawned = std::thread::Builder::new()
        .name("discord-gateway".into())
        .spawn(move || {
            let _silent = tracing::dispatcher::set_default(&tracing::Dispatch::none());
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let result = match runtime {
                Ok(runtime) => {
                    let result = runtime.block_on(stay(gate, tell, beat, end));
                    runtime.shutdown_background();
                    result
                }
                Err(error) => Err(Fault::new(Kind::Gateway, format!("no runtime: {error}"))),
            };
            let _ = done.send(result);
        });
    if let Err(error) = spawned {
        return Err(Fault::new(Kind::Gateway, format!("no thread: {error}")));
    }
    let mut uneasy = false;
    loop {
        tokio::select! {
            () = stop.cancelled() => {
                let _ = tokio::time::timeout(FAREWELL * 2, outcome).await;
                return Ok(());
            }
            result = &mut outcome => return result.unwrap_or_else(|_| {
                let words = "the gateway connection broke off on something that could not be read";
                Err(Fault::new(Kind::Gateway, words))
            }),
            () = tokio::time::sleep(LOOK) => {
                let away = pulse.lock().unwrap_or_else(PoisonError::into_inner).elapsed();
                if away >= HOPELESS {
                    return Err(Fault::new(Kind::Gateway, "the gateway connection did not come back"));
                }
                if away >= UNEASY && !uneasy {
                    let fault = Fault::new(Kind::Gateway, "the gateway connection is away");
                    let _ = told.send(Told::Down(fault));
                }
                uneasy = away >= UNEASY;
            }
        }
    }
}

async fn stay(
    gate: Gate,
    told: mpsc::UnboundedSender<Told>,
    pulse: Pulse,
    end: CancellationToken,
) -> Result<(), Fault> {
    let (manager, mut ended) = ShardManager::new(ShardManagerOptions {
        data: Arc::default(),
        event_handlers: Vec::new(),
        raw_event_handlers: vec![Arc::new(Ears { told })],
        shard_index: 0,
        shard_init: 0,
        shard_total: 0,
        // Handed in, because serenity's own start dials the real gateway when it cannot learn the address.
        ws_url: Arc::new(tokio::sync::Mutex::new(gate.url)),
        http: gate.http,
        intents: GatewayIntents::DIRECT_MESSAGES,
        presence: None,
    });
    manager.set_shards(0, gate.shards, gate.shards).await;
    manager
        .initialize()
        .map_err(|_| Fault::new(Kind::Gateway, "the gateway connection cannot be begun"))?;
    loop {
        tokio::select! {
            () = end.cancelled() => {
                let _ = tokio::time::timeout(FAREWELL, manager.shutdown_all()).await;
                return Ok(());
            }
            result = ended.next() => return match result {
                Some(Err(error)) => Err(final_word(&error)),
                _ => Err(Fault::new(Kind::Gateway, "the gateway connection ended")),
            },
            () = tokio::time::sleep(LOOK) => if all_stand(&manager, gate.shards).await {
                *pulse.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            },
        }
    }
}

/// A shard that could not be begun, or is being begun anew, is none of the manager's runners.
async fn all_stand(manager: &ShardManager, shards: u32) -> bool {
    let runners = manager.runners.lock().await;
    (0..shards).all(|shard| {
        runners
            .get(&ShardId(shard))
            .is_some_and(|runner| runner.stage == ConnectionStage::Connected)
    })
}

/// serenity ends for good on what no new connection mends.
fn final_word(error: &GatewayError) -> Fault {
    match error {
        GatewayError::InvalidAuthentication => {
            Fault::new(Kind::SignIn, "the gateway refuses the token (4004)")
        }
        GatewayError::InvalidGatewayIntents => Fault::new(
            Kind::Intents,
            "the gateway does not know what the desk asks to receive (4013)",
        ),
        GatewayError::DisallowedGatewayIntents => Fault::new(
            Kind::Intents,
            "the gateway does not allow what the desk asks to receive (4014)",
        ),
        _ => Fault::new(Kind::Gateway, "the gateway connection ended"),
    }
}
