//! The wire to the fake, which can be cut.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

pub(crate) struct Line {
    pub(crate) address: SocketAddr,
    pub(crate) stop: CancellationToken,
    /// Cancelled: cut. A new token is a new wire.
    wire: Arc<Mutex<CancellationToken>>,
}

impl Line {
    pub(crate) async fn open(behind: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let wire = Arc::new(Mutex::new(stop.child_token()));
        let (end, wires) = (stop.clone(), wire.clone());
        tokio::spawn(async move {
            loop {
                let (mut near, _) = tokio::select! {
                    () = end.cancelled() => return,
                    accepted = listener.accept() => match accepted {
                        Ok(accepted) => accepted,
                        Err(_) => continue,
                    },
                };
                let wire = wires.lock().unwrap().clone();
                tokio::spawn(async move {
                    let carry = async {
                        let mut far = TcpStream::connect(behind).await?;
                        tokio::io::copy_bidirectional(&mut near, &mut far).await
                    };
                    tokio::select! {
                        () = wire.cancelled() => {}
                        _ = carry => {}
                    }
                });
            }
        });
        Self {
            address,
            stop,
            wire,
        }
    }

    pub(crate) fn cut(&self, cut: bool) {
        let mut wire = self.wire.lock().unwrap();
        if cut {
            wire.cancel();
        } else if wire.is_cancelled() {
            *wire = self.stop.child_token();
        }
    }
}
