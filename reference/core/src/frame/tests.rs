use super::*;

fn octets(n: usize) -> Vec<u8> {
    (0..n).map(|i| u8::try_from(i % 251).unwrap()).collect()
}

#[test]
fn a_frame_holds_what_it_was_made_of() {
    for n in (0..100).chain([1023, 1024, 1025, 70_000]) {
        let frame = Frame::copy_of(&octets(n));
        assert_eq!(frame, octets(n).as_slice());
        assert_eq!(frame.len(), n);
        assert_eq!(frame.clone(), frame);
    }
}

#[test]
fn more_and_last_are_kept_apart_from_the_octets() {
    for n in [0, 30, 31, 5000] {
        let frame = Frame::copy_of(&octets(n));
        assert!(!frame.has_more());
        let frame = frame.more();
        assert!(frame.has_more() && frame.clone().has_more());
        assert_eq!(frame, Frame::copy_of(&octets(n)));
        assert!(!frame.last().has_more());
    }
}

#[test]
fn the_first_octets_can_be_left_out() {
    for n in [1, 30, 31, 32, 61, 62, 5000] {
        let frame = Frame::copy_of(&octets(n)).more();
        for cut in [0, 1, n / 2, n - 1, n] {
            let rest = frame.without_first(cut);
            assert_eq!(rest, &octets(n)[cut..]);
            assert!(!rest.has_more());
        }
    }
}

#[test]
fn a_buffer_is_used_again_only_when_no_frame_lies_in_it() {
    let mut buffer = Buffer::with_capacity(100);
    buffer.append(&octets(90));
    let long = Frame::of(&mut buffer, 0, 40);
    let short = Frame::of(&mut buffer, 40, 30);
    assert!(!buffer.clear());
    let copy = long.clone();
    drop(long);
    assert!(!buffer.clear());
    assert_eq!(copy, &octets(40)[..]);
    drop(copy);
    assert!(buffer.clear());
    buffer.append(&[0; 90]);
    assert_eq!(short, &octets(70)[40..]);
}

#[test]
fn a_frame_outlives_its_buffer() {
    let mut buffer = Buffer::with_capacity(64);
    buffer.append(&octets(64));
    let frame = Frame::of(&mut buffer, 0, 64);
    drop(buffer);
    assert_eq!(frame, octets(64).as_slice());
}

#[test]
fn frames_of_one_thread_are_dropped_by_another() {
    let (to, from) = std::sync::mpsc::channel::<Frame>();
    let other = std::thread::spawn(move || {
        from.iter().map(|frame| frame.iter().map(|o| usize::from(*o)).sum::<usize>()).sum::<usize>()
    });
    let mut expected = 0;
    for i in 0..20_000 {
        let octets = octets(31 + i % 900);
        expected += octets.iter().map(|o| usize::from(*o)).sum::<usize>();
        to.send(Frame::copy_of(&octets)).unwrap();
    }
    drop(to);
    assert_eq!(other.join().unwrap(), expected);
}

#[test]
fn long_frames_are_shown_shortened() {
    assert_eq!(format!("{:?}", Frame::from("a\n").more()), "\"a\\n\"+");
    assert!(format!("{:?}", Frame::copy_of(&octets(100))).ends_with("… (100 octets)"));
}
