//! Parking: tasks that wait until their socket can receive or send, woken in the order in which they came.

use std::collections::VecDeque;
use std::sync::PoisonError;
use std::task::Waker;

use super::sync::{AtomicBool, Mutex, MutexGuard, Ordering, fence};

/// Waiters for one direction of a socket.
///
/// One waiter is woken at a time. It tries again, and when it succeeded or gave up it passes the wake on
/// ([`Ticket`]'s drop), so that no waiter sleeps while there is something for it.
#[derive(Default)]
pub struct Parking {
    /// Whether anybody waits. Written under the lock, read without it.
    any: AtomicBool,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    next: u64,
    waiters: VecDeque<(u64, Slot)>,
    /// Told of each wake, and part of none.
    observers: Vec<(u64, Waker)>,
}

impl Queue {
    fn has_any(&self) -> bool {
        !self.waiters.is_empty() || !self.observers.is_empty()
    }
}

enum Slot {
    Waiting(Waker),
    Woken,
}

/// A place in the queue. Dropping it gives the place up and passes an unused wake on.
pub struct Ticket<'a> {
    parking: &'a Parking,
    place: Place,
}

/// What a [`Ticket`] has, for those that cannot hold on to the [`Parking`] while they wait. It is given up by
/// [`Parking::leave`] alone: to drop it may leave others asleep.
#[derive(Debug, Default)]
#[must_use = "a place that nobody leaves keeps the wakes of those behind it"]
pub struct Place {
    number: Option<u64>,
    /// It was woken and parked again: what it was woken for may be more than it takes.
    owes: bool,
}

impl Parking {
    /// A ticket for a waiter that does not wait yet.
    #[must_use]
    pub const fn ticket(&self) -> Ticket<'_> {
        Ticket { parking: self, place: Place { number: None, owes: false } }
    }

    /// As [`Ticket::park`], for a place that was not left.
    pub fn park(&self, waiter: &mut Place, waker: &Waker) {
        let mut queue = self.lock();
        let place = waiter.number.and_then(|number| queue.waiters.iter_mut().find(|(other, _)| *other == number));
        if let Some((_, slot)) = place {
            let before = std::mem::replace(slot, Slot::Waiting(waker.clone()));
            waiter.owes |= matches!(before, Slot::Woken);
        } else {
            let number = queue.next;
            queue.next += 1;
            queue.waiters.push_back((number, Slot::Waiting(waker.clone())));
            waiter.number = Some(number);
        }
        self.any.store(true, Ordering::Relaxed);
        drop(queue);
        fence(Ordering::SeqCst);
    }

    /// Gives the place up and passes an unused wake on. It may be parked anew.
    pub fn leave(&self, waiter: &mut Place) {
        let Place { number: Some(number), owes } = std::mem::take(waiter) else { return };
        let mut queue = self.lock();
        let place = queue.waiters.iter().position(|(other, _)| *other == number);
        let woken =
            place.and_then(|place| queue.waiters.remove(place)).is_some_and(|(_, slot)| matches!(slot, Slot::Woken));
        self.any.store(queue.has_any(), Ordering::Relaxed);
        drop(queue);
        if woken || owes {
            // Whoever woke this waiter may have meant more than it took; the next one finds out.
            self.wake_one();
        }
    }

    /// Wakes the waiter that has waited longest and is not woken yet.
    #[inline]
    pub fn wake_one(&self) {
        // Pairs with the fence in `Ticket::park`: either the waiter's second look sees what this caller did before, or
        // this load sees the waiter.
        fence(Ordering::SeqCst);
        if self.any.load(Ordering::Relaxed) {
            self.wake_first();
        }
    }

    fn wake_first(&self) {
        let mut queue = self.lock();
        let waker = queue.waiters.iter_mut().find_map(|(_, slot)| match std::mem::replace(slot, Slot::Woken) {
            Slot::Waiting(waker) => Some(waker),
            Slot::Woken => None,
        });
        let observers: Vec<_> = queue.observers.iter().map(|(_, waker)| waker.clone()).collect();
        drop(queue);
        waker.into_iter().chain(observers).for_each(Waker::wake);
    }

    /// Has `waker` woken whenever a waiter is, or would be; gives the number for [`Self::unobserve`]. Takes no wake from a
    /// waiter.
    pub fn observe(&self, waker: Waker) -> u64 {
        let number = {
            let mut queue = self.lock();
            let number = queue.next;
            queue.next += 1;
            queue.observers.push((number, waker));
            self.any.store(true, Ordering::Relaxed);
            number
        };
        // As in `Ticket::park`.
        fence(Ordering::SeqCst);
        number
    }

    /// Wakes an observer no more.
    pub fn unobserve(&self, number: u64) {
        let mut queue = self.lock();
        let place = queue.observers.iter().position(|(other, _)| *other == number);
        let observer = place.map(|place| queue.observers.remove(place));
        self.any.store(queue.has_any(), Ordering::Relaxed);
        drop(queue);
        drop(observer);
    }

    /// Wakes every waiter: the socket has ended.
    pub fn wake_all(&self) {
        let wakers: Vec<_> = {
            let mut queue = self.lock();
            let woken = queue.waiters.iter_mut().map(|(_, slot)| std::mem::replace(slot, Slot::Woken));
            let waiting = woken.filter_map(|slot| if let Slot::Waiting(waker) = slot { Some(waker) } else { None });
            let mut wakers: Vec<_> = waiting.collect();
            wakers.extend(queue.observers.iter().map(|(_, waker)| waker.clone()));
            wakers
        };
        for waker in wakers {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket<'_> {
    /// Waits to be woken by `waker`. The caller must try once more after this before it sleeps.
    pub fn park(&mut self, waker: &Waker) {
        self.parking.park(&mut self.place, waker);
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.parking.leave(&mut self.place);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Count {
        fn get(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }
    }

    fn counter() -> (Arc<Count>, Waker) {
        let count = Arc::new(Count::default());
        (Arc::clone(&count), Waker::from(count))
    }

    #[test]
    fn waiters_are_woken_in_order_one_at_a_time() {
        let parking = Parking::default();
        let ((first, first_waker), (second, second_waker)) = (counter(), counter());
        let (mut a, mut b) = (parking.ticket(), parking.ticket());
        a.park(&first_waker);
        b.park(&second_waker);
        parking.wake_one();
        assert_eq!((first.get(), second.get()), (1, 0));
        parking.wake_one();
        assert_eq!((first.get(), second.get()), (1, 1));
        parking.wake_one();
        assert_eq!((first.get(), second.get()), (1, 1));
    }

    #[test]
    fn an_observer_is_told_of_every_wake_and_takes_none() {
        let parking = Parking::default();
        let ((observer, observer_waker), (waiter, waiter_waker)) = (counter(), counter());
        let number = parking.observe(observer_waker);
        parking.wake_one();
        assert_eq!(observer.get(), 1, "also if nobody waits");
        let mut ticket = parking.ticket();
        ticket.park(&waiter_waker);
        parking.wake_one();
        assert_eq!((observer.get(), waiter.get()), (2, 1));
        drop(ticket);
        let told = observer.get();
        parking.wake_one();
        parking.wake_all();
        assert_eq!(observer.get(), told + 2, "also when the last waiter has left");
        parking.unobserve(number);
        parking.wake_one();
        parking.wake_all();
        assert_eq!(observer.get(), told + 2);
    }

    #[test]
    fn a_woken_waiter_that_leaves_passes_the_wake_on() {
        let parking = Parking::default();
        let ((_, first_waker), (second, second_waker)) = (counter(), counter());
        let (mut a, mut b) = (parking.ticket(), parking.ticket());
        a.park(&first_waker);
        b.park(&second_waker);
        parking.wake_one();
        drop(a);
        assert_eq!(second.get(), 1);
    }

    #[test]
    fn a_waiter_that_was_not_woken_leaves_without_waking_others() {
        let parking = Parking::default();
        let ((_, first_waker), (second, second_waker)) = (counter(), counter());
        let (mut a, mut b) = (parking.ticket(), parking.ticket());
        a.park(&first_waker);
        b.park(&second_waker);
        drop(a);
        assert_eq!(second.get(), 0);
        parking.wake_one();
        assert_eq!(second.get(), 1);
    }

    #[test]
    fn a_waiter_that_was_woken_and_parked_again_passes_the_wake_on_when_it_leaves() {
        let parking = Parking::default();
        let ((_, first_waker), (second, second_waker)) = (counter(), counter());
        let (mut a, mut b) = (parking.ticket(), parking.ticket());
        a.park(&first_waker);
        b.park(&second_waker);
        parking.wake_one();
        a.park(&first_waker);
        drop(a);
        assert_eq!(second.get(), 1);
    }

    #[test]
    fn a_waiter_that_parks_again_keeps_its_place() {
        let parking = Parking::default();
        let ((first, first_waker), (second, second_waker)) = (counter(), counter());
        let (mut a, mut b) = (parking.ticket(), parking.ticket());
        a.park(&first_waker);
        b.park(&second_waker);
        parking.wake_one();
        a.park(&first_waker);
        parking.wake_one();
        assert_eq!((first.get(), second.get()), (2, 0));
    }
}
