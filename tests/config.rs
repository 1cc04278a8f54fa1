//! Configuration: defaults, refusals with the place and the nearest right name, secrets, and the reference that is written from the code.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use madoguchi::config::{ChannelKind, Config, example_toml, load, reference_markdown};

fn env(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect()
}

const MAIL: &str = "[[channel]]\nname = \"mail\"\nkind = \"email\"\n[channel.imap]\nhost = \"localhost\"\nuser = \"desk\"\npassword_env = \"P\"\n[channel.smtp]\nhost = \"localhost\"\nuser = \"desk\"\npassword_env = \"P\"\n";

#[test]
fn nothing_set_and_the_example_both_mean_the_defaults() {
    assert_eq!(load("f", "", &[]).unwrap(), Config::default());
    assert_eq!(load("f", &example_toml(), &[]).unwrap(), Config::default());
    assert!(matches!(
        Config::default().channels()[0].kind,
        ChannelKind::Maildir(_)
    ));
}

#[test]
fn an_unknown_key_is_refused_with_line_and_the_nearest_right_name() {
    for (text, line, hint) in [
        ("data_dri = \"x\"\n", 1, "`data_dir`"),
        ("\n[web]\nlisten_on = \"127.0.0.1:1\"\n", 3, "`listen`"),
        (
            "[[channel]]\nname = \"a\"\nkindd = \"maildir\"\n",
            3,
            "`kind`",
        ),
        ("[channel.imap]\npassword = \"x\"\n", 2, "password_env"),
        ("[caps]\nper_sendr = 3\n", 2, "`per_sender`"),
    ] {
        let problems = load("desk.toml", text, &[]).unwrap_err();
        let shown = problems[0].to_string();
        assert!(
            shown.starts_with(&format!("desk.toml:{line}: ")) && shown.contains(hint),
            "{shown}"
        );
    }
}

#[test]
fn a_wrong_value_names_its_line() {
    for (text, line) in [
        ("\n[web]\nlisten = \"nowhere\"\n", 3),
        ("[caps]\nper_sender = \"many\"\n", 2),
        ("[log]\nformat = \"xml\"\n", 2),
    ] {
        let problems = load("desk.toml", text, &[]).unwrap_err();
        assert_eq!(problems[0].line, line, "{}", problems[0]);
    }
}

#[test]
fn the_environment_overrides_the_file_and_secrets_come_from_it_and_are_never_shown() {
    let config = load(
        "f",
        "[web]\nlisten = \"127.0.0.1:1\"\n",
        &env(&[
            ("MADOGUCHI_WEB__LISTEN", "127.0.0.1:2"),
            ("MADOGUCHI_CAPS__PER_SENDER", "3"),
        ]),
    )
    .unwrap();
    assert_eq!((config.web.listen.port(), config.caps.per_sender), (2, 3));
    assert!(load("f", "", &env(&[("MADOGUCHI_WEB__LISTN", "x")])).is_err());
    let config = load("f", MAIL, &env(&[("P", "very-secret")])).unwrap();
    let shown = format!("{config:?}");
    assert!(!shown.contains("very-secret"), "{shown}");
    let problems = load("f", MAIL, &[]).unwrap_err();
    assert!(problems[0].message.contains("`P`"), "{}", problems[0]);
}

#[test]
fn two_channels_of_one_name_are_refused() {
    let one = "[[channel]]\nname = \"a\"\nkind = \"maildir\"\ninbox = \"i\"\nsent = \"s\"\n";
    assert!(load("f", &format!("{one}{one}"), &[]).is_err());
}

#[test]
fn the_committed_reference_and_example_are_those_of_the_program() {
    let read = |file: &str| {
        std::fs::read_to_string(
            std::path::PathBuf::from(
                std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the package"),
            )
            .join(file),
        )
        .unwrap()
    };
    assert_eq!(
        read("docs/configuration.md"),
        reference_markdown(),
        "run `madoguchi config --markdown > docs/configuration.md`"
    );
    assert_eq!(
        read("madoguchi.example.toml"),
        example_toml(),
        "run `madoguchi config > madoguchi.example.toml`"
    );
}
