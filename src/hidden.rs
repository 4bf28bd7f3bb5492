//! Characters that nobody sees.

/// Whether a character controls the terminal, turns the direction of writing, or is invisible.
/// Sources: Unicode 16 `DerivedCoreProperties.txt`, Default_Ignorable_Code_Point; UAX #9 section 2 (bidirectional
/// formatting); general categories Cc, Zl and Zp.
#[must_use]
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(u32::from(character),
            0x00ad | 0x034f | 0x061c | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f
            | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f
            | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfffb
            | 0x13430..=0x1343f | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff)
}

/// Whether a character takes no room at all between its neighbours.
pub(crate) fn is_invisible(character: char) -> bool {
    is_hidden(character) && !character.is_control() && !character.is_whitespace()
}
