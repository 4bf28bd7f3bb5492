//! What tells that a file is the one that it was.

use std::fs::{File, Metadata};
use std::path::Path;

/// Everything that a file system says of a file and that a change of its content does not leave as it was.
///
/// A time of modification can be set back by anybody who may write the file. The time of change (`st_ctime`, POSIX
/// sys_stat.h) is set by the kernel with every write and with every change of the times themselves, and by nobody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    /// Of the file system, as far as it has one: images that are mounted in turn share device numbers.
    file_system: u64,
    device: u64,
    inode: u64,
    size: u64,
    /// Nanoseconds since 1970.
    modified: i128,
    /// Likewise.
    changed: i128,
}

impl Identity {
    /// Of an open file; `None` where the system knows no such thing.
    pub(super) fn of_file(file: &File) -> Option<Identity> {
        let metadata = file.metadata().ok()?;
        Identity::new(&metadata, || file_system_of_file(file))
    }

    /// Of the file that a name leads to, links followed, if it is a regular one. Nothing is opened.
    pub(super) fn of_path(path: &Path) -> Option<Identity> {
        let metadata = std::fs::metadata(path).ok().filter(Metadata::is_file)?;
        Identity::new(&metadata, || file_system_of_path(path))
    }

    #[cfg(unix)]
    fn new(metadata: &Metadata, file_system: impl FnOnce() -> Option<u64>) -> Option<Identity> {
        use std::os::unix::fs::MetadataExt;
        let moment = |seconds: i64, nanoseconds: i64| {
            i128::from(seconds).saturating_mul(1_000_000_000).saturating_add(i128::from(nanoseconds))
        };
        Some(Identity {
            file_system: file_system()?,
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: moment(metadata.mtime(), metadata.mtime_nsec()),
            changed: moment(metadata.ctime(), metadata.ctime_nsec()),
        })
    }

    /// Without inodes and times of change nothing tells a file from another one.
    #[cfg(not(unix))]
    fn new(_: &Metadata, _: impl FnOnce() -> Option<u64>) -> Option<Identity> {
        None
    }

    /// The later of the two times, in nanoseconds since 1970.
    pub(super) fn last_change(&self) -> i128 {
        self.modified.max(self.changed)
    }

    /// Its length in octets.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Which file this is, whatever is in it.
    pub(super) fn place(&self) -> [u8; 24] {
        let mut octets = [0; 24];
        for (to, from) in octets.chunks_exact_mut(8).zip([self.file_system, self.device, self.inode]) {
            to.copy_from_slice(&from.to_le_bytes());
        }
        octets
    }

    /// The state that it is in.
    pub(super) fn state(&self) -> [u8; 40] {
        let mut octets = [0; 40];
        let (size, times) = octets.split_at_mut(8);
        size.copy_from_slice(&self.size.to_le_bytes());
        for (to, from) in times.chunks_exact_mut(16).zip([self.modified, self.changed]) {
            to.copy_from_slice(&from.to_le_bytes());
        }
        octets
    }
}

#[cfg(unix)]
fn file_system_of_file(file: &File) -> Option<u64> {
    rustix::fs::fstatvfs(file).ok().map(|facts| facts.f_fsid)
}

#[cfg(unix)]
fn file_system_of_path(path: &Path) -> Option<u64> {
    rustix::fs::statvfs(path).ok().map(|facts| facts.f_fsid)
}

#[cfg(not(unix))]
fn file_system_of_file(_: &File) -> Option<u64> {
    None
}

#[cfg(not(unix))]
fn file_system_of_path(_: &Path) -> Option<u64> {
    None
}
