//! Digests of a file that judging did not make.

use std::io;
use std::path::Path;

use crate::container::Source;
use crate::crypto::{DigestAlgorithm, MultiHasher};
use crate::scan::FileSource;

/// Digests of a whole file in one reading, in hexadecimal, in the order asked for.
///
/// # Errors
/// Errors of reading; what is no regular file, or changes meanwhile, has none.
pub(super) fn of_file<const N: usize>(path: &Path, wanted: [DigestAlgorithm; N]) -> io::Result<[String; N]> {
    let source = FileSource::open(path)?;
    let mut hasher = MultiHasher::new(wanted);
    let mut block = vec![0u8; 64 * 1024];
    let mut at = 0u64;
    loop {
        let read = source.read_at(&mut block, at)?;
        let Some(piece) = block.get(..read).filter(|piece| !piece.is_empty()) else { break };
        hasher.update(piece);
        at = at.saturating_add(read as u64);
    }
    if source.changed()? {
        return Err(io::ErrorKind::Interrupted.into());
    }
    let digests = hasher.finish();
    let of = |wanted| digests.iter().find(|(algorithm, _)| *algorithm == wanted).map(|(_, value)| value.to_string());
    Ok(wanted.map(|algorithm| of(algorithm).unwrap_or_default()))
}
