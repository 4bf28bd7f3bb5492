//! What kind of file a name leads to: by content, for which the name says how far to look.

use std::io;
use std::path::Path;

use crate::container::{Format, Source, sniff, sniff_through};
use crate::judge::Reason;
use crate::record::Record;

/// What files are called that carry blocks.
const EXTENSIONS: [&str; 13] =
    ["ps1", "psm1", "psd1", "ps1xml", "psc1", "pssc", "cdxml", "mof", "vbs", "vbe", "js", "jse", "wsf"];

/// Whether a file of this name is a script that may carry a block.
pub(super) fn is_script_name(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

/// The kind of a file of this name.
pub(super) fn kind_of(path: &Path, source: &dyn Source) -> io::Result<Format> {
    if is_script_name(path) { sniff_through(source) } else { sniff(source) }
}

/// The record of a file of this name. A script without a block is of no kind by its content, and by its name of one that could
/// have had one: Windows finds who reads the signatures of scripts by the name, too. Source: `pfnIsFileSupportedName` (mssip.h).
pub(super) fn by_name(mut record: Record, path: &Path) -> Record {
    if record.format == Format::Other && record.reason == Reason::UnsupportedSubject && is_script_name(path) {
        record.reason = Reason::NoSignature;
        record.status = record.reason.status();
        record.hresult = record.reason.hresult();
    }
    record
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::MemorySource;

    #[test]
    fn by_a_script_s_name_a_block_is_looked_for_further() {
        let script = ["x".repeat(5000).as_bytes(), b"\r\n# SIG # End signature block\r\n", &vec![0; 1 << 20]].concat();
        for (name, format) in [("a.ps1", Format::Script), ("B.VBS", Format::Script), ("a.txt", Format::Other)] {
            assert_eq!(kind_of(Path::new(name), &MemorySource(&script)).unwrap(), format, "{name}");
        }
    }
}
