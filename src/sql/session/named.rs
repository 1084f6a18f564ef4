//! Prepared statements and portals by name, noted where `pg_prepared_statements` and `pg_cursors`
//! read them.

use std::collections::HashMap;
use std::sync::Arc;

use crate::sql::variables::{Note, Notes};

/// Things by name.
pub(super) struct Named<T> {
    items: HashMap<String, T>,
    notes: Notes,
}

impl<T> Named<T> {
    /// None yet; what comes is noted.
    pub fn new(notes: &Notes) -> Named<T> {
        Named { items: HashMap::new(), notes: Arc::clone(notes) }
    }

    /// The one with a name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.items.get(name)
    }

    /// Whether there is one with a name.
    pub fn contains_key(&self, name: &str) -> bool {
        self.items.contains_key(name)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Adds one. What has no name of its own is not noted, for it comes and goes with each query.
    pub fn insert(&mut self, name: &str, item: T, note: impl FnOnce() -> Note) {
        if !name.is_empty() {
            self.notes.lock().insert(name.to_owned(), note());
        }
        self.items.insert(name.to_owned(), item);
    }

    /// Takes one out for a while: it stays noted until it is given back or removed.
    pub fn lend(&mut self, name: &str) -> Option<T> {
        self.items.remove(name)
    }

    /// Gives back what was lent.
    pub fn give_back(&mut self, name: &str, item: T) {
        self.items.insert(name.to_owned(), item);
    }

    /// Forgets one, and says whether it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        if !name.is_empty() {
            self.notes.lock().remove(name);
        }
        self.items.remove(name).is_some()
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.retain(|_| false);
    }

    /// Forgets those that a condition does not hold for.
    pub fn retain(&mut self, stays: impl Fn(&T) -> bool) {
        self.items.retain(|_, item| stays(item));
        self.notes.lock().retain(|name, _| self.items.contains_key(name));
    }
}
