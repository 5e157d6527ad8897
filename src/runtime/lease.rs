//! Leases: who is inside which version at this moment.
//!
//! A lease is a slot in one table of this process. Its ticket, a plain number, carries the slot's generation, so a
//! ticket that was released, never issued or inherited through `fork` is recognised and not followed. Taking and
//! releasing a lease is one compare-and-swap each, on a cache line that the thread usually has to itself; nothing is
//! allocated, and one version's slow calls cannot hold up another's.

use super::directory::VersionId;
use super::sync::{AtomicU64, AtomicUsize, Ordering, write_before_read};
use crate::sys::fork;
use std::cell::Cell;

/// The right to call into a version until it is released. Any thread may release it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lease(u64);

/// How a call under a lease ended, as the caller saw it.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The version answered as it should.
    Success = 0,
    /// The version failed: its fault, not the request's.
    Failure = 1,
    /// Nothing was learned about the version (the request was bad, or was given up before the call).
    Neutral = 2,
}

impl Lease {
    /// The number that stands for the lease outside of this library.
    pub fn ticket(self) -> u64 {
        self.0
    }

    /// What [`ticket`](Self::ticket) answered, or any other number: using it shows whether it is a lease.
    pub fn from_ticket(ticket: u64) -> Self {
        Self(ticket)
    }
}

/// The leases of this process.
#[cfg(not(loom))]
pub(super) fn leases() -> &'static LeaseTable<SLOTS> {
    static LEASES: LeaseTable<SLOTS> = LeaseTable::new();
    extern "C" fn void_inherited_leases() {
        LEASES.void_all();
    }
    fork::on_fork_in_child(void_inherited_leases);
    &LEASES
}

/// Loom's atomics cannot be made in a constant. Models make tables of their own and never come here.
#[cfg(loom)]
pub(super) fn leases() -> &'static LeaseTable<SLOTS> {
    static LEASES: std::sync::OnceLock<LeaseTable<SLOTS>> = std::sync::OnceLock::new();
    LEASES.get_or_init(LeaseTable::new)
}

/// The most leases at one time.
pub(super) const SLOTS: usize = 1 << 16;
/// Neighbouring slots of one thread, for leases that it holds at the same time.
const SLOTS_OF_A_THREAD: usize = 8;
/// Threads with slots of their own; later ones share.
const THREADS: usize = 1024;

/// In a slot's word: the version inside it (0: free) below, how often the slot was taken above.
const VERSION_BITS: u32 = 16;
const VERSION_MASK: u64 = (1 << VERSION_BITS) - 1;

/// A table of `N` slots, `N` a power of two and at most 2^16.
pub(super) struct LeaseTable<const N: usize> {
    slots: [Slot; N],
    /// One more than the highest slot that was ever taken: where a scan ends.
    high_water: AtomicUsize,
    threads: AtomicUsize,
}

/// On a line of its own (two, for processors that fetch pairs of lines).
#[repr(align(128))]
struct Slot(AtomicU64);

impl<const N: usize> LeaseTable<N> {
    #[cfg(not(loom))]
    const fn new() -> Self {
        Self {
            slots: [const { Slot(AtomicU64::new(0)) }; N],
            high_water: AtomicUsize::new(0),
            threads: AtomicUsize::new(0),
        }
    }

    #[cfg(loom)]
    fn new() -> Self {
        Self {
            slots: std::array::from_fn(|_| Slot(AtomicU64::new(0))),
            high_water: AtomicUsize::new(0),
            threads: AtomicUsize::new(0),
        }
    }

    /// Takes a slot for `version`. `None` when all are taken.
    ///
    /// The caller looks at the version's gate afterwards. The swap and the look are sequentially consistent, as are
    /// the closing of the gate and the scan of [`in_flight`](Self::in_flight): one of the two sees the other.
    #[inline]
    pub(super) fn acquire(&self, version: VersionId) -> Option<Lease> {
        let start = self.hint();
        for step in 0..N {
            let index = (start + step) % N;
            let Some(slot) = self.slots.get(index) else { continue };
            let free = slot.0.load(Ordering::Relaxed);
            if free & VERSION_MASK != 0 {
                continue;
            }
            let taken = (free.wrapping_add(1 << VERSION_BITS) & !VERSION_MASK) | u64::from(version.get());
            if slot.0.compare_exchange(free, taken, Ordering::SeqCst, Ordering::Relaxed).is_ok() {
                HINT.with(|hint| hint.set(index + 1));
                if self.high_water.load(Ordering::SeqCst) <= index {
                    self.high_water.fetch_max(index + 1, Ordering::SeqCst);
                }
                write_before_read();
                return Some(Lease(taken & !VERSION_MASK | index as u64));
            }
        }
        None
    }

    /// Frees the lease's slot, after telling `last` the version it is on. `None` when it is not a lease (any more).
    #[inline]
    pub(super) fn release(&self, lease: Lease, last: impl FnOnce(VersionId)) -> Option<()> {
        let (index, slot, taken) = self.find(lease)?;
        last(version_in(taken)?);
        let free = taken & !VERSION_MASK;
        // The release order makes everything done under the lease visible to the drain that sees the free slot.
        slot.0.compare_exchange(taken, free, Ordering::Release, Ordering::Relaxed).ok()?;
        HINT.with(|hint| hint.set(index + 1));
        Some(())
    }

    /// The version that the lease is on.
    #[inline]
    pub(super) fn version_of(&self, lease: Lease) -> Option<VersionId> {
        self.find(lease).and_then(|(_, _, taken)| version_in(taken))
    }

    /// How many leases there are on `version`.
    pub(super) fn in_flight(&self, version: VersionId) -> usize {
        let used = self.high_water.load(Ordering::SeqCst);
        let on_version =
            |slot: &&Slot| slot.0.load(Ordering::SeqCst) & VERSION_MASK == u64::from(version.get());
        self.slots.iter().take(used).filter(on_version).count()
    }

    /// Frees every slot: in the child of a `fork` the threads that held them do not exist.
    fn void_all(&self) {
        for slot in self.slots.iter().take(self.high_water.load(Ordering::SeqCst)) {
            slot.0.fetch_and(!VERSION_MASK, Ordering::SeqCst);
        }
    }

    #[inline]
    fn find(&self, lease: Lease) -> Option<(usize, &Slot, u64)> {
        let index = usize::try_from(lease.0 & VERSION_MASK).ok()?;
        let slot = self.slots.get(index)?;
        let word = slot.0.load(Ordering::Acquire);
        let is_this = word & !VERSION_MASK == lease.0 & !VERSION_MASK && word & VERSION_MASK != 0;
        is_this.then_some((index, slot, word))
    }

    /// Where this thread begins to look: the slot it used last, at first one of its own neighbourhood.
    #[inline]
    fn hint(&self) -> usize {
        match HINT.with(Cell::get) {
            0 => (self.threads.fetch_add(1, Ordering::Relaxed) % THREADS) * SLOTS_OF_A_THREAD,
            next => next - 1,
        }
    }
}

#[cfg(not(loom))]
thread_local! {
    /// One more than the slot that this thread used last; 0 before its first.
    static HINT: Cell<usize> = const { Cell::new(0) };
}

#[cfg(loom)]
loom::thread_local! {
    static HINT: Cell<usize> = Cell::new(0);
}

fn version_in(word: u64) -> Option<VersionId> {
    u16::try_from(word & VERSION_MASK).ok().and_then(VersionId::new)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const V1: VersionId = VersionId::new(1).unwrap();
    const V2: VersionId = VersionId::new(2).unwrap();

    #[test]
    fn a_ticket_is_good_until_it_is_released_once() {
        let table: LeaseTable<8> = LeaseTable::new();
        let lease = table.acquire(V1).unwrap();
        assert_eq!((table.version_of(lease), table.in_flight(V1), table.in_flight(V2)), (Some(V1), 1, 0));
        let mut released = None;
        assert_eq!(table.release(lease, |version| released = Some(version)), Some(()));
        assert_eq!(released, Some(V1));
        let again = table.release(lease, |_| unreachable!());
        assert_eq!((again, table.version_of(lease), table.in_flight(V1)), (None, None, 0));
        let next = table.acquire(V2).unwrap();
        assert_ne!(lease.ticket(), next.ticket(), "the same slot, another generation");
        assert_eq!(table.release(lease, drop), None);
        assert_eq!(table.version_of(next), Some(V2));
    }

    #[test]
    fn numbers_that_are_no_leases_are_recognised() {
        let table: LeaseTable<8> = LeaseTable::new();
        let lease = table.acquire(V1).unwrap();
        for ticket in [0, 1, 7, 8, 0xffff, u64::MAX, lease.ticket() ^ 1, lease.ticket() + (1 << VERSION_BITS)]
        {
            assert_eq!(table.release(Lease::from_ticket(ticket), drop), None, "{ticket:#x}");
        }
        assert_eq!(table.in_flight(V1), 1);
    }

    #[test]
    fn a_full_table_refuses_and_recovers() {
        let table: LeaseTable<4> = LeaseTable::new();
        let leases: Vec<Lease> = std::iter::from_fn(|| table.acquire(V1)).collect();
        assert_eq!((leases.len(), table.in_flight(V1)), (4, 4));
        assert!(table.release(leases[2], drop).is_some());
        assert!(table.acquire(V2).is_some());
        assert!(table.acquire(V2).is_none());
    }

    #[test]
    fn a_forked_child_inherits_no_lease() {
        let table: LeaseTable<4> = LeaseTable::new();
        let lease = table.acquire(V1).unwrap();
        table.void_all();
        assert_eq!((table.release(lease, drop), table.in_flight(V1)), (None, 0));
    }
}

/// `RUSTFLAGS="--cfg loom" cargo test --release --lib loom`
#[cfg(all(test, loom))]
mod loom_models {
    use super::super::sync::AtomicBool;
    use super::*;
    use loom::sync::Arc;

    const V1: VersionId = VersionId::new(1).unwrap();

    /// What a request and an unload share.
    struct Model {
        table: LeaseTable<2>,
        open: AtomicBool,
        mapped: AtomicBool,
    }

    impl Model {
        fn new() -> Arc<Self> {
            Arc::new(Self {
                table: LeaseTable::new(),
                open: AtomicBool::new(true),
                mapped: AtomicBool::new(true),
            })
        }

        /// What `Service::enter` and a call do.
        fn request(&self) {
            let Some(lease) = self.table.acquire(V1) else { return };
            if self.open.load(Ordering::SeqCst) {
                assert!(self.mapped.load(Ordering::Relaxed), "a call into an unmapped version");
            }
            self.table.release(lease, drop);
        }

        /// What `Service::unload` does, with one look instead of a wait.
        fn unload(&self, between: fn()) {
            self.open.store(false, Ordering::SeqCst);
            between();
            if self.table.in_flight(V1) == 0 {
                self.mapped.store(false, Ordering::Relaxed);
            }
        }
    }

    /// Three changes of thread at unforeseen places: enough for every order of the four accesses that matter.
    fn check(unload: fn(&Model)) {
        let mut bounded = loom::model::Builder::new();
        bounded.preemption_bound = Some(3);
        bounded.check(move || {
            let model = Model::new();
            let threads: Vec<_> = (0..2)
                .map(|_| {
                    let model = Arc::clone(&model);
                    loom::thread::spawn(move || model.request())
                })
                .collect();
            unload(&model);
            for thread in threads {
                thread.join().unwrap();
            }
        });
    }

    #[test]
    fn nobody_is_inside_an_unmapped_version() {
        check(|model| model.unload(write_before_read));
    }

    /// The negative control: without the order between closing the gate and the scan, loom must find the call into an
    /// unmapped version.
    #[test]
    #[should_panic(expected = "a call into an unmapped version")]
    fn without_the_order_the_model_fails() {
        check(|model| model.unload(|| ()));
    }

    /// A lease is released by one of two threads that try.
    #[test]
    fn a_lease_is_released_once() {
        loom::model(|| {
            let table: Arc<LeaseTable<2>> = Arc::new(LeaseTable::new());
            let lease = table.acquire(V1).unwrap();
            let other = {
                let table = Arc::clone(&table);
                loom::thread::spawn(move || table.release(lease, drop).is_some())
            };
            let here = table.release(lease, drop).is_some();
            assert!(here ^ other.join().unwrap());
            assert_eq!(table.in_flight(V1), 0);
        });
    }
}
