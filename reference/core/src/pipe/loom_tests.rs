//! The pipe under loom: every interleaving of two threads, within a bound of preemptions where there are many.
//!
//! ```text
//! RUSTFLAGS="--cfg loom -C debug-assertions" cargo test -p zmq-core --release --lib loom
//! ```
//!
//! A lost wake-up shows as a deadlock, a leak as a count, and a slot that both ends touch as a panic of loom's cell.
//! Chunks hold two frames here, so that few frames cross many of them.

use loom::model::Builder;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Arc, Notify};
use loom::thread;

use super::chunk::{Back, Front, Rest, chunk_list};
use super::{Limits, Read, Reader, ReaderState, Writer, pipe};
use crate::frame::Frame;

fn check(preemptions: Option<usize>, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = preemptions;
    builder.check(model);
}

#[test]
fn a_sleeping_reader_is_woken() {
    check(Some(3), || {
        let (mut writer, mut reader) = pipe(Limits::UNLIMITED);
        let bell = Arc::new(Notify::new());
        let woken = Arc::clone(&bell);
        let consumer = thread::spawn(move || {
            for n in 0..3 {
                assert_eq!(next(&mut reader, &woken), Frame::from(&[n]));
            }
        });
        for n in 0..3 {
            writer.write(Frame::from(&[n]));
            wake(writer.flush(), &bell);
        }
        consumer.join().unwrap();
    });
}

#[test]
fn each_sleep_is_reported_once() {
    check(None, || {
        let (mut writer, mut reader) = pipe(Limits::UNLIMITED);
        let consumer = thread::spawn(move || {
            let sleeps = (0..3).filter(|_| reader.read() == Read::Empty).count();
            (reader, sleeps)
        });
        let reports = (0..2).filter(|_| send(&mut writer) == ReaderState::Asleep).count();
        let (mut reader, sleeps) = consumer.join().unwrap();
        while let Read::Frame(_) = reader.read() {}
        // It starts asleep, hence one more.
        assert!(reports >= 1 && reports <= sleeps + 1, "{reports} reports of {sleeps} sleeps");
        assert_eq!(send(&mut writer), ReaderState::Asleep);
        assert_eq!(send(&mut writer), ReaderState::Awake);
    });
}

#[test]
fn a_waiting_writer_is_woken() {
    for hwm in [1, 2] {
        check(Some(2), move || {
            let (mut writer, mut reader) = pipe(Limits::messages(hwm));
            let bells = Arc::new((Notify::new(), Notify::new()));
            let shared = Arc::clone(&bells);
            let consumer = thread::spawn(move || {
                for n in 0..3 {
                    let frame = loop {
                        let read = reader.read();
                        if reader.room_made() {
                            shared.1.notify();
                        }
                        match read {
                            Read::Frame(frame) => break frame,
                            Read::Empty => shared.0.wait(),
                            Read::End => panic!("not closed"),
                        }
                    };
                    assert_eq!(frame, Frame::from(&[n]));
                }
            });
            for n in 0..3 {
                while !writer.has_room() {
                    bells.1.wait();
                }
                writer.write(Frame::from(&[n]));
                wake(writer.flush(), &bells.0);
            }
            consumer.join().unwrap();
        });
    }
}

#[test]
fn a_close_wakes_the_reader_after_the_last_message() {
    check(None, || {
        let (mut writer, mut reader) = pipe(Limits::UNLIMITED);
        let bell = Arc::new(Notify::new());
        let woken = Arc::clone(&bell);
        let consumer = thread::spawn(move || {
            let mut messages = 0;
            loop {
                match reader.read() {
                    Read::Frame(frame) => {
                        assert!(!frame.has_more(), "the unfinished message is not seen");
                        messages += 1;
                    }
                    Read::Empty => woken.wait(),
                    Read::End => return messages,
                }
            }
        });
        wake(send(&mut writer), &bell);
        writer.write(Frame::from("b"));
        writer.write(Frame::from("c").more());
        wake(writer.close(), &bell);
        assert_eq!(consumer.join().unwrap(), 2);
    });
}

#[test]
fn an_end_that_goes_is_seen_by_the_other() {
    check(None, || {
        let (mut writer, mut reader) = pipe(Limits::messages(1));
        let consumer = thread::spawn(move || {
            let _ = reader.read();
        });
        let _ = send(&mut writer);
        let _ = writer.has_room();
        consumer.join().unwrap();
        assert!(writer.reader_gone());
    });
}

#[test]
fn values_are_dropped_whichever_end_goes_first() {
    check(None, || {
        let alive = Arc::new(AtomicUsize::new(0));
        let (mut back, mut front) = list();
        let consumer = thread::spawn(move || {
            drop(front.pop());
            drop(front.pop());
        });
        for n in 0..4 {
            back.push(Counted::new(&alive));
            if n < 3 {
                back.commit();
                let _ = back.publish();
            }
        }
        drop(back);
        consumer.join().unwrap();
        assert_eq!(alive.load(Ordering::Relaxed), 0);
    });
}

#[test]
fn chunks_pass_between_the_ends_by_way_of_the_spare() {
    check(Some(3), || {
        let alive = Arc::new(AtomicUsize::new(0));
        let (mut back, mut front) = list();
        let consumer = thread::spawn(move || {
            for _ in 0..7 {
                drop(front.pop());
            }
            front
        });
        for _ in 0..3 {
            for _ in 0..3 {
                back.push(Counted::new(&alive));
            }
            back.rollback();
            back.push(Counted::new(&alive));
            back.push(Counted::new(&alive));
            back.commit();
            let _ = back.publish();
        }
        let mut front = consumer.join().unwrap();
        while front.pop().is_some() {}
        assert_eq!(alive.load(Ordering::Relaxed), 0);
        drop(back);
        assert_eq!(front.rest(), Rest::Ended);
    });
}

#[test]
fn a_list_that_was_freed_while_the_front_slept_starts_again() {
    check(Some(4), || {
        let alive = Arc::new(AtomicUsize::new(0));
        let (mut back, mut front) = list();
        let consumer = thread::spawn(move || {
            for _ in 0..2 {
                drop(front.pop());
                let _ = front.rest();
            }
            front
        });
        for _ in 0..3 {
            back.push(Counted::new(&alive));
            back.commit();
            let _ = back.publish();
            back.trim();
        }
        let mut front = consumer.join().unwrap();
        while front.pop().is_some() {}
        assert_eq!(alive.load(Ordering::Relaxed), 0);
        assert_eq!(front.rest(), Rest::Asleep);
        back.trim();
        back.push(Counted::new(&alive));
        drop((back, front));
        assert_eq!(alive.load(Ordering::Relaxed), 0);
    });
}

fn next(reader: &mut Reader, bell: &Notify) -> Frame {
    loop {
        match reader.read() {
            Read::Frame(frame) => return frame,
            Read::Empty => bell.wait(),
            Read::End => panic!("not closed"),
        }
    }
}

fn wake(state: ReaderState, bell: &Notify) {
    match state {
        ReaderState::Asleep => bell.notify(),
        ReaderState::Awake => {}
    }
}

fn send(writer: &mut Writer) -> ReaderState {
    writer.write(Frame::from("a"));
    writer.flush()
}

fn list() -> (Back<Counted, (), 2>, Front<Counted, (), 2>) {
    chunk_list(())
}

/// Counts how many of its kind are alive.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(alive))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
