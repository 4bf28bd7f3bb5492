//! Signature blocks of scripts: comments that say where they begin and end.
//!
//! Source: what Microsoft's `Set-AuthenticodeSignature` and the Windows Script Host's `Signer` write: PowerShell and MOF
//! `# SIG #`, VBScript `'' SIG ''`, JScript `// SIG //`, each between a first and a last line; WSF `** SIG **` in each line.

use std::io;
use std::sync::LazyLock;

use memchr::memmem::Finder;

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

/// What every mark has, and nearly nothing else: every file's head is searched for it.
static MARK: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"SIG "));
/// What begins the same in UTF-16 and UTF-32.
static WIDE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"S\0"));

/// Without NULs a mark is the same octets in UTF-8, UTF-16 and UTF-32.
fn has_mark(bytes: &[u8]) -> bool {
    let is_wide = |at: usize| {
        let rest = bytes.get(at..).unwrap_or(&[]);
        rest.starts_with(b"S\0I\0G\0 ") || rest.starts_with(b"S\0\0\0I\0\0\0G\0\0\0 ")
    };
    has_narrow_mark(bytes) || (WIDE.find_iter(bytes).any(is_wide) && has_narrow_mark(&without_nuls(bytes)))
}

fn without_nuls(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().filter(|byte| *byte != 0).collect()
}

/// Whether there is a mark in one octet a character.
fn has_narrow_mark(bytes: &[u8]) -> bool {
    MARK.find_iter(bytes).any(|at| {
        let behind = bytes.get(at.saturating_add(4)..).unwrap_or(&[]);
        let line = [&b"# "[..], b"'' ", b"// "].iter().find_map(|comment| behind.strip_prefix(*comment));
        let ends = |line: &[u8]| line.starts_with(b"Begin signature block") || line.starts_with(b"End signature block");
        line.is_some_and(ends)
            || (behind.starts_with(b"** ") && bytes.get(..at).is_some_and(|text| text.ends_with(b"** ")))
    })
}
