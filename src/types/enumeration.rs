//! Enumerated types: the members in their order, each with a place that never changes.
//!
//! A member's *place* is a byte string; comparing places compares members, and between any two
//! places there is room for another. Rows and index keys hold places, so a new member in the
//! middle and a new label leave every stored row as it is.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, Result, sqlstate};

/// One value of an enumerated type.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EnumMember {
    /// What is read and written.
    pub label: String,
    /// Where it stands among the members; what rows and keys hold.
    pub place: Vec<u8>,
}

/// An enumerated type. Two are the same if they have the same number: what the catalogue says of
/// them may have changed in between. Stored as that number alone.
#[derive(Clone)]
pub struct EnumType(Arc<Definition>);

#[derive(Debug, PartialEq, Eq)]
struct Definition {
    id: u32,
    schema: String,
    name: String,
    /// In order.
    members: Vec<Arc<EnumMember>>,
}

impl EnumType {
    /// The type of a descriptor; `members` in order.
    pub fn new(id: u32, schema: &str, name: &str, members: &[EnumMember]) -> Self {
        let members = members.iter().cloned().map(Arc::new).collect();
        EnumType(Arc::new(Definition {
            id,
            schema: schema.to_owned(),
            name: name.to_owned(),
            members,
        }))
    }

    /// A type of which only the number is known.
    pub fn bare(id: u32) -> Self {
        EnumType::new(id, "", "", &[])
    }

    /// The number of its descriptor.
    pub fn id(&self) -> u32 {
        self.0.id
    }

    /// Its name without the schema.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its schema's name.
    pub fn schema(&self) -> &str {
        &self.0.schema
    }

    /// The members in order.
    pub fn members(&self) -> &[Arc<EnumMember>] {
        &self.0.members
    }

    /// Whether all that is known of it is the same, not only the number.
    pub fn is_identical(&self, other: &EnumType) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }

    /// The member with a label; 22P02 if there is none.
    pub fn labelled(&self, label: &str) -> Result<&Arc<EnumMember>> {
        self.0.members.iter().find(|m| m.label == label).ok_or_else(|| {
            Error::new(
                sqlstate::INVALID_TEXT_REPRESENTATION,
                format!("invalid input value for enum {self}: \"{label}\""),
            )
        })
    }

    /// The member at a place.
    pub fn at(&self, place: &[u8]) -> Option<&Arc<EnumMember>> {
        let members = &self.0.members;
        let found = members.binary_search_by(|m| m.place.as_slice().cmp(place)).ok()?;
        members.get(found)
    }
}

/// The name as messages have it: with its schema unless that is `public`.
impl fmt::Display for EnumType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |word: &str| -> String {
            let mut chars = word.chars();
            let plain = chars.next().is_some_and(|c| c.is_ascii_lowercase() || c == '_')
                && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            if plain { word.to_owned() } else { format!("\"{}\"", word.replace('"', "\"\"")) }
        };
        if self.0.name.is_empty() {
            return write!(f, "\"@{}\"", self.0.id);
        }
        if self.0.schema != "public" {
            write!(f, "{}.", quoted(&self.0.schema))?;
        }
        f.write_str(&quoted(&self.0.name))
    }
}

impl fmt::Debug for EnumType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EnumType({} {:?})", self.0.id, self.0.name)
    }
}

impl PartialEq for EnumType {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for EnumType {}

impl Hash for EnumType {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}

impl Serialize for EnumType {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.0.id)
    }
}

impl<'de> Deserialize<'de> for EnumType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        u32::deserialize(deserializer).map(EnumType::bare)
    }
}

/// The places of so many members of a new type, evenly spread.
pub fn places(count: usize) -> Vec<Vec<u8>> {
    let mut width = 1;
    let mut room: u128 = 256;
    // At least one free place beside each.
    while room <= 2 * count as u128 && width < 8 {
        width += 1;
        room *= 256;
    }
    (1..=count as u128)
        .map(|i| {
            let at = i * room / (count as u128 + 1);
            let bytes = at.to_be_bytes();
            let mut place = bytes.get(bytes.len() - width..).unwrap_or_default().to_vec();
            while place.last() == Some(&0) {
                place.pop();
            }
            place
        })
        .collect()
}

/// A place after `before` and, if given, before `after`. Neither ends with a zero byte, nor does
/// the answer, so that there is always room before it.
pub fn place_between(before: Option<&[u8]>, after: Option<&[u8]>) -> Vec<u8> {
    let (low, mut high) = (before.unwrap_or_default(), after);
    let mut place = Vec::with_capacity(low.len() + 1);
    loop {
        let at = place.len();
        let l = u16::from(low.get(at).copied().unwrap_or(0));
        let h = high.map_or(256, |high| u16::from(high.get(at).copied().unwrap_or(0)));
        if h > l + 1 {
            place.push(((l + h) / 2) as u8);
            return place;
        }
        place.push(l as u8);
        if h != l {
            high = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_always_room_between_two_places() {
        for count in [0, 1, 3, 127, 128, 300, 40_000] {
            let places = places(count);
            assert_eq!(places.len(), count);
            assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "{count}");
        }
        // Always into the same gap, from either side, and at both ends.
        for before in [true, false] {
            let (mut low, mut high) = (vec![64u8], vec![65u8]);
            for _ in 0..2000 {
                let middle = place_between(Some(&low), Some(&high));
                assert!(low < middle && middle < high && middle.last() != Some(&0));
                *(if before { &mut high } else { &mut low }) = middle;
            }
        }
        let (mut first, mut last) = (vec![128u8], vec![128u8]);
        for _ in 0..2000 {
            let (before, after) =
                (place_between(None, Some(&first)), place_between(Some(&last), None));
            assert!(before < first && after > last && before.last() != Some(&0));
            (first, last) = (before, after);
        }
    }

    #[test]
    fn members_are_found_by_label_and_by_place() {
        let members: Vec<EnumMember> = ["sad", "ok", "happy"]
            .into_iter()
            .zip(places(3))
            .map(|(label, place)| EnumMember { label: label.into(), place })
            .collect();
        let mood = EnumType::new(7, "public", "mood", &members);
        assert_eq!(mood.labelled("ok").unwrap().place, members[1].place);
        assert_eq!(mood.at(&members[2].place).unwrap().label, "happy");
        let e = mood.labelled("glad").unwrap_err();
        assert_eq!(e.to_string(), "invalid input value for enum mood: \"glad\"");
        assert_eq!(e.code(), sqlstate::INVALID_TEXT_REPRESENTATION);
        assert_eq!(EnumType::new(7, "a b", "Mood", &[]).to_string(), "\"a b\".\"Mood\"");
        let stored = serde_json::to_string(&mood).unwrap();
        assert_eq!(serde_json::from_str::<EnumType>(&stored).unwrap(), mood);
    }
}
