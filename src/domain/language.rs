//! The languages the desk speaks, and how it tells which one a message is in.

use crate::domain::ticket::closed_set;

closed_set!(
    /// A language the desk answers in; the names are BCP 47 tags (`zh` means Simplified Chinese).
    Lang {
        /// Japanese.
        Ja = "ja",
        /// English.
        En = "en",
        /// Simplified Chinese.
        Zh = "zh",
        /// Vietnamese.
        Vi = "vi",
    }
);
