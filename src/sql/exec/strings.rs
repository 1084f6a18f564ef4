//! Strings of a column, one after the other in one allocation.

/// Strings one after the other.
#[derive(Clone, Debug, Default)]
pub struct TextData {
    /// The bytes of all strings, valid UTF-8 in each slice.
    pub bytes: String,
    /// Where each string ends.
    pub ends: Vec<u32>,
}

impl TextData {
    /// Room for some strings.
    pub fn with_capacity(rows: usize) -> TextData {
        TextData { bytes: String::with_capacity(rows * 8), ends: Vec::with_capacity(rows) }
    }

    /// How many strings.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// One string; empty if there is no such row.
    #[inline]
    pub fn get(&self, row: usize) -> &str {
        let start =
            if row == 0 { 0 } else { self.ends.get(row - 1).copied().unwrap_or(0) as usize };
        let end = self.ends.get(row).copied().unwrap_or(0) as usize;
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// Whether another string of this length still has an address.
    #[inline]
    pub fn has_room(&self, bytes: usize) -> bool {
        self.bytes.len().saturating_add(bytes) <= u32::MAX as usize
    }

    /// Adds a string; the caller has asked [`TextData::has_room`].
    #[inline]
    pub fn push(&mut self, s: &str) {
        self.bytes.push_str(s);
        self.ends.push(self.bytes.len() as u32);
    }

    /// Adds all strings of another; the caller has asked [`TextData::has_room`].
    pub fn extend(&mut self, other: &TextData) {
        let base = self.bytes.len() as u32;
        self.bytes.push_str(&other.bytes);
        self.ends.extend(other.ends.iter().map(|e| e + base));
    }

    /// The strings in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|i| self.get(i))
    }
}

impl<'s> FromIterator<&'s str> for TextData {
    fn from_iter<I: IntoIterator<Item = &'s str>>(strings: I) -> Self {
        let mut data = TextData::default();
        for s in strings {
            data.push(s);
        }
        data
    }
}
