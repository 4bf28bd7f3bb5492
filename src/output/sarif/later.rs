//! What has to be written behind everything else.

use std::fs::File;
use std::io::{self, Read, Seek, Write};

/// Octets that wait in memory.
const IN_MEMORY: usize = 1024 * 1024;

/// Octets for later: the first megabyte in memory, the others in a file without a name. That is opened at once, because what
/// reads hostile files may not make any, and whoever writes little has no need of it.
#[derive(Debug)]
pub(super) struct Later {
    memory: Vec<u8>,
    file: io::Result<File>,
}

impl Later {
    pub(super) fn new() -> Later {
        Later { memory: Vec::new(), file: tempfile::tempfile() }
    }

    fn file(&mut self) -> io::Result<&mut File> {
        let told = |error: &mut io::Error| io::Error::new(error.kind(), format!("a temporary file: {error}"));
        self.file.as_mut().map_err(told)
    }

    pub(super) fn push(&mut self, octets: &[u8]) -> io::Result<()> {
        if self.memory.len().saturating_add(octets.len()) > IN_MEMORY {
            let memory = std::mem::take(&mut self.memory);
            self.file()?.write_all(&memory)?;
        }
        self.memory.extend_from_slice(octets);
        Ok(())
    }

    /// Writes everything, in the order in which it came.
    pub(super) fn copy(&mut self, writer: &mut dyn Write) -> io::Result<()> {
        if let Ok(file) = &mut self.file {
            file.rewind()?;
            let mut chunk = vec![0; 64 * 1024];
            loop {
                let count = file.read(&mut chunk)?;
                match chunk.get(..count) {
                    None | Some([]) => break,
                    Some(octets) => writer.write_all(octets)?,
                }
            }
        }
        writer.write_all(&self.memory)
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::*;

    fn pieces() -> Vec<Vec<u8>> {
        (0..40u8).map(|piece| vec![piece; 100_000]).collect()
    }

    #[test]
    fn what_waits_comes_out_in_order() {
        for count in [0, 1, 10, 11, 40] {
            let mut later = Later::new();
            pieces()[..count].iter().try_for_each(|piece| later.push(piece)).unwrap();
            assert!(later.memory.len() <= IN_MEMORY);
            let mut written = Vec::new();
            later.copy(&mut written).unwrap();
            assert!(written == pieces()[..count].concat(), "{count}");
        }
    }

    #[test]
    fn without_a_file_a_megabyte_waits_and_then_it_is_said() {
        let refused = io::Error::from(io::ErrorKind::PermissionDenied);
        let mut later = Later { memory: Vec::new(), file: Err(refused) };
        pieces()[..10].iter().try_for_each(|piece| later.push(piece)).unwrap();
        let mut written = Vec::new();
        later.copy(&mut written).unwrap();
        assert!(written == pieces()[..10].concat());
        let error = later.push(&pieces()[10]).unwrap_err();
        assert_eq!(error.to_string(), "a temporary file: permission denied");
    }
}
