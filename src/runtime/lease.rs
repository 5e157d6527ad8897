//! Leases: who is inside which version at this moment, and who is on the way there.
//!
//! A lease is a slot in one table of this process. Its ticket, a plain number, carries the slot's generation, so a
//! ticket that was released, never issued or inherited through `fork` is recognised and not followed. A request takes
//! its slot *before* it looks for a version ([`Pending`]): whoever changes what requests find (a handle, a record, a
//! version) then sees that somebody may still be reading the old one, and waits with freeing it. So the slot alone
//! protects everything on the way, and a request costs two compare-and-swaps on a cache line that its thread usually
//! has to itself: one to take the slot, one to release it. Nothing is allocated, and one version's slow calls cannot
//! hold up another's.
#![forbid(unsafe_code)]

use super::directory::VersionId;
use super::sync::{AtomicU64, AtomicUsize, Ordering, write_before_read};
use super::thread;
use crate::sys::fork;

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
pub(super) const SLOTS_OF_A_THREAD: usize = 8;
/// Places to count doublings of leases in.
const DOUBLINGS: usize = if cfg!(loom) { 2 } else { 64 };
/// Threads with slots of their own; later ones share.
const THREADS: usize = 1024;

/// In a slot's word: the version inside it (0: free) below, how often the slot was taken above.
const VERSION_BITS: u32 = 16;
const VERSION_MASK: u64 = (1 << VERSION_BITS) - 1;
/// In place of a version: the holder is on its way to one. No version has this number.
const PENDING: u64 = VERSION_MASK;
/// How often a drain looks at a pending slot again before it comes back later: its holder is on its way for some
/// dozens of nanoseconds, unless it lost its processor.
const PATIENCE: usize = 1000;

/// A table of `N` slots, `N` a power of two and at most 2^16.
pub(super) struct LeaseTable<const N: usize> {
    slots: [Slot; N],
    /// One more than the highest slot that was ever taken: where a scan ends.
    high_water: AtomicUsize,
    threads: AtomicUsize,
    /// How often a lease was doubled, by version: a scan during which that happened may have missed it. Versions whose
    /// numbers fall together void each other's scans, no more.
    doublings: [AtomicU64; DOUBLINGS],
}

/// On a line of its own (two, for processors that fetch pairs of lines).
#[repr(align(128))]
struct Slot {
    word: AtomicU64,
    /// What the holder wants to find again at the release.
    note: [AtomicU64; 2],
}

/// A slot that is taken by a request on its way to a version. Dropping it gives the slot back.
pub(super) struct Pending<'t, const N: usize = SLOTS> {
    table: &'t LeaseTable<N>,
    index: usize,
    /// The slot's generation, in its place of the word.
    generation: u64,
}

impl<const N: usize> Pending<'_, N> {
    /// Turns the slot into a lease on `version`, with a note for its release.
    #[inline]
    pub(super) fn settle(self, version: VersionId, note: Note) -> Lease {
        let lease = Lease(self.generation | self.index as u64);
        if let Some(slot) = self.table.slots.get(self.index) {
            slot.note[0].store(note.0[0], Ordering::Relaxed);
            slot.note[1].store(note.0[1], Ordering::Relaxed);
            // The release order carries the note to whoever releases the lease.
            slot.word.store(self.generation | u64::from(version.get()), Ordering::Release);
        }
        let _settled = std::mem::ManuallyDrop::new(self);
        lease
    }
}

impl<const N: usize> Drop for Pending<'_, N> {
    fn drop(&mut self) {
        if let Some(slot) = self.table.slots.get(self.index) {
            slot.word.store(self.generation, Ordering::Release);
        }
    }
}

/// Two numbers that wait in a slot for the lease's release.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Note(pub(super) [u64; 2]);

impl<const N: usize> LeaseTable<N> {
    #[cfg(not(loom))]
    const fn new() -> Self {
        Self {
            slots: [const { Slot { word: AtomicU64::new(0), note: [const { AtomicU64::new(0) }; 2] } }; N],
            high_water: AtomicUsize::new(0),
            threads: AtomicUsize::new(0),
            doublings: [const { AtomicU64::new(0) }; DOUBLINGS],
        }
    }

    #[cfg(loom)]
    fn new() -> Self {
        Self {
            slots: std::array::from_fn(|_| Slot {
                word: AtomicU64::new(0),
                note: std::array::from_fn(|_| AtomicU64::new(0)),
            }),
            high_water: AtomicUsize::new(0),
            threads: AtomicUsize::new(0),
            doublings: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }

    /// Takes a slot. `None` when all are taken.
    ///
    /// The caller reads what it needs afterwards. The swap and those reads are sequentially consistent, as are the
    /// change of what is read and the scan that follows it: one of the two sees the other.
    #[inline]
    pub(super) fn begin(&self) -> Option<Pending<'_, N>> {
        let start = self.hint();
        for step in 0..N {
            let index = (start + step) % N;
            let Some(slot) = self.slots.get(index) else { continue };
            let free = slot.word.load(Ordering::Relaxed);
            if free & VERSION_MASK != 0 {
                continue;
            }
            let generation = free.wrapping_add(1 << VERSION_BITS) & !VERSION_MASK;
            let taken = generation | PENDING;
            if slot.word.compare_exchange(free, taken, Ordering::SeqCst, Ordering::Relaxed).is_ok() {
                thread::set_hint(index + 1);
                if self.high_water.load(Ordering::SeqCst) <= index {
                    self.high_water.fetch_max(index + 1, Ordering::SeqCst);
                }
                write_before_read();
                return Some(Pending { table: self, index, generation });
            }
        }
        None
    }

    /// A second lease on the version that `lease` is on. `None` when it is not a lease (any more).
    pub(super) fn double(&self, lease: Lease) -> Option<(Lease, VersionId)> {
        let pending = self.begin()?;
        let version = self.version_of(lease)?;
        // A scan may have passed the new slot before and come to the old one after its release: this tells it.
        self.doublings_of(version).fetch_add(1, Ordering::SeqCst);
        write_before_read();
        let version = self.version_of(lease)?;
        Some((pending.settle(version, Note::default()), version))
    }

    /// Frees the lease's slot, after telling `last` the version it is on and the note. `None` when it is not a lease
    /// (any more).
    #[inline]
    pub(super) fn release(&self, lease: Lease, last: impl FnOnce(VersionId, Note)) -> Option<()> {
        let (index, slot, taken) = self.find(lease)?;
        let version = version_in(taken)?;
        let note = Note([slot.note[0].load(Ordering::Relaxed), slot.note[1].load(Ordering::Relaxed)]);
        // From here on the ticket is no lease any more, yet a drain still sees the version.
        let releasing = (taken & VERSION_MASK) | (taken.wrapping_add(1 << VERSION_BITS) & !VERSION_MASK);
        slot.word.compare_exchange(taken, releasing, Ordering::Acquire, Ordering::Relaxed).ok()?;
        last(version, note);
        // The release order makes everything done under the lease visible to the drain that sees the free slot.
        slot.word.store(releasing & !VERSION_MASK, Ordering::Release);
        thread::set_hint(index + 1);
        Some(())
    }

    /// [`release`](Self::release) by the only one who knows the ticket: nobody else can be first, so no swap has to find
    /// that out.
    #[inline]
    pub(super) fn release_own(&self, lease: Lease, last: impl FnOnce(VersionId, Note)) {
        // After a fork the slot was freed, and may be another lease's.
        let Some((index, slot, taken)) = self.find(lease) else { return };
        let Some(version) = version_in(taken) else { return };
        last(version, Note([slot.note[0].load(Ordering::Relaxed), slot.note[1].load(Ordering::Relaxed)]));
        slot.word.store(taken & !VERSION_MASK, Ordering::Release);
        thread::set_hint(index + 1);
    }

    /// The version that the lease is on.
    #[inline]
    pub(super) fn version_of(&self, lease: Lease) -> Option<VersionId> {
        self.find(lease).and_then(|(_, _, taken)| version_in(taken))
    }

    /// How many leases there are on `version`.
    pub(super) fn in_flight(&self, version: VersionId) -> usize {
        let on_version =
            |slot: &&Slot| slot.word.load(Ordering::SeqCst) & VERSION_MASK == u64::from(version.get());
        self.used().filter(on_version).count()
    }

    /// Whether nobody is inside `version` and nobody on the way to it. The caller has taken the version out of
    /// everything that requests read.
    pub(super) fn is_drained(&self, version: VersionId) -> bool {
        let doublings = || self.doublings_of(version).load(Ordering::SeqCst);
        let before = doublings();
        let gone =
            |slot: &Slot| settled(slot).is_some_and(|word| word & VERSION_MASK != u64::from(version.get()));
        self.used().all(gone) && doublings() == before
    }

    /// Who is on the way at this moment.
    pub(super) fn travellers(&self) -> Travellers {
        let on_the_way = |(index, slot): (usize, &Slot)| {
            let word = slot.word.load(Ordering::SeqCst);
            (word & VERSION_MASK == PENDING).then_some((index, word))
        };
        Travellers(self.used().enumerate().filter_map(on_the_way).collect())
    }

    /// Whether all of them have arrived, or given up, since.
    pub(super) fn have_arrived(&self, travellers: &mut Travellers) -> bool {
        let still = |(index, word): &(usize, u64)| {
            self.slots.get(*index).is_some_and(|slot| slot.word.load(Ordering::SeqCst) == *word)
        };
        travellers.0.retain(still);
        travellers.0.is_empty()
    }

    fn doublings_of(&self, version: VersionId) -> &AtomicU64 {
        let [first, ..] = &self.doublings;
        self.doublings.get(usize::from(version.get()) % DOUBLINGS).unwrap_or(first)
    }

    fn used(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().take(self.high_water.load(Ordering::SeqCst))
    }

    /// Frees every slot: in the child of a `fork` the threads that held them do not exist.
    #[cfg_attr(loom, allow(dead_code, reason = "models do not fork"))]
    fn void_all(&self) {
        for slot in self.used() {
            slot.word.fetch_and(!VERSION_MASK, Ordering::SeqCst);
        }
    }

    #[inline]
    fn find(&self, lease: Lease) -> Option<(usize, &Slot, u64)> {
        let index = usize::try_from(lease.0 & VERSION_MASK).ok()?;
        let slot = self.slots.get(index)?;
        let word = slot.word.load(Ordering::SeqCst);
        let is_this = word & !VERSION_MASK == lease.0 & !VERSION_MASK && version_in(word).is_some();
        is_this.then_some((index, slot, word))
    }

    /// Where this thread begins to look: the slot it used last, at first one of its own neighbourhood.
    #[inline]
    fn hint(&self) -> usize {
        match thread::hint() {
            0 => (self.threads.fetch_add(1, Ordering::Relaxed) % THREADS) * SLOTS_OF_A_THREAD,
            next => next - 1,
        }
    }
}

/// Requests that were on their way at one moment.
#[derive(Debug)]
pub(super) struct Travellers(Vec<(usize, u64)>);

/// The slot's word once it is not pending; `None` when its holder takes long.
fn settled(slot: &Slot) -> Option<u64> {
    let patience = if cfg!(loom) { 1 } else { PATIENCE };
    (0..patience).find_map(|_| {
        let word = slot.word.load(Ordering::SeqCst);
        if word & VERSION_MASK != PENDING {
            return Some(word);
        }
        std::hint::spin_loop();
        None
    })
}

fn version_in(word: u64) -> Option<VersionId> {
    let number = word & VERSION_MASK;
    u16::try_from(number).ok().filter(|_| number != PENDING).and_then(VersionId::new)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const V1: VersionId = VersionId::new(1).unwrap();
    const V2: VersionId = VersionId::new(2).unwrap();

    fn take<const N: usize>(table: &LeaseTable<N>, version: VersionId) -> Option<Lease> {
        table.begin().map(|pending| pending.settle(version, Note([7, 8])))
    }

    fn ignore(_: VersionId, _: Note) {}

    #[test]
    fn a_ticket_is_good_until_it_is_released_once() {
        let table: LeaseTable<8> = LeaseTable::new();
        let lease = take(&table, V1).unwrap();
        assert_eq!((table.version_of(lease), table.in_flight(V1), table.in_flight(V2)), (Some(V1), 1, 0));
        let mut released = None;
        assert_eq!(table.release(lease, |version, note| released = Some((version, note))), Some(()));
        assert_eq!(released, Some((V1, Note([7, 8]))));
        let again = table.release(lease, |_, _| unreachable!());
        assert_eq!((again, table.version_of(lease), table.in_flight(V1)), (None, None, 0));
        let next = take(&table, V2).unwrap();
        assert_ne!(lease.ticket(), next.ticket(), "the same slot, another generation");
        assert_eq!(table.release(lease, ignore), None);
        assert_eq!(table.version_of(next), Some(V2));
    }

    #[test]
    fn numbers_that_are_no_leases_are_recognised() {
        let table: LeaseTable<8> = LeaseTable::new();
        let lease = take(&table, V1).unwrap();
        for ticket in [0, 1, 7, 8, 0xffff, u64::MAX, lease.ticket() ^ 1, lease.ticket() + (1 << VERSION_BITS)]
        {
            assert_eq!(table.release(Lease::from_ticket(ticket), ignore), None, "{ticket:#x}");
        }
        assert_eq!(table.in_flight(V1), 1);
    }

    #[test]
    fn a_full_table_refuses_and_recovers() {
        let table: LeaseTable<4> = LeaseTable::new();
        let leases: Vec<Lease> = std::iter::from_fn(|| take(&table, V1)).collect();
        assert_eq!((leases.len(), table.in_flight(V1)), (4, 4));
        assert!(table.double(leases[0]).is_none());
        assert!(table.release(leases[2], ignore).is_some());
        assert!(take(&table, V2).is_some());
        assert!(take(&table, V2).is_none());
    }

    #[test]
    fn a_request_that_gives_up_on_its_way_leaves_a_free_slot() {
        let table: LeaseTable<1> = LeaseTable::new();
        let pending = table.begin().unwrap();
        let mut travellers = table.travellers();
        assert!(!table.have_arrived(&mut travellers));
        assert!(!table.is_drained(V1), "it may be on its way there");
        drop(pending);
        assert!(table.have_arrived(&mut travellers));
        assert!(table.is_drained(V1));
        assert!(take(&table, V1).is_some());
    }

    #[test]
    fn the_next_one_in_a_slot_is_another_traveller() {
        let table: LeaseTable<1> = LeaseTable::new();
        let pending = table.begin().unwrap();
        let mut travellers = table.travellers();
        drop(pending);
        let _next = table.begin().unwrap();
        assert!(table.have_arrived(&mut travellers));
    }

    #[test]
    fn a_doubled_lease_holds_the_version_by_itself() {
        let table: LeaseTable<4> = LeaseTable::new();
        let lease = take(&table, V1).unwrap();
        let (second, version) = table.double(lease).unwrap();
        assert_eq!(version, V1);
        assert!(table.release(lease, ignore).is_some());
        assert!(!table.is_drained(V1));
        assert!(table.double(lease).is_none(), "it is no lease any more");
        assert!(table.release(second, ignore).is_some());
        assert!(table.is_drained(V1));
    }

    #[test]
    fn who_alone_knows_a_ticket_releases_it_once_too() {
        let table: LeaseTable<1> = LeaseTable::new();
        let lease = take(&table, V1).unwrap();
        let mut released = None;
        table.release_own(lease, |version, note| released = Some((version, note)));
        assert_eq!((released, table.in_flight(V1)), (Some((V1, Note([7, 8]))), 0));
        let next = take(&table, V2).unwrap();
        assert_ne!(lease, next);
        table.release_own(lease, |_, _| unreachable!());
        assert_eq!(table.version_of(next), Some(V2));
    }

    #[test]
    fn a_forked_child_inherits_no_lease() {
        let table: LeaseTable<4> = LeaseTable::new();
        let lease = take(&table, V1).unwrap();
        table.void_all();
        assert_eq!((table.release(lease, ignore), table.in_flight(V1)), (None, 0));
        let next = take(&table, V2).unwrap();
        table.release_own(lease, |_, _| unreachable!());
        assert_eq!(table.version_of(next), Some(V2));
    }
}

/// `RUSTFLAGS="--cfg loom" cargo test --release --lib loom`
#[cfg(all(test, loom))]
mod loom_models {
    use super::*;
    use loom::sync::Arc;
    use loom::sync::atomic::AtomicBool;

    const V1: VersionId = VersionId::new(1).unwrap();
    const V2: VersionId = VersionId::new(2).unwrap();

    /// What requests and a change share: a record, which is version 1 or 2 here, and what was given back to the
    /// allocator or the linker.
    struct Model {
        table: LeaseTable<3>,
        record: AtomicU64,
        old_record_freed: AtomicBool,
        v1_unmapped: AtomicBool,
    }

    impl Model {
        fn new() -> Arc<Self> {
            Arc::new(Self {
                table: LeaseTable::new(),
                record: AtomicU64::new(1),
                old_record_freed: AtomicBool::new(false),
                v1_unmapped: AtomicBool::new(false),
            })
        }

        /// What `Service::route` and a call do.
        fn request(&self) {
            let Some(pending) = self.table.begin() else { return };
            let record = self.record.load(Ordering::SeqCst);
            if record == 1 {
                assert!(!self.old_record_freed.load(Ordering::Relaxed), "a read of a freed record");
            }
            let version = if record == 1 { V1 } else { V2 };
            let lease = pending.settle(version, Note::default());
            self.call(lease);
        }

        fn call(&self, lease: Lease) {
            if self.table.version_of(lease) == Some(V1) {
                assert!(!self.v1_unmapped.load(Ordering::Relaxed), "a call into an unmapped version");
            }
            self.table.release_own(lease, |_, _| ());
        }

        /// A swap of the record, then one look instead of a wait at whether the old one can be freed and the old
        /// version be unmapped.
        fn change(&self, between: fn()) {
            self.record.store(2, Ordering::SeqCst);
            between();
            let mut travellers = self.table.travellers();
            if self.table.have_arrived(&mut travellers) {
                self.old_record_freed.store(true, Ordering::Relaxed);
            }
            if self.table.is_drained(V1) {
                self.v1_unmapped.store(true, Ordering::Relaxed);
            }
        }
    }

    /// Three changes of thread at unforeseen places: enough for every order of the accesses that matter.
    fn check(requests: usize, model: fn() -> Arc<Model>, request: fn(&Model), change: fn(&Model)) {
        let mut bounded = loom::model::Builder::new();
        bounded.preemption_bound = Some(3);
        bounded.check(move || {
            let model = model();
            let threads: Vec<_> = (0..requests)
                .map(|_| {
                    let model = Arc::clone(&model);
                    loom::thread::spawn(move || request(&model))
                })
                .collect();
            change(&model);
            for thread in threads {
                thread.join().unwrap();
            }
        });
    }

    #[test]
    fn nobody_is_inside_an_unmapped_version_and_nobody_reads_a_freed_record() {
        check(2, Model::new, Model::request, |model| model.change(write_before_read));
    }

    /// The negative control: without the order between the swap and the scan, loom must find the read of a freed
    /// record or the call into an unmapped version.
    #[test]
    #[should_panic(expected = "a ")]
    fn without_the_order_the_model_fails() {
        check(2, Model::new, Model::request, |model| model.change(|| ()));
    }

    /// A model in which a lease on version 1 is out, as the first ticket of the first slot.
    fn leased() -> Arc<Model> {
        let model = Model::new();
        let _ = model.table.begin().map(|pending| pending.settle(V1, Note::default()));
        model
    }

    fn first_lease() -> Lease {
        Lease::from_ticket(1 << VERSION_BITS)
    }

    /// Doubles the first lease, gives the first back and calls under the second.
    fn double(model: &Model) {
        let doubled = model.table.double(first_lease());
        model.table.release(first_lease(), |_, _| ());
        if let Some((second, _)) = doubled {
            model.call(second);
        }
    }

    #[test]
    fn a_drain_does_not_miss_a_lease_that_is_doubled_and_released_meanwhile() {
        check(1, leased, double, |model| model.change(write_before_read));
    }

    /// A lease is released by one of two threads that try.
    #[test]
    fn a_lease_is_released_once() {
        loom::model(|| {
            let table: Arc<LeaseTable<2>> = Arc::new(LeaseTable::new());
            let lease = table.begin().unwrap().settle(V1, Note::default());
            let other = {
                let table = Arc::clone(&table);
                loom::thread::spawn(move || table.release(lease, |_, _| ()).is_some())
            };
            let here = table.release(lease, |_, _| ()).is_some();
            assert!(here ^ other.join().unwrap());
            assert_eq!(table.in_flight(V1), 0);
        });
    }
}
