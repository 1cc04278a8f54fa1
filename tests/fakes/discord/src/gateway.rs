//! The gateway: hello, identify, resume, heartbeats, events.

use crate::state::{Session, State};
use crate::{Inner, TOKEN, json};
use axum::extract::ws::{CloseFrame, Message as Frame, WebSocket};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::sync::Weak;
use std::time::Duration;
use tokio::sync::mpsc;

/// What a bot must ask to have switched on first.
const PRIVILEGED: u64 = (1 << 1) | (1 << 8) | (1 << 15);

pub(crate) fn close(code: u16) -> Frame {
    Frame::Close(Some(CloseFrame {
        code,
        reason: "told to".into(),
    }))
}

/// One connection from hello to its end.
pub(crate) async fn serve(socket: WebSocket, inner: Weak<Inner>) {
    let (mut out, mut into) = socket.split();
    let (tell, mut told) = mpsc::unbounded_channel::<Frame>();
    let hello = json!({"op": 10, "d": {"heartbeat_interval": 5000}});
    let _ = tell.send(Frame::Text(hello.to_string().into()));
    // The writer ends when nobody holds the sending side any more: the session and this function do.
    let mut writer = tokio::spawn(async move {
        while let Some(frame) = told.recv().await {
            let last = matches!(frame, Frame::Close(_));
            if out.send(frame).await.is_err() || last {
                break;
            }
        }
        // A moment for the other side to read the last frame.
        let _ = tokio::time::timeout(Duration::from_millis(50), out.flush()).await;
    });
    let mut tell = Some(tell);
    let mut mine: Option<String> = None;
    let read = async {
        while let Some(Ok(frame)) = into.next().await {
            let Frame::Text(text) = frame else { continue };
            let Ok(packet) = serde_json::from_str::<Value>(&text) else {
                continue;
            };
            let Some(inner) = inner.upgrade() else { return };
            let answer = {
                let mut state = inner.state();
                let sender = tell.clone().or_else(|| {
                    let session = state.sessions.get(mine.as_ref()?)?;
                    session.socket.clone()
                });
                let Some(sender) = sender else { return };
                let answer = take(&mut state, &packet, &sender, &mut mine);
                if mine.is_some() {
                    // From now on the session alone holds the wire: when it lets go, the connection ends.
                    tell = None;
                }
                answer.map(|frame| sender.send(frame))
            };
            drop(answer);
            inner.tell();
        }
    };
    tokio::select! {
        () = read => {}
        _ = &mut writer => {}
    }
    if !writer.is_finished() {
        writer.abort();
        let _ = writer.await;
    }
    if let (Some(inner), Some(mine)) = (inner.upgrade(), mine) {
        if let Some(session) = inner.state().sessions.get_mut(&mine)
            && session
                .socket
                .as_ref()
                .is_some_and(mpsc::UnboundedSender::is_closed)
        {
            session.socket = None;
        }
        inner.tell();
    }
}

fn take(
    state: &mut State,
    packet: &Value,
    wire: &mpsc::UnboundedSender<Frame>,
    mine: &mut Option<String>,
) -> Option<Frame> {
    let data = &packet["d"];
    match packet["op"].as_u64() {
        Some(1) => Some(Frame::Text(json!({"op": 11}).to_string().into())),
        Some(2) => identify(state, data, wire, mine),
        Some(6) => {
            let named = data["session_id"].as_str().unwrap_or_default().to_owned();
            if data["token"].as_str().map(bare) != Some(TOKEN) {
                return Some(close(4004));
            }
            let seq = data["seq"].as_u64().unwrap_or_default();
            let Some(session) = state.sessions.get_mut(&named) else {
                return Some(Frame::Text(json!({"op": 9, "d": false}).to_string().into()));
            };
            session.socket = Some(wire.clone());
            for (_, missed) in session.log.iter().filter(|(number, _)| *number > seq) {
                let _ = wire.send(Frame::Text(missed.to_string().into()));
            }
            session.tell("RESUMED", json!({"_trace": []}));
            *mine = Some(named);
            state.resumed += 1;
            None
        }
        _ => None,
    }
}

fn bare(token: &str) -> &str {
    token.trim_start_matches("Bot ")
}

fn identify(
    state: &mut State,
    data: &Value,
    wire: &mpsc::UnboundedSender<Frame>,
    mine: &mut Option<String>,
) -> Option<Frame> {
    if data["token"].as_str().map(bare) != Some(TOKEN) {
        return Some(close(4004));
    }
    if let Some(code) = state.refuse_identify {
        return Some(close(code));
    }
    let intents = data["intents"].as_u64().unwrap_or_default();
    if intents & PRIVILEGED != 0 {
        state.violation("a privileged intent is asked for");
        return Some(close(4014));
    }
    if intents != 1 << 12 {
        state.violation(format!(
            "intents {intents}: direct messages are all the desk needs"
        ));
    }
    let name = format!("session-{}", state.new_id());
    // A bot that identifies itself anew has given its old session up.
    state.sessions.clear();
    let mut session = Session {
        intents,
        socket: Some(wire.clone()),
        ..Session::default()
    };
    session.tell("READY", json::ready(state, &name));
    state.sessions.insert(name.clone(), session);
    state.identified += 1;
    *mine = Some(name);
    None
}
