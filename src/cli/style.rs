//! Colours. They repeat what the words say and never say it alone.

use anstyle::AnsiColor;

use super::words::Verdict;

/// What a piece of text is, as far as colour is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// Ordinary text.
    Plain,
    /// A heading or a label.
    Strong,
    /// Less important than its surroundings.
    Faint,
    /// Something that holds.
    Good,
    /// Something that does not.
    Bad,
    /// Something that could not be decided or deserves a look.
    Doubtful,
    /// A verdict's word.
    Verdict(Verdict),
}

/// Whether to colour at all. Whoever makes one looks at the terminal and at `NO_COLOR`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// Write ANSI colours.
    pub colour: bool,
}

impl Style {
    /// The text in its colour.
    #[must_use]
    pub fn paint(self, ink: Ink, text: &str) -> String {
        if !self.colour || ink == Ink::Plain || text.is_empty() {
            return text.to_owned();
        }
        let style = style(ink);
        format!("{}{text}{}", style.render(), style.render_reset())
    }
}

fn style(ink: Ink) -> anstyle::Style {
    let bold = anstyle::Style::new().bold();
    let plain = |colour: AnsiColor| colour.on_default();
    match ink {
        Ink::Plain => anstyle::Style::new(),
        Ink::Strong => bold,
        Ink::Faint => anstyle::Style::new().dimmed(),
        Ink::Good => plain(AnsiColor::Green),
        Ink::Bad => plain(AnsiColor::Red),
        Ink::Doubtful => plain(AnsiColor::Yellow),
        Ink::Verdict(verdict) => match verdict {
            Verdict::Invalid | Verdict::Revoked => plain(AnsiColor::Red).bold(),
            Verdict::SelfSigned => plain(AnsiColor::Magenta).bold(),
            Verdict::Untrusted => plain(AnsiColor::Magenta),
            Verdict::Expired => plain(AnsiColor::Yellow),
            Verdict::Error => plain(AnsiColor::Red),
            Verdict::Unsigned => plain(AnsiColor::Cyan),
            Verdict::Valid => plain(AnsiColor::Green),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_added_only_when_wanted() {
        let invalid = Ink::Verdict(Verdict::Invalid);
        assert_eq!(Style { colour: false }.paint(invalid, "Invalid"), "Invalid");
        assert_eq!(Style { colour: true }.paint(invalid, "Invalid"), "\u{1b}[1m\u{1b}[31mInvalid\u{1b}[0m");
        assert_eq!(Style { colour: true }.paint(Ink::Plain, "x"), "x");
    }
}
