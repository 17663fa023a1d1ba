//! Storage of a pipe: a list of chunks that grows at the back and is given back at the front.
//!
//! ```text
//!   front ─┐                                  committed ─┐  ┌─ at
//!          ▼                                             ▼  ▼
//!   [ . . x x x x ] ─next─► [ x x x x x x ] ─next─► [ x x u u . . ]      x  a value of a whole message
//!         └──────── published: the front may take ─────┘                 u  a value of an unfinished one
//! ```
//!
//! Two things pass between the threads. The *word* holds how many values were ever published, and two flags; all that
//! the protocol promises rests on the one order in which that word changes. The *spare* is one chunk that the front is
//! done with and the back may use again.
//!
//! Who may touch what:
//! - Slots below the published count, and the `next` of a chunk behind which such a slot lies: the front alone.
//! - Everything else in the chunks: the back alone. So a commit and a rollback need no atomics.
//! - While the word says `ASLEEP`, everything is published and taken, and the front touches nothing until the back
//!   publishes again: the back may even free the last chunk ([`Back::trim`]). It starts the next one through `first`,
//!   where a front that was asleep looks before it goes on.
//!
//! No wake-up is lost: publishing is one `swap` of the word, falling asleep is one compare-and-swap of the same word.
//! Either the swap comes first, then the compare fails and the front sees the new values; or it comes second, then it
//! returns `ASLEEP` and clears it, so that exactly one publication per sleep does. With a single atomic no fence and
//! no `SeqCst` is needed: this is the order of modification of one object, which every thread agrees on.

#![expect(unsafe_code, reason = "storage shared by two threads; the face of this module is safe")]

use std::mem::{self, MaybeUninit};
use std::ptr;

use super::sync::{Arc, AtomicPtr, AtomicUsize, Ordering, Padded, UnsafeCell};
use super::{FLAGS, ReaderState, STEP};

/// In the word: the front found nothing and wants to be woken.
const ASLEEP: usize = 1;
/// In the word: nothing comes after the values published.
const CLOSED: usize = 2;

/// The two ends of a new list. `beside` is shared by both, and saves its owner an allocation.
///
/// The front starts asleep, and nothing is allocated for values before the first one.
pub(super) fn chunk_list<T, C, const N: usize>(beside: C) -> (Back<T, C, N>, Front<T, C, N>) {
    let shared = Arc::new(Shared {
        word: Padded(AtomicUsize::new(ASLEEP)),
        beside: Padded(beside),
        spare: AtomicPtr::new(ptr::null_mut()),
        first: UnsafeCell::new(ptr::null_mut()),
        left_by_back: UnsafeCell::new(ptr::null_mut()),
        left_by_front: UnsafeCell::new((Place::nowhere(), 0)),
    });
    let back = Back {
        shared: Arc::clone(&shared),
        at: Place::nowhere(),
        committed: Place::nowhere(),
        pushed_count: 0,
        committed_count: 0,
        published_count: 0,
        closed: false,
    };
    (back, Front { shared, at: Place::nowhere(), taken_count: 0, available_count: 0, slept: true })
}

/// The producing end.
#[derive(Debug)]
pub(super) struct Back<T, C, const N: usize> {
    shared: Arc<Shared<T, C, N>>,
    at: Place<T, N>,
    committed: Place<T, N>,
    /// Counts are in units of `STEP`, as in the word, and wrap.
    pushed_count: usize,
    committed_count: usize,
    published_count: usize,
    closed: bool,
}

/// The consuming end.
#[derive(Debug)]
pub(super) struct Front<T, C, const N: usize> {
    shared: Arc<Shared<T, C, N>>,
    at: Place<T, N>,
    taken_count: usize,
    available_count: usize,
    /// Whether the front was asleep since it last found values: then `first` is to be looked at.
    slept: bool,
}

/// What there is at the front when no value can be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// Values, published since the front last looked.
    More,
    /// Nothing. The next publication reports `Asleep`.
    Asleep,
    /// Nothing, for ever.
    Ended,
}

#[derive(Debug)]
struct Shared<T, C, const N: usize> {
    word: Padded<AtomicUsize>,
    beside: Padded<C>,
    spare: AtomicPtr<Chunk<T, N>>,
    /// A chunk that no other one leads to, for a front that slept. The back writes it while the front is asleep,
    /// the front takes it when it finds values after that.
    first: UnsafeCell<*mut Chunk<T, N>>,
    left_by_back: UnsafeCell<*mut Chunk<T, N>>,
    left_by_front: UnsafeCell<(Place<T, N>, usize)>,
}

#[derive(Debug)]
struct Chunk<T, const N: usize> {
    next: UnsafeCell<*mut Self>,
    slots: [UnsafeCell<MaybeUninit<T>>; N],
}

/// The slot at `index` of `chunk`; at `N`, the first one of the chunk after it. `nowhere` counts as an end, too.
#[derive(Debug)]
struct Place<T, const N: usize> {
    chunk: *mut Chunk<T, N>,
    index: usize,
}

// SAFETY: values move from the thread of the back to that of the front, hence `T: Send`; each pointer is used as the
// head of this file says.
unsafe impl<T: Send, C: Send + Sync, const N: usize> Send for Shared<T, C, N> {}
// SAFETY: as above; the cells are touched by one end at a time.
unsafe impl<T: Send, C: Send + Sync, const N: usize> Sync for Shared<T, C, N> {}
// SAFETY: the place points into chunks that belong to `shared`.
unsafe impl<T: Send, C: Send + Sync, const N: usize> Send for Back<T, C, N> {}
// SAFETY: as above.
unsafe impl<T: Send, C: Send + Sync, const N: usize> Send for Front<T, C, N> {}

impl<T, C, const N: usize> Back<T, C, N> {
    pub(super) fn beside(&self) -> &C {
        &self.shared.beside.0
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Appends a value that belongs to an unfinished message.
    #[inline(always)]
    pub(super) fn push(&mut self, value: T) {
        debug_assert!(!self.closed, "a closed list takes no values");
        if self.at.index == N {
            self.grow();
        }
        // SAFETY: `grow` left a chunk of ours with a free slot; a slot that is not published belongs to the back.
        unsafe { self.at.slot().with_mut(|slot| (*slot).write(value)) };
        self.at.index += 1;
        self.pushed_count = self.pushed_count.wrapping_add(STEP);
    }

    /// Makes what was pushed a whole message, which the next publication takes along.
    #[inline(always)]
    pub(super) fn commit(&mut self) {
        self.committed = self.at;
        self.committed_count = self.pushed_count;
    }

    /// Drops what was pushed after the last commit.
    pub(super) fn rollback(&mut self) {
        if self.pushed_count == self.committed_count {
            return;
        }
        let mut left = self.pushed_count.wrapping_sub(self.committed_count) / STEP;
        // The state is whole before foreign code, a destructor, runs.
        self.pushed_count = self.committed_count;
        self.at = self.committed;
        let mut place = self.committed;
        while left > 0 {
            if place.index == N {
                // SAFETY: a value was pushed behind this chunk, so `next` is set, and it is not published.
                let next = unsafe { place.next() };
                if place.chunk != self.committed.chunk {
                    self.shared.retire(place.chunk);
                }
                place = Place { chunk: next, index: 0 };
            }
            // SAFETY: pushed and not published: initialised, and the back's own.
            unsafe { place.slot().with_mut(|slot| (*slot).assume_init_drop()) };
            place.index += 1;
            left -= 1;
        }
        if place.chunk != self.committed.chunk {
            self.shared.retire(place.chunk);
        }
    }

    /// Lets the front have all committed values, and says what it was doing.
    #[inline(always)]
    pub(super) fn publish(&mut self) -> ReaderState {
        if self.committed_count == self.published_count || self.closed {
            return ReaderState::Awake;
        }
        self.published_count = self.committed_count;
        self.set_word(self.published_count)
    }

    /// Drops the unfinished message, publishes the rest, and ends the list.
    pub(super) fn close(&mut self) -> ReaderState {
        if self.closed {
            return ReaderState::Awake;
        }
        self.rollback();
        self.closed = true;
        self.published_count = self.committed_count;
        self.set_word(self.published_count | CLOSED)
    }

    /// Frees the last chunk, and the spare, if the front sleeps and there is nothing it could wake up for.
    pub(super) fn trim(&mut self) {
        if self.closed || self.pushed_count != self.published_count || self.at.chunk.is_null() {
            return;
        }
        // Acquire: what the front did with the chunk before it fell asleep comes before the chunk is freed.
        if self.shared.word.0.load(Ordering::Acquire) & ASLEEP == 0 {
            return;
        }
        let last = mem::replace(&mut self.at, Place::nowhere()).chunk;
        self.committed = self.at;
        // SAFETY: the front is asleep: it touches `first` only after the next publication.
        self.shared.first.with_mut(|first| unsafe { *first = ptr::null_mut() });
        // SAFETY: the front is asleep and all values are taken, so it touches no chunk but by way of `first`; it was
        // in this last one or had not begun it, so there is no other.
        unsafe { free(last) };
        self.shared.free_spare();
    }

    #[inline(always)]
    fn set_word(&self, word: usize) -> ReaderState {
        // Release: the values come before the count. Acquire: pairs with the front's falling asleep, so that a start
        // of a list comes after it.
        let before = self.shared.word.0.swap(word, Ordering::AcqRel);
        if before & ASLEEP == 0 { ReaderState::Awake } else { ReaderState::Asleep }
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self) {
        let fresh = self.shared.take_spare();
        if self.at.chunk.is_null() {
            // SAFETY: without a chunk nothing was published since the front fell asleep, so it does not look here.
            self.shared.first.with_mut(|first| unsafe { *first = fresh });
            self.committed = Place { chunk: fresh, index: 0 };
        } else {
            // SAFETY: the chunk is ours, and the front follows `next` only to a published value behind it.
            unsafe { self.at.set_next(fresh) };
        }
        self.at = Place { chunk: fresh, index: 0 };
    }
}

impl<T, C, const N: usize> Drop for Back<T, C, N> {
    fn drop(&mut self) {
        // Whether the front sleeps is for the owner to know.
        let (ReaderState::Awake | ReaderState::Asleep) = self.close();
        // SAFETY: only this line writes the cell, and only the drop of `Shared` reads it.
        self.shared.left_by_back.with_mut(|left| unsafe { *left = self.at.chunk });
    }
}

impl<T, C, const N: usize> Front<T, C, N> {
    pub(super) fn beside(&self) -> &C {
        &self.shared.beside.0
    }

    /// Whether there is a published value.
    #[inline]
    pub(super) fn has_value(&mut self) -> bool {
        self.taken_count != self.available_count || self.refresh()
    }

    /// How many values were published when the front last looked and are not taken yet.
    #[inline]
    pub(super) fn known(&self) -> usize {
        self.available_count.wrapping_sub(self.taken_count) / STEP
    }

    /// Takes the next published value.
    #[inline(always)]
    pub(super) fn pop(&mut self) -> Option<T> {
        if !self.has_value() {
            return None;
        }
        if self.at.index == N {
            self.advance();
        }
        // SAFETY: there is a published value, it is in this slot, and it is taken once.
        let value = unsafe { self.at.slot().with(|slot| (*slot).assume_init_read()) };
        self.at.index += 1;
        self.taken_count = self.taken_count.wrapping_add(STEP);
        Some(value)
    }

    /// Falls asleep unless there is something to take.
    pub(super) fn rest(&mut self) -> Rest {
        let mut word = self.shared.word.0.load(Ordering::Acquire);
        loop {
            if word & !FLAGS != self.taken_count {
                return Rest::More;
            }
            if word & CLOSED != 0 {
                return Rest::Ended;
            }
            if word & ASLEEP != 0 {
                return Rest::Asleep;
            }
            // Release: pairs with `trim` and `set_word`.
            match self.shared.word.0.compare_exchange(word, word | ASLEEP, Ordering::Release, Ordering::Acquire) {
                Ok(_) => {
                    self.slept = true;
                    return Rest::Asleep;
                }
                Err(changed) => word = changed,
            }
        }
    }

    /// Frees the spare.
    pub(super) fn trim(&mut self) {
        self.shared.free_spare();
    }

    #[inline(never)]
    fn refresh(&mut self) -> bool {
        // Acquire: the values come before the count.
        self.available_count = self.shared.word.0.load(Ordering::Acquire) & !FLAGS;
        if self.available_count == self.taken_count {
            return false;
        }
        if mem::replace(&mut self.slept, false) {
            // SAFETY: there was a publication since the front fell asleep, and the back writes `first` only before it.
            let first = self.shared.first.with_mut(|first| unsafe { mem::replace(&mut *first, ptr::null_mut()) });
            if !first.is_null() {
                self.at = Place { chunk: first, index: 0 };
            }
        }
        true
    }

    #[cold]
    #[inline(never)]
    fn advance(&mut self) {
        let done = self.at.chunk;
        // SAFETY: a value behind this chunk is published, so `next` is set, and the front's to read.
        self.at = Place { chunk: unsafe { self.at.next() }, index: 0 };
        self.shared.retire(done);
    }
}

impl<T, C, const N: usize> Drop for Front<T, C, N> {
    fn drop(&mut self) {
        let left_here = (self.at, self.taken_count);
        // SAFETY: only this line writes the cell, and only the drop of `Shared` reads it.
        self.shared.left_by_front.with_mut(|left| unsafe { *left = left_here });
    }
}

impl<T, C, const N: usize> Shared<T, C, N> {
    fn take_spare(&self) -> *mut Chunk<T, N> {
        // Acquire: what the front read of the chunk comes before it is written again.
        let spare = self.spare.swap(ptr::null_mut(), Ordering::Acquire);
        if spare.is_null() { Chunk::allocate() } else { spare }
    }

    /// Keeps a chunk without values as the spare; the spare there was is freed.
    fn retire(&self, chunk: *mut Chunk<T, N>) {
        let surplus = self.spare.swap(chunk, Ordering::AcqRel);
        if !surplus.is_null() {
            // SAFETY: whoever swaps a pointer out of `spare` owns the chunk.
            unsafe { free(surplus) };
        }
    }

    fn free_spare(&self) {
        let spare = self.spare.swap(ptr::null_mut(), Ordering::Acquire);
        if !spare.is_null() {
            // SAFETY: whoever swaps a pointer out of `spare` owns the chunk.
            unsafe { free(spare) };
        }
    }
}

impl<T, C, const N: usize> Drop for Shared<T, C, N> {
    fn drop(&mut self) {
        self.free_spare();
        // SAFETY: both ends are gone, so the cells are ours alone.
        let last = self.left_by_back.with(|last| unsafe { *last });
        if last.is_null() {
            return;
        }
        // SAFETY: as above.
        let (mut place, taken) = self.left_by_front.with(|left| unsafe { *left });
        // SAFETY: as above.
        let first = self.first.with(|first| unsafe { *first });
        if !first.is_null() {
            place = Place { chunk: first, index: 0 };
        }
        let published = self.word.0.load(Ordering::Relaxed) & !FLAGS;
        for _ in 0..published.wrapping_sub(taken) / STEP {
            if place.index == N {
                let done = place.chunk;
                // SAFETY: a value was published behind this chunk, which is read no more.
                place = Place { chunk: unsafe { place.next() }, index: 0 };
                // SAFETY: as above.
                unsafe { free(done) };
            }
            // SAFETY: published and not taken, so initialised.
            unsafe { place.slot().with_mut(|slot| (*slot).assume_init_drop()) };
            place.index += 1;
        }
        // The back closed its end, which dropped what was not committed: no chunk follows the one of the last value.
        debug_assert!(place.chunk == last, "the last value is in the last chunk");
        // SAFETY: nobody is left to use it.
        unsafe { free(place.chunk) };
    }
}

impl<T, const N: usize> Chunk<T, N> {
    fn allocate() -> *mut Self {
        #[cfg(all(test, not(loom)))]
        live::change(1);
        let slots = std::array::from_fn(|_| UnsafeCell::new(MaybeUninit::uninit()));
        Box::into_raw(Box::new(Self { next: UnsafeCell::new(ptr::null_mut()), slots }))
    }
}

/// Frees a chunk; values in it are not dropped.
///
/// # Safety
/// The pointer came from `allocate`, and nobody uses it any more.
unsafe fn free<T, const N: usize>(chunk: *mut Chunk<T, N>) {
    #[cfg(all(test, not(loom)))]
    live::change(-1);
    // SAFETY: the caller's promise.
    drop(unsafe { Box::from_raw(chunk) });
}

impl<T, const N: usize> Place<T, N> {
    fn nowhere() -> Self {
        Self { chunk: ptr::null_mut(), index: N }
    }

    /// # Safety
    /// `chunk` is alive and `index` below `N`.
    #[inline(always)]
    unsafe fn slot<'a>(self) -> &'a UnsafeCell<MaybeUninit<T>> {
        // SAFETY: the caller's promise.
        unsafe { &*(&raw const (*self.chunk).slots).cast::<UnsafeCell<MaybeUninit<T>>>().add(self.index) }
    }

    /// # Safety
    /// `chunk` is alive, and its `next` belongs to the caller.
    unsafe fn next(self) -> *mut Chunk<T, N> {
        // SAFETY: the caller's promise.
        unsafe { (*self.chunk).next.with(|next| *next) }
    }

    /// # Safety
    /// As for `next`.
    unsafe fn set_next(self, to: *mut Chunk<T, N>) {
        // SAFETY: the caller's promise.
        unsafe { (*self.chunk).next.with_mut(|next| *next = to) };
    }
}

impl<T, const N: usize> Clone for Place<T, N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, const N: usize> Copy for Place<T, N> {}

/// How many chunks a thread has allocated, and of these not freed.
#[cfg(all(test, not(loom)))]
pub(super) mod live {
    use std::cell::Cell;

    thread_local! {
        static CHUNKS: Cell<isize> = const { Cell::new(0) };
        static ALLOCATED: Cell<usize> = const { Cell::new(0) };
    }

    pub(super) fn change(by: isize) {
        CHUNKS.set(CHUNKS.get() + by);
        ALLOCATED.set(ALLOCATED.get() + usize::from(by > 0));
    }

    pub(in super::super) fn allocated() -> usize {
        ALLOCATED.get()
    }

    pub(in super::super) fn chunks() -> isize {
        CHUNKS.get()
    }
}
