//! Servers of a few lines, for what no real one does on demand. They speak TLS with the certificate of the mail service.

use crate::world::Service;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

fn acceptor(service: &Service) -> TlsAcceptor {
    let tls = PathBuf::from(service.get("DIR")).join("tls");
    let chain = CertificateDer::pem_file_iter(tls.join("cert.pem"))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let key = PrivateKeyDer::from_pem_file(tls.join("key.key")).unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Where access tokens are handed out (RFC 6749 §5): answers in order, the last one for ever; keeps the forms it got.
pub struct TokenServer {
    pub url: String,
    pub forms: Arc<Mutex<Vec<String>>>,
}

impl TokenServer {
    pub async fn start(service: &Service, answers: Vec<(u16, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!(
            "https://localhost:{}/token",
            listener.local_addr().unwrap().port()
        );
        let (acceptor, forms) = (acceptor(service), Arc::new(Mutex::new(Vec::new())));
        let kept: Arc<Mutex<Vec<String>>> = forms.clone();
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let Ok(stream) = acceptor.accept(socket).await else {
                    continue;
                };
                let mut stream = BufReader::new(stream);
                let form = form_of(&mut stream).await;
                let at = {
                    let mut kept = kept.lock().unwrap();
                    kept.push(form);
                    kept.len() - 1
                };
                let (status, body) = &answers[at.min(answers.len() - 1)];
                let answer = format!(
                    "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.get_mut().write_all(answer.as_bytes()).await;
                let _ = stream.get_mut().shutdown().await;
            }
        });
        Self { url, forms }
    }

    pub fn asked(&self) -> usize {
        self.forms.lock().unwrap().len()
    }
}

async fn form_of(stream: &mut BufReader<TlsStream<TcpStream>>) -> String {
    let (mut length, mut line) = (0, String::new());
    loop {
        line.clear();
        if stream.read_line(&mut line).await.unwrap_or(0) <= 2 {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    String::from_utf8(body).unwrap()
}

/// Lets `limit` bytes of the server's side of a connection through and then cuts it; each connection may go `step` bytes further than the
/// one before. Returns the port and the number of connections so far.
pub async fn cutting_proxy(target: u16, first: usize, step: usize) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let turn = counted.fetch_add(1, Ordering::SeqCst);
            let server = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
            let mut left = first + turn * step;
            tokio::spawn(async move {
                let (mut from_client, mut to_client) = client.into_split();
                let (mut from_server, mut to_server) = server.into_split();
                let up = tokio::spawn(async move {
                    let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
                });
                let mut buffer = vec![0; 1024];
                while left > 0 {
                    let most = left.min(buffer.len());
                    match from_server.read(&mut buffer[..most]).await {
                        Ok(0) | Err(_) => break,
                        Ok(read) => {
                            if to_client.write_all(&buffer[..read]).await.is_err() {
                                break;
                            }
                            left -= read;
                        }
                    }
                }
                up.abort();
            });
        }
    });
    (port, connections)
}

/// An IMAP server that speaks by `answer`: it gets each command without its tag and gives the lines before the tagged OK. Commands are kept.
pub async fn imap_server(
    service: &Service,
    answer: impl Fn(&str) -> String + Send + Sync + 'static,
) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (acceptor, heard) = (acceptor(service), Arc::new(Mutex::new(Vec::new())));
    let kept = heard.clone();
    tokio::spawn(async move {
        let answer = Arc::new(answer);
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let Ok(stream) = acceptor.accept(socket).await else {
                continue;
            };
            let (answer, kept) = (answer.clone(), kept.clone());
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                let _ = stream.get_mut().write_all(b"* OK ready\r\n").await;
                let mut line = String::new();
                loop {
                    line.clear();
                    if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                        return;
                    }
                    let (tag, command) = line
                        .trim_end()
                        .split_once(' ')
                        .unwrap_or((line.trim_end(), ""));
                    kept.lock().unwrap().push(command.to_owned());
                    let mut lines = answer(command);
                    if command == "IDLE" {
                        lines.push_str("+ idling\r\n");
                    } else if !tag.eq_ignore_ascii_case("DONE") {
                        lines.push_str(&format!("{tag} OK done\r\n"));
                    }
                    if stream.get_mut().write_all(lines.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (port, heard)
}
