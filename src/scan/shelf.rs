//! Where large files wait until somebody judges them, two of about the same size at once.
//!
//! Two files whose digests go through the processor together take less time than one after the other, for as long as
//! both last: the rest of the larger one goes alone. So partners are chosen, from a few.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::worker::Waiting;
use crate::container::Source;

/// Files that wait at most. Each is open, and holds back the records of those behind it.
const PLACES: usize = 8;

/// How far the scan goes on while a file waits: a quarter of what may be in flight at all.
const LOOK_AHEAD: u64 = 128;

/// Open files, in the order in which they were met, for all workers.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    files: Mutex<Vec<(u64, Waiting)>>,
}

impl Shelf {
    fn files(&self) -> MutexGuard<'_, Vec<(u64, Waiting)>> {
        // Every change is one insertion or removal: a panic elsewhere leaves whole entries.
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a file, with its number among everything that was met.
    pub(super) fn put(&self, number: u64, file: Waiting) {
        let mut files = self.files();
        let place = files.partition_point(|(known, _)| *known < number);
        files.insert(place, (number, file));
    }

    /// How many files wait.
    pub(super) fn len(&self) -> usize {
        self.files().len()
    }

    /// Whether some should be judged before anything is opened beyond this number.
    pub(super) fn is_due(&self, reached: u64) -> bool {
        let files = self.files();
        let waits_long = |(number, _): &(u64, Waiting)| number.saturating_add(LOOK_AHEAD) < reached;
        files.len() >= PLACES || files.first().is_some_and(waits_long)
    }

    /// The file that was met first.
    pub(super) fn first(&self) -> Option<(u64, Waiting)> {
        let mut files = self.files();
        if files.is_empty() { None } else { Some(files.remove(0)) }
    }

    /// The file of the nearest size.
    pub(super) fn partner(&self, of: &Waiting) -> Option<(u64, Waiting)> {
        let mut files = self.files();
        let sizes = files.iter().map(|(_, file)| file.source.len());
        let place = nearest(of.source.len(), sizes)?;
        Some(files.remove(place))
    }
}

/// The place of the size that is nearest to this one, the first of equally near ones.
fn nearest(size: u64, sizes: impl Iterator<Item = u64>) -> Option<usize> {
    sizes.enumerate().min_by_key(|(_, other)| size.abs_diff(*other)).map(|(place, _)| place)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::files::FileSource;
    use super::*;
    use crate::container::Format;

    #[test]
    fn files_go_in_the_order_in_which_they_were_met_each_with_the_nearest_in_size() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::default();
        assert!(shelf.first().is_none());
        for (number, size) in [(4, 70), (1, 100), (9, 10), (2, 50), (3, 130)] {
            let path: PathBuf = folder.path().join(size.to_string());
            std::fs::write(&path, vec![0; size]).unwrap();
            let source = FileSource::open(&path).unwrap();
            shelf.put(number, Waiting { path, format: Format::Pe, source });
        }
        assert!(shelf.len() == 5 && !shelf.is_due(1 + LOOK_AHEAD) && shelf.is_due(2 + LOOK_AHEAD));
        let mut pairs = Vec::new();
        while let Some((number, file)) = shelf.first() {
            pairs.push((number, shelf.partner(&file).map(|(number, _)| number)));
        }
        assert_eq!(pairs, [(1, Some(3)), (2, Some(4)), (9, None)]);
    }

    #[test]
    fn a_full_shelf_is_due() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::default();
        for number in 0..8 {
            assert!(!shelf.is_due(number));
            let path = folder.path().join(number.to_string());
            std::fs::write(&path, b"x").unwrap();
            let source = FileSource::open(&path).unwrap();
            shelf.put(number, Waiting { path, format: Format::Pe, source });
        }
        assert!(shelf.is_due(0));
    }

    #[test]
    fn the_first_of_equally_near_sizes_is_taken() {
        assert_eq!(nearest(10, [1, 12, 8].into_iter()), Some(1));
        assert_eq!(nearest(u64::MAX, [0, u64::MAX].into_iter()), Some(1));
        assert_eq!(nearest(0, std::iter::empty()), None);
    }
}
