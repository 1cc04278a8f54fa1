//! `format=flowed` (RFC 3676): soft line ends are taken back.

/// Joins flowed lines. `delsp` is the parameter of that name: the blank at a soft line end goes too (Japanese, Chinese).
pub(crate) fn unflow(text: &str, delsp: bool) -> String {
    let mut out = String::with_capacity(text.len());
    // Quote depth of the paragraph that is still open.
    let mut open: Option<usize> = None;
    for line in text.split('\n') {
        let depth = line.chars().take_while(|c| *c == '>').count();
        let rest = line.trim_start_matches('>');
        let content = rest.strip_prefix(' ').unwrap_or(rest);
        let signature = content == "-- ";
        if open == Some(depth) && !signature {
            out.push_str(content);
        } else {
            if !out.is_empty() || open.is_some() {
                out.push('\n');
            }
            if depth > 0 {
                out.extend(std::iter::repeat_n('>', depth));
                out.push(' ');
            }
            out.push_str(content);
        }
        let flows = content.ends_with(' ') && !signature;
        if flows && delsp {
            out.pop();
        }
        open = flows.then_some(depth);
        if !flows && out.is_empty() {
            // A first empty line is kept as one.
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soft_line_ends_are_joined_within_one_quote_depth_only() {
        assert_eq!(unflow("a \nb\n> c \n> d\ne", false), "a b\n> c d\ne");
        assert_eq!(unflow("-- \nname", false), "-- \nname");
        assert_eq!(unflow(" >stuffed", false), ">stuffed");
    }

    #[test]
    fn delsp_takes_the_blank_away() {
        assert_eq!(unflow("変更申 \n請です", true), "変更申請です");
    }
}
