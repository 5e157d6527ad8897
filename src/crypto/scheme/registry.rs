//! The schemes that a host registers, by name and by number.
//!
//! The table is immutable and replaced whole. A verification takes the scheme out of the table that it finds and
//! holds it until it ends: it waits for nobody, and a scheme that is replaced or removed meanwhile goes when the last
//! verification by it has ended.
#![forbid(unsafe_code)]

use super::SchemeName;
use crate::error::{Error, Result, Status};
use arc_swap::ArcSwapOption;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The numbers of registered schemes. Those below are kept for this library, 255 for what follows.
const NUMBERS: RangeInclusive<u8> = 128..=254;
/// Bytes in the longest signature; as much as a signature container takes.
pub const MAX_SIGNATURE_LEN: usize = 8 << 10;

/// What verifies under a registered scheme, and signs where it can. Called on any thread, on several at once.
pub trait Implementation: Send + Sync {
    /// Whether `signature` is that of the public key `key` over `message`. Whatever goes wrong is a no.
    fn verify(&self, key: &[u8], message: &[u8], signature: &[u8]) -> bool;

    /// The signature of the private key `key` over `message`, at most [`MAX_SIGNATURE_LEN`] bytes;
    /// [`Status::Unsupported`] where it verifies only.
    fn sign(&self, key: &[u8], message: &[u8]) -> Result<Vec<u8>>;
}

/// The schemes that are registered. Any number of threads may use it at once; verifying takes no lock.
pub struct Schemes {
    table: ArcSwapOption<Vec<Entry>>,
}

#[derive(Clone)]
struct Entry {
    name: SchemeName,
    number: u8,
    implementation: Arc<dyn Implementation>,
}

impl Schemes {
    /// No scheme yet.
    pub const fn new() -> Self {
        Self { table: ArcSwapOption::const_empty() }
    }

    /// Registers `implementation` under a name and a number from 128 to 254. One of the same name and number is replaced:
    /// verifications that have begun end by the old one, and those that begin afterwards use the new one.
    ///
    /// [`Status::InvalidArgument`] for a number out of range, [`Status::Busy`] where the name or the number is another
    /// scheme's; nothing is kept of `implementation` then.
    pub fn register(
        &self,
        name: SchemeName,
        number: u8,
        implementation: &Arc<dyn Implementation>,
    ) -> Result<()> {
        if !NUMBERS.contains(&number) {
            let (first, last) = NUMBERS.into_inner();
            return Err(Error::argument(format!(
                "number of a registered scheme: expected {first} to {last}, found {number}"
            )));
        }
        self.change(|table| {
            if let Some(other) = table.iter().find(|entry| (entry.name == name) != (entry.number == number)) {
                return Err(Error::new(
                    Status::Busy,
                    format!(
                        "scheme {}, number {number}: {} is registered with the number {}",
                        name.as_str(),
                        other.name.as_str(),
                        other.number
                    ),
                ));
            }
            table.retain(|entry| entry.name != name);
            table.push(Entry { name, number, implementation: Arc::clone(implementation) });
            Ok(())
        })
    }

    /// Removes a scheme; [`Status::NotFound`] if it is not registered. Verifications that have begun end by it.
    pub fn unregister(&self, name: SchemeName) -> Result<()> {
        self.change(|table| {
            let before = table.len();
            table.retain(|entry| entry.name != name);
            if table.len() < before { Ok(()) } else { Err(unknown(name, Status::NotFound)) }
        })
    }

    /// The number of a scheme, if it is registered now.
    pub fn number(&self, name: SchemeName) -> Option<u8> {
        self.find(name).map(|entry| entry.number)
    }

    /// The implementation of a scheme, which lives at least as long as what is answered; [`Status::Unsupported`] if the scheme
    /// is not registered now.
    pub fn implementation(&self, name: SchemeName) -> Result<Arc<dyn Implementation>> {
        self.find(name).map(|entry| entry.implementation).ok_or_else(|| unknown(name, Status::Unsupported))
    }

    fn find(&self, name: SchemeName) -> Option<Entry> {
        self.table.load().as_ref()?.iter().find(|entry| entry.name == name).cloned()
    }

    /// Replaces the table by one that `edit` made of a copy, or leaves it. Another thread's change in between is edited again.
    fn change(&self, edit: impl Fn(&mut Vec<Entry>) -> Result<()>) -> Result<()> {
        loop {
            let current = self.table.load();
            let mut table = current.as_ref().map_or_else(Vec::new, |table| Vec::clone(table));
            edit(&mut table)?;
            let before = self.table.compare_and_swap(&current, Some(Arc::new(table)));
            if before.as_ref().map(Arc::as_ptr) == current.as_ref().map(Arc::as_ptr) {
                return Ok(());
            }
        }
    }
}

impl Default for Schemes {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Schemes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = self.table.load();
        f.debug_map()
            .entries(table.iter().flat_map(|table| table.iter().map(|entry| (entry.name, entry.number))))
            .finish()
    }
}

fn unknown(name: SchemeName, status: Status) -> Error {
    Error::new(status, format!("scheme {}: is not registered in this process", name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    /// Says yes, and counts how many of its kind live.
    struct Yes(Arc<AtomicUsize>);

    impl Yes {
        fn counted(live: &Arc<AtomicUsize>) -> Arc<dyn Implementation> {
            live.fetch_add(1, Ordering::SeqCst);
            Arc::new(Self(Arc::clone(live)))
        }
    }

    impl Implementation for Yes {
        fn verify(&self, _: &[u8], _: &[u8], _: &[u8]) -> bool {
            true
        }

        fn sign(&self, _: &[u8], _: &[u8]) -> Result<Vec<u8>> {
            Ok(vec![1])
        }
    }

    impl Drop for Yes {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }

    fn name(text: &str) -> SchemeName {
        SchemeName::new(text).unwrap()
    }

    #[test]
    fn names_and_numbers_belong_to_one_scheme() {
        let (schemes, live) = (Schemes::new(), Arc::default());
        let register = |text: &str, number| {
            schemes.register(name(text), number, &Yes::counted(&live)).map_err(|e| e.status())
        };
        for number in [0, 1, 4, 127, 255] {
            assert_eq!(register("x-a", number), Err(Status::InvalidArgument));
        }
        assert_eq!(register("x-a", 128), Ok(()));
        assert_eq!(register("x-b", 128), Err(Status::Busy));
        assert_eq!(register("x-a", 129), Err(Status::Busy));
        assert_eq!(register("x-a", 128), Ok(()), "replaced");
        assert_eq!(register("x-b", 254), Ok(()));
        assert_eq!((schemes.number(name("x-a")), schemes.number(name("x-c"))), (Some(128), None));
        assert_eq!(live.load(Ordering::SeqCst), 2, "what was refused or replaced is gone");
        assert_eq!(schemes.unregister(name("x-a")), Ok(()));
        assert_eq!(schemes.unregister(name("x-a")).unwrap_err().status(), Status::NotFound);
        assert_eq!(schemes.implementation(name("x-a")).err().map(|e| e.status()), Some(Status::Unsupported));
        assert_eq!(live.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_verification_holds_its_scheme() {
        let (schemes, live) = (Schemes::new(), Arc::default());
        schemes.register(name("x-a"), 200, &Yes::counted(&live)).unwrap();
        let begun = schemes.implementation(name("x-a")).unwrap();
        schemes.unregister(name("x-a")).unwrap();
        assert_eq!(live.load(Ordering::SeqCst), 1);
        assert!(begun.verify(b"", b"", b""));
        drop(begun);
        assert_eq!(live.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn replacing_is_never_seen_as_absence() {
        let (schemes, live, stop) = (Schemes::new(), Arc::default(), AtomicBool::new(false));
        schemes.register(name("x-a"), 200, &Yes::counted(&live)).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        assert!(schemes.implementation(name("x-a")).unwrap().verify(b"", b"", b""));
                    }
                });
            }
            for _ in 0..2000 {
                schemes.register(name("x-a"), 200, &Yes::counted(&live)).unwrap();
            }
            stop.store(true, Ordering::Relaxed);
        });
        drop(schemes);
        assert_eq!(live.load(Ordering::SeqCst), 0);
    }
}
