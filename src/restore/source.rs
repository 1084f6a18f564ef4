//! Where a restore reads: destinations, the chain in them, and which of its layers a time needs.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use uuid::Uuid;

use super::details::LayerRef;
use crate::archive::{
    DataFileReader, DataKey, FileRecord, Layer, Manifest, MvccFilter, Secret, chain_key,
    check_chain, collection, layout, main_line,
};
use crate::catalog::CatalogSnapshot;
use crate::catalog::privilege::{Privilege, holds_system, require_admin};
use crate::catalog::role::PUBLIC;
use crate::catalog::system_grant;
use crate::clock::Timestamp;
use crate::cloud::{Cloud, ExternalUri, Scheme, Store};
use crate::error::{Error, Result, sqlstate};
use crate::task::Interrupt;

/// What the statement says about where the backup is. Its `Debug` form carries no secrets.
#[derive(Clone)]
pub enum SourceFrom {
    /// A subdirectory of a collection; several URIs for a locality-aware one.
    Collection(Subdir, Vec<String>),
    /// The directories of the layers, oldest first. After a single one its incrementals are
    /// looked for.
    Chain(Vec<Vec<String>>),
}

/// A directory of a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subdir {
    /// The newest full backup.
    Latest,
    /// A named one.
    Named(String),
}

impl fmt::Debug for SourceFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SourceFrom::Collection(subdir, uris) => {
                write!(f, "{subdir:?} in {} destinations", uris.len())
            }
            SourceFrom::Chain(bases) => write!(f, "{} directories", bases.len()),
        }
    }
}

impl SourceFrom {
    /// Every URI.
    pub fn uris(&self) -> impl Iterator<Item = &str> {
        let lists: Vec<&Vec<String>> = match self {
            SourceFrom::Collection(_, uris) => vec![uris],
            SourceFrom::Chain(bases) => bases.iter().collect(),
        };
        lists.into_iter().flatten().map(String::as_str)
    }
}

/// One destination: the default store, and those of other localities.
#[derive(Clone)]
struct Base {
    uri: ExternalUri,
    store: Arc<dyn Store>,
    others: Arc<Vec<(String, Arc<dyn Store>)>>,
}

/// Opened files that a layer keeps: small tables share files, and many are read one after another.
const OPEN_FILES_MAX: usize = 8;

/// One layer of an opened chain.
pub struct SourceLayer {
    base: usize,
    place: Base,
    open: Mutex<VecDeque<(String, DataFileReader)>>,
    /// The layer.
    pub layer: Layer,
    /// What it holds.
    pub manifest: Manifest,
}

/// An opened chain, checked.
pub struct Source {
    /// The layers, oldest first.
    pub layers: Vec<SourceLayer>,
    /// The URIs of the destinations, secrets included.
    pub bases: Vec<Vec<String>>,
    /// The key of an encrypted chain.
    pub key: Option<DataKey>,
    /// The URI of each directory named by the statement, redacted, for descriptions.
    pub shown: Vec<String>,
    /// The subdirectory of a collection.
    pub subdir: Option<String>,
}

/// The layers that a time needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The last layer that is needed.
    pub last: usize,
    /// The time.
    pub at: Timestamp,
}

impl Base {
    fn open(cloud: &Cloud, uris: &[String], interrupt: Option<&Interrupt>) -> Result<Base> {
        let mut opened = Vec::new();
        for text in uris {
            let uri = ExternalUri::parse(text)?;
            let store = cloud.open_uri(&uri, interrupt.cloned())?;
            opened.push((uri, store));
        }
        let Some(((uri, store), others)) = opened.split_first() else {
            return Err(invalid("a backup's destination must be named"));
        };
        if uri.locality().is_some_and(|locality| locality != "default") {
            return Err(invalid("the first URI of a list must be the default destination"));
        }
        let mut named: Vec<(String, Arc<dyn Store>)> = Vec::new();
        for (uri, store) in others {
            let locality = uri.locality().filter(|locality| *locality != "default");
            let Some(locality) = locality else {
                return Err(invalid("every URI after the first must have a COCKROACH_LOCALITY"));
            };
            if named.iter().any(|(other, _)| other == locality) {
                return Err(invalid(format!("duplicate locality {locality}")));
            }
            named.push((locality.to_owned(), store.clone()));
        }
        Ok(Base { uri: uri.clone(), store: store.clone(), others: Arc::new(named) })
    }
}

impl SourceLayer {
    /// Opens one of its data files, unless it is open.
    pub fn reader(&self, record: &FileRecord) -> Result<DataFileReader> {
        if let Some((_, open)) = self.open.lock().iter().find(|(path, _)| *path == record.path) {
            return Ok(open.clone());
        }
        let store = self.store(record)?;
        let opened = DataFileReader::open(store, self.layer.dir(), record, self.layer.key())?;
        let mut open = self.open.lock();
        if open.len() >= OPEN_FILES_MAX {
            open.pop_front();
        }
        open.push_back((record.path.clone(), opened.clone()));
        Ok(opened)
    }

    /// The store that holds one of its data files.
    pub fn store(&self, record: &FileRecord) -> Result<&Arc<dyn Store>> {
        match &record.locality {
            None => Ok(self.layer.store()),
            Some(locality) => self.store_of(locality),
        }
    }

    fn store_of(&self, locality: &str) -> Result<&Arc<dyn Store>> {
        let found = self.place.others.iter().find(|(name, _)| name == locality);
        found.map(|(_, store)| store).ok_or_else(|| {
            invalid(format!("the backup has files for the locality {locality}, which is missing"))
                .with_hint(
                    "Give the URIs of all destinations of the backup, the default one first.",
                )
        })
    }
}

impl Source {
    /// Opens what a statement names: finds the layers, reads and checks their manifests.
    pub fn open(
        cloud: &Cloud,
        from: &SourceFrom,
        secret: Option<&Secret>,
        interrupt: Option<&Interrupt>,
    ) -> Result<Source> {
        let (lists, subdir) = match from {
            SourceFrom::Collection(subdir, uris) => (vec![uris.clone()], Some(subdir)),
            SourceFrom::Chain(bases) => (bases.clone(), None),
        };
        let bases = lists
            .iter()
            .map(|uris| Base::open(cloud, uris, interrupt))
            .collect::<Result<Vec<Base>>>()?;
        let Some(first) = bases.first() else {
            return Err(invalid("a backup's destination must be named"));
        };
        let full_dir = match subdir {
            None => String::new(),
            Some(Subdir::Latest) => collection::latest_full(&*first.store)?,
            Some(Subdir::Named(name)) if name.eq_ignore_ascii_case("latest") => {
                collection::latest_full(&*first.store)?
            }
            Some(Subdir::Named(name)) => layout::check_subdir(name)?,
        };
        let dirs: Vec<(usize, String)> = if bases.len() > 1 {
            (0..bases.len()).map(|base| (base, String::new())).collect()
        } else {
            let found = match collection::layers(&*first.store, &full_dir) {
                // A store that cannot list has the full backup only, as far as anybody can tell.
                Err(e) if e.code() == sqlstate::FEATURE_NOT_SUPPORTED => vec![full_dir.clone()],
                found => found?,
            };
            found.into_iter().map(|dir| (0, dir)).collect()
        };
        let key = secret
            .map(|secret| chain_key::open_key(&*first.store, &full_dir, secret))
            .transpose()?;
        let shown = bases.iter().map(|base| base.uri.join(&full_dir).redacted()).collect();
        let mut layers = read_layers(&bases, dirs, key.as_ref())?;
        if bases.len() == 1 {
            layers = main_line(layers, |layer| &layer.manifest);
        }
        let subdir = subdir.map(|_| full_dir);
        let source = Source { layers, bases: lists, key, shown, subdir };
        // An incremental that is named by itself can be looked at by itself.
        if source.layers.len() > 1 || source.subdir.is_some() {
            source.check()?;
        }
        Ok(source)
    }

    /// Refuses layers that are not one chain, full backup first.
    pub fn check(&self) -> Result<()> {
        let layers = self.layers.iter();
        let named: Vec<(String, &Manifest)> =
            layers.map(|l| (l.place.uri.join(l.layer.dir()).redacted(), &l.manifest)).collect();
        check_chain(named.iter().map(|(dir, manifest)| (dir.as_str(), *manifest)))
    }

    /// Opens again what [`Source::open`] found, for a job that was planned with it. A layer that
    /// is another one now is refused.
    pub fn reopen(
        cloud: &Cloud,
        lists: Vec<Vec<String>>,
        refs: &[LayerRef],
        key: Option<DataKey>,
        interrupt: &Interrupt,
    ) -> Result<Source> {
        let bases = lists
            .iter()
            .map(|uris| Base::open(cloud, uris, Some(interrupt)))
            .collect::<Result<Vec<Base>>>()?;
        let dirs = refs.iter().map(|layer| (layer.base, layer.dir.clone())).collect();
        let layers = read_layers(&bases, dirs, key.as_ref())?;
        for (layer, planned) in layers.iter().zip(refs) {
            if layer.manifest.id != planned.id {
                return Err(Error::corrupt(format!(
                    "the backup in \"{}\" is not the one that was there when RESTORE began",
                    planned.dir
                )));
            }
        }
        let source = Source { layers, bases: lists, key, shown: Vec::new(), subdir: None };
        source.check()?;
        Ok(source)
    }

    /// Refuses a source that lacks a destination in which the layers up to one have files.
    pub fn check_places(&self, last: usize) -> Result<()> {
        for layer in self.layers.iter().take(last + 1) {
            for file in &layer.manifest.files {
                layer.store(file)?;
            }
        }
        Ok(())
    }

    /// How a job finds the layers up to one again.
    pub fn refs(&self, last: usize) -> Vec<LayerRef> {
        let layer = |layer: &SourceLayer| LayerRef {
            base: layer.base,
            dir: layer.layer.dir().to_owned(),
            id: layer.manifest.id,
        };
        self.layers.iter().take(last + 1).map(layer).collect()
    }

    /// The cluster that was backed up.
    pub fn cluster_id(&self) -> Option<Uuid> {
        self.layers.first().map(|layer| layer.manifest.cluster_id)
    }

    /// The layers that a time needs; without one, all of them.
    pub fn choose(&self, as_of: Option<Timestamp>) -> Result<Chosen> {
        let Some(newest) = self.layers.len().checked_sub(1) else {
            return Err(Error::internal("an opened chain has no layers"));
        };
        let end = |at: usize| self.layers.get(at).map_or(Timestamp::MIN, |l| l.manifest.end_time);
        let Some(at) = as_of else { return Ok(Chosen { last: newest, at: end(newest) }) };
        let found = self
            .layers
            .iter()
            .position(|l| l.manifest.start_time < at && at <= l.manifest.end_time);
        let Some(last) = found else {
            return Err(invalid(format!(
                "supplied backups do not cover requested time {}",
                show(at)
            ))
            .with_detail(format!("The last of them ends at {}.", show(end(newest)))));
        };
        let layer = &self.layers[last].manifest;
        if at == layer.end_time {
            return Ok(Chosen { last, at });
        }
        if layer.mvcc_filter != MvccFilter::All {
            // People see ends to the microsecond; this layer holds no other moment of it.
            if at.micros() == layer.end_time.micros() {
                return Ok(Chosen { last, at: layer.end_time });
            }
            let nearest = match last.checked_sub(1) {
                None => show(layer.end_time),
                Some(before) => format!("{} and {}", show(end(before)), show(layer.end_time)),
            };
            return Err(invalid(
                "restoring to arbitrary time requires that BACKUP for requested time be created \
                 with 'revision_history' option",
            )
            .with_detail(format!("Nearest times that can be restored: {nearest}.")));
        }
        if at < layer.revision_start_time {
            return Err(invalid(format!(
                "the backup only has revision history from {}",
                show(layer.revision_start_time)
            )));
        }
        Ok(Chosen { last, at })
    }
}

fn read_layers(
    bases: &[Base],
    dirs: Vec<(usize, String)>,
    key: Option<&DataKey>,
) -> Result<Vec<SourceLayer>> {
    let mut layers = Vec::with_capacity(dirs.len());
    for (base, dir) in dirs {
        let place = bases
            .get(base)
            .ok_or_else(|| Error::corrupt("a layer lies in a destination that was not given"))?;
        let layer = Layer::new(place.store.clone(), dir, key.cloned());
        let manifest = layer.read_manifest().map_err(hint_collection)?;
        let (place, open) = (place.clone(), Mutex::default());
        layers.push(SourceLayer { base, place, open, layer, manifest });
    }
    Ok(layers)
}

fn hint_collection(e: Error) -> Error {
    match e.code() {
        sqlstate::UNDEFINED_FILE if e.hint().is_none() => {
            e.with_hint("SHOW BACKUPS IN lists the backups of a collection.")
        }
        _ => e,
    }
}

/// Refuses a user who may not read from a URI; `verb` names the statement.
pub fn check_access(
    cloud: &Cloud,
    snapshot: &CatalogSnapshot,
    user: &str,
    uri: &ExternalUri,
    verb: &str,
) -> Result<()> {
    if snapshot.is_admin(user) {
        return Ok(());
    }
    if uri.scheme() == Scheme::External {
        let path = system_grant::external_connection(uri.host());
        let granted = snapshot.path_grants(&path).any(|(role, set)| {
            set.holds(Privilege::Usage)
                && (role == user || role == PUBLIC || snapshot.is_member(user, role))
        });
        if granted {
            return Ok(());
        }
        return Err(Error::new(
            sqlstate::INSUFFICIENT_PRIVILEGE,
            format!("permission denied for external connection {}", uri.host()),
        ));
    }
    let resolved = cloud.resolve(uri)?;
    let uri = resolved.as_ref().unwrap_or(uri);
    let lifted =
        uri.is_implicit() && holds_system(snapshot, user, Privilege::ExternalIoImplicitAccess);
    if !uri.requires_admin() || lifted {
        return Ok(());
    }
    require_admin(snapshot, user, &format!("{verb} from the specified {} URI", uri.scheme_name()))
}

/// A timestamp for messages: a date that AS OF SYSTEM TIME takes, and the exact number.
fn show(at: Timestamp) -> String {
    let nanos = i64::try_from(at.wall).unwrap_or(i64::MAX);
    let date: DateTime<Utc> = DateTime::from_timestamp_nanos(nanos);
    format!("{} ({at})", date.format("%Y-%m-%d %H:%M:%S%.f"))
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(sqlstate::INVALID_PARAMETER_VALUE, message)
}
