use std::cell::Cell;
use std::collections::VecDeque;
use std::num::{NonZeroU32, NonZeroUsize};
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use proptest::prelude::*;

use super::chunk::{Back, Front, Rest, chunk_list, live};
use super::{Hwm, Limits, PART, Read, Reader, ReaderState, SLOTS, Writer, pipe};
use crate::frame::{Buffer, Frame};

#[test]
fn a_message_is_seen_when_it_is_whole_and_flushed() {
    let (mut writer, mut reader) = pipe(Limits::UNLIMITED);
    writer.write(Frame::from("a").more());
    assert_eq!(writer.flush(), ReaderState::Awake);
    assert_eq!(reader.read(), Read::Empty);
    writer.write(Frame::from("b"));
    assert!(!reader.has_message());
    assert_eq!(writer.flush(), ReaderState::Asleep);
    assert!(reader.has_message());
    assert_eq!(reader.read(), Read::Frame(Frame::from("a").more()));
    assert_eq!(reader.read(), Read::Frame(Frame::from("b")));
    assert_eq!(reader.read(), Read::Empty);
}

#[test]
fn a_sleep_is_reported_once() {
    let (mut writer, mut reader) = pipe(Limits::UNLIMITED);
    assert_eq!(send(&mut writer, "a"), ReaderState::Asleep, "a reader starts asleep");
    assert_eq!(send(&mut writer, "b"), ReaderState::Awake);
    assert_eq!(reader.read(), Read::Frame(Frame::from("a")));
    assert_eq!(reader.read(), Read::Frame(Frame::from("b")));
    assert_eq!(send(&mut writer, "c"), ReaderState::Awake, "a reader that has not looked is awake");
    assert_eq!(reader.read(), Read::Frame(Frame::from("c")));
    assert_eq!(reader.read(), Read::Empty);
    assert_eq!(reader.read(), Read::Empty);
    assert_eq!(writer.flush(), ReaderState::Awake, "nothing to wake up for");
    assert_eq!(send(&mut writer, "d"), ReaderState::Asleep);
    assert_eq!(send(&mut writer, "e"), ReaderState::Awake);
}

#[test]
fn a_waiting_writer_is_told_at_the_low_water_mark() {
    let (mut writer, mut reader) = pipe(Limits::messages(5));
    for _ in 0..5 {
        assert!(writer.has_room());
        let _ = send(&mut writer, "a");
    }
    assert!(!writer.has_room());
    let told: Vec<bool> = (0..5).map(|_| matches!(reader.read(), Read::Frame(_)) && reader.room_made()).collect();
    assert_eq!(told, [false, false, true, false, false], "3 of 5 are the low-water mark");
    assert!(writer.has_room());
}

#[test]
fn a_waiting_writer_is_told_when_the_pipe_ran_empty() {
    let (mut writer, mut reader) = pipe(Limits::messages(4));
    // Three are out of phase with the batches of two, so that one is left over when the pipe is empty.
    for _ in 0..3 {
        let _ = send(&mut writer, "a");
        let _ = reader.read();
    }
    for _ in 0..3 {
        assert!(writer.has_room());
        let _ = send(&mut writer, "b");
    }
    assert!(!writer.has_room(), "one that was read is not returned yet");
    let _ = reader.read();
    assert!(reader.room_made());
    assert!(writer.has_room());
}

#[test]
fn a_message_may_exceed_the_bound_of_bytes() {
    let (mut writer, mut reader) = pipe(Limits::messages(100).and_bytes(NonZeroUsize::new(10).unwrap()));
    let _ = send(&mut writer, "123456789");
    assert!(writer.has_room());
    let _ = send(&mut writer, &"x".repeat(1000));
    assert!(!writer.has_room());
    let _ = reader.read();
    assert!(reader.room_made(), "half of the bound was read");
    assert!(!writer.has_room(), "the long one still lies there");
    let _ = reader.read();
    assert!(reader.room_made());
    assert!(writer.has_room());
}

#[test]
fn a_rollback_takes_back_the_unfinished_message_only() {
    let (mut writer, mut reader) = pipe(Limits::messages(2));
    writer.write(Frame::from("whole"));
    for _ in 0..3 * SLOTS {
        writer.write(Frame::from("part").more());
    }
    writer.rollback();
    assert!(writer.has_room(), "only whole messages count");
    assert_eq!(send(&mut writer, "next"), ReaderState::Asleep);
    assert_eq!(reader.read(), Read::Frame(Frame::from("whole")));
    assert_eq!(reader.read(), Read::Frame(Frame::from("next")));
    assert_eq!(reader.read(), Read::Empty);
}

#[test]
fn the_end_comes_after_the_last_whole_message() {
    let (mut writer, mut reader) = pipe(Limits::UNLIMITED);
    writer.write(Frame::from("whole"));
    writer.write(Frame::from("part").more());
    assert_eq!(writer.close(), ReaderState::Asleep);
    assert_eq!(writer.close(), ReaderState::Awake);
    writer.write(Frame::from("too late"));
    assert_eq!(writer.flush(), ReaderState::Awake);
    assert!(!writer.has_room());
    assert_eq!(reader.read(), Read::Frame(Frame::from("whole")));
    assert_eq!(reader.read(), Read::End);
    assert_eq!(reader.read(), Read::End);
}

#[test]
fn dropping_an_end_is_seen_by_the_other() {
    let (writer, mut reader) = pipe(Limits::UNLIMITED);
    drop(writer);
    assert_eq!(reader.read(), Read::End);

    let (writer, reader) = pipe(Limits::UNLIMITED);
    assert!(!writer.reader_gone());
    drop(reader);
    assert!(writer.reader_gone());
}

#[test]
fn an_empty_pipe_keeps_two_chunks_and_none_after_a_trim() {
    let before = live::chunks();
    let (mut writer, mut reader) = pipe(Limits::UNLIMITED);
    assert_eq!(live::chunks() - before, 0);
    for _ in 0..10 {
        for _ in 0..10 * SLOTS {
            let _ = send(&mut writer, "a");
        }
        assert!(live::chunks() - before >= 10);
        writer.trim();
        while reader.read() != Read::Empty {}
        assert_eq!(live::chunks() - before, 2);
        reader.trim();
        assert_eq!(live::chunks() - before, 1);
        writer.trim();
        assert_eq!(live::chunks() - before, 0);
        writer.trim();
        writer.rollback();
    }
    // A chunk with an unfinished message in it stays.
    writer.write(Frame::from("part").more());
    writer.trim();
    assert_eq!(live::chunks() - before, 1);
    drop((writer, reader));
    assert_eq!(live::chunks() - before, 0);
}

#[test]
fn a_full_chunk_is_used_again() {
    let before = live::chunks();
    let (mut writer, mut reader) = pipe(Limits::UNLIMITED);
    for _ in 0..SLOTS {
        let _ = send(&mut writer, "a");
    }
    let allocated = live::allocated();
    for _ in 0..100 * SLOTS {
        let _ = send(&mut writer, "a");
        let _ = reader.read();
    }
    assert!(live::allocated() - allocated <= 2, "{} chunks for the same traffic", live::allocated() - allocated);
    assert_eq!(live::chunks() - before, 3, "two in use, and the spare");
}

#[test]
fn a_million_messages_lie_in_a_pipe() {
    let (mut writer, mut reader) = pipe(Limits::messages(1_000_000));
    let mut written = 0;
    while writer.has_room() {
        writer.write(Frame::from(&u32::to_be_bytes(written)));
        written += 1;
    }
    assert_eq!(written, 1_000_000);
    assert_eq!(writer.flush(), ReaderState::Asleep);
    for expected in 0..written {
        assert_eq!(reader.read(), Read::Frame(Frame::from(&expected.to_be_bytes())));
    }
    assert_eq!(reader.read(), Read::Empty);
}

/// Each value made is dropped once, wherever the ends stop.
#[test]
fn values_in_the_list_are_dropped_with_it() {
    for pushed in 0..12 {
        for taken in 0..=pushed {
            for unfinished in 0..6 {
                for order in [DropFirst::Front, DropFirst::Back] {
                    let alive = Rc::new(Cell::new(0));
                    let (mut back, mut front) = chunk_list::<Counted, (), 4>(());
                    for _ in 0..pushed {
                        back.push(Counted::new(&alive));
                        back.commit();
                    }
                    let _ = back.publish();
                    for _ in 0..taken {
                        assert!(front.pop().is_some());
                    }
                    if taken == pushed {
                        assert_eq!(front.rest(), Rest::Asleep);
                        back.trim();
                    }
                    for _ in 0..unfinished {
                        back.push(Counted::new(&alive));
                    }
                    assert_eq!(alive.get(), pushed - taken + unfinished);
                    let before = live::chunks();
                    drop_both(back, front, order);
                    assert_eq!(alive.get(), 0, "{pushed} pushed, {taken} taken, {unfinished} unfinished");
                    assert!(live::chunks() <= before);
                }
            }
        }
    }
    assert_eq!(live::chunks(), 0);
}

/// Messages pass from thread to thread in order and whole, through sleeps of the reader and waits of the writer.
#[test]
fn two_threads_lose_no_message_and_no_wake() {
    for (hwm, bytes) in [(1, None), (3, None), (50, NonZeroUsize::new(64)), (0, None), (0, NonZeroUsize::new(700))] {
        const MESSAGES: u32 = 40_000;
        let limits = Limits { bytes, ..Limits::messages(hwm) };
        let (mut writer, mut reader) = pipe(limits);
        let progress = AtomicU32::new(0);
        let main = thread::current();
        thread::scope(|scope| {
            let progress = &progress;
            let consumer = scope.spawn(move || {
                for expected in 0..MESSAGES {
                    for part in (0..expected % 3).rev() {
                        let frame = next(&mut reader, &main, progress);
                        assert_eq!(
                            (frame.has_more(), number(&frame)),
                            (true, expected),
                            "{part} parts before the last"
                        );
                    }
                    let frame = next(&mut reader, &main, progress);
                    assert_eq!((frame.has_more(), number(&frame)), (false, expected));
                    if reader.room_made() {
                        main.unpark();
                    }
                }
                assert_eq!(reader.read(), Read::Empty);
                main.unpark();
            });
            let wake = |state: ReaderState| match state {
                ReaderState::Asleep => consumer.thread().unpark(),
                ReaderState::Awake => {}
            };
            for n in 0..MESSAGES {
                while !writer.has_room() {
                    wake(writer.flush());
                    if !writer.has_room() {
                        sleep(progress);
                    }
                }
                for _ in 0..n % 3 {
                    writer.write(frame_of(n, usize::try_from(n % 40).unwrap()).more());
                }
                if n % 7 == 0 {
                    writer.rollback();
                    for _ in 0..n % 3 {
                        writer.write(frame_of(n, 0).more());
                    }
                }
                writer.write(frame_of(n, 0));
                if n % 5 == 0 || n + 1 == MESSAGES {
                    wake(writer.flush());
                }
                if n % 1000 == 0 {
                    writer.trim();
                }
                progress.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
}

fn next(reader: &mut Reader, writer: &Thread, progress: &AtomicU32) -> Frame {
    loop {
        let read = reader.read();
        if reader.room_made() {
            writer.unpark();
        }
        match read {
            Read::Frame(frame) => return frame,
            Read::Empty => sleep(progress),
            Read::End => panic!("the writer has not closed"),
        }
    }
}

/// Parks until somebody wakes this thread; that it takes very long while the other end stands still is a lost wake-up.
#[expect(clippy::disallowed_methods, reason = "a test that runs threads for a while")]
fn sleep(progress: &AtomicU32) {
    let before = progress.load(Ordering::Relaxed);
    let start = std::time::Instant::now();
    thread::park_timeout(Duration::from_secs(20));
    let stuck = start.elapsed() >= Duration::from_secs(19) && progress.load(Ordering::Relaxed) == before;
    assert!(!stuck, "nobody woke this thread");
}

#[derive(Clone, Debug)]
enum Step {
    Write { frames: usize, length: usize },
    WritePart { length: usize },
    Rollback,
    Flush,
    HasRoom,
    Read,
    ReadMany(usize),
    HasMessage,
    RoomMade,
    Trim,
    TrimSpare,
    Close,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (1..4_usize, 0..40_usize).prop_map(|(frames, length)| Step::Write { frames, length }),
        2 => (0..40_usize).prop_map(|length| Step::WritePart { length }),
        1 => Just(Step::Rollback),
        5 => Just(Step::Flush),
        4 => Just(Step::HasRoom),
        8 => Just(Step::Read),
        2 => (1..20_usize).prop_map(Step::ReadMany),
        1 => Just(Step::HasMessage),
        3 => Just(Step::RoomMade),
        1 => Just(Step::Trim),
        1 => Just(Step::TrimSpare),
    ];
    (prop::collection::vec(step, 0..200), any::<prop::sample::Index>(), any::<bool>()).prop_map(
        |(mut steps, at, close)| {
            if close {
                steps.insert(at.index(steps.len() + 1), Step::Close);
            }
            steps
        },
    )
}

fn limits() -> impl Strategy<Value = Limits> {
    (0..9_u32, prop::option::of(1..200_usize))
        .prop_map(|(hwm, bytes)| Limits { bytes: bytes.and_then(NonZeroUsize::new), ..Limits::messages(hwm) })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// A pipe does what its model does, step by step, and leaves nothing behind.
    #[test]
    fn a_pipe_and_its_model_agree(limits in limits(), steps in steps()) {
        let chunks = live::chunks();
        let mut payload = Buffer::with_capacity(1024);
        payload.append(&[b'p'; 1024]);
        let (mut writer, mut reader) = pipe(limits);
        let mut model = Model::new(limits);
        for step in steps {
            match step {
                Step::Write { frames, length } => {
                    for left in (0..frames).rev() {
                        let frame = Frame::of(&mut payload, 0, length);
                        let frame = if left > 0 { frame.more() } else { frame };
                        model.write(&frame);
                        writer.write(frame);
                    }
                }
                Step::WritePart { length } => {
                    let frame = Frame::of(&mut payload, 0, length).more();
                    model.write(&frame);
                    writer.write(frame);
                }
                Step::Rollback => { writer.rollback(); model.unfinished.clear(); }
                Step::Flush => prop_assert_eq!(writer.flush(), model.flush()),
                Step::HasRoom => prop_assert_eq!(writer.has_room(), model.has_room()),
                Step::Read => prop_assert_eq!(seen(reader.read()), model.read()),
                Step::ReadMany(n) => for _ in 0..n {
                    prop_assert_eq!(seen(reader.read()), model.read());
                },
                Step::HasMessage => prop_assert_eq!(reader.has_message(), !model.visible.is_empty()),
                Step::RoomMade => prop_assert_eq!(reader.room_made(), std::mem::take(&mut model.room_made)),
                Step::Trim => writer.trim(),
                Step::TrimSpare => reader.trim(),
                Step::Close => prop_assert_eq!(writer.close(), model.close()),
            }
        }
        drop((writer, reader));
        prop_assert!(payload.is_unshared(), "a frame was not dropped");
        prop_assert_eq!(live::chunks(), chunks);
    }
}

type Seen = Read<(usize, bool)>;

fn seen(read: Read<Frame>) -> Seen {
    match read {
        Read::Frame(frame) => Read::Frame((frame.len(), frame.has_more())),
        Read::Empty => Read::Empty,
        Read::End => Read::End,
    }
}

/// The pipe as one would write it for one thread.
struct Model {
    limits: Limits,
    unfinished: Vec<(usize, bool)>,
    whole: VecDeque<(usize, bool)>,
    visible: VecDeque<(usize, bool)>,
    asleep: bool,
    closed: bool,
    /// Messages and bytes: written, read, returned to the writer, and of the message being read.
    written: (usize, usize),
    read: (usize, usize),
    returned: (usize, usize),
    reading: usize,
    waiting: bool,
    room_made: bool,
}

impl Model {
    fn new(limits: Limits) -> Self {
        Self {
            limits,
            unfinished: Vec::new(),
            whole: VecDeque::new(),
            visible: VecDeque::new(),
            asleep: true,
            closed: false,
            written: (0, 0),
            read: (0, 0),
            returned: (0, 0),
            reading: 0,
            waiting: false,
            room_made: false,
        }
    }

    fn hwm(&self) -> Option<usize> {
        match self.limits.hwm {
            Hwm::Unlimited => None,
            Hwm::Messages(n) => Some(NonZeroU32::get(n).try_into().expect("a high-water mark fits")),
        }
    }

    fn write(&mut self, frame: &Frame) {
        if self.closed {
            return;
        }
        self.unfinished.push((frame.len(), frame.has_more()));
        if !frame.has_more() {
            self.written.0 += 1;
            self.written.1 +=
                self.unfinished.iter().map(|(length, more)| length + PART * usize::from(*more)).sum::<usize>();
            self.whole.extend(self.unfinished.drain(..));
        }
    }

    fn flush(&mut self) -> ReaderState {
        if self.whole.is_empty() {
            return ReaderState::Awake;
        }
        self.visible.append(&mut self.whole);
        self.wake()
    }

    fn close(&mut self) -> ReaderState {
        if self.closed {
            return ReaderState::Awake;
        }
        self.closed = true;
        self.unfinished.clear();
        self.visible.append(&mut self.whole);
        self.wake()
    }

    fn wake(&mut self) -> ReaderState {
        if std::mem::take(&mut self.asleep) { ReaderState::Asleep } else { ReaderState::Awake }
    }

    fn has_room(&mut self) -> bool {
        if self.closed {
            return false;
        }
        let messages = self.hwm().is_none_or(|hwm| self.written.0 - self.returned.0 < hwm);
        let bytes = self.limits.bytes.is_none_or(|limit| self.written.1 - self.returned.1 < limit.get());
        self.waiting |= !(messages && bytes);
        messages && bytes
    }

    fn read(&mut self) -> Seen {
        if let Some((length, more)) = self.visible.pop_front() {
            self.reading += length + PART * usize::from(more);
            if !more {
                self.read.0 += 1;
                self.read.1 += std::mem::take(&mut self.reading);
                let messages = self.hwm().is_some_and(|hwm| self.read.0 - self.returned.0 >= hwm.div_ceil(2));
                let bytes = self.limits.bytes.is_some_and(|n| self.read.1 - self.returned.1 >= n.get().div_ceil(2));
                if messages || bytes {
                    self.give_back();
                }
            }
            return Read::Frame((length, more));
        }
        if self.read != self.returned && self.limits != Limits::UNLIMITED {
            self.give_back();
        }
        if self.closed {
            return Read::End;
        }
        self.asleep = true;
        Read::Empty
    }

    fn give_back(&mut self) {
        self.returned = self.read;
        self.room_made |= std::mem::take(&mut self.waiting);
    }
}

fn send(writer: &mut Writer, text: &str) -> ReaderState {
    writer.write(Frame::from(text));
    writer.flush()
}

fn frame_of(n: u32, padding: usize) -> Frame {
    let mut octets = n.to_be_bytes().to_vec();
    octets.resize(4 + padding, 0);
    Frame::from(octets)
}

fn number(frame: &Frame) -> u32 {
    u32::from_be_bytes(frame[..4].try_into().expect("four octets were taken"))
}

#[derive(Clone, Copy)]
enum DropFirst {
    Front,
    Back,
}

fn drop_both<T, C, const N: usize>(back: Back<T, C, N>, front: Front<T, C, N>, first: DropFirst) {
    match first {
        DropFirst::Front => {
            drop(front);
            drop(back);
        }
        DropFirst::Back => {
            drop(back);
            drop(front);
        }
    }
}

/// Counts how many of its kind are alive.
struct Counted(Rc<Cell<usize>>);

impl Counted {
    fn new(alive: &Rc<Cell<usize>>) -> Self {
        alive.set(alive.get() + 1);
        Self(Rc::clone(alive))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}
