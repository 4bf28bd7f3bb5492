//! Letters that are Latin ones in another dress, with their case.

/// The Latin letter or digit that stands for this one in Unicode's compatibility forms (UnicodeData.txt, field 5: mathematical
/// alphabets, Roman numerals of one letter, circled letters, the long s), or that it looks like (Coptic letters and small
/// capitals, after Unicode TR 39); any other letter is itself.
pub(super) fn undressed(letter: char) -> char {
    let code = u32::from(letter);
    match code {
        // Thirteen alphabets of 52 letters each, and five rows of ten digits.
        0x1d400..=0x1d6a3 => alphabetic(code.saturating_sub(0x1d400) % 52),
        0x1d7ce..=0x1d7ff => shifted('0', code.saturating_sub(0x1d7ce) % 10),
        0x24b6..=0x24cf => shifted('A', code.saturating_sub(0x24b6)),
        0x24d0..=0x24e9 => shifted('a', code.saturating_sub(0x24d0)),
        0x2c80..=0x2cb1 => coptic(letter),
        _ => single(letter),
    }
}

fn shifted(first: char, by: u32) -> char {
    char::from_u32(u32::from(first).saturating_add(by)).unwrap_or(first)
}

fn alphabetic(index: u32) -> char {
    if index < 26 { shifted('A', index) } else { shifted('a', index.saturating_sub(26)) }
}

fn coptic(letter: char) -> char {
    match letter {
        'Ⲁ' => 'A',
        'Ⲃ' => 'B',
        'Ⲉ' => 'E',
        'Ⲍ' | 'ⲍ' => 'Z',
        'Ⲏ' => 'H',
        'Ⲓ' => 'I',
        'ⲓ' => 'i',
        'Ⲕ' | 'ⲕ' => 'K',
        'Ⲙ' | 'ⲙ' => 'M',
        'Ⲛ' | 'ⲛ' => 'N',
        'Ⲟ' | 'ⲟ' => 'O',
        'Ⲣ' | 'ⲣ' => 'P',
        'Ⲥ' | 'ⲥ' => 'C',
        'Ⲧ' | 'ⲧ' => 'T',
        'Ⲩ' | 'ⲩ' => 'Y',
        'Ⲭ' | 'ⲭ' => 'X',
        other => other,
    }
}

fn single(letter: char) -> char {
    match letter {
        'ᴀ' => 'a',
        'ℬ' => 'B',
        'ʙ' => 'b',
        'ℂ' | 'ℭ' | 'Ⅽ' => 'C',
        'ᴄ' | 'ⅽ' => 'c',
        'Ⅾ' => 'D',
        'ᴅ' | 'ⅾ' => 'd',
        'ℰ' => 'E',
        'ᴇ' | 'ℯ' => 'e',
        'ℱ' => 'F',
        'ꜰ' => 'f',
        'ɢ' | 'ℊ' => 'g',
        'ℋ' | 'ℌ' | 'ℍ' => 'H',
        'ʜ' | 'ℎ' => 'h',
        'ℐ' | 'ℑ' | 'Ⅰ' => 'I',
        'ɪ' | 'ⅰ' => 'i',
        'ᴊ' => 'j',
        'ᴋ' => 'k',
        'ℒ' | 'Ⅼ' => 'L',
        'ʟ' | 'ℓ' | 'ⅼ' => 'l',
        'ℳ' | 'Ⅿ' => 'M',
        'ᴍ' | 'ⅿ' => 'm',
        'ℕ' => 'N',
        'ɴ' => 'n',
        'ᴏ' | 'ℴ' => 'o',
        'ℙ' => 'P',
        'ᴘ' => 'p',
        'ℚ' => 'Q',
        'ℛ' | 'ℜ' | 'ℝ' => 'R',
        'ʀ' => 'r',
        'ꜱ' | 'ſ' => 's',
        'ᴛ' => 't',
        'ᴜ' => 'u',
        'Ⅴ' => 'V',
        'ᴠ' | 'ⅴ' => 'v',
        'ᴡ' => 'w',
        'Ⅹ' => 'X',
        'ⅹ' => 'x',
        'ʏ' => 'y',
        'ℤ' | 'ℨ' => 'Z',
        'ᴢ' => 'z',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_lose_their_dress() {
        let plain = |text: &str| text.chars().map(undressed).collect::<String>();
        assert_eq!(plain("𝐀𝐙𝐚𝐳 𝑀𝒾 𝔐𝖎 𝙼𝚒 𝟎𝟗𝟢𝟿"), "AZaz Mi Mi Mi 0909");
        assert_eq!(plain("ⅯⅠⅭⅿⅰⅽ ⓂⓘⒸ ſᴄʀɪᴘᴛ ⲞⲥⲢ"), "MICmic MiC script OCP");
        assert_eq!(plain("Microsoft Windows 10 é ß ж"), "Microsoft Windows 10 é ß ж");
    }
}
