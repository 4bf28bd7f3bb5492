//! The cache file as a name on the disk: whose it is, who may write it, and who uses it now.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

/// Opens the file for reading and writing, makes it if there is none, and locks it against other processes.
///
/// Whoever can write a cache can make somebody else's digests be believed. So the file must belong to whoever runs this,
/// and nobody else may be able to write it; a name that leads elsewhere is not followed.
///
/// # Errors
/// Why it is not used, for a person.
pub(super) fn open(path: &Path) -> Result<File, String> {
    let file = open_private(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err("another process is using it".to_owned()),
        Err(TryLockError::Error(error)) => Err(format!("it cannot be locked: {error}")),
    }
}

#[cfg(unix)]
fn open_private(path: &Path) -> Result<File, String> {
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

    use rustix::fs::OFlags;

    // Opening a FIFO would block, and a link may lead to a file that somebody else chose.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.custom_flags(i32::try_from(flags).unwrap_or_default());
    let file = options.open(path).map_err(|error| match std::fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => "it is a symbolic link".to_owned(),
        _ => reason(&error),
    })?;
    let metadata = file.metadata().map_err(|error| reason(&error))?;
    let others = metadata.mode() & 0o022;
    match () {
        () if !metadata.is_file() => Err("it is not a regular file".to_owned()),
        () if metadata.uid() != rustix::process::geteuid().as_raw() => Err("it belongs to another user".to_owned()),
        () if others != 0 => Err(format!("others may write it (mode {:03o})", metadata.mode() & 0o777)),
        () => Ok(file),
    }
}

#[cfg(not(unix))]
fn open_private(_: &Path) -> Result<File, String> {
    Err("this system does not tell whether a file is the one that it was".to_owned())
}

/// An error as a reason.
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        _ => error.to_string(),
    }
}
