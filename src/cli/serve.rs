//! `serve`: runs the desk.

use super::{CommandResult, Global};
use crate::app::App;
use crate::flow::receive::InboxDoor;
use crate::workers::clock::ClockWorker;
use crate::workers::intake;
use crate::workers::send::SendWorker;
use crate::workers::triage::TriageWorker;
use anyhow::Context;
use clap::{Args, ValueEnum};
use madoguchi_channel::Door;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long a graceful stop may take before the process ends all the same.
const STOP_WITHIN: Duration = Duration::from_secs(20);
/// How often files of the knowledge directory are looked at for changes.
const RELOAD_EVERY: Duration = Duration::from_secs(2);

/// What this process does.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// What this process does; everything when it is not given
    #[arg(long, value_enum, value_delimiter = ',')]
    role: Vec<Role>,
}

/// A part of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Take messages in
    Intake,
    /// Decide, and watch the clocks
    Work,
    /// Send
    Send,
    /// Show the web pages
    Console,
}

/// Runs the desk until SIGTERM or SIGINT.
pub async fn run(global: &Global, args: &ServeArgs) -> CommandResult {
    let app = App::open(global).await?;
    let does = |role: Role| args.role.is_empty() || args.role.contains(&role);
    let stop = CancellationToken::new();
    let (arrived, departing) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let mut tasks = JoinSet::new();

    let door: Arc<dyn Door> = Arc::new(InboxDoor::new(
        Arc::clone(&app.office.store),
        app.health.clone(),
        Arc::clone(&arrived),
    ));
    if does(Role::Console) {
        let listener = app.listen().await?;
        let (state, stop) = (app.web_state(), stop.clone());
        let webhooks = crate::web::webhooks::routes(app.channels.values().cloned(), &door);
        tasks.spawn(async move {
            if let Err(error) = crate::web::serve(listener, state, webhooks, stop).await {
                tracing::error!(%error, "The web server ended");
            }
        });
    }
    if does(Role::Intake) {
        let channels = app.channels.values().cloned().collect();
        tasks.spawn(intake::run(
            channels,
            Arc::clone(&door),
            app.health.clone(),
            stop.clone(),
        ));
    }
    if does(Role::Work) {
        let triage = TriageWorker {
            office: Arc::clone(&app.office),
            decoder: app.decoder(),
            arrived: Arc::clone(&arrived),
            departing: Arc::clone(&departing),
            sink: app.metrics.clone(),
        };
        let clock = ClockWorker {
            office: Arc::clone(&app.office),
            departing: Arc::clone(&departing),
            sink: app.metrics.clone(),
        };
        let (stop_triage, stop_clock) = (stop.clone(), stop.clone());
        tasks.spawn(async move { triage.run(stop_triage).await });
        tasks.spawn(async move { clock.run(stop_clock).await });
    }
    if does(Role::Send) {
        let send = SendWorker {
            office: Arc::clone(&app.office),
            channels: app.channels.clone(),
            schedule: app.retry_schedule(),
            departing: Arc::clone(&departing),
            sink: app.metrics.clone(),
        };
        let stop = stop.clone();
        tasks.spawn(async move { send.run(stop).await });
    }
    {
        let (app, stop) = (app.upkeep(), stop.clone());
        tasks.spawn(async move { app.run(RELOAD_EVERY, stop).await });
    }
    tracing::info!(
        desks = app.office.desks.len(),
        channels = app.channels.len(),
        web.listen = %app.config.web.listen,
        "The desk is open"
    );
    wait_for_signal().await?;
    tracing::info!("Stopping: no new work is begun, work at hand is finished");
    stop.cancel();
    let ended = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(STOP_WITHIN, ended).await.is_err() {
        tracing::warn!("Some work did not end in time; it is taken up again at the next start");
        tasks.abort_all();
    }
    app.close().await;
    tracing::info!("The desk is closed");
    Ok(ExitCode::SUCCESS)
}

async fn wait_for_signal() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be caught")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be caught")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
