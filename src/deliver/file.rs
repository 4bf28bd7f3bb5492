//! A file that appears under its name when it is complete, and not before.

use std::fs;
#[cfg(unix)]
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

/// A file in the making, beside the name that it will have. Without [`AtomicFile::commit`] it is removed.
#[derive(Debug)]
pub struct AtomicFile {
    temporary: NamedTempFile,
    folder: PathBuf,
    name: PathBuf,
}

impl AtomicFile {
    /// Starts a file that is to be called `name`. A link is followed: what it points to is replaced, not the link.
    ///
    /// # Errors
    /// When the folder cannot be written to, or when something stands under the name that is no regular file (a device or a
    /// pipe can be written to, but not replaced).
    pub fn create(name: &Path) -> io::Result<AtomicFile> {
        let name = match fs::metadata(name) {
            Ok(found) if found.is_file() => fs::canonicalize(name)?,
            Ok(_) => return Err(io::Error::new(io::ErrorKind::AlreadyExists, "exists and is no regular file")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => name.to_owned(),
            Err(error) => return Err(error),
        };
        let folder = match name.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let mut builder = Builder::new();
        builder.prefix(".sigscan-").suffix(".part");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // What other programs create with, before the umask; the library's own is for secrets.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let temporary = builder.tempfile_in(&folder)?;
        Ok(AtomicFile { temporary, folder, name })
    }

    /// What writes to it. Flush it before [`AtomicFile::commit`].
    ///
    /// # Errors
    /// When the system has no further handle.
    pub fn writer(&self) -> io::Result<impl Write + 'static> {
        Ok(BufWriter::with_capacity(64 * 1024, self.temporary.as_file().try_clone()?))
    }

    /// Gives the file its name, after its content is on the disk.
    ///
    /// # Errors
    /// When the disk or the rename fails; then nothing changed under the name.
    pub fn commit(self) -> io::Result<()> {
        self.temporary.as_file().sync_all()?;
        self.temporary.persist(&self.name)?;
        sync_folder(&self.folder)
    }
}

/// Makes names in a folder as durable as the files that they name.
#[cfg(unix)]
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Folders cannot be opened for that here; renames are journalled.
#[cfg(not(unix))]
pub(super) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn the_name_holds_the_old_content_until_the_new_one_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.jsonl");
        fs::write(&path, "old").unwrap();
        let file = AtomicFile::create(&path).unwrap();
        let mut writer = file.writer().unwrap();
        writer.write_all(b"new").unwrap();
        writer.flush().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()).len(), 2);
        file.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["records.jsonl"]);
    }

    #[test]
    fn what_is_not_committed_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = AtomicFile::create(&folder.path().join("records.jsonl")).unwrap();
        file.writer().unwrap().write_all(b"half").unwrap();
        drop(file);
        assert_eq!(names(folder.path()), Vec::<String>::new());
    }

    #[test]
    #[cfg(unix)]
    fn links_are_followed_and_what_is_no_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        fs::write(&target, "old").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let file = AtomicFile::create(&link).unwrap();
        file.writer().unwrap().write_all(b"new").unwrap();
        file.commit().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(AtomicFile::create(Path::new("/dev/null")).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }
}
