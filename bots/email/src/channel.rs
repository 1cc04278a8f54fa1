//! The channel: threads for the folders, a sender, and the desk's contract over both.

use crate::config::{EmailConfig, ImapConfig};
use crate::fault::{Fault, Kind};
use crate::link::{Plug, tls_config};
use crate::receive::{self, Board, Reader};
use crate::sign_in::SignIn;
use crate::smtp::Sender;
use async_trait::async_trait;
use jiff::Timestamp;
use madoguchi_channel::{
    Channel, DecodeError, Door, InboundMessage, OutboundMessage, Receipt, ReceiveError,
    Reconciliation, SendError,
};
use rustls::ClientConfig;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The time a channel is handed.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// So long a thread may take to end once its connection is cut. One that still waits for a connection to open is left behind; it ends by
/// itself and stores nothing any more.
const FAREWELL: Duration = Duration::from_millis(800);

/// A mail account as a [`Channel`].
pub struct EmailChannel {
    name: String,
    imap: Arc<ImapConfig>,
    account: Arc<SignIn>,
    tls: Arc<ClientConfig>,
    sender: Sender,
    now: Clock,
    board: Arc<Board>,
}

impl EmailChannel {
    /// A channel by its settings; nothing is connected yet. `now` bounds the times of arrival.
    ///
    /// # Errors
    /// Settings that cannot work: a `ca_file` that cannot be read, no folder.
    pub fn new(config: EmailConfig, now: Clock) -> Result<Self, ReceiveError> {
        if config.imap.folders.is_empty() {
            return Err(
                Fault::new(Kind::Settings, "folders is empty: there is nothing to read").into(),
            );
        }
        if config
            .imap
            .move_to
            .as_ref()
            .is_some_and(|to| config.imap.folders.contains(to))
        {
            return Err(Fault::new(
                Kind::Settings,
                "move_to names a folder that is read: its messages would go in circles",
            )
            .into());
        }
        let mut sources = Vec::new();
        let imap = &config.imap;
        let account = SignIn::new(
            "imap",
            &imap.user,
            imap.password.as_ref(),
            imap.password_file.as_ref(),
            imap.oauth2.as_ref(),
            &mut sources,
        )?;
        Ok(Self {
            account: Arc::new(account),
            tls: tls_config(config.imap.ca_file.as_deref())?,
            sender: Sender::new(&config.smtp, &mut sources)?,
            name: config.name,
            imap: Arc::new(config.imap),
            now,
            board: Arc::default(),
        })
    }

    /// The same channel, sealing what it sends.
    #[must_use]
    pub fn sealed_by(mut self, seal: Arc<dyn madoguchi_mime::Seal>) -> Self {
        self.sender.seal = Some(seal);
        self
    }

    fn readers(&self, door: &Arc<dyn Door>, stop: &CancellationToken) -> Vec<Reader> {
        let reader = |folder: &String| Reader {
            channel: self.name.clone(),
            folder: folder.clone(),
            config: self.imap.clone(),
            account: self.account.clone(),
            tls: self.tls.clone(),
            now: self.now.clone(),
            door: door.clone(),
            board: self.board.clone(),
            plug: Plug::new(stop.clone()),
            runtime: tokio::runtime::Handle::current(),
        };
        self.imap.folders.iter().map(reader).collect()
    }
}

/// Runs work on a thread that may block. Should the caller lose interest, the connection is cut.
async fn blocking<T: Send + 'static>(
    reader: Reader,
    work: impl FnOnce(&Reader) -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    struct Cut(Plug);
    impl Drop for Cut {
        fn drop(&mut self) {
            self.0.pull();
        }
    }
    let _cut = Cut(reader.plug.clone());
    tokio::task::spawn_blocking(move || work(&reader))
        .await
        .unwrap_or_else(|error| Err(broken(&error)))
}

/// The IMAP library gave up on an answer.
fn broken(error: &tokio::task::JoinError) -> Fault {
    let _ = error; // its text can hold a piece of the answer
    Fault::new(
        Kind::Lost,
        "the conversation with the server broke off on an answer that could not be read",
    )
}

/// Receives in one folder; a thread that breaks off is started again.
async fn keep_reading(reader: Reader) {
    while !reader.plug.pulled() {
        let thread = {
            let reader = reader.clone();
            tokio::task::spawn_blocking(move || reader.run())
        };
        if let Err(error) = thread.await {
            reader.report(broken(&error).health());
            tracing::error!(channel.name = %reader.channel, "reading mail broke off; it begins again");
            tokio::select! {
                () = reader.plug.stop().cancelled() => {}
                () = tokio::time::sleep(Duration::from_secs(5)) => {}
            }
        }
    }
}

#[async_trait]
impl Channel for EmailChannel {
    fn name(&self) -> &str {
        &self.name
    }

    fn decode(&self, bytes: &[u8]) -> Result<InboundMessage, DecodeError> {
        madoguchi_mime::decode(bytes)
    }

    fn files(&self, bytes: &[u8]) -> Vec<Vec<u8>> {
        madoguchi_mime::files(bytes)
    }

    async fn receive(
        &self,
        door: Arc<dyn Door>,
        stop: CancellationToken,
    ) -> Result<(), ReceiveError> {
        let readers = self.readers(&door, &stop);
        let plugs: Vec<Plug> = readers.iter().map(|reader| reader.plug.clone()).collect();
        let mut tasks = tokio::task::JoinSet::new();
        for reader in readers {
            tasks.spawn(keep_reading(reader));
        }
        stop.cancelled().await;
        plugs.iter().for_each(Plug::pull);
        // Whoever is not back by then is left behind.
        let _ = tokio::time::timeout(FAREWELL, async {
            while tasks.join_next().await.is_some() {}
        })
        .await;
        Ok(())
    }

    async fn receive_once(&self, door: Arc<dyn Door>) -> Result<usize, ReceiveError> {
        let mut new = 0;
        for reader in self.readers(&door, &CancellationToken::new()) {
            new += blocking(reader, Reader::once).await?;
        }
        Ok(new)
    }

    async fn reconcile(&self, door: Arc<dyn Door>) -> Result<Reconciliation, ReceiveError> {
        let mut total = Reconciliation::default();
        for reader in self.readers(&door, &CancellationToken::new()) {
            let part = blocking(reader, Reader::reconcile).await?;
            total.at_server += part.at_server;
            total.stored += part.stored;
            total.missing.extend(part.missing);
        }
        Ok(total)
    }

    async fn send(&self, message: &OutboundMessage) -> Result<Receipt, SendError> {
        self.sender.send(message).await
    }

    async fn check(&self) -> Result<Vec<String>, ReceiveError> {
        let (config, account, tls) = (self.imap.clone(), self.account.clone(), self.tls.clone());
        let runtime = tokio::runtime::Handle::current();
        let looking =
            tokio::task::spawn_blocking(move || receive::check(&config, &account, &tls, &runtime));
        let mut lines = looking.await.unwrap_or_else(|error| Err(broken(&error)))?;
        lines.push(self.sender.check().await?);
        Ok(lines)
    }
}
