//! Files as sources, opened so that nothing blocks and nothing is followed by accident.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::container::Source;

/// An open regular file.
#[derive(Debug)]
pub struct FileSource {
    file: File,
    opened: Stamp,
}

impl FileSource {
    /// Opens a regular file for reading at random.
    ///
    /// # Errors
    /// Errors of opening, and `InvalidInput` for what is no regular file: reading a pipe or a device could block
    /// for ever or never end.
    pub fn open(path: &Path) -> io::Result<FileSource> {
        // Asked before opening, because opening a FIFO blocks, and again after, because the name may have moved.
        if !std::fs::metadata(path)?.is_file() {
            return Err(not_regular());
        }
        FileSource::from_file(File::open(path)?)
    }

    /// Opens what a walk met as a regular file, without asking once more before. Should a FIFO stand there by now, opening
    /// it does not wait for anybody.
    ///
    /// # Errors
    /// As [`FileSource::open`].
    #[cfg(unix)]
    pub(super) fn open_walked(path: &Path) -> io::Result<FileSource> {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
        FileSource::from_file(File::options().read(true).custom_flags(flags).open(path)?)
    }

    /// Opens what a walk met as a regular file.
    ///
    /// # Errors
    /// As [`FileSource::open`].
    #[cfg(not(unix))]
    pub(super) fn open_walked(path: &Path) -> io::Result<FileSource> {
        FileSource::open(path)
    }

    /// Takes over an open file.
    ///
    /// # Errors
    /// As [`FileSource::open`].
    pub fn from_file(file: File) -> io::Result<FileSource> {
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(not_regular());
        }
        Ok(FileSource { opened: Stamp::of(&metadata), file })
    }

    /// Whether the file is no longer what it was when it was opened: another length or time of change.
    ///
    /// # Errors
    /// Errors of asking.
    pub fn changed(&self) -> io::Result<bool> {
        Ok(Stamp::of(&self.file.metadata()?) != self.opened)
    }
}

/// What a change to a file cannot leave as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: Option<std::time::SystemTime>,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Stamp {
        Stamp { length: metadata.len(), modified: metadata.modified().ok() }
    }
}

/// A source that stops to give anything once somebody sets a flag, so that a huge file is left in the middle.
#[derive(Debug)]
pub(super) struct Stoppable<'s> {
    pub(super) source: &'s FileSource,
    pub(super) stop: &'s AtomicBool,
}

impl Source for Stoppable<'_> {
    fn len(&self) -> u64 {
        self.source.len()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("the scan was ended early"));
        }
        self.source.read_at(buffer, offset)
    }

    fn handle(&self) -> Option<&File> {
        self.source.handle()
    }
}

fn not_regular() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")
}

impl Source for FileSource {
    fn len(&self) -> u64 {
        self.opened.length
    }

    fn handle(&self) -> Option<&File> {
        Some(&self.file)
    }

    #[cfg(unix)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.file, buffer, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(&self.file, buffer, offset)
    }
}

/// Standard input as a source: itself where it is a regular file, else spooled into an unnamed temporary file.
///
/// # Errors
/// Errors of reading and of the temporary file.
pub fn standard_input() -> io::Result<FileSource> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        let file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        if file.metadata()?.is_file() {
            return FileSource::from_file(file);
        }
    }
    let mut spool = tempfile::tempfile()?;
    io::copy(&mut io::stdin().lock(), &mut spool)?;
    FileSource::from_file(spool)
}
