//! Files as sources, opened so that nothing blocks and nothing is followed by accident.

use std::fs::File;
use std::io::{self, Read};
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
        use rustix::fs::{Mode, OFlags};
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let opened = rustix::io::retry_on_intr(|| rustix::fs::open(path, flags, Mode::empty()))?;
        FileSource::from_file(opened.into())
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
        let opened = Stamp::of(&file)?.ok_or_else(not_regular)?;
        Ok(FileSource { opened, file })
    }

    /// Whether the file is no longer what it was when it was opened: another length or time of modification.
    ///
    /// # Errors
    /// Errors of asking.
    pub fn changed(&self) -> io::Result<bool> {
        Ok(matches!(self.since(None)?, Since::Changed))
    }

    /// What has become of the file since it was opened, or since it was as `known` says.
    ///
    /// # Errors
    /// Errors of asking.
    pub(super) fn since(&self, known: Option<&Stamp>) -> io::Result<Since> {
        let now = Stamp::of(&self.file)?.ok_or_else(not_regular)?;
        Ok(match () {
            () if !now.seems(&self.opened) => Since::Changed,
            () if now != *known.unwrap_or(&self.opened) => Since::Touched(now),
            () => Since::Same,
        })
    }
}

/// What has become of a file.
#[derive(Debug)]
pub(super) enum Since {
    /// Nothing.
    Same,
    /// It seems what it was, and something was done to it all the same: it may have another name or owner, or other bytes and its
    /// time of modification set back.
    Touched(Stamp),
    /// It has another length or time of modification.
    Changed,
}

/// What a change to a file cannot leave as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    length: u64,
    modified: Option<Moment>,
    /// No program can set this time, and whatever is done to a file sets it. `st_ctime`, POSIX sys_stat.h.
    changed: Option<Moment>,
}

/// Seconds and nanoseconds since 1970.
#[cfg(unix)]
type Moment = (i64, i64);
#[cfg(not(unix))]
type Moment = std::time::SystemTime;

impl Stamp {
    /// The stamp of an open file, `None` of what is no regular file. It is asked for each file that a walk meets, so by the
    /// call that costs least.
    #[cfg(unix)]
    #[allow(clippy::useless_conversion, clippy::unnecessary_cast)] // the types of these fields are each system's own
    fn of(file: &File) -> io::Result<Option<Stamp>> {
        let stat = rustix::fs::fstat(file)?;
        let is_regular = rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file();
        Ok(is_regular.then(|| Stamp {
            length: u64::try_from(stat.st_size).unwrap_or(0),
            modified: Some((stat.st_mtime as i64, stat.st_mtime_nsec as i64)),
            changed: Some((stat.st_ctime as i64, stat.st_ctime_nsec as i64)),
        }))
    }

    /// The stamp of an open file, `None` of what is no regular file. Nobody tells the time of change here.
    #[cfg(not(unix))]
    fn of(file: &File) -> io::Result<Option<Stamp>> {
        let metadata = file.metadata()?;
        let modified = metadata.modified().ok();
        Ok(metadata.is_file().then(|| Stamp { length: metadata.len(), modified, changed: None }))
    }

    fn seems(&self, other: &Stamp) -> bool {
        self.length == other.length && self.modified == other.modified
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
        Ok(rustix::io::pread(&self.file, buffer, offset)?)
    }

    #[cfg(windows)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(&self.file, buffer, offset)
    }
}

/// Standard input as a source: itself where it is a regular file, else spooled into an unnamed temporary file, up to so many
/// bytes. False where there were more.
///
/// # Errors
/// Errors of reading and of the temporary file.
pub fn standard_input(most: Option<u64>) -> io::Result<(FileSource, bool)> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        let file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        if file.metadata()?.is_file() {
            return Ok((FileSource::from_file(file)?, true));
        }
    }
    let mut spool = tempfile::tempfile()?;
    let mut input = io::stdin().lock();
    io::copy(&mut input.by_ref().take(most.unwrap_or(u64::MAX)), &mut spool)?;
    let whole = most.is_none() || io::copy(&mut input.take(1), &mut io::sink())? == 0;
    Ok((FileSource::from_file(spool)?, whole))
}
