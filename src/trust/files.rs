//! What stands in the trust directory, read as of one moment.
//!
//! The files are stamped before and after they are read; where the stamps differ, all of it is read again. What was read is
//! good for as long as the stamps are the same. That rests on ctime, which the kernel sets at every change of a file and
//! which no call sets otherwise but by setting the machine's clock, and on waiting until a change is older than the steps in
//! which file times advance. Files in `keys/` and `roots/` are stamped by their directory: they are to be put there whole, by
//! renaming. One that is written in place is noticed at the next change of the directory; it can take a key away, but not
//! bring another one in, as keys go by the digest of their content, and root sets by their signatures.
#![forbid(unsafe_code)]

use super::signed::{Keys, Signed};
use super::{advisories, denylist, document, roots};
use crate::artifact::statement::Domain;
use crate::crypto::key::PublicKey;
use crate::error::{Error, Result, Status};
use crate::sys::directory::Directory;
use crate::sys::stamp::{Identity, Stamp};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

pub(super) const DOCUMENT: &str = "trust.json";
pub(super) const DENYLIST: &str = "denylist.json";
pub(super) const ADVISORIES: &str = "advisories.json";
const KEYS: &str = "keys";
const ROOTS: &str = "roots";
const STAMPED: [&str; 8] = [
    DOCUMENT,
    "trust.json.sogsig",
    DENYLIST,
    "denylist.json.sogsig",
    ADVISORIES,
    "advisories.json.sogsig",
    KEYS,
    ROOTS,
];

const MAX_KEY_FILES: usize = 10_000;
const MAX_KEY_LEN: u64 = 64 << 10;
const MAX_SIGNATURE_LEN: u64 = 64 << 10;
/// How often a directory is read that changes meanwhile.
const ATTEMPTS: usize = 8;

/// All of it, of one moment, nothing verified yet.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) document: Signed,
    pub(super) denylist: Option<Signed>,
    /// Why there are none concerns only those who ask for them.
    pub(super) advisories: Result<Signed>,
    /// The sets of root keys by the numbers of their names.
    pub(super) roots: BTreeMap<u64, Signed>,
    pub(super) keys: Arc<Keys>,
    pub(super) stamps: Stamps,
}

/// By which a change is noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamps {
    directory: Option<Identity>,
    files: [Option<Stamp>; STAMPED.len()],
    /// Whether all of it was older than the steps of file times when it was read.
    is_settled: bool,
}

impl Stamps {
    pub(super) fn of(directory: &Path) -> Result<Self> {
        let now = SystemTime::now();
        let mut files = [None; STAMPED.len()];
        for (place, name) in files.iter_mut().zip(STAMPED) {
            *place = Stamp::of(&directory.join(name))?;
        }
        let is_settled = files.iter().flatten().all(|stamp| stamp.is_settled_at(now));
        let directory = Stamp::of(directory)?.map(|stamp| stamp.identity());
        Ok(Self { directory, files, is_settled })
    }

    /// Whether what was read at these stamps is what stands there at `now`.
    pub(super) fn vouch_for(&self, now: &Self) -> bool {
        self.is_settled && self.directory == now.directory && self.files == now.files
    }

    /// Whether the files of advisories that were read at these stamps are those at `other`.
    pub(super) fn same_advisories(&self, other: &Self) -> bool {
        self.is_settled && self.files.get(4..6) == other.files.get(4..6)
    }

    fn same_keys(&self, other: &Self) -> bool {
        self.is_settled && self.files.get(6) == other.files.get(6)
    }

    fn same(&self, other: &Self) -> bool {
        self.directory == other.directory && self.files == other.files
    }
}

impl Files {
    /// Reads the directory. `known` keys are taken where their directory has not changed since.
    pub(super) fn read(path: &Path, known: Option<(&Stamps, &Arc<Keys>)>) -> Result<Self> {
        for _ in 0..ATTEMPTS {
            let before = Stamps::of(path)?;
            let read = Self::read_once(path, before.clone(), known);
            let after = Stamps::of(path)?;
            // What failed because it changed meanwhile is read again as well.
            if before.same(&after) {
                return read;
            }
        }
        Err(Error::new(
            Status::TrustInvalid,
            format!(
                "{}: expected files that stay as they are while they are read, found changes in each of {ATTEMPTS} \
                 attempts",
                path.display()
            ),
        ))
    }

    fn read_once(path: &Path, stamps: Stamps, known: Option<(&Stamps, &Arc<Keys>)>) -> Result<Self> {
        let directory = Directory::open(path, Status::TrustInvalid)?;
        let document = read_signed(&directory, DOCUMENT, Domain::TrustDocument, document::MAX_LEN)?;
        let denylist = optional(read_signed(&directory, DENYLIST, Domain::Denylist, denylist::MAX_LEN))?;
        let advisories = read_signed(&directory, ADVISORIES, Domain::Advisories, advisories::MAX_LEN);
        let advisories = advisories.map_err(|e| match e.status() {
            Status::NotFound => Error::new(Status::TrustInvalid, e.message()),
            _ => e,
        });
        let keys = match known {
            Some((known, keys)) if known.same_keys(&stamps) => Arc::clone(keys),
            _ => Arc::new(read_keys(&Directory::open(&path.join(KEYS), Status::TrustInvalid)?)?),
        };
        let mut stamps = stamps;
        // A disk or a process that is out of files fails once: that says nothing of the files, and is not kept.
        stamps.is_settled &= !advisories.as_ref().is_err_and(|e| e.status() == Status::Io);
        let roots = match optional(Directory::open(&path.join(ROOTS), Status::TrustInvalid))? {
            Some(directory) => read_roots(&directory)?,
            None => BTreeMap::new(),
        };
        Ok(Self { document, denylist, advisories, roots, keys, stamps })
    }
}

fn read_signed(directory: &Directory, name: &str, domain: Domain, max_len: usize) -> Result<Signed> {
    let bytes = directory.read(name, max_len as u64, Status::TrustInvalid)?;
    let signature =
        optional(directory.read(&format!("{name}.sogsig"), MAX_SIGNATURE_LEN, Status::TrustInvalid))?;
    Ok(Signed { name: directory.path().join(name).display().to_string(), domain, bytes, signature })
}

/// Every `<number>.json`, which must be called as it would be written.
fn read_roots(directory: &Directory) -> Result<BTreeMap<u64, Signed>> {
    let mut sets = BTreeMap::new();
    for name in directory.names(2 * roots::MAX_SETS)? {
        let Some(stem) = name.strip_suffix(".json") else { continue };
        let number = stem.parse::<u64>().ok().filter(|number| *number > 0 && number.to_string() == stem);
        let number = number.ok_or_else(|| {
            Error::new(
                Status::TrustInvalid,
                format!("{}: expected names such as 2.json, found {name}", directory.path().display()),
            )
        })?;
        sets.insert(number, read_signed(directory, &name, Domain::Roots, roots::MAX_LEN)?);
    }
    Ok(sets)
}

/// Every `*.pem` and `*.der` in the directory, by the identifier that its content gives it; file names mean nothing.
fn read_keys(directory: &Directory) -> Result<Keys> {
    let mut keys = Keys::new();
    for name in directory.names(MAX_KEY_FILES)? {
        if !Path::new(&name).extension().is_some_and(|ending| ending == "pem" || ending == "der") {
            continue;
        }
        let bytes = directory.read(&name, MAX_KEY_LEN, Status::TrustInvalid)?;
        let key = PublicKey::from_encoded(&bytes).map_err(|e| {
            Error::new(Status::TrustInvalid, e.message()).of(directory.path().join(&name).display())
        })?;
        keys.insert(key.key_id(), key);
    }
    Ok(keys)
}

/// `None` where there is no such thing.
fn optional<T>(read: Result<T>) -> Result<Option<T>> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(missing) if missing.status() == Status::NotFound => Ok(None),
        Err(other) => Err(other),
    }
}
