//! One POST over HTTPS: all a token endpoint needs. Redirects are not followed, for the form holds secrets.

use crate::fault::{Fault, Kind};
use crate::link::tls_config;
use reqwest::{Client, Url, redirect};
use std::path::Path;
use std::time::Duration;

/// The whole exchange ends within this.
const PATIENCE: Duration = Duration::from_secs(20);
/// Largest answer read.
const LARGEST: usize = 64 * 1024;

/// Where forms are posted to.
pub struct Poster {
    client: Client,
    url: Url,
}

impl Poster {
    /// Reads address and authorities; nothing is connected yet.
    pub fn new(url: &str, ca_file: Option<&Path>) -> Result<Self, Fault> {
        let wrong = |why: &str| Fault::new(Kind::Settings, format!("token_url {url}: {why}"));
        let url: Url = url.parse().map_err(|_| wrong("is no address"))?;
        if url.scheme() != "https" {
            return Err(wrong("must begin with https://"));
        }
        let client = Client::builder()
            .use_preconfigured_tls((*tls_config(ca_file)?).clone())
            .https_only(true)
            .no_proxy()
            .redirect(redirect::Policy::none())
            .timeout(PATIENCE)
            .build()
            .map_err(|error| wrong(&error.to_string()))?;
        Ok(Self { client, url })
    }

    /// `host:port`.
    pub fn server(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        format!(
            "{host}:{}",
            self.url.port_or_known_default().unwrap_or_default()
        )
    }

    /// Posts a form; gives status and body.
    pub async fn post(&self, form: &[(&str, &str)]) -> Result<(u16, Vec<u8>), Fault> {
        let away = |error: reqwest::Error| {
            // Its own words repeat the address, which may hold the tenant's name; the cause says more.
            Fault::of_connection(&self.server(), &error.without_url())
        };
        let mut answer = self
            .client
            .post(self.url.clone())
            .header("accept", "application/json")
            .form(form)
            .send()
            .await
            .map_err(away)?;
        let status = answer.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(away)? {
            body.extend_from_slice(&chunk);
            if body.len() > LARGEST {
                return Err(Fault::new(
                    Kind::Lost,
                    format!("{}: an answer that could not be read", self.server()),
                ));
            }
        }
        Ok((status, body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_never_posted_without_tls() {
        for url in [
            "http://login.example.org/token",
            "login.example.org",
            "https://",
        ] {
            let fault = Poster::new(url, None).err().unwrap();
            assert_eq!(fault.kind, Kind::Settings, "{url}");
        }
    }
}
