//! Which catalogs list which digests: an index over thousands of catalogs.
//!
//! Nothing in it is believed: it says where to look. Whoever finds a catalog here reads it again, checks that it lists
//! the digest in full, and judges its signature, all on the same bytes.

use std::fs::{DirEntry, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::LoadError;
use crate::cms::SignedData;
use crate::cms::catalog::{CatalogList, MemberDigest};
use crate::container::{CATALOG_HEAD, is_catalog, is_pkcs7};
use crate::crypto::DigestAlgorithm;

/// A larger file is no catalog; the largest of Windows have some megabytes.
const MAX_CATALOG: u64 = 64 << 20;
/// More members than this are refused, at 12 bytes each. A Windows image has a few million.
const MAX_MEMBERS: usize = 32 << 20;
/// As much of a file as says whether it is a catalog.
const HEAD: u64 = 4096;

/// An index from digests to the catalogs that list them: 12 bytes a member, and the path of each catalog.
#[derive(Debug, Default)]
pub struct CatalogIndex {
    places: Vec<Place>,
    entries: Vec<Entry>,
    /// Hashes digests under a key of its own: otherwise members could be made that look like any other until they are read.
    hasher: RandomState,
    /// More members are refused.
    most: usize,
    sha1: bool,
    sha256: bool,
    damaged: usize,
}

/// Where a catalog is.
#[derive(Debug)]
struct Place {
    name: PathBuf,
    /// Its bytes, when it is no file.
    bytes: Option<Vec<u8>>,
}

/// A hash of a digest, and a number in `places`. Eight octets find the right catalog among millions of members; whether it
/// really lists the digest is seen when it is read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    hash: [u8; 8],
    catalog: u32,
}

impl CatalogIndex {
    /// Reads every catalog in files and folders, recognised by content: `named` ones must hold some, `found` ones may.
    ///
    /// # Errors
    /// When a path cannot be read, a named one holds no catalog, or there are too many members.
    pub fn load(named: &[PathBuf], found: &[CatalogFolder]) -> Result<CatalogIndex, LoadError> {
        CatalogIndex::load_up_to(MAX_MEMBERS, named, found)
    }

    fn load_up_to(most: usize, named: &[PathBuf], found: &[CatalogFolder]) -> Result<CatalogIndex, LoadError> {
        let mut index = CatalogIndex { most, ..CatalogIndex::default() };
        let mut buffer = Vec::new();
        for path in named {
            let before = index.places.len();
            let folder = CatalogFolder { path: path.clone(), packages: false, follow: true };
            index.load_below(&folder, &mut buffer)?;
            if before == index.places.len() {
                return Err(LoadError::NoCatalog(path.clone()));
            }
        }
        for folder in found.iter().filter(|folder| !named.contains(&folder.path)) {
            index.load_below(folder, &mut buffer)?;
        }
        index.seal();
        Ok(index)
    }

    /// An index of catalogs in memory, each with the name that records give it.
    #[must_use]
    pub fn from_bytes(catalogs: Vec<(PathBuf, Vec<u8>)>) -> CatalogIndex {
        let mut index = CatalogIndex { most: MAX_MEMBERS, ..CatalogIndex::default() };
        for (name, bytes) in catalogs {
            index.add(name, &bytes);
            if let Some(place) = index.places.last_mut() {
                place.bytes = Some(bytes);
            }
        }
        index.seal();
        index
    }

    /// How many catalogs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// How many digests they list.
    #[must_use]
    pub fn members(&self) -> usize {
        self.entries.len()
    }

    /// How many catalogs could not be read, or not to their ends.
    #[must_use]
    pub fn damaged(&self) -> usize {
        self.damaged
    }

    /// The algorithms of the digests that are listed.
    #[must_use]
    pub fn algorithms(&self) -> Vec<DigestAlgorithm> {
        let known = [(self.sha1, DigestAlgorithm::Sha1), (self.sha256, DigestAlgorithm::Sha256)];
        known.into_iter().filter(|(listed, _)| *listed).map(|(_, algorithm)| algorithm).collect()
    }

    /// Catalogs that seem to list a digest, in the order in which they were loaded.
    pub fn candidates(&self, digest: &MemberDigest) -> impl Iterator<Item = u32> + '_ {
        let hash = self.hash(digest);
        let start = self.entries.partition_point(|entry| entry.hash < hash);
        let behind = self.entries.get(start..).unwrap_or(&[]);
        behind.iter().take_while(move |entry| entry.hash == hash).map(|entry| entry.catalog)
    }

    /// The path of a catalog.
    #[must_use]
    pub fn name(&self, catalog: u32) -> Option<&Path> {
        self.place(catalog).map(|place| place.name.as_path())
    }

    /// The bytes of a catalog, as they are now.
    ///
    /// # Errors
    /// Errors of reading.
    pub fn read(&self, catalog: u32) -> io::Result<Vec<u8>> {
        let place = self.place(catalog).ok_or(io::ErrorKind::NotFound)?;
        match &place.bytes {
            Some(bytes) => Ok(bytes.clone()),
            None => {
                let mut bytes = Vec::new();
                File::open(&place.name)?.take(MAX_CATALOG).read_to_end(&mut bytes)?;
                Ok(bytes)
            }
        }
    }

    fn hash(&self, digest: &MemberDigest) -> [u8; 8] {
        self.hasher.hash_one(digest).to_be_bytes()
    }

    fn place(&self, catalog: u32) -> Option<&Place> {
        self.places.get(usize::try_from(catalog).ok()?)
    }

    /// Of driver packages only the catalogs in their top folders are looked at, by the names that Windows gives them:
    /// gigabytes of drivers lie beside them.
    fn load_below(&mut self, folder: &CatalogFolder, buffer: &mut Vec<u8>) -> Result<(), LoadError> {
        let CatalogFolder { path, packages, follow } = folder;
        let (path, packages, follow) = (path.as_path(), *packages, *follow);
        let mut walk = walkdir::WalkDir::new(path).sort_by_file_name().follow_root_links(follow);
        if packages {
            walk = walk.max_depth(2);
        }
        for entry in walk {
            let file = match entry {
                Ok(entry)
                    if entry.file_type().is_file() || (follow && entry.depth() == 0 && entry.path().is_file()) =>
                {
                    entry.into_path()
                }
                Ok(_) => continue,
                Err(error) if error.depth() == 0 => return Err(LoadError::Io(path.to_owned(), error.into())),
                Err(_) => {
                    self.damaged = self.damaged.saturating_add(1);
                    continue;
                }
            };
            let named = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("cat"));
            if packages && !named {
                continue;
            }
            match read_catalog(&file, buffer) {
                Ok(true) => self.add(file, buffer),
                Ok(false) => {}
                Err(error) if file == path => return Err(LoadError::Io(file, error)),
                Err(_) => self.damaged = self.damaged.saturating_add(1),
            }
            if self.entries.len() > self.most {
                let why = format!("the catalogs list more than {} files", self.most);
                return Err(LoadError::TooMany(path.to_owned(), why));
            }
        }
        Ok(())
    }

    fn add(&mut self, name: PathBuf, bytes: &[u8]) {
        let Ok(catalog) = u32::try_from(self.places.len()) else { return };
        self.places.push(Place { name, bytes: None });
        let first = self.entries.len();
        let list = SignedData::parse(bytes, 0).ok().and_then(|data| CatalogList::parse(data.content?).ok());
        let mut whole = list.is_some();
        for member in list.iter().flat_map(CatalogList::members) {
            match member {
                Ok(Some(digest)) => {
                    self.sha1 |= digest.algorithm() == DigestAlgorithm::Sha1;
                    self.sha256 |= digest.algorithm() == DigestAlgorithm::Sha256;
                    self.entries.push(Entry { hash: self.hash(&digest), catalog });
                }
                Ok(None) => {}
                Err(_) => whole = false,
            }
            if self.entries.len().saturating_sub(first) > self.most {
                break;
            }
        }
        self.damaged = self.damaged.saturating_add(usize::from(!whole));
    }

    fn seal(&mut self) {
        self.entries.sort_unstable();
        self.entries.dedup();
        self.entries.shrink_to_fit();
    }
}

/// Reads a file into the buffer if it is a catalog.
fn read_catalog(path: &Path, buffer: &mut Vec<u8>) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    buffer.clear();
    file.by_ref().take(HEAD).read_to_end(buffer)?;
    if !is_catalog(buffer) {
        if !is_pkcs7(buffer) {
            return Ok(false);
        }
        file.by_ref().take((CATALOG_HEAD as u64).saturating_sub(HEAD)).read_to_end(buffer)?;
        if !is_catalog(buffer) {
            return Ok(false);
        }
    }
    if length > MAX_CATALOG {
        return Err(io::Error::other(format!("{length} bytes exceed the limit of {MAX_CATALOG}")));
    }
    file.take(MAX_CATALOG).read_to_end(buffer)?;
    Ok(true)
}

/// A folder with catalogs that was found in a Windows root.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CatalogFolder {
    /// Where it is.
    pub path: PathBuf,
    /// It holds driver packages, each with its catalog, instead of catalogs alone.
    pub packages: bool,
    /// Whether it counts where its name has become a symbolic link, too.
    pub follow: bool,
}

/// Where Windows keeps catalogs, below its own folder: those installed, those of the component store, and those of the
/// driver packages.
const FOLDERS: [(&[&str], bool); 3] = [
    (&["System32", "CatRoot"], false),
    (&["WinSxS", "Catalogs"], false),
    (&["System32", "DriverStore", "FileRepository"], true),
];

/// The folders with catalogs of a Windows root, found by name whatever their case: of a Windows folder, or of the system
/// drive above it. Other folders that hold a `System32` count too; one without these folders has none. A symbolic link on
/// the way is nothing unless links are to be followed: it may lead out of the root.
#[must_use]
pub fn catalog_folders_below(root: &Path, follow: bool) -> Vec<CatalogFolder> {
    let folder_named = |parent: &Path, name: &str| folder_named(parent, name, follow);
    let inside = |start: &Path, names: &[&str]| {
        names.iter().try_fold(start.to_owned(), |folder, name| folder_named(&folder, name))
    };
    let windows = [Some(root.to_owned()), folder_named(root, "Windows")].into_iter().flatten();
    let found = windows.flat_map(|windows| {
        let known = folder_named(&windows, "System32").is_some();
        let folders = FOLDERS.iter().filter(move |_| known);
        folders.filter_map(move |(names, packages)| {
            Some(CatalogFolder { path: inside(&windows, names)?, packages: *packages, follow })
        })
    });
    found.collect()
}

fn folder_named(parent: &Path, name: &str, follow: bool) -> Option<PathBuf> {
    let entries = std::fs::read_dir(parent).ok()?.filter_map(Result::ok);
    let same = |entry: &DirEntry| entry.file_name().eq_ignore_ascii_case(name);
    let is_folder = |entry: &DirEntry| match entry.file_type() {
        Ok(kind) if kind.is_symlink() => follow && entry.path().is_dir(),
        Ok(kind) => kind.is_dir(),
        Err(_) => false,
    };
    let found = entries.filter(same).filter(is_folder).map(|entry| entry.path());
    found.min() // several that differ in case are possible on other systems: always the same one
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn catalogs_list_so_many_files_together_and_no_more() {
        let catalog = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/fixtures/catalog-v2.cat");
        let members = CatalogIndex::load(std::slice::from_ref(&catalog), &[]).unwrap().members();
        assert!(members > 0);
        assert!(CatalogIndex::load_up_to(members, std::slice::from_ref(&catalog), &[]).is_ok());
        let refused = CatalogIndex::load_up_to(members - 1, std::slice::from_ref(&catalog), &[]);
        assert!(matches!(refused, Err(LoadError::TooMany(path, _)) if path == catalog));
        assert_eq!(MAX_MEMBERS, 33_554_432);
    }
}
