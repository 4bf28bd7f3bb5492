//! Data behind a signature that stays valid: SigFlip.

use super::{Scenario, honest};
use crate::lab::pe::{Offsets, fix_checksum, point, put32};

pub fn scenarios() -> Vec<Scenario> {
    vec![sigflip()]
}

/// Octets behind the table, which the directory and dwLength count: both grow alike. CheckSum is left.
fn stuffed(signed: &[u8], extra: &[u8]) -> Vec<u8> {
    let (offset, size) = Offsets::of(signed).table(signed);
    let size = (size + extra.len()) as u32;
    let mut out = [signed, extra].concat();
    point(&mut out, offset as u32, size);
    put32(&mut out, offset, size);
    out
}

/// The BOF flips with eight letters and digits and makes CheckSum right; the .NET tool hides a payload behind its mark,
/// padded to eight, and forgets CheckSum.
fn sigflip() -> Scenario {
    let tool = honest("SigFlip flips this");
    let mut flipped = stuffed(&tool, b"x7Qa93Lm");
    fix_checksum(&mut flipped);
    let mut hidden = b"\xfe\xed\xfa\xce\xfe\xed\xfa\xce".to_vec();
    hidden.extend(b"not a payload but a sentence about one");
    hidden.resize(hidden.len().next_multiple_of(8), 0);
    Scenario {
        name: "sigflip",
        files: vec![("flipped.exe", flipped), ("injected.exe", stuffed(&tool, &hidden)), ("tool.exe", tool)],
    }
}
