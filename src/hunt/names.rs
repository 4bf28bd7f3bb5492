//! Names as people read them: what makes two names the same to the eye, and what only looks the same.

use std::borrow::Cow;

use super::letters::undressed;
use crate::hidden::is_invisible;

/// Words that tell one company from the next only on paper.
const FORMS: [&str; 16] = [
    "inc",
    "incorporated",
    "corp",
    "corporation",
    "ltd",
    "limited",
    "llc",
    "gmbh",
    "ag",
    "sa",
    "ab",
    "bv",
    "co",
    "plc",
    "sas",
    "srl",
];

/// The same words by their look.
const FORMS_SEEN: [&str; 16] = [
    "lnc",
    "lncorporated",
    "corp",
    "corporatlon",
    "ltd",
    "llmlted",
    "llc",
    "gmbh",
    "ag",
    "sa",
    "ab",
    "bv",
    "co",
    "plc",
    "sas",
    "srl",
];

/// Octets of the longest of them.
const LONGEST_FORM: usize = 12;

/// A name without case, punctuation and the company's legal form, in its own letters.
#[must_use]
pub(super) fn plain(name: &str) -> String {
    words(&lower(name, Some, |letter| letter), &FORMS)
}

/// What a name looks like: [`plain`], without what nobody sees, with letters of other alphabets taken for the Latin ones that they look like, and
/// with the digits and pairs of letters that pass for another letter taken for that (after Unicode TR 39: those that
/// occur in names of Latin letters). Two names of one look are told apart by nobody who reads quickly.
#[must_use]
pub(super) fn look(name: &str) -> String {
    let seen = |letter| (!is_invisible(letter)).then(|| latin_capital(undressed(letter)));
    let text = lower(name, seen, latin);
    // Before the words are told apart: a legal form can be disguised as well.
    let mut text = unmarked(&text).into_owned();
    if text.contains(['0', '1', 'i']) {
        text = text
            .chars()
            .map(|letter| match letter {
                '0' => 'o',
                '1' | 'i' => 'l',
                other => other,
            })
            .collect();
    }
    for (pair, letter) in [("rn", "m"), ("vv", "w")] {
        if text.contains(pair) {
            text = text.replace(pair, letter);
        }
    }
    words(&text, &FORMS_SEEN)
}

/// The text without the marks that follow names, written in letters.
fn unmarked(text: &str) -> Cow<'_, str> {
    if !text.contains('(') {
        return Cow::Borrowed(text);
    }
    Cow::Owned(["(r)", "(c)", "(tm)"].iter().fold(text.to_owned(), |text, mark| text.replace(mark, " ")))
}

/// In lower case, each letter as `before` and `after` have it there. Every start makes this of some thousand names, nearly all
/// of them ASCII.
fn lower(name: &str, before: impl Fn(char) -> Option<char>, after: impl Fn(char) -> char) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    name.chars().filter_map(before).flat_map(char::to_lowercase).map(after).collect()
}

/// Words of a copyright notice that are no name.
const NOTICE: [&str; 8] = ["copyright", "c", "r", "by", "the", "all", "rights", "reserved"];

/// The end of one, `all rights reserved`, in other languages that real files have.
const RESERVED: [&str; 5] = [
    "alle rechte vorbehalten",
    "tous droits réservés",
    "todos los derechos reservados",
    "todos os direitos reservados",
    "tutti i diritti riservati",
];

/// Who holds the rights by a copyright notice: its words without the notice's own and without years, as [`plain`].
#[must_use]
pub(super) fn copyright_holder(notice: &str) -> String {
    let mut name = plain(notice);
    for ending in RESERVED {
        if let Some(rest) = name.strip_suffix(ending) {
            name.truncate(rest.len());
        }
    }
    let told = |word: &&str| !NOTICE.contains(word) && !word.bytes().all(|octet| octet.is_ascii_digit());
    name.split(' ').filter(|word| !word.is_empty()).filter(told).collect::<Vec<_>>().join(" ")
}

/// The words without those that name a legal form, with single spaces between them.
fn words(text: &str, forms: &[&str]) -> String {
    let text = unmarked(text);
    let mut joined = String::with_capacity(text.len());
    let words = text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    for word in words.filter(|word| word.len() > LONGEST_FORM || !forms.contains(word)) {
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(word);
    }
    joined
}

/// Capitals that look like Latin ones, which their small letters need not do.
fn latin_capital(letter: char) -> char {
    match letter {
        'Α' | 'А' | 'Ꭺ' => 'A',
        'Β' | 'В' | 'Ᏼ' => 'B',
        'Ϲ' | 'С' | 'Ꮯ' => 'C',
        'Ꭰ' => 'D',
        'Ε' | 'Е' | 'Ꭼ' => 'E',
        'Ϝ' => 'F',
        'Ԍ' | 'Ꮐ' => 'G',
        'Η' | 'Н' | 'Ꮋ' => 'H',
        'Ι' | 'І' | 'Ӏ' => 'I',
        'Ϳ' | 'Ј' | 'Ꭻ' => 'J',
        'Κ' | 'К' | 'Ꮶ' => 'K',
        'Ꮮ' => 'L',
        'Μ' | 'М' | 'Ꮇ' | 'Ϻ' => 'M',
        'Ν' => 'N',
        'Ο' | 'О' | 'Օ' => 'O',
        'Ρ' | 'Р' | 'Ꮲ' => 'P',
        'Ԛ' => 'Q',
        'Ꭱ' | 'Ꮢ' => 'R',
        'Ѕ' | 'Տ' | 'Ꮪ' => 'S',
        'Τ' | 'Т' | 'Ꭲ' => 'T',
        'Ս' => 'U',
        'Ꮩ' | 'Ѵ' => 'V',
        'Ԝ' | 'Ꮃ' => 'W',
        'Χ' | 'Х' => 'X',
        'Υ' | 'Ү' | 'У' => 'Y',
        'Ζ' | 'Ꮓ' => 'Z',
        other => other,
    }
}

fn latin(letter: char) -> char {
    match letter {
        'а' | 'α' | 'ɑ' => 'a',
        'с' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'ε' => 'e',
        'һ' => 'h',
        'і' | 'ι' | 'ı' | 'ӏ' => 'i',
        'ј' => 'j',
        'κ' | 'к' => 'k',
        'м' => 'm',
        'ո' => 'n',
        'о' | 'ο' | 'օ' => 'o',
        'р' | 'ρ' => 'p',
        'ѕ' => 's',
        'т' | 'τ' => 't',
        'υ' | 'ս' => 'u',
        'ν' | 'ѵ' => 'v',
        'ԝ' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' => 'y',
        other if ('\u{ff01}'..='\u{ff5e}').contains(&other) => {
            char::from_u32(u32::from(other).saturating_sub(0xfee0)).unwrap_or(other)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_names_the_holder_of_the_rights() {
        for notice in [
            "© Microsoft Corporation. All rights reserved.",
            "Copyright (C) Microsoft Corp. 1981-1999",
            "(c) 2019 by Microsoft",
            "Copyright \u{a9} 2001, 2002 Microsoft(R)",
            "© Microsoft Corporation. Alle Rechte vorbehalten.",
            "© 2019 Microsoft. Tous droits réservés.",
        ] {
            assert_eq!(copyright_holder(notice), "microsoft", "{notice}");
        }
        assert_eq!(copyright_holder("© Microsoft and contributors"), "microsoft and contributors");
        assert_eq!(copyright_holder("Copyright (C) 2001"), "");
    }

    #[test]
    fn names_are_compared_as_people_read_them() {
        let real = look("Microsoft Corporation");
        for disguise in [
            "MICROSOFT CORP.",
            "Microsoft  Corporation",
            "Місrosoft Corporation",
            "Ｍicrosoft, Inc",
            "M1crosoft",
            "Micr0soft",
            "rnicrosoft",
            "Micro\u{200b}soft\u{ad}",
            "\u{2060}M\u{feff}icrosoft Cor\u{200d}poration",
            "ΜICRΟЅОFТ",
            "Microsoft Corporatlon",
            "Microsoft 1nc.",
            "Microsoft L1mited",
            "Ⅿicrosoft Ⅽorporation",
            "𝐌𝐢𝐜𝐫𝐨𝐬𝐨𝐟𝐭 𝐂𝐨𝐫𝐩",
            "Ⲙⲓⲥrⲟsⲟft",
            "Microsoft(R) Corporation",
            "(c) Microsoft Corporation",
        ] {
            assert_eq!(look(disguise), real, "{disguise}");
        }
        for other in ["Micro Soft", "Microsoft Windows"] {
            assert_ne!(look(other), real, "{other}");
        }
        for (disguise, real) in [("ΝVIDIA", "NVIDIA"), ("Вitdefender", "Bitdefender"), ("ΗP", "HP"), ("Ζoom", "Zoom")]
        {
            assert_eq!(look(disguise), look(real), "{disguise}");
            assert_ne!(plain(disguise), plain(real), "{disguise}");
        }
        assert_ne!(plain("Micro\u{200b}soft"), "microsoft");
        assert_eq!(plain("MICROSOFT CORP."), "microsoft");
        assert_ne!(plain("Місrosoft Corporation"), "microsoft");
        assert_ne!(plain("Micr0soft"), "microsoft");
        assert_eq!((look("Inc."), plain("Inc.")), (String::new(), String::new()));
        for marked in ["Microsoft(r) Corporation", "Microsoft (TM)", "(c) Microsoft Corp.", "Microsoft®"] {
            assert_eq!(plain(marked), "microsoft", "{marked}");
        }
        assert_eq!(plain("C-Media Electronics Inc."), "c media electronics");
        assert_ne!(plain("Microsoft Corporatlon"), "microsoft");
        // A look of one letter for each: what is left of a form after that is a form's look.
        let seen = |form: &str| form.replace(['1', 'i'], "l").replace("rn", "m").replace("vv", "w");
        assert_eq!(FORMS.map(seen), FORMS_SEEN.map(str::to_owned));
        assert_eq!(FORMS.iter().map(|form| form.len()).max(), Some(LONGEST_FORM));
    }
}
