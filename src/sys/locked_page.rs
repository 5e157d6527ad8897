//! Pages of our own for secrets, and room in them.
//!
//! ```text
//! | guard | mark | guard | data: 64 slots | guard |
//! ```
//!
//! The data is memory that the kernel hides from everybody but this process (memfd_secret), or else ordinary anonymous
//! memory that is locked. Either way it stays out of core dumps, and a guard page on each side ends whoever reads or writes
//! past it.
//!
//! A forked child must not have the secret. Anonymous memory is wiped in it (MADV_WIPEONFORK); hidden memory is shared, which
//! cannot be wiped, and is not mapped in it at all (MADV_DONTFORK). So that nobody takes zeros for a key, or touches what
//! is not mapped, each region has a mark in memory that is wiped: a random number, which is compared before each use.
//! It tells of a child whichever way it was made; the count of forks (`fork::generation`) is compared besides.

use super::{fork, random};
use crate::error::{Error, Result, Status};
use crate::sync::Mutex;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr::{NonNull, null_mut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use zeroize::Zeroize;

/// What slots are to be made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Whether memory that cannot be locked is refused.
    pub lock_required: bool,
    /// Whether memory that the kernel hides is asked for first.
    pub hidden: bool,
}

/// How far a slot is protected, beside what holds for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protection {
    /// It may be written to swap.
    Unlocked,
    /// Locked into memory.
    Locked,
    /// Locked, and readable by the process's own instructions alone.
    Hidden,
}

/// Room for one secret, filled with zeros and wiped when it is dropped.
#[derive(Debug)]
pub struct Slot {
    region: Arc<Region>,
    first: usize,
    len: usize,
}

impl Slot {
    /// Room for `len` bytes, at most [`MAX_LEN`]. Where `wish` asks for locked memory and there is none,
    /// [`Status::LimitExceeded`] names the limit.
    pub fn take(len: usize, wish: Wish) -> Result<Self> {
        if !(1..=MAX_LEN).contains(&len) {
            return Err(Error::argument(format!(
                "room for a secret: expected 1 to {MAX_LEN} bytes, found {len}"
            )));
        }
        let mut regions = REGIONS.get().lock();
        for region in regions.iter().filter(|region| region.fits(wish) && region.check().is_ok()) {
            if let Some(slot) = Self::of(region, len) {
                return Ok(slot);
            }
        }
        let region = Arc::new(Region::map(len, wish)?);
        let slot = Self::of(&region, len);
        regions.push(region);
        slot.ok_or_else(|| Error::new(Status::Internal, "room for a secret: a fresh region has none"))
    }

    /// How far it is protected.
    pub fn protection(&self) -> Protection {
        self.region.protection
    }

    /// The bytes. [`Status::KeyLostAfterFork`] in a process that was forked after they were written.
    pub fn bytes(&self) -> Result<&[u8]> {
        let data = self.checked()?;
        // SAFETY: `len` bytes of this slot, mapped as the mark says, initialised by the kernel, and written through
        // `&mut self` only.
        Ok(unsafe { std::slice::from_raw_parts(data.as_ptr(), self.len) })
    }

    /// The bytes, to be written.
    pub fn bytes_mut(&mut self) -> Result<&mut [u8]> {
        let data = self.checked()?;
        // SAFETY: as above, and `self` is borrowed alone.
        Ok(unsafe { std::slice::from_raw_parts_mut(data.as_ptr(), self.len) })
    }

    /// The bytes as words; a rest of less than a word is left out.
    pub fn words(&self) -> Result<&[u64]> {
        let data = self.checked()?;
        // SAFETY: as for `bytes`; slots begin at multiples of their size, 64 or more, and every bit pattern is a word.
        Ok(unsafe { std::slice::from_raw_parts(data.as_ptr().cast(), self.len / size_of::<u64>()) })
    }

    /// The same, to be written.
    pub fn words_mut(&mut self) -> Result<&mut [u64]> {
        let data = self.checked()?;
        // SAFETY: as above, and `self` is borrowed alone.
        Ok(unsafe { std::slice::from_raw_parts_mut(data.as_ptr().cast(), self.len / size_of::<u64>()) })
    }

    fn of(region: &Arc<Region>, len: usize) -> Option<Self> {
        let first = region.reserve(len.div_ceil(region.slot_len()))?;
        Some(Self { region: Arc::clone(region), first, len })
    }

    fn checked(&self) -> Result<NonNull<u8>> {
        self.region.check()?;
        Ok(self.data())
    }

    fn data(&self) -> NonNull<u8> {
        // SAFETY: the slot was reserved, so it lies inside of the data.
        unsafe { self.region.data.add(self.first * self.region.slot_len()) }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Ok(bytes) = self.bytes_mut() {
            bytes.zeroize();
            self.region.release(self.first, self.len.div_ceil(self.region.slot_len()));
        }
    }
}

/// The longest secret.
pub const MAX_LEN: usize = 64 << 10;

const PAGE: usize = 4096;
/// Slots in a region: as many as a word has bits.
const SLOTS: usize = 64;

/// The regions of this process. They stay: an empty one serves the next secrets.
static REGIONS: fork::PerProcess<Mutex<Vec<Arc<Region>>>> = fork::PerProcess::new();

#[derive(Debug)]
struct Region {
    mark: NonNull<AtomicU64>,
    /// What stands at `mark` in this process: never 0.
    expected: u64,
    generation: u64,
    data: NonNull<u8>,
    data_len: usize,
    protection: Protection,
    /// A bit for each slot that is in use.
    used: AtomicU64,
}

// SAFETY: the mark is only read, the bits are atomic, and each slot of the data belongs to one `Slot`.
unsafe impl Send for Region {}
// SAFETY: as above.
unsafe impl Sync for Region {}

impl Region {
    fn map(len: usize, wish: Wish) -> Result<Self> {
        let data_len = len.next_multiple_of(PAGE);
        let whole = 4 * PAGE + data_len;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a fresh mapping at an address that the kernel chooses.
        let base = unsafe { libc::mmap(null_mut(), whole, libc::PROT_NONE, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(failed("map pages for secrets"));
        }
        let reserved = Reserved { base: base.cast(), len: whole };
        let (mark, data) = (reserved.at(PAGE), reserved.at(3 * PAGE));
        open(mark, PAGE)?;
        advise(mark, PAGE, libc::MADV_WIPEONFORK, "MADV_WIPEONFORK")?;
        advise(mark, PAGE, libc::MADV_DONTDUMP, "MADV_DONTDUMP")?;
        let protection = map_data(data, data_len, wish)?;
        let expected = random::system_u64()? | 1;
        let mark: NonNull<AtomicU64> = NonNull::new(mark.cast()).ok_or_else(|| failed("map pages"))?;
        // SAFETY: a page of our own, writable since `open`.
        unsafe { mark.as_ref() }.store(expected, Ordering::Relaxed);
        let data = NonNull::new(data).ok_or_else(|| failed("map pages"))?;
        reserved.keep();
        let (generation, used) = (fork::generation(), AtomicU64::new(0));
        Ok(Self { mark, expected, generation, data, data_len, protection, used })
    }

    /// Refuses in a process that does not have the data.
    fn check(&self) -> Result<()> {
        // SAFETY: the page of the mark is mapped as long as the region lives, in children too.
        let mark = unsafe { self.mark.as_ref() }.load(Ordering::Relaxed);
        if mark == self.expected && self.generation == fork::generation() {
            return Ok(());
        }
        Err(Error::new(
            Status::KeyLostAfterFork,
            "private key: it stayed in the process that this one was forked from; read it again in this process",
        ))
    }

    fn fits(&self, wish: Wish) -> bool {
        match self.protection {
            Protection::Unlocked => !wish.lock_required,
            Protection::Locked => true,
            Protection::Hidden => wish.hidden,
        }
    }

    /// Bytes in a slot.
    fn slot_len(&self) -> usize {
        self.data_len / SLOTS
    }

    /// Reserves `count` slots side by side and answers the first. Under the lock of [`REGIONS`].
    fn reserve(&self, count: usize) -> Option<usize> {
        let wanted = run(count)?;
        let used = self.used.load(Ordering::Acquire);
        let first = (0..=SLOTS - count).find(|first| used & (wanted << first) == 0)?;
        self.used.fetch_or(wanted << first, Ordering::AcqRel);
        Some(first)
    }

    fn release(&self, first: usize, count: usize) {
        if let Some(run) = run(count) {
            self.used.fetch_and(!(run << first), Ordering::AcqRel);
        }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // In a child something else may stand where hidden memory was: there the pages are left alone.
        if self.check().is_ok() {
            let base = self.data.as_ptr().wrapping_sub(3 * PAGE);
            // SAFETY: our own mapping, into which no slot points any more.
            unsafe { libc::munmap(base.cast(), 4 * PAGE + self.data_len) };
        }
    }
}

/// As many low bits as `count`, which is 1 to 64.
fn run(count: usize) -> Option<u64> {
    let unused = SLOTS.checked_sub(count).filter(|unused| *unused < SLOTS)?;
    Some(u64::MAX >> unused)
}

/// Addresses that are given back unless they are kept.
struct Reserved {
    base: *mut u8,
    len: usize,
}

impl Reserved {
    fn at(&self, offset: usize) -> *mut u8 {
        self.base.wrapping_add(offset)
    }

    fn keep(mut self) {
        self.len = 0;
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if self.len > 0 {
            // SAFETY: our own mapping, which nobody uses yet.
            unsafe { libc::munmap(self.base.cast(), self.len) };
        }
    }
}

/// Puts the best memory that there is at `place`, `len` bytes inside of our own addresses.
fn map_data(place: *mut u8, len: usize, wish: Wish) -> Result<Protection> {
    if wish.hidden && map_hidden(place, len)? {
        advise(place, len, libc::MADV_DONTFORK, "MADV_DONTFORK")?;
        advise(place, len, libc::MADV_DONTDUMP, "MADV_DONTDUMP")?;
        return Ok(Protection::Hidden);
    }
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
    // SAFETY: replaces our own addresses, which nobody uses yet.
    let mapped = unsafe { libc::mmap(place.cast(), len, libc::PROT_NONE, flags, -1, 0) };
    if mapped == libc::MAP_FAILED {
        return Err(failed("map pages for secrets"));
    }
    open(place, len)?;
    advise(place, len, libc::MADV_WIPEONFORK, "MADV_WIPEONFORK")?;
    advise(place, len, libc::MADV_DONTDUMP, "MADV_DONTDUMP")?;
    // SAFETY: our own pages.
    if unsafe { libc::mlock(place.cast(), len) } == 0 {
        return Ok(Protection::Locked);
    }
    if !wish.lock_required {
        return Ok(Protection::Unlocked);
    }
    let cause = io::Error::last_os_error();
    Err(Error::new(
        Status::LimitExceeded,
        format!(
            "private key: expected memory that can be locked, found RLIMIT_MEMLOCK at {} bytes ({cause})",
            lock_limit()
        ),
    ))
}

/// Whether the kernel gave memory that it hides.
fn map_hidden(place: *mut u8, len: usize) -> Result<bool> {
    // SAFETY: a number and a flag.
    let made = unsafe { libc::syscall(libc::SYS_memfd_secret, libc::O_CLOEXEC) };
    let Some(fd) = i32::try_from(made).ok().filter(|fd| *fd >= 0) else { return Ok(false) };
    // SAFETY: the kernel made it just now, and nobody else knows it.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    let size = libc::off_t::try_from(len).map_err(|_| Error::argument("room for a secret: too much"))?;
    // SAFETY: our own descriptor.
    if unsafe { libc::ftruncate(fd.as_raw_fd(), size) } != 0 {
        return Ok(false);
    }
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // Somewhere first: a mapping that is refused could leave a hole where the pages are to be.
    // SAFETY: a fresh mapping at an address that the kernel chooses, which nobody uses.
    let possible = unsafe {
        let trial = libc::mmap(null_mut(), len, access, libc::MAP_SHARED, fd.as_raw_fd(), 0);
        trial != libc::MAP_FAILED && libc::munmap(trial, len) == 0
    };
    if !possible {
        return Ok(false);
    }
    let flags = libc::MAP_SHARED | libc::MAP_FIXED;
    // SAFETY: the mapping replaces our own addresses, which nobody uses yet.
    if unsafe { libc::mmap(place.cast(), len, access, flags, fd.as_raw_fd(), 0) } == libc::MAP_FAILED {
        return Err(failed("map pages for secrets"));
    }
    Ok(true)
}

fn open(place: *mut u8, len: usize) -> Result<()> {
    // SAFETY: our own pages.
    if unsafe { libc::mprotect(place.cast(), len, libc::PROT_READ | libc::PROT_WRITE) } == 0 {
        return Ok(());
    }
    Err(failed("protect pages for secrets"))
}

fn advise(place: *mut u8, len: usize, advice: i32, name: &str) -> Result<()> {
    // SAFETY: our own pages, and advice that changes no content in this process.
    if unsafe { libc::madvise(place.cast(), len, advice) } == 0 {
        return Ok(());
    }
    Err(failed(&format!("pages for secrets: {name}")))
}

fn lock_limit() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the struct is this function's own.
    unsafe { libc::getrlimit(libc::RLIMIT_MEMLOCK, &raw mut limit) };
    limit.rlim_cur
}

fn failed(what: &str) -> Error {
    Error::io(what, &io::Error::last_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WISHES: [Wish; 2] =
        [Wish { lock_required: false, hidden: true }, Wish { lock_required: false, hidden: false }];

    #[test]
    fn slots_are_zeros_and_do_not_overlap() {
        for wish in WISHES {
            let mut slots = Vec::new();
            for (len, fill) in [(1, 1), (64, 2), (65, 3), (4096, 4), (8192, 5), (32, 6), (MAX_LEN, 7)] {
                let mut slot = Slot::take(len, wish).unwrap();
                assert_eq!(slot.bytes().unwrap(), vec![0; len]);
                slot.bytes_mut().unwrap().fill(fill);
                slots.push((slot, fill));
            }
            for (slot, fill) in &slots {
                assert!(slot.bytes().unwrap().iter().all(|byte| byte == fill));
                assert_eq!(slot.words().unwrap().len(), slot.len / 8);
            }
        }
        for len in [0, MAX_LEN + 1] {
            assert_eq!(Slot::take(len, WISHES[0]).unwrap_err().status(), Status::InvalidArgument);
        }
    }

    #[test]
    fn what_is_freed_is_wiped_even_by_a_panic() {
        let region = Arc::new(Region::map(1, WISHES[1]).unwrap());
        let unwound = std::panic::catch_unwind({
            let region = Arc::clone(&region);
            move || {
                let mut slot = Slot::of(&region, 64).unwrap();
                slot.bytes_mut().unwrap().fill(0xa5);
                std::panic::resume_unwind(Box::new(()));
            }
        });
        assert!(unwound.is_err());
        assert_eq!(region.used.load(Ordering::Relaxed), 0);
        assert_eq!(Slot::of(&region, PAGE).unwrap().bytes().unwrap(), [0; PAGE]);
    }

    #[test]
    fn a_full_region_gives_no_slot() {
        let region = Arc::new(Region::map(1, WISHES[0]).unwrap());
        let slots: Vec<_> = std::iter::from_fn(|| Slot::of(&region, 64)).collect();
        assert_eq!(slots.len(), SLOTS);
        drop(slots);
        assert!(Slot::of(&region, PAGE + 1).is_none());
        assert!(Slot::of(&region, PAGE).is_some());
    }
}
