//! Signature blocks of scripts: comments that say where they begin and end.
//!
//! Source: what Microsoft's `Set-AuthenticodeSignature` and the Windows Script Host's `Signer` write: PowerShell and MOF
//! `# SIG #`, VBScript `'' SIG ''`, JScript `// SIG //`, each between a first and a last line; WSF `** SIG **` in each line.

use std::io;

use super::source::{Source, read_up_to};

/// How much of the end of a text is looked at: the block is the last thing in a script.
const TAIL: u64 = 64 * 1024;
/// How much of the end of a script is looked through, should its block be followed by whatever.
const SCRIPT: u64 = 16 << 20;
const CHUNK: usize = 1 << 20;
/// No mark is longer, in any encoding.
const OVERLAP: u64 = 256;

/// Whether the start of a file or the end of a text has the mark of a block.
pub(super) fn at_an_end(source: &dyn Source, head: &[u8]) -> io::Result<bool> {
    let (seen, length) = (head.len() as u64, source.len());
    if has_mark(head) {
        return Ok(true);
    }
    let start = length.saturating_sub(TAIL).max(seen.saturating_sub(OVERLAP));
    Ok(length > seen && is_text(head) && has_mark(&read_up_to(source, start, TAIL as usize)?))
}

/// Whether the last megabytes of a file have it.
pub(super) fn anywhere(source: &dyn Source) -> io::Result<bool> {
    let mut at = source.len().saturating_sub(SCRIPT);
    loop {
        let chunk = read_up_to(source, at, CHUNK)?;
        let next = at.saturating_add(chunk.len() as u64).saturating_sub(OVERLAP);
        if has_mark(&chunk) {
            return Ok(true);
        }
        if next <= at || next.saturating_add(OVERLAP) >= source.len() {
            return Ok(false);
        }
        at = next;
    }
}

fn is_text(head: &[u8]) -> bool {
    let wide =
        head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) || head.starts_with(&[0, 0, 0xfe, 0xff]);
    wide || memchr::memchr(0, head).is_none()
}

/// Without NULs a mark is the same octets in UTF-8, UTF-16 and UTF-32.
fn has_mark(bytes: &[u8]) -> bool {
    let mut wide = false;
    // One pass for all encodings, because every file's head goes through it: a G is rarer than what surrounds it.
    let found = memchr::memchr_iter(b'G', bytes).any(|at| {
        wide |= surrounds(bytes, at, b"S\0I\0G\0 ") || surrounds(bytes, at, b"S\0\0\0I\0\0\0G\0\0\0 ");
        is_narrow_mark(bytes, at)
    });
    found || (wide && has_narrow_mark(&without_nuls(bytes)))
}

/// Whether these octets, of which one is a G, stand around the G at this place.
fn surrounds(bytes: &[u8], at: usize, octets: &[u8]) -> bool {
    let before = octets.iter().position(|octet| *octet == b'G').unwrap_or(0);
    at.checked_sub(before).and_then(|start| bytes.get(start..)).is_some_and(|rest| rest.starts_with(octets))
}

fn without_nuls(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().filter(|byte| *byte != 0).collect()
}

fn has_narrow_mark(bytes: &[u8]) -> bool {
    memchr::memchr_iter(b'G', bytes).any(|at| is_narrow_mark(bytes, at))
}

/// Whether the G at this place is that of a mark in one octet a character.
fn is_narrow_mark(bytes: &[u8], at: usize) -> bool {
    if !surrounds(bytes, at, b"SIG ") {
        return false;
    }
    let behind = bytes.get(at.saturating_add(2)..).unwrap_or(&[]);
    let line = [&b"# "[..], b"'' ", b"// "].iter().find_map(|comment| behind.strip_prefix(*comment));
    let ends = |line: &[u8]| line.starts_with(b"Begin signature block") || line.starts_with(b"End signature block");
    line.is_some_and(ends) || surrounds(bytes, at, b"** SIG ** ")
}
