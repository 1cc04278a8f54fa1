//! Reading the configuration: unknown keys are refused with the nearest right name, wrong values with the line, secrets are fetched.

use super::keys::names_below;
use super::{ChannelConfig, ChannelKind, Config, MaildirConfig};
use madoguchi_email::EmailConfig;
use std::path::Path;
use toml::Value;
use toml::de::{DeTable, DeValue};

/// What is wrong with the configuration, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigProblem {
    /// File, or the name of an environment variable.
    pub file: String,
    /// Line from 1; 0 when there is none.
    pub line: usize,
    /// What is wrong and what to do.
    pub message: String,
}

impl std::fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.line == 0 {
            write!(f, "{}: {}", self.file, self.message)
        } else {
            write!(f, "{}:{}: {}", self.file, self.line, self.message)
        }
    }
}

/// What every override in the environment begins with.
const ENV_PREFIX: &str = "MADOGUCHI_";
/// Variables with the prefix that are no keys.
const NOT_KEYS: [&str; 5] = [
    "MADOGUCHI_AGENT",
    "MADOGUCHI_CORPORA",
    "MADOGUCHI_MAILSERVER_ENV",
    "MADOGUCHI_PYTHON",
    "MADOGUCHI_UPDATE",
];

/// Reads `text` (of the file named `file`), applies `environment`, fetches secrets. Lists every problem it can.
pub fn load(
    file: &str,
    text: &str,
    environment: &[(String, String)],
) -> Result<Config, Vec<ConfigProblem>> {
    let at = |line: usize, message: String| ConfigProblem {
        file: file.to_owned(),
        line,
        message,
    };
    let parsed = DeTable::parse(text).map_err(|error| {
        let line = line_of(text, error.span().map_or(0, |span| span.start));
        vec![at(line, error.message().to_owned())]
    })?;
    let mut problems = Vec::new();
    unknown_keys(
        parsed.get_ref(),
        &mut Vec::new(),
        text,
        &mut |line, message| {
            problems.push(at(line, message));
        },
    );
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut table: toml::Table =
        toml::from_str(text).map_err(|error| vec![at(0, error.message().to_owned())])?;
    let channels = table.remove("channel");
    // Asked once with the text alone, because only then an error knows its line.
    check_values(text, &at)?;
    for (name, value) in environment {
        apply_environment(&mut table, name, value).map_err(|problem| vec![problem])?;
    }
    let mut config: Config = Value::Table(table)
        .try_into()
        .map_err(|error: toml::de::Error| vec![at(0, error.message().to_owned())])?;
    let channels = match channels {
        None => Vec::new(),
        Some(Value::Array(list)) => list,
        Some(_) => {
            return Err(vec![at(
                0,
                "write `[[channel]]`, with two brackets: it is a list".to_owned(),
            )]);
        }
    };
    for (i, channel) in channels.into_iter().enumerate() {
        match read_channel(channel, environment) {
            Ok(channel) if config.channels.iter().any(|c| c.name == channel.name) => {
                problems.push(at(
                    0,
                    format!(
                        "two channels are named `{}`; give each its own name",
                        channel.name
                    ),
                ));
            }
            Ok(mut channel) => {
                if let ChannelKind::Email(email) = &mut channel.kind {
                    let file = config
                        .data_dir
                        .join(format!("tokens/{}.json", channel.name));
                    let accounts = [&mut email.imap.oauth2, &mut email.smtp.oauth2];
                    for oauth2 in accounts.into_iter().flatten() {
                        oauth2.token_file.get_or_insert_with(|| file.clone());
                    }
                }
                config.channels.push(channel);
            }
            Err(message) => problems.push(at(0, format!("channel {}: {message}", i + 1))),
        }
    }
    if problems.is_empty() {
        Ok(config)
    } else {
        Err(problems)
    }
}

fn check_values(
    text: &str,
    at: &dyn Fn(usize, String) -> ConfigProblem,
) -> Result<(), Vec<ConfigProblem>> {
    // Channels are read apart, so they are blanked out here, line by line to keep the numbering.
    let mut in_channel = false;
    let rest: String = text
        .lines()
        .map(|line| {
            let head = line.trim_start();
            if head.starts_with('[') {
                in_channel = head.starts_with("[[channel]]") || head.starts_with("[channel.");
            }
            if in_channel {
                "\n".to_owned()
            } else {
                format!("{line}\n")
            }
        })
        .collect();
    toml::from_str::<Config>(&rest)
        .map(|_| ())
        .map_err(|error| {
            let line = line_of(&rest, error.span().map_or(0, |span| span.start));
            vec![at(line, error.message().to_owned())]
        })
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|b| *b == b'\n').count() + 1
}

fn unknown_keys<'a>(
    table: &'a DeTable<'_>,
    path: &mut Vec<&'a str>,
    text: &str,
    say: &mut dyn FnMut(usize, String),
) {
    for (name, value) in table {
        let key: &str = name.get_ref().as_ref();
        // The calendar's own reader names what it does not know.
        if path.last() == Some(&"calendar") {
            continue;
        }
        let known = names_below(path);
        if !known.contains(&key) && !known.contains(&"*") {
            let nearest = known
                .iter()
                .map(|name| (strsim::damerau_levenshtein(name, key), *name))
                .min()
                .filter(|(distance, name)| *distance <= name.len().div_ceil(2));
            let line = line_of(text, name.span().start);
            let full = path
                .iter()
                .chain([&key])
                .copied()
                .collect::<Vec<_>>()
                .join(".");
            let hint = match nearest {
                Some((_, name)) => format!("did you mean `{name}`?"),
                None => format!("here there can be: {}", known.join(", ")),
            };
            let hint = if matches!(
                key,
                "password"
                    | "client_secret"
                    | "refresh_token"
                    | "token"
                    | "channel_secret"
                    | "access_token"
                    | "webhook_secret"
            ) {
                format!("secrets stay out of the file: use `{key}_env` or `{key}_file`")
            } else {
                hint
            };
            say(line, format!("there is no key `{full}`; {hint}"));
            continue;
        }
        path.push(key);
        match value.get_ref() {
            DeValue::Table(inner) => unknown_keys(inner, path, text, say),
            DeValue::Array(list) => {
                for item in list {
                    if let DeValue::Table(inner) = item.get_ref() {
                        unknown_keys(inner, path, text, say);
                    }
                }
            }
            _ => {}
        }
        path.pop();
    }
}

fn apply_environment(
    table: &mut toml::Table,
    name: &str,
    value: &str,
) -> Result<(), ConfigProblem> {
    let Some(rest) = name.strip_prefix(ENV_PREFIX) else {
        return Ok(());
    };
    if NOT_KEYS.contains(&name) {
        return Ok(());
    }
    let path: Vec<String> = rest.split("__").map(str::to_lowercase).collect();
    let borrowed: Vec<&str> = path.iter().map(String::as_str).collect();
    let problem = |message: String| ConfigProblem {
        file: name.to_owned(),
        line: 0,
        message,
    };
    let Some((last, heads)) = borrowed.split_last() else {
        return Ok(());
    };
    let known = names_below(heads);
    if !known.contains(last) && !known.contains(&"*") {
        // A variable of a password, or of something else: only sections we know are ours.
        if heads.is_empty() || names_below(&[]).iter().all(|n| Some(n) != heads.first()) {
            return Ok(());
        }
        return Err(problem(format!(
            "there is no key `{}`; there can be: {}",
            borrowed.join("."),
            known.join(", ")
        )));
    }
    let mut place = table;
    for head in heads {
        place = place
            .entry((*head).to_owned())
            .or_insert_with(|| Value::Table(toml::Table::new()))
            .as_table_mut()
            .ok_or_else(|| problem(format!("`{head}` is no section")))?;
    }
    // A number or true/false where it reads as one, text otherwise.
    let typed = value
        .parse::<i64>()
        .map(Value::Integer)
        .or_else(|_| value.parse::<bool>().map(Value::Boolean))
        .or_else(|_| value.parse::<f64>().map(Value::Float))
        .unwrap_or_else(|_| Value::String(value.to_owned()));
    place.insert((*last).to_owned(), typed);
    Ok(())
}

fn read_channel(value: Value, environment: &[(String, String)]) -> Result<ChannelConfig, String> {
    let Value::Table(mut table) = value else {
        return Err("is no table".to_owned());
    };
    let mut text = |key: &str| match table.remove(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("`{key}` must be a text in quotes")),
    };
    let name = text("name")?.ok_or("has no `name`")?;
    let kind = text("kind")?
        .ok_or("has no `kind`; there are maildir, email, telegram, discord and line")?;
    let desk = text("desk")?;
    let address = text("address")?;
    let kind = match kind.as_str() {
        "maildir" => {
            let config: MaildirConfig = Value::Table(table)
                .try_into()
                .map_err(|error: toml::de::Error| error.message().to_owned())?;
            ChannelKind::Maildir(config)
        }
        "email" => {
            for section in ["imap", "smtp"] {
                let part = table
                    .get_mut(section)
                    .and_then(Value::as_table_mut)
                    .ok_or_else(|| format!("has no [channel.{section}]"))?;
                sign_in(part, environment).map_err(|e| format!("{section}: {e}"))?;
            }
            table.insert("name".to_owned(), Value::String(name.clone()));
            let config: EmailConfig = Value::Table(table)
                .try_into()
                .map_err(|error: toml::de::Error| error.message().to_owned())?;
            ChannelKind::Email(Box::new(config))
        }
        "telegram" => {
            chat_secrets(
                &mut table,
                &name,
                &["token"],
                &["webhook_secret"],
                environment,
            )?;
            ChannelKind::Telegram(Box::new(from_table(table)?))
        }
        "discord" => {
            chat_secrets(&mut table, &name, &["token"], &[], environment)?;
            ChannelKind::Discord(Box::new(from_table(table)?))
        }
        "line" => {
            chat_secrets(
                &mut table,
                &name,
                &["channel_secret"],
                &["access_token"],
                environment,
            )?;
            ChannelKind::Line(Box::new(from_table(table)?))
        }
        other => {
            return Err(format!(
                "`{other}` is no kind of channel; there are maildir, email, telegram, discord and line"
            ));
        }
    };
    Ok(ChannelConfig {
        name,
        desk,
        address,
        kind,
    })
}

/// Fetches the secrets of a chat and names it.
fn chat_secrets(
    table: &mut toml::Table,
    channel: &str,
    needed: &[&str],
    wanted: &[&str],
    environment: &[(String, String)],
) -> Result<(), String> {
    for name in needed.iter().chain(wanted) {
        match secret(table, name, environment)? {
            Some(value) => {
                table.insert((*name).to_owned(), Value::String(value));
            }
            None if needed.contains(name) => {
                return Err(format!("has no `{name}_env` and no `{name}_file`"));
            }
            None => {}
        }
    }
    table.insert("name".to_owned(), Value::String(channel.to_owned()));
    Ok(())
}

fn from_table<T: serde::de::DeserializeOwned>(table: toml::Table) -> Result<T, String> {
    Value::Table(table)
        .try_into()
        .map_err(|error: toml::de::Error| error.message().to_owned())
}

/// Fetches the secrets of one section: a password, or those of `oauth2`.
fn sign_in(part: &mut toml::Table, environment: &[(String, String)]) -> Result<(), String> {
    if let Some(oauth2) = part.get_mut("oauth2").and_then(Value::as_table_mut) {
        for name in ["client_secret", "refresh_token"] {
            if let Some(value) = secret(oauth2, name, environment)? {
                oauth2.insert(name.to_owned(), Value::String(value));
            }
        }
        return match secret(part, "password", environment)? {
            None => Ok(()),
            Some(_) => Err("give a password or `oauth2`, not both".to_owned()),
        };
    }
    // The file is read anew whenever the desk signs in, so its name goes along; here it only has to be readable.
    let file = part.get("password_file").cloned();
    let password = secret(part, "password", environment)?
        .ok_or("has no `password_env`, no `password_file` and no `oauth2`")?;
    match file {
        Some(file) => part.insert("password_file".to_owned(), file),
        None => part.insert("password".to_owned(), Value::String(password)),
    };
    Ok(())
}

/// Takes `NAME_env` or `NAME_file` out of a section and fetches what they name.
fn secret(
    part: &mut toml::Table,
    name: &str,
    environment: &[(String, String)],
) -> Result<Option<String>, String> {
    let (in_environment, in_file) = (format!("{name}_env"), format!("{name}_file"));
    let mut take = |key: &str| {
        part.remove(key)
            .and_then(|value| value.as_str().map(str::to_owned))
    };
    match (take(&in_environment), take(&in_file)) {
        (Some(variable), None) => environment
            .iter()
            .find(|(known, _)| *known == variable)
            .map(|(_, value)| Some(value.clone()))
            .ok_or_else(|| {
                format!("the environment variable `{variable}` ({in_environment}) is not set")
            }),
        (None, Some(file)) => {
            let text = std::fs::read_to_string(Path::new(&file))
                .map_err(|error| format!("{in_file} `{file}` cannot be read: {error}"))?;
            Ok(Some(text.lines().next().unwrap_or_default().to_owned()))
        }
        (Some(_), Some(_)) => Err(format!("give `{in_environment}` or `{in_file}`, not both")),
        (None, None) => Ok(None),
    }
}
