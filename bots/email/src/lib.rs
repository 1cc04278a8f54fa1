//! IMAP in, SMTP out
