//! The cache by itself: what it gives back, what it forgets, and what it makes of a file that is not as it was.

#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::unwrap_used)]

use std::fs;
use std::path::PathBuf;

use super::*;

fn clock() -> i128 {
    1_000_000_000_000
}

struct Room {
    folder: tempfile::TempDir,
}

impl Room {
    fn new() -> Room {
        Room { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    fn open(&self) -> Cache {
        let (cache, note) = Cache::open_as(&self.path(), clock, 0, "me", MOST_OCTETS).unwrap();
        assert_eq!(note, None);
        cache
    }

    /// What is said of the file, as it is now, on opening it.
    fn said(&self) -> Result<Option<String>, String> {
        Cache::open_as(&self.path(), clock, 0, "me", MOST_OCTETS).map(|(_, note)| note)
    }

    fn octets(&self) -> Vec<u8> {
        fs::read(self.path()).unwrap()
    }

    /// Overwrites the file in place, so that its owner and its mode stay.
    fn put(&self, octets: &[u8]) {
        fs::write(self.path(), octets).unwrap();
    }
}

fn key(number: u32) -> StoreKey {
    let mut key = StoreKey { place: [7; 16], state: [9; 32] };
    key.place[..4].copy_from_slice(&number.to_le_bytes());
    key
}

fn answer(number: u32) -> Vec<u8> {
    format!("the answer to {number} {}", "·".repeat(number as usize % 40)).into_bytes()
}

/// How many of the first `count` answers are there; none is wrong.
fn found(cache: &Cache, count: u32) -> u32 {
    let there = (0..count).filter(|number| {
        let found = cache.recall(&key(*number));
        assert!(found.is_none() || found == Some(answer(*number)), "{number}");
        found.is_some()
    });
    u32::try_from(there.count()).unwrap()
}

#[test]
fn what_was_kept_is_there_in_the_same_run_and_in_the_next() {
    let room = Room::new();
    let cache = room.open();
    (0..1000).for_each(|number| cache.keep(&key(number), &answer(number)));
    assert_eq!((found(&cache, 1000), cache.recall(&key(1000))), (1000, None));
    cache.finish().unwrap();
    assert_eq!(found(&cache, 1000), 1000);
    drop(cache);
    let cache = room.open();
    assert_eq!((found(&cache, 1000), cache.recall(&key(1000))), (1000, None));
    let other = StoreKey { state: [8; 32], ..key(5) };
    assert_eq!(cache.recall(&other), None);
    cache.keep(&other, b"new");
    assert_eq!((cache.recall(&key(5)), cache.recall(&other).as_deref()), (None, Some(&b"new"[..])));
    drop(cache);
    assert_eq!(room.open().recall(&other).as_deref(), Some(&b"new"[..]));
    assert_eq!(room.open().recall(&key(5)), None);
}

#[test]
fn places_that_share_their_first_octets_are_told_apart() {
    let room = Room::new();
    let cache = room.open();
    let twin = StoreKey {
        place: {
            let mut place = key(1).place;
            place[15] ^= 1;
            place
        },
        state: key(1).state,
    };
    cache.keep(&key(1), b"one");
    assert_eq!(cache.recall(&twin), None);
    cache.keep(&twin, b"two");
    assert_eq!((cache.recall(&key(1)), cache.recall(&twin).as_deref()), (None, Some(&b"two"[..])));
}

#[test]
fn an_answer_that_is_too_long_is_not_kept() {
    let room = Room::new();
    let cache = room.open();
    cache.keep(&key(1), &[0; layout::MAX_ANSWER]);
    cache.keep(&key(2), &[0; layout::MAX_ANSWER + 1]);
    cache.finish().unwrap();
    drop(cache);
    let cache = room.open();
    assert_eq!(cache.recall(&key(1)).map(|found| found.len()), Some(layout::MAX_ANSWER));
    assert_eq!(cache.recall(&key(2)), None);
}

#[test]
fn damage_in_any_octet_is_noticed_and_nothing_of_the_cache_is_believed() {
    let room = Room::new();
    let cache = room.open();
    (0..3).for_each(|number| cache.keep(&key(number), &answer(number)));
    drop(cache);
    let whole = room.octets();
    assert_eq!(whole.len(), 1024 + 80 + 96 + 96);
    let file = File::open(room.path()).unwrap();
    let loaded = |octets: &[u8]| {
        room.put(octets);
        match load(&file, "me").unwrap() {
            Found::Cache(loaded) => format!("{} answers", loaded.index.len()),
            Found::Nothing => "nothing".to_owned(),
            Found::Unusable(why) => why.to_owned(),
            Found::Foreign => "no cache".to_owned(),
        }
    };
    assert_eq!(loaded(&whole), "3 answers");
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << (at % 8);
        assert_eq!(loaded(&damaged), if at < 16 { "no cache" } else { "it is damaged" }, "{at}");
    }
    for length in 0..whole.len() {
        let expected = match length {
            0 => "nothing",
            1..16 => "no cache",
            _ => "it is damaged",
        };
        assert_eq!(loaded(&whole[..length]), expected, "{length}");
    }
    // What is damaged is made anew, empty; what is no cache is as it was.
    let mut damaged = whole.clone();
    damaged[1100] ^= 1;
    room.put(&damaged);
    assert_eq!(room.said(), Ok(Some("it is damaged: it is made anew".to_owned())));
    assert_eq!((found(&room.open(), 3), room.octets().len()), (0, 1024));
    damaged[0] ^= 1;
    room.put(&damaged);
    assert_eq!(room.said(), Err("it is no cache of sigscan's, and is left as it is".to_owned()));
    assert_eq!(room.octets(), damaged);
    room.put(&whole);
    assert_eq!((room.said(), found(&room.open(), 3)), (Ok(None), 3));
}

#[test]
fn what_no_commit_names_means_nothing() {
    let room = Room::new();
    let cache = room.open();
    cache.keep(&key(0), &answer(0));
    cache.finish().unwrap();
    let committed = room.octets();
    cache.keep(&key(1), &answer(1));
    drop(cache);
    let whole = room.octets();
    // Killed while the second entry was written, at any octet of it, or before the commit that names it.
    for length in (committed.len()..=whole.len()).step_by(5).chain([whole.len()]) {
        let mut killed = whole[..length].to_vec();
        killed[..1024].copy_from_slice(&committed[..1024]);
        room.put(&killed);
        let cache = room.open();
        assert_eq!((found(&cache, 1), cache.recall(&key(1))), (1, None), "{length}");
        cache.keep(&key(1), &answer(1));
        drop(cache);
        assert_eq!(found(&room.open(), 2), 2);
    }
    room.put(&[&committed[..], &[0xff; 100_000]].concat());
    assert_eq!(found(&room.open(), 1), 1);
}

#[test]
fn a_cache_of_another_version_is_made_anew() {
    let room = Room::new();
    let cache = room.open();
    cache.keep(&key(0), &answer(0));
    drop(cache);
    let (cache, note) = Cache::open_as(&room.path(), clock, 0, "you", MOST_OCTETS).unwrap();
    assert_eq!(note.as_deref(), Some("it is from another version of sigscan: it is made anew"));
    assert_eq!(cache.recall(&key(0)), None);
    assert_ne!(writer("0.1.0"), writer("0.1.1"));
    assert!(writer("0.1.0").contains("sha256/32"), "{}", writer("0.1.0"));
}

#[test]
fn an_entry_that_is_damaged_while_the_cache_is_open_is_not_believed() {
    let room = Room::new();
    let cache = room.open();
    (0..2).for_each(|number| cache.keep(&key(number), &answer(number)));
    cache.finish().unwrap();
    let mut octets = room.octets();
    octets[1024 + 60] ^= 1;
    fs::write(room.path(), &octets).unwrap();
    assert_eq!((cache.recall(&key(0)), cache.recall(&key(1))), (None, Some(answer(1))));
}

#[test]
fn what_no_run_asks_for_is_dropped_and_what_is_asked_for_stays() {
    let room = Room::new();
    let cache = room.open();
    (0..2).for_each(|number| cache.keep(&key(number), &answer(number)));
    drop(cache);
    for run in 1..=KEPT_RUNS {
        let cache = room.open();
        assert_eq!(cache.recall(&key(0)), Some(answer(0)), "{run}");
        cache.finish().unwrap();
    }
    let cache = room.open();
    assert_eq!((cache.recall(&key(0)), cache.recall(&key(1))), (Some(answer(0)), None));
}

#[test]
fn a_cache_that_is_mostly_stale_becomes_small_again() {
    let room = Room::new();
    let long = |number: u32| [answer(number), vec![b'x'; 1000]].concat();
    let cache = room.open();
    (0..300).for_each(|number| cache.keep(&key(number), &long(number)));
    cache.finish().unwrap();
    let once = room.octets().len();
    // The same files in other states, twice.
    for state in 1..=2 {
        (0..300).for_each(|number| cache.keep(&StoreKey { state: [state; 32], ..key(number) }, &long(number)));
    }
    cache.commit(true);
    assert_eq!(room.octets().len(), 3 * once - 2 * 1024);
    cache.finish().unwrap();
    assert_eq!(room.octets().len(), once);
    let all = |cache: &Cache| {
        (0..300).all(|number| cache.recall(&StoreKey { state: [2; 32], ..key(number) }) == Some(long(number)))
    };
    assert!(all(&cache));
    drop(cache);
    let cache = room.open();
    assert!(all(&cache));
    assert_eq!(cache.written().commit.start, DATA);
}

#[test]
fn a_cache_has_its_size_and_makes_room_for_what_is_asked_for() {
    let room = Room::new();
    let small = || Cache::open_as(&room.path(), clock, 0, "me", 1024 + 10 * 96).unwrap().0;
    let word = |number: u32| format!("answer {number:04} of a certain length").into_bytes();
    let cache = small();
    (0..20).for_each(|number| cache.keep(&key(number), &word(number)));
    assert!(cache.is_full());
    cache.finish().unwrap();
    let there = |cache: &Cache| (0..20).filter(|number| cache.recall(&key(*number)) == Some(word(*number))).count();
    assert_eq!((there(&cache), room.octets().len()), (10, 1024 + 10 * 96));
    drop(cache);
    // Six of the files are gone; others are there instead.
    let cache = small();
    (0..4).for_each(|number| assert!(cache.recall(&key(number)).is_some()));
    (10..16).for_each(|number| cache.keep(&key(number), &word(number)));
    cache.finish().unwrap();
    assert_eq!(room.octets().len(), 1024 + 4 * 96);
    drop(cache);
    let cache = small();
    (10..16).for_each(|number| cache.keep(&key(number), &word(number)));
    assert!(!cache.is_full());
    cache.finish().unwrap();
    assert_eq!(there(&cache), 10);
}

#[test]
fn a_file_that_changed_lately_or_will_have_is_not_settled() {
    let room = Room::new();
    let second = 1_000_000_000;
    let (cache, _) = Cache::open_as(&room.path(), clock, 60 * second, "me", MOST_OCTETS).unwrap();
    let settled = |ago: i128| cache.settled(clock() - ago);
    assert!(settled(60 * second) && settled(clock()));
    assert!(!settled(60 * second - 1) && !settled(0) && !settled(-second));
}

#[test]
fn one_process_at_a_time() {
    let room = Room::new();
    let cache = room.open();
    assert_eq!(room.said(), Err("another process is using it".to_owned()));
    drop(cache);
    assert_eq!(room.said(), Ok(None));
}

#[test]
fn many_threads_keep_and_ask_at_once() {
    let room = Room::new();
    let cache = room.open();
    let long = |number: u32| [answer(number), vec![b'x'; 3000]].concat();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let cache = &cache;
            scope.spawn(move || {
                for number in (thread..2000).step_by(4) {
                    cache.keep(&key(number), &long(number));
                    let earlier = number / 2;
                    assert!(cache.recall(&key(earlier)).is_none_or(|found| found == long(earlier)));
                }
            });
        }
    });
    cache.finish().unwrap();
    drop(cache);
    let cache = room.open();
    assert!((0..2000).all(|number| cache.recall(&key(number)) == Some(long(number))));
}
