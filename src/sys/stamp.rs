//! Whether a file or directory is still what it was, by what the kernel keeps of it.
#![forbid(unsafe_code)]

use crate::error::{Error, Result};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Identity, owner, mode, size and times of one file at one moment. Whoever writes to a file changes its ctime, which no
/// ordinary call sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    identity: Identity,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// Which file it is, whose, and who may write to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    device: u64,
    inode: u64,
    owner: u32,
    mode: u32,
}

/// Times of files advance in steps; two changes within one step look like one. Coarser ones than this are not in use.
const STEP: Duration = Duration::from_secs(2);

impl Stamp {
    /// Of what `path` leads to. `None` where that is nothing.
    pub fn of(path: &Path) -> Result<Option<Self>> {
        let metadata = match std::fs::metadata(path) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            metadata => metadata.map_err(|e| Error::io(path.display(), &e))?,
        };
        Ok(Some(Self {
            identity: Identity {
                device: metadata.dev(),
                inode: metadata.ino(),
                owner: metadata.uid(),
                mode: metadata.mode(),
            },
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }))
    }

    /// Which file it is.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// Whether its last change is so far before `moment` that a later one has another time. One that seems to lie in the
    /// future settles nothing.
    pub fn is_settled_at(&self, moment: SystemTime) -> bool {
        let (seconds, nanoseconds) = self.changed.max(self.modified);
        let since_epoch = u64::try_from(seconds).ok().zip(u32::try_from(nanoseconds).ok());
        since_epoch
            .and_then(|(seconds, nanoseconds)| UNIX_EPOCH.checked_add(Duration::new(seconds, nanoseconds)))
            .and_then(|changed| moment.duration_since(changed).ok())
            .is_some_and(|age| age > STEP)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_change_is_seen_and_is_not_settled_at_once() {
        let path = std::env::temp_dir().join(format!("sogov-stamp-{}", std::process::id()));
        assert_eq!(Stamp::of(&path).unwrap(), None);
        fs::write(&path, b"one").unwrap();
        let one = Stamp::of(&path).unwrap().unwrap();
        assert!(!one.is_settled_at(SystemTime::now()));
        assert!(one.is_settled_at(SystemTime::now() + STEP * 2));
        assert!(!one.is_settled_at(UNIX_EPOCH));
        fs::write(&path, b"three").unwrap();
        let three = Stamp::of(&path).unwrap().unwrap();
        assert_ne!(one, three);
        assert_eq!(one.identity(), three.identity());
        fs::remove_file(&path).unwrap();
    }
}
