//! Text by display width: cutting, padding, wrapping, and a page with a column of labels.

use unicode_width::UnicodeWidthChar;

use super::style::{Ink, Style};

/// Columns that a text takes on a terminal.
#[must_use]
pub fn width_of(text: &str) -> usize {
    text.chars().map(columns).sum()
}

fn columns(character: char) -> usize {
    character.width().unwrap_or(0)
}

/// The text and blanks up to `width` columns.
#[must_use]
pub fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(width_of(text))))
}

/// The longest beginning that fits. Marks that take no column are bounded too: a name may hold thousands.
fn head(text: &str, width: usize) -> &str {
    let mut used = 0usize;
    let most = width.saturating_mul(4);
    let end = text.char_indices().enumerate().find(|(count, (_, character))| {
        used = used.saturating_add(columns(*character));
        used > width || *count >= most
    });
    end.and_then(|(_, (at, _))| text.get(..at)).unwrap_or(text)
}

/// The longest end that fits.
fn tail(text: &str, width: usize) -> &str {
    let mut used = 0usize;
    let most = width.saturating_mul(4);
    let start = text.char_indices().rev().enumerate().find(|(count, (_, character))| {
        used = used.saturating_add(columns(*character));
        used > width || *count >= most
    });
    start.and_then(|(_, (at, character))| text.get(at.saturating_add(character.len_utf8())..)).unwrap_or(text)
}

fn cut(text: &str, width: usize, wanted_tail: usize) -> String {
    if width_of(text) <= width && text.chars().count() <= width.saturating_mul(4) {
        return text.to_owned();
    }
    let room = width.saturating_sub(1);
    let end = tail(text, wanted_tail.min(room));
    let start = head(text, room.saturating_sub(width_of(end)));
    if width == 0 { String::new() } else { format!("{start}…{end}") }
}

/// A name in at most `width` columns, its middle cut out: how it begins says more than how it ends.
#[must_use]
pub fn fit_name(name: &str, width: usize) -> String {
    cut(name, width, width / 3)
}

/// A path in at most `width` columns, its middle cut out and the file's own name kept whole where it fits.
#[must_use]
pub fn fit_path(path: &str, width: usize) -> String {
    let file = path.rfind(['/', '\\']).and_then(|at| path.get(at..)).unwrap_or(path);
    let most = width.saturating_sub(width / 5);
    if width_of(path) > width && width_of(file) >= width {
        // Not even the file's name fits: its extension still says what it is.
        return if file.len() < path.len() && width > 2 {
            let room = width.saturating_sub(1);
            format!("…{}", cut(file, room, room / 2))
        } else {
            cut(path, width, width / 2)
        };
    }
    cut(path, width, width_of(file).max(most))
}

/// A piece of text in one ink.
pub type Span = (Ink, String);

/// A piece of ordinary text.
#[must_use]
pub fn plain(text: impl Into<String>) -> Span {
    (Ink::Plain, text.into())
}

/// A piece of less important text.
#[must_use]
pub fn faint(text: impl Into<String>) -> Span {
    (Ink::Faint, text.into())
}

/// Breaks a line at blanks, and words that are longer than a line anywhere. Width 0 breaks nothing.
#[must_use]
pub fn wrap(spans: &[Span], width: usize) -> Vec<Vec<Span>> {
    let mut lines = vec![Vec::new()];
    let mut used = 0usize;
    for (index, word) in words(spans).into_iter().enumerate() {
        let length: usize = word.iter().map(|(_, text)| width_of(text)).sum();
        let with_blank = used.saturating_add(1).saturating_add(length);
        if index > 0 && (width == 0 || with_blank <= width) {
            push(&mut lines, word.first().map_or(Ink::Plain, |(ink, _)| *ink), " ");
            used = used.saturating_add(1);
        } else if index > 0 {
            lines.push(Vec::new());
            used = 0;
        }
        for (ink, text) in &word {
            let mut rest = text.as_str();
            loop {
                let part = head(rest, width.saturating_sub(used));
                if width == 0 || part.len() == rest.len() {
                    break;
                }
                // A character wider than the page would never fit: it goes there all the same.
                let part = if part.is_empty() && used == 0 { first_character(rest) } else { part };
                push(&mut lines, *ink, part);
                rest = rest.get(part.len()..).unwrap_or("");
                if !rest.is_empty() {
                    lines.push(Vec::new());
                    used = 0;
                }
            }
            push(&mut lines, *ink, rest);
            used = used.saturating_add(width_of(rest));
        }
    }
    lines
}

fn first_character(text: &str) -> &str {
    let end = text.chars().next().map_or(0, char::len_utf8);
    text.get(..end).unwrap_or("")
}

fn push(lines: &mut [Vec<Span>], ink: Ink, text: &str) {
    let Some(line) = lines.last_mut() else { return };
    match line.last_mut() {
        Some((last, so_far)) if *last == ink => so_far.push_str(text),
        _ => line.push((ink, text.to_owned())),
    }
}

/// The words of a line; a word may change its ink in the middle.
fn words(spans: &[Span]) -> Vec<Vec<Span>> {
    let mut words = vec![Vec::new()];
    for (ink, text) in spans {
        for (index, part) in text.split(' ').enumerate() {
            if index > 0 {
                words.push(Vec::new());
            }
            if let Some(word) = words.last_mut() {
                word.push((*ink, part.to_owned()));
            }
        }
    }
    words
}

/// Columns that labels take.
const LABELS: usize = 13;
/// On pages narrower than this, labels stand on lines of their own.
const NARROW: usize = 60;

/// A page with labels on the left and wrapped text on the right.
#[derive(Debug)]
pub struct Page {
    width: usize,
    style: Style,
    label: &'static str,
    text: String,
}

impl Page {
    /// An empty page; width 0 wraps nothing.
    #[must_use]
    pub fn new(width: usize, style: Style) -> Page {
        Page { width, style, label: "", text: String::new() }
    }

    /// The lines that follow belong to this label.
    pub fn label(&mut self, label: &'static str) {
        self.label = label;
    }

    /// An empty line.
    pub fn gap(&mut self) {
        self.text.push('\n');
    }

    /// A line over the whole width.
    pub fn headline(&mut self, spans: &[Span]) {
        for line in wrap(spans, self.width) {
            self.put("", &line);
        }
    }

    /// A line whose continuation stands below its text and not below what is before it.
    pub fn beside(&mut self, before: &[Span], spans: &[Span]) {
        let taken = before.iter().map(|(_, text)| width_of(text)).sum();
        let room = if self.width == 0 { 0 } else { self.width.saturating_sub(taken).max(8) };
        let mut start: String = before.iter().map(|(ink, text)| self.style.paint(*ink, text)).collect();
        for line in wrap(spans, room) {
            self.put(&start, &line);
            start = " ".repeat(taken);
        }
    }

    /// A line.
    pub fn line(&mut self, spans: &[Span]) {
        self.hanging("", "", spans);
    }

    /// A line with something before it, and something else before its continuation.
    pub fn hanging(&mut self, first: &str, rest: &str, spans: &[Span]) {
        let narrow = self.width > 0 && self.width < NARROW;
        let margin = if narrow { 2 } else { LABELS };
        if narrow && !self.label.is_empty() {
            let label = std::mem::take(&mut self.label);
            self.put("", &[(Ink::Strong, label.to_owned())]);
        }
        let taken = margin.saturating_add(width_of(first).max(width_of(rest)));
        let room = if self.width == 0 { 0 } else { self.width.saturating_sub(taken).max(8) };
        for (index, line) in wrap(spans, room).iter().enumerate() {
            let label = std::mem::take(&mut self.label);
            let mut start = self.style.paint(Ink::Strong, label);
            start.push_str(&" ".repeat(margin.saturating_sub(width_of(label))));
            start.push_str(&self.style.paint(Ink::Faint, if index == 0 { first } else { rest }));
            self.put(&start, line);
        }
    }

    fn put(&mut self, start: &str, line: &[Span]) {
        let painted: String = line.iter().map(|(ink, text)| self.style.paint(*ink, text)).collect();
        let whole = format!("{start}{painted}");
        self.text.push_str(whole.trim_end_matches(' '));
        self.text.push('\n');
    }

    /// What is on the page.
    #[must_use]
    pub fn finish(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(text: &str, width: usize) -> Vec<String> {
        let lines = wrap(&[plain(text)], width);
        lines.iter().map(|line| line.iter().map(|(_, text)| text.as_str()).collect()).collect()
    }

    #[test]
    fn names_and_paths_are_cut_by_width() {
        assert_eq!(fit_name("Microsoft Corporation", 30), "Microsoft Corporation");
        assert_eq!(fit_name("Microsoft Corporation", 12), "Microso…tion");
        assert_eq!(fit_path("/mnt/image/Windows/System32/evil.exe", 24), "/mn…ws/System32/evil.exe");
        assert_eq!(fit_path("/mnt/image/a-rather-long-name.exe", 26), "/m…/a-rather-long-name.exe");
        assert_eq!(fit_path("/x/a-rather-long-name-indeed.exe", 16), "…/a-rath…eed.exe");
        assert_eq!(fit_path("a-rather-long-name-indeed.exe", 16), "a-rathe…deed.exe");
        assert_eq!(fit_name("株式会社サンプル", 9), "株式会…ル");
        for width in 0..40 {
            for text in ["株式会社サンプル", "plain and long enough to be cut somewhere", "e\u{301}e\u{301}"] {
                assert!(width_of(&fit_name(text, width)) <= width, "{text} {width}");
                assert!(width_of(&fit_path(text, width)) <= width, "{text} {width}");
            }
        }
    }

    #[test]
    fn marks_without_width_do_not_flood() {
        let flood = format!("a{}b", "\u{301}".repeat(10_000));
        assert!(fit_name(&flood, 20).chars().count() < 200);
        assert!(fit_path(&flood, 20).chars().count() < 200);
    }

    #[test]
    fn lines_break_at_blanks_and_long_words_anywhere() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("one  two", 20), ["one  two"]);
        assert_eq!(wrapped("a 0123456789", 4), ["a", "0123", "4567", "89"]);
        assert_eq!(wrapped("one two three", 0), ["one two three"]);
        assert_eq!(wrapped("", 5), [""]);
        assert_eq!(wrapped("株式", 1), ["株", "式"]);
    }

    #[test]
    fn labels_stand_beside_the_text_or_above_it() {
        let page = |width| {
            let mut page = Page::new(width, Style::default());
            page.label("File");
            page.line(&[plain("a PE file of some length")]);
            page.hanging("└─ ", "   ", &[plain("and more of that")]);
            page.finish()
        };
        let start = " ".repeat(LABELS);
        assert_eq!(page(0), format!("File         a PE file of some length\n{start}└─ and more of that\n"));
        assert_eq!(page(24), "File\n  a PE file of some\n  length\n  └─ and more of that\n");
    }
}
