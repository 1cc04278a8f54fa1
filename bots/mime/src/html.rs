//! HTML → readable text. Quotations become `>` lines, so that `reply` needs no second way of finding them.

use crate::markup::{Tag, after_hidden, entities, hidden, tag};

/// Deeper quotations are written at this depth.
const DEEPEST_QUOTE: usize = 8;
/// Longer addresses of links are no help to anybody.
const LONGEST_LINK: usize = 1000;
/// Elements still open; more are forgotten.
const MOST_OPEN: usize = 512;

/// Converts an HTML body to text: blocks become lines, quotations `>` lines; scripts, styles and comments vanish, nothing is fetched.
pub fn html_to_text(html: &str) -> String {
    let mut page = Page::default();
    let mut rest = html;
    let mut comments_end = true;
    // Elements that were looked for to the end of the page in vain: looking again for each would cost the square of its size.
    let mut never_closed: Vec<&str> = Vec::new();
    // An element people don't see: its name, how many of that name are open in it, and where it began.
    let mut unseen: Option<(String, usize, &str)> = None;
    let mut hides = true;
    let after_last_tag = html.len() - html.rfind('>').map_or(0, |at| at + 1);
    loop {
        let next = rest.find('<').filter(|_| rest.len() > after_last_tag);
        let Some(at) = next else {
            // Better to show what should be hidden than to hide the rest of a page.
            match unseen.take() {
                Some((_, _, began)) => {
                    (rest, hides) = (began, false);
                    continue;
                }
                None => break,
            }
        };
        let (text, tail) = rest.split_at_checked(at).unwrap_or((rest, ""));
        if unseen.is_none() {
            page.text(text);
        }
        if let Some(comment) = tail.strip_prefix("<!--") {
            let end = if comments_end {
                comment.find("-->")
            } else {
                None
            };
            comments_end = end.is_some();
            // A comment that never ends hides only its first tag.
            let skipped = end
                .map(|e| e + 3)
                .or_else(|| comment.find('>').map(|e| e + 1));
            rest = skipped.and_then(|s| comment.get(s..)).unwrap_or_default();
            continue;
        }
        match tag(tail) {
            Some((tag, after)) => {
                rest = after;
                if !tag.closing
                    && let Some(name) = hidden(&tag.name)
                {
                    if !never_closed.contains(&name) {
                        match after_hidden(rest, name) {
                            Some(after) => rest = after,
                            // Code stays hidden; of a head or title there is shown what there is.
                            None if matches!(name, "head" | "title" | "object" | "noscript") => {
                                never_closed.push(name)
                            }
                            None => rest = "",
                        }
                    }
                } else if let Some((name, open, _)) = &mut unseen {
                    if tag.name == *name {
                        *open = if tag.closing { *open - 1 } else { *open + 1 };
                    }
                    // A paragraph ends where another block begins.
                    let ended = name == "p" && !tag.closing && tag.block();
                    if *open == 0 || ended {
                        unseen = None;
                        page.tag(&tag);
                    }
                } else if hides && tag.invisible() && !tag.void() {
                    unseen = Some((tag.name.clone(), 1, rest));
                } else {
                    page.tag(&tag);
                }
            }
            None => {
                if unseen.is_none() {
                    page.text("<");
                }
                rest = tail.get(1..).unwrap_or_default();
            }
        }
    }
    page.text(rest);
    page.finish()
}

/// The page as far as it is written.
#[derive(Default)]
struct Page {
    out: String,
    line: String,
    /// A blank is due before the next word of this line.
    space: bool,
    /// Elements that matter and are open: name, and whether they quote.
    open: Vec<(String, bool)>,
    blank_lines: usize,
    /// The blank that is due stands for a line end of the source.
    line_end: bool,
    /// The address of the link that is open, and where its text begins in this line.
    link: Option<(String, usize)>,
    /// Numbers of the lists that are open; `None` for those without.
    lists: Vec<Option<u32>>,
}

/// Signs of scripts that put no blanks between words: a line end of the source between two of them is none of the text
/// (CSS Text 3 §4.1.3).
fn unspaced(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{a4cf}' | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe4f}' | '\u{ff00}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}')
}

impl Page {
    fn quotes(&self) -> usize {
        self.open
            .iter()
            .filter(|(_, quotes)| *quotes)
            .count()
            .min(DEEPEST_QUOTE)
    }

    fn preformatted(&self) -> bool {
        self.open.iter().any(|(name, _)| name == "pre")
    }

    fn text(&mut self, raw: &str) {
        let preformatted = self.preformatted();
        for c in entities(raw).chars() {
            match c {
                '\n' if preformatted => self.end_line(false),
                '\u{a0}' => {
                    self.line.push(' ');
                    self.space = false;
                }
                ' ' | '\t' if preformatted => self.line.push(c),
                ' ' | '\t' | '\u{c}' => (self.space, self.line_end) = (true, self.line_end),
                '\n' | '\r' => (self.space, self.line_end) = (true, true),
                '\u{ad}' | '\u{200b}' | '\u{feff}' => {}
                c => {
                    let joined = self.line_end
                        && unspaced(c)
                        && self.line.chars().next_back().is_some_and(unspaced);
                    if self.space && !joined && !self.line.is_empty() && !self.line.ends_with(' ') {
                        self.line.push(' ');
                    }
                    (self.space, self.line_end) = (false, false);
                    self.line.push(c);
                }
            }
        }
    }

    fn tag(&mut self, tag: &Tag<'_>) {
        match tag.name.as_str() {
            "br" => self.end_line(true),
            "hr" => {
                self.end_line(false);
                self.line.push_str("________________________________");
                self.end_line(false);
            }
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "ul" | "ol" | "dl" | "table" => {
                self.end_line(false);
                if matches!(tag.name.as_str(), "ul" | "ol") {
                    self.list(tag);
                }
                self.blank_line();
                self.track(tag, false);
            }
            "blockquote" | "div" => {
                self.end_line(false);
                let quotes = !tag.closing && quoting(tag);
                self.track(tag, quotes);
            }
            "pre" => {
                self.end_line(false);
                self.track(tag, false);
            }
            "li" if !tag.closing => {
                self.end_line(false);
                match self.lists.last_mut() {
                    Some(Some(number)) => {
                        self.line.push_str(&format!("{number}. "));
                        *number = number.saturating_add(1);
                    }
                    _ => self.line.push_str("- "),
                }
            }
            "a" => self.link(tag),
            "tr" | "li" | "dt" | "dd" | "section" | "article" | "header" | "footer" | "address"
            | "center" | "body" | "form" | "fieldset" | "main" | "nav" | "aside" | "caption" => {
                self.end_line(false)
            }
            "td" | "th" if !self.line.is_empty() && !self.line.ends_with(' ') => {
                self.line.push(' ')
            }
            _ => {}
        }
    }

    /// Keeps the numbers of lists.
    fn list(&mut self, tag: &Tag<'_>) {
        if tag.closing {
            self.lists.pop();
        } else if self.lists.len() < MOST_OPEN {
            self.lists.push((tag.name == "ol").then(|| {
                let start = tag.attribute("start").and_then(|s| s.trim().parse().ok());
                start.unwrap_or(1)
            }));
        }
    }

    /// Behind the text of a link stands where it leads, when that is something else.
    fn link(&mut self, tag: &Tag<'_>) {
        if let Some((target, from)) = self.link.take()
            && let Some(shown) = self.line.get(from..).map(str::trim)
            && !shown.is_empty()
            && !same_place(shown, &target)
        {
            self.line.truncate(self.line.trim_end().len());
            self.line.push_str(&format!(" ({target})"));
        }
        if tag.closing {
            return;
        }
        let target = tag.attribute("href").map(|h| h.trim().to_owned());
        let target = target.and_then(|h| match h.split_once(':') {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("mailto") => {
                Some(rest.split('?').next().unwrap_or_default().to_owned())
            }
            Some((scheme, _))
                if ["http", "https", "ftp"]
                    .iter()
                    .any(|s| scheme.eq_ignore_ascii_case(s)) =>
            {
                Some(h)
            }
            _ => None,
        });
        self.link = target
            .filter(|t| !t.is_empty() && t.len() <= LONGEST_LINK)
            .map(|t| (t.split_whitespace().collect(), self.line.len()));
    }

    /// Keeps count of open blocks, so that a quotation ends with its own element.
    fn track(&mut self, tag: &Tag<'_>, quotes: bool) {
        if !matches!(tag.name.as_str(), "blockquote" | "div" | "pre") {
            return;
        }
        if !tag.closing {
            if self.open.len() < MOST_OPEN {
                self.open.push((tag.name.clone(), quotes));
            }
        } else if let Some(at) = self.open.iter().rposition(|(name, _)| *name == tag.name) {
            self.open.truncate(at);
        }
    }

    fn blank_line(&mut self) {
        if !self.out.is_empty() && self.blank_lines == 0 {
            self.end_line(true);
        }
    }

    /// Ends the line; an empty one is written only where the page asks for it.
    fn end_line(&mut self, even_empty: bool) {
        let line = std::mem::take(&mut self.line);
        let content = line.trim_end();
        (self.space, self.line_end) = (false, false);
        // What a link said in the line before counts; it goes on in this one.
        if let Some((_, from)) = &mut self.link {
            *from = 0;
        }
        if content.is_empty() {
            if !even_empty || self.blank_lines >= 2 || self.out.is_empty() {
                return;
            }
            self.blank_lines += 1;
        } else {
            self.blank_lines = 0;
        }
        let depth = self.quotes();
        if depth > 0 {
            self.out.extend(std::iter::repeat_n('>', depth));
            if !content.is_empty() {
                self.out.push(' ');
            }
        }
        self.out.push_str(content);
        self.out.push('\n');
    }

    fn finish(mut self) -> String {
        self.end_line(false);
        self.out.trim_end().to_owned()
    }
}

/// True when the text of a link shows where it leads.
fn same_place(shown: &str, target: &str) -> bool {
    fn bare(text: &str) -> String {
        let text = text.trim().to_lowercase();
        let text = ["https://", "http://", "ftp://", "mailto:"]
            .iter()
            .find_map(|scheme| text.strip_prefix(scheme))
            .unwrap_or(&text);
        text.trim_start_matches("www.")
            .trim_matches(['/', '<', '>', '.', '[', ']', '(', ')', ' '])
            .to_owned()
    }
    let (shown, target) = (bare(shown), bare(target));
    shown == target || shown.contains(&target)
}

/// True for the elements mail programs put a quotation in. A blockquote without a sign of that is only indented.
fn quoting(tag: &Tag<'_>) -> bool {
    let attributes = tag.attributes.to_ascii_lowercase();
    let signs: &[&str] = if tag.name == "blockquote" {
        &["cite", "quote", "border-left", "mailcontainer"]
    } else {
        &[
            "yahoo_quoted",
            "protonmail_quote",
            "ms-outlook-mobile-reference",
            "qmbox_quote",
        ]
    };
    signs.iter().any(|sign| attributes.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::markup::declared_charset;

    #[test]
    fn blocks_become_lines_and_code_vanishes() {
        let html = "<html><head><title>t</title><style>p{}</style></head><body><p>一つ目</p><p>二つ&nbsp;目<br>次</p>\
                    <script>alert('<p>')</script><!-- <p>no</p> --><ul><li>a<li>b</ul>x &amp; y &lt;z&gt; &#12354; &eacute;</body>";
        assert_eq!(
            html_to_text(html),
            "一つ目\n\n二つ 目\n次\n\n- a\n- b\n\nx & y <z> あ é"
        );
    }

    #[test]
    fn quotations_become_marked_lines_and_indented_text_does_not() {
        let html = "Hello<blockquote type=\"cite\">old<br><blockquote class='gmail_quote'>older</blockquote></blockquote>\
                    new<blockquote style='margin-left: 3em'>indented</blockquote>";
        assert_eq!(html_to_text(html), "Hello\n> old\n>> older\nnew\nindented");
    }

    #[test]
    fn what_only_looks_like_a_tag_stays() {
        assert_eq!(
            html_to_text("On Friday, A <a@example.org> wrote: 1 < 2 & 3 &unknownthing; <"),
            "On Friday, A <a@example.org> wrote: 1 < 2 & 3 &unknownthing; <"
        );
    }

    #[test]
    fn a_page_that_never_closes_anything_is_still_read() {
        assert_eq!(
            html_to_text("<head><meta x><body>text <!-- open <b>more"),
            "text more"
        );
        assert_eq!(html_to_text("<style>p{} never closed"), "");
        assert_eq!(html_to_text("<a href=\"x>broken</a> after"), "broken after");
    }

    #[test]
    fn the_charset_a_page_names_is_found() {
        assert_eq!(
            declared_charset(b"<META content='text/html; charset=Shift_JIS'>").as_deref(),
            Some("shift_jis")
        );
        assert_eq!(
            declared_charset(b"<meta charset=\"utf-8\">").as_deref(),
            Some("utf-8")
        );
        assert_eq!(declared_charset(b"<p>"), None);
    }

    #[test]
    fn links_say_where_they_lead_when_their_text_does_not() {
        assert_eq!(
            html_to_text(
                "<a href='https://example.org/a?x=1&amp;y=2'>Form</a>, <a href=\"http://www.example.org/\">www.example.org</a>, \
                 <a href=mailto:desk@example.org>desk@example.org</a> <a href='#top'>up</a> <a href=https://example.org><img src=x></a>"
            ),
            "Form (https://example.org/a?x=1&y=2), www.example.org, desk@example.org up"
        );
    }

    #[test]
    fn what_is_not_displayed_is_left_out_unless_it_never_ends() {
        assert_eq!(
            html_to_text(
                "a<div style=\"font-size:1px; DISPLAY : none\">x<div>y</div>z</div>b<p hidden>q<p>c"
            ),
            "a\n\nb\n\nc".replace("a\n\nb", "a\nb")
        );
        assert_eq!(html_to_text("a<span style='display:none'>b<br>c"), "ab\nc");
        assert_eq!(html_to_text("<a title='display:none'>shown</a>"), "shown");
    }

    #[test]
    fn rows_of_tables_and_numbered_lists_become_lines() {
        assert_eq!(
            html_to_text(
                "<table><tr><th>項目<th>金額</tr><tr><td>申請</td><td>100</td></tr></table><ol><li>a<li>b</ol><ol start=5><li>c</ol>"
            ),
            "項目 金額\n申請 100\n\n1. a\n2. b\n\n5. c"
        );
    }

    #[test]
    fn line_ends_of_the_source_put_no_blanks_into_japanese() {
        assert_eq!(
            html_to_text("<p>日本\r\n語と\nEnglish\nwords 漢 字"),
            "日本語と English words 漢 字"
        );
    }
}
