//! Pointers that requests read without a lock and that changes replace.
//!
//! Whoever reads has taken a slot before ([`Pending`]); whoever replaces looks at the slots afterwards. What was replaced
//! is freed once all who were on their way at that moment have arrived, which takes them some dozens of nanoseconds.
//! Nobody waits for it: what cannot be freed yet is freed at the next replacement of whatever pointer.
#![allow(unsafe_code)]

use super::lease::{Pending, Travellers, leases};
use super::sync::{AtomicPtr, Ordering, write_before_read};
use crate::sync::Mutex;
use crate::sys::fork::PerProcess;
use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::ptr::{NonNull, null_mut};
use std::sync::Arc;

/// Owns one reference to a `T`, or to nothing.
pub struct Published<T: Send + Sync + 'static> {
    pointer: AtomicPtr<T>,
    owns: PhantomData<Arc<T>>,
}

impl<T: Send + Sync + 'static> Published<T> {
    /// Publishes `value`.
    pub fn new(value: Option<Arc<T>>) -> Self {
        Self { pointer: AtomicPtr::new(raw(value)), owns: PhantomData }
    }

    /// What is published now. It stays alive while the reader is on its way.
    #[inline]
    pub(super) fn read<'p>(&'p self, _on_the_way: &'p Pending<'_>) -> Option<&'p T> {
        let pointer = self.pointer.load(Ordering::SeqCst);
        // SAFETY: the pointer is null or was published. The reader's slot was taken before the pointer was read, so a
        // replacement either happened before that (then this is a later pointer) or finds the slot pending, and the
        // value lives until the slot is not (`retire`). 'p ends before: the slot is borrowed.
        unsafe { pointer.as_ref() }
    }

    /// Publishes another value, or nothing, and answers the one before.
    pub fn replace(&self, value: Option<Arc<T>>) -> Option<Arc<T>> {
        let pointer = NonNull::new(self.pointer.swap(raw(value), Ordering::SeqCst))?;
        write_before_read();
        // SAFETY: the pointer came from `Arc::into_raw`, and the reference that it owned is taken over here.
        let former = unsafe { Arc::from_raw(pointer.as_ptr()) };
        retire(Arc::<T>::clone(&former));
        Some(former)
    }

    /// Publishes another value, or nothing, and never frees the one before.
    pub fn abandon(&self, value: Option<Arc<T>>) {
        self.pointer.swap(raw(value), Ordering::SeqCst);
    }
}

impl<T: Send + Sync + 'static> Drop for Published<T> {
    fn drop(&mut self) {
        self.replace(None);
    }
}

impl<T: Send + Sync + 'static> fmt::Debug for Published<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.pointer.load(Ordering::Relaxed).is_null() {
            "Published(none)"
        } else {
            "Published"
        })
    }
}

fn raw<T>(value: Option<Arc<T>>) -> *mut T {
    value.map_or(null_mut(), |value| Arc::into_raw(value).cast_mut())
}

/// Keeps `value` alive for as long as somebody may be reading it.
fn retire(value: Arc<dyn Any + Send + Sync>) {
    /// With those who were on their way when it was replaced.
    type Retired = (Travellers, Arc<dyn Any + Send + Sync>);
    /// What could not be freed yet.
    static RETIRED: PerProcess<Mutex<Vec<Retired>>> = PerProcess::new();

    let travellers = leases().travellers();
    let free: Vec<_> = {
        let mut retired = RETIRED.get().lock();
        retired.push((travellers, value));
        retired.extract_if(.., |(travellers, _)| leases().have_arrived(travellers)).collect()
    };
    // Without the lock: what a value drops may replace another one.
    drop(free);
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::Weak;

    #[test]
    fn a_value_lives_while_somebody_on_the_way_may_read_it() {
        let published = Published::new(Some(Arc::new(String::from("old"))));
        let pending = leases().begin().unwrap();
        let read = published.read(&pending).unwrap();
        let former: Weak<String> = Arc::downgrade(&published.replace(None).unwrap());
        assert_eq!((read.as_str(), former.strong_count()), ("old", 1));
        assert!(published.read(&pending).is_none());
        drop(pending);
        drop(published);
        retire(Arc::new(()));
        // Another test's thread may have been on its way when the value was replaced, and be so no more.
        while former.strong_count() > 0 {
            std::thread::yield_now();
            retire(Arc::new(()));
        }
    }

    #[test]
    fn replacing_answers_what_was_there() {
        let published = Published::new(None);
        assert!(published.replace(Some(Arc::new(1))).is_none());
        assert_eq!(published.replace(Some(Arc::new(2))).as_deref(), Some(&1));
        assert_eq!(format!("{published:?}"), "Published");
    }
}
