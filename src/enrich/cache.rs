//! A bounded cache that forgets what was used longest ago.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// Values by key, together no heavier than a limit.
#[derive(Debug)]
pub struct Lru<K, V> {
    entries: HashMap<K, Entry<V>>,
    order: BTreeMap<u64, K>,
    clock: u64,
    weight: usize,
    limit: usize,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    used: u64,
    weight: usize,
}

impl<K: Hash + Eq + Clone, V: Clone> Lru<K, V> {
    /// An empty cache.
    #[must_use]
    pub fn new(limit: usize) -> Lru<K, V> {
        Lru { entries: HashMap::new(), order: BTreeMap::new(), clock: 0, weight: 0, limit }
    }

    /// The value of a key, which counts as used now.
    pub fn get<Q>(&mut self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let entry = self.entries.get_mut(key)?;
        self.clock = self.clock.saturating_add(1);
        if let Some(key) = self.order.remove(&entry.used) {
            self.order.insert(self.clock, key);
        }
        entry.used = self.clock;
        Some(entry.value.clone())
    }

    /// Remembers a value; one that is heavier than the limit is not kept.
    pub fn insert(&mut self, key: K, value: V, weight: usize) {
        if let Some(old) = self.entries.remove(&key) {
            self.order.remove(&old.used);
            self.weight = self.weight.saturating_sub(old.weight);
        }
        self.clock = self.clock.saturating_add(1);
        self.weight = self.weight.saturating_add(weight);
        self.order.insert(self.clock, key.clone());
        self.entries.insert(key, Entry { value, used: self.clock, weight });
        while self.weight > self.limit {
            let Some((_, oldest)) = self.order.pop_first() else { return };
            let gone = self.entries.remove(&oldest).map_or(0, |entry| entry.weight);
            self.weight = self.weight.saturating_sub(gone);
        }
    }

    /// Entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_used_longest_ago_goes_first() {
        let mut cache = Lru::new(30);
        for key in ["a", "b", "c"] {
            cache.insert(key, key.to_owned(), 10);
        }
        assert_eq!(cache.get("a").as_deref(), Some("a"));
        cache.insert("d", "d".to_owned(), 10);
        assert_eq!((cache.get("b"), cache.len()), (None, 3));
        cache.insert("a", "new".to_owned(), 20);
        assert_eq!(
            (cache.get("a").as_deref(), cache.get("c"), cache.get("d").as_deref()),
            (Some("new"), None, Some("d"))
        );
        cache.insert("heavy", "x".to_owned(), 31);
        assert!(cache.is_empty());
        for key in 0..10_000u32 {
            cache.insert("same", key.to_string(), 10);
        }
        assert_eq!((cache.len(), cache.order.len(), cache.weight), (1, 1, 10));
    }
}
