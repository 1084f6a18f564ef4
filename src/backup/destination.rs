//! Where a BACKUP writes: from URIs and a subdirectory to the directory of one layer, and the chain
//! that it continues, if any.

use std::sync::Arc;

use super::locality::Elsewhere;
use crate::archive::{
    DataKey, Layer, Manifest, Secret, chain_key, check_chain, collection, layout, main_line,
};
use crate::catalog::privilege::{self, Privilege};
use crate::catalog::{CatalogSnapshot, system_grant};
use crate::clock::Timestamp;
use crate::cloud::{Cloud, ExternalUri, Scheme, Store, path};
use crate::error::{Error, Result, sqlstate};
use crate::task::Interrupt;

/// Opens stores by their URIs: [`Cloud`], or a test's own.
pub trait Stores: Send + Sync {
    /// Opens a store whose calls end early when `interrupt` is raised.
    fn open(&self, uri: &ExternalUri, interrupt: &Interrupt) -> Result<Arc<dyn Store>>;
    /// This server's locality as `key=value,…`, if it has one.
    fn locality(&self) -> Option<String>;
}

impl Stores for Cloud {
    fn open(&self, uri: &ExternalUri, interrupt: &Interrupt) -> Result<Arc<dyn Store>> {
        self.open_uri(uri, Some(interrupt.clone()))
    }

    fn locality(&self) -> Option<String> {
        let tiers: Vec<String> = self.locality.iter().map(|(k, v)| format!("{k}={v}")).collect();
        if tiers.is_empty() { None } else { Some(tiers.join(",")) }
    }
}

/// The statement's INTO or TO, with every URI evaluated.
#[derive(Clone, Debug)]
pub enum Into {
    /// `INTO collection`: a new full backup.
    New(ExternalUri),
    /// `INTO LATEST IN collection`.
    Latest(ExternalUri),
    /// `INTO 'subdir' IN collection`.
    Named(String, ExternalUri),
    /// `TO uri [INCREMENTAL FROM uri, …]`.
    To(ExternalUri, Vec<ExternalUri>),
}

impl Into {
    /// The store that is written to.
    pub(super) fn uri(&self) -> &ExternalUri {
        match self {
            Into::New(uri) | Into::Latest(uri) | Into::Named(_, uri) | Into::To(uri, _) => uri,
        }
    }

    /// Whether the directory's name comes from the end time.
    pub(super) fn is_named_by_time(&self) -> bool {
        matches!(self, Into::New(_) | Into::Latest(_))
    }

    /// Every store that is used.
    pub(super) fn uris(&self) -> impl Iterator<Item = &ExternalUri> {
        let others = match self {
            Into::To(_, others) => others.as_slice(),
            _ => &[],
        };
        std::iter::once(self.uri()).chain(others)
    }
}

/// The layers that a new one continues.
pub(super) struct Chain {
    /// Full first; at least one.
    pub(super) layers: Vec<(String, Manifest)>,
}

impl Chain {
    /// The layer that the new one begins where it ends.
    pub(super) fn last(&self) -> Option<&Manifest> {
        self.layers.last().map(|(_, manifest)| manifest)
    }

    pub(super) fn entries(&self) -> u64 {
        let files = self.layers.iter().flat_map(|(_, manifest)| &manifest.files);
        files.fold(0, |sum, file| sum.saturating_add(file.entries))
    }
}

/// The place of a new layer.
pub(super) struct Place {
    /// The layer's directory on the store of [`Into::uri`].
    pub(super) dir: String,
    /// What a description names: the full backup's directory.
    pub(super) full_dir: String,
    /// Whether LATEST shall name the layer.
    pub(super) names_latest: bool,
    /// What it continues; `None` for a full.
    pub(super) chain: Option<Chain>,
    /// The key of an encrypted chain.
    pub(super) key: Option<DataKey>,
    /// ENCRYPTION-INFO of a new encrypted chain.
    pub(super) encryption_info: Option<String>,
}

/// Refuses destinations that a role may not use.
pub(super) fn check_uris(
    now: &CatalogSnapshot,
    role: &str,
    into: &Into,
    elsewhere: &Elsewhere,
) -> Result<()> {
    let written = std::iter::once(into.uri()).chain(elsewhere.uris());
    if written.into_iter().any(|uri| uri.scheme() == Scheme::Http) {
        return Err(Error::unsupported("BACKUP to http storage"));
    }
    for uri in into.uris() {
        if uri.locality().is_some_and(|locality| locality != "default") {
            return Err(Error::new(
                sqlstate::INVALID_PARAMETER_VALUE,
                "COCKROACH_LOCALITY of a single destination must be \"default\"",
            ));
        }
    }
    for uri in into.uris().chain(elsewhere.uris()) {
        if now.is_admin(role) {
            continue;
        }
        let denied = |message: String| Err(Error::new(sqlstate::INSUFFICIENT_PRIVILEGE, message));
        if uri.scheme() == Scheme::External {
            let connection = system_grant::external_connection(uri.host());
            let may_use = now.path_grants(&connection).any(|(grantee, set)| {
                (grantee == role || now.is_member(role, grantee)) && set.holds(Privilege::Usage)
            });
            if !may_use {
                return denied(format!(
                    "user {role} does not have USAGE privilege on external connection \"{}\"",
                    uri.host()
                ));
            }
        } else if uri.requires_admin() {
            let lent = Privilege::ExternalIoImplicitAccess;
            if !(uri.is_implicit() && privilege::holds_system(now, role, lent)) {
                return denied(format!(
                    "only users with the admin role are allowed to BACKUP to the specified {} URI",
                    uri.scheme_name()
                ));
            }
        }
    }
    Ok(())
}

/// What is needed to find the place of a layer.
pub(super) struct Search<'a> {
    pub(super) stores: &'a dyn Stores,
    pub(super) interrupt: &'a Interrupt,
    pub(super) end: Timestamp,
    pub(super) secret: Option<&'a Secret>,
    /// Whether `INTO 'subdir' IN` takes a full backup where there is none.
    pub(super) full_with_subdir: bool,
}

impl Search<'_> {
    /// Finds the place; refuses one that is taken.
    pub(super) fn find(&self, into: &Into) -> Result<Place> {
        let store = self.stores.open(into.uri(), self.interrupt)?;
        let place = match into {
            Into::New(_) => {
                collection::refuse_layer_as_root(&*store)?;
                self.full(layout::full_dir(self.end), true)?
            }
            Into::Latest(_) => {
                let full = collection::latest_full(&*store)?;
                self.on_top_of(&store, full)?
            }
            Into::Named(subdir, _) => {
                collection::refuse_layer_as_root(&*store)?;
                self.named(&store, &layout::check_subdir(subdir)?)?
            }
            Into::To(_, from) if !from.is_empty() => self.after(from)?,
            Into::To(..) if collection::is_complete(&*store, "")? => {
                self.on_top_of(&store, String::new())?
            }
            Into::To(..) => self.full(String::new(), false)?,
        };
        Layer::new(store, place.dir.clone(), None).check_unoccupied()?;
        Ok(place)
    }

    fn named(&self, store: &Arc<dyn Store>, dir: &str) -> Result<Place> {
        if collection::is_complete(&**store, dir)? {
            return self.on_top_of(store, dir.to_owned());
        }
        let nothing = |hint: &str| {
            Error::new(
                sqlstate::UNDEFINED_FILE,
                format!("\"{dir}\" in {} holds no backup to append to", store.describe()),
            )
            .with_hint(hint)
        };
        if !self.full_with_subdir {
            return Err(nothing("SHOW BACKUPS IN lists the backups of a collection."));
        }
        // A date would be taken for the end time of the backup.
        layout::check_place(dir, self.end).map_err(|_| {
            nothing("A directory named by a date is chosen by BACKUP INTO without a subdirectory.")
        })?;
        self.full(dir.to_owned(), true)
    }

    fn full(&self, dir: String, names_latest: bool) -> Result<Place> {
        let new = self.secret.map(chain_key::prepare_key).transpose()?;
        let (key, encryption_info) = match new {
            Some(new) => (Some(new.key), Some(new.info)),
            None => (None, None),
        };
        let full_dir = dir.clone();
        Ok(Place { dir, full_dir, names_latest, chain: None, key, encryption_info })
    }

    fn key(&self, store: &dyn Store, full_dir: &str) -> Result<Option<DataKey>> {
        self.secret.map(|secret| chain_key::open_key(store, full_dir, secret)).transpose()
    }

    /// An incremental below its full backup.
    fn on_top_of(&self, store: &Arc<dyn Store>, full_dir: String) -> Result<Place> {
        let key = self.key(&**store, &full_dir)?;
        let mut layers = Vec::new();
        for dir in collection::layers(&**store, &full_dir)? {
            self.interrupt.check()?;
            let manifest =
                Layer::new(Arc::clone(store), dir.clone(), key.clone()).read_manifest()?;
            layers.push((dir, manifest));
        }
        let layers = main_line(layers, |(_, manifest)| manifest);
        let dir = path::join(&full_dir, &layout::incremental_dir(self.end));
        self.checked(Place {
            dir,
            full_dir,
            names_latest: false,
            chain: Some(Chain { layers }),
            key,
            encryption_info: None,
        })
    }

    /// An incremental in a directory of its own, after a chain that the user lists.
    fn after(&self, uris: &[ExternalUri]) -> Result<Place> {
        let mut key = None;
        let mut layers = Vec::new();
        for uri in uris {
            let store = self.stores.open(uri, self.interrupt)?;
            if layers.is_empty() {
                key = self.key(&*store, "")?;
            }
            let manifest = Layer::new(store, "", key.clone()).read_manifest()?;
            layers.push((uri.location(), manifest));
        }
        self.checked(Place {
            dir: String::new(),
            full_dir: String::new(),
            names_latest: false,
            chain: Some(Chain { layers }),
            key,
            encryption_info: None,
        })
    }

    fn checked(&self, place: Place) -> Result<Place> {
        if let Some(chain) = &place.chain {
            check_chain(chain.layers.iter().map(|(dir, manifest)| (dir.as_str(), manifest)))?;
        }
        Ok(place)
    }
}
