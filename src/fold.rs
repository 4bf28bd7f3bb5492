//! Names of files without their case, as Windows compares them.
//!
//! NTFS keeps a table of upper case, `$UpCase`, one 16-bit unit for one. It knows no sign that is only compatible with a
//! letter: U+017F is no `S` to it, U+0131 no `I` and U+212A no `K`, so that files whose names differ in these lie side by
//! side, and whoever took one for the other would take a stranger's file for that of Windows. Sources: libfsntfs, "New
//! Technologies File System", `$UpCase`; Unicode's `UnicodeData.txt` for what is a pair.

/// The name with every letter in lower case that is one half of a pair: its two halves lead to each other and nowhere else.
pub(crate) fn folded(name: &str) -> String {
    name.chars().map(fold).collect()
}

fn fold(letter: char) -> char {
    if letter.is_ascii() {
        return letter.to_ascii_lowercase();
    }
    // What takes two units has no place in the table.
    if letter > '\u{ffff}' {
        return letter;
    }
    let lower = one(letter.to_lowercase()).filter(|lower| one(lower.to_uppercase()) == Some(letter));
    lower.unwrap_or(letter)
}

fn one(mut letters: impl Iterator<Item = char>) -> Option<char> {
    letters.next().filter(|_| letters.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_alike_and_what_only_resembles_a_letter_is_not() {
        assert_eq!(folded("\\Ab/C:_1.EXE"), "\\ab/c:_1.exe");
        for (upper, lower) in [("ÄÖÜ", "äöü"), ("ΑΣ", "ασ"), ("ЖЯ", "жя"), ("Ÿ", "ÿ"), ("Ｋ", "ｋ")] {
            assert_eq!(folded(upper), folded(lower), "{upper}");
        }
        for (one, other) in [
            ("\u{17f}", "s"),
            ("\u{131}", "i"),
            ("\u{130}", "i"),
            ("\u{212a}", "k"),
            ("\u{212b}", "å"),
            ("\u{1e9e}", "ß"),
            ("ß", "ss"),
            ("\u{1c5}", "\u{1c6}"),
            ("\u{10400}", "\u{10428}"),
        ] {
            assert_ne!(folded(one), folded(other), "{one}");
            assert_eq!(folded(one), one);
        }
    }

    #[test]
    fn no_two_letters_become_one_but_the_halves_of_a_pair() {
        let mut halves = std::collections::BTreeMap::<char, Vec<char>>::new();
        for letter in char::MIN..=char::MAX {
            let lower = fold(letter);
            assert_eq!((fold(lower), lower.is_ascii()), (lower, letter.is_ascii()), "{letter}");
            halves.entry(lower).or_default().push(letter);
        }
        assert_eq!(halves.values().map(Vec::len).max(), Some(2));
        assert!(halves.values().filter(|letters| letters.len() == 2).count() > 900);
    }
}
