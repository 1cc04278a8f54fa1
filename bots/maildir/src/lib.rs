//! A spool directory as a channel: drop an .eml, get an .eml
