//! Rows for every carrier of streams.

use zmq_world::{Errno, Reuse};

use super::{Carrier, Joined, Outcome, Row, System, free, joined, listening, rows};

pub(crate) const ROWS: &[Row<Carrier>] = rows! {
    a_listener_has_nobody_to_accept_at_first
    connections_are_accepted_in_the_order_of_dialling
    what_is_written_before_accept_is_read_behind_it
    an_end_before_accept_is_read_behind_it
    a_reset_before_accept_is_seen_behind_it
    nothing_to_read_would_block
    several_writes_are_one_read
    a_read_takes_no_more_than_it_is_given
    a_write_of_nothing_writes_nothing
    the_end_comes_behind_what_was_written
    the_end_comes_again_and_again
    a_half_closed_stream_is_answered
    a_finished_stream_takes_no_more
    finishing_twice_is_as_once
    both_ends_finish
    a_stream_closed_with_something_unread_resets_its_peer
    what_came_before_such_a_reset_is_read_first
    writing_to_a_closed_peer_fails_the_second_time
    reading_behind_such_a_failure
    a_reset_is_read_once
    a_reset_is_written_once
    what_came_before_a_reset_is_read_first
    a_reset_makes_readable_and_writable
    an_end_makes_readable
    a_peer_has_an_address_until_it_is_gone
    the_ends_agree_about_addresses
    a_closed_listener_resets_who_waits
    a_closed_listener_leaves_who_was_accepted
    nobody_listens_behind_a_closed_listener
    an_address_is_listened_at_once
    a_writer_stalls_when_nobody_reads
    a_stalled_writer_goes_on_when_the_reader_is_quick
    a_stalled_writer_is_told_of_a_closed_peer
    closing_leaves_what_was_written_to_be_read
    one_more_than_the_backlog_is_let_in
    room_in_the_backlog_lets_the_next_one_in
};

fn a_listener_has_nobody_to_accept_at_first(system: &mut dyn System, carrier: Carrier) -> String {
    let listener = listening(system, carrier);
    let mut came = Outcome::default();
    came.done("accept", system.accept(listener));
    came.text()
}

fn connections_are_accepted_in_the_order_of_dialling(system: &mut dyn System, carrier: Carrier) -> String {
    let listener = listening(system, carrier);
    let at = system.at(listener);
    for number in [b"1", b"2", b"3"] {
        let stream = system.dial(&at).unwrap();
        system.settle();
        system.write(stream, number).unwrap();
    }
    system.settle();
    let mut came = Outcome::default();
    for _ in 0..3 {
        let stream = system.accept(listener).unwrap();
        came.read(system.read(stream, 9));
    }
    came.text()
}

fn what_is_written_before_accept_is_read_behind_it(system: &mut dyn System, carrier: Carrier) -> String {
    let listener = listening(system, carrier);
    let at = system.at(listener);
    let dialler = system.dial(&at).unwrap();
    system.settle();
    let mut came = Outcome::default();
    came.done("write", system.write(dialler, b"early"));
    system.settle();
    let acceptor = system.accept(listener).unwrap();
    came.say("readable", system.is_readable(acceptor));
    came.read(system.read(acceptor, 9));
    came.text()
}

fn an_end_before_accept_is_read_behind_it(system: &mut dyn System, carrier: Carrier) -> String {
    let listener = listening(system, carrier);
    let at = system.at(listener);
    let dialler = system.dial(&at).unwrap();
    system.settle();
    system.write(dialler, b"early").unwrap();
    system.close(dialler);
    system.settle();
    let mut came = Outcome::default();
    let acceptor = system.accept(listener).unwrap();
    came.read(system.read(acceptor, 9));
    came.read(system.read(acceptor, 9));
    came.text()
}

fn a_reset_before_accept_is_seen_behind_it(system: &mut dyn System, carrier: Carrier) -> String {
    let listener = listening(system, carrier);
    let at = system.at(listener);
    let dialler = system.dial(&at).unwrap();
    system.settle();
    system.reset(dialler);
    system.settle();
    let mut came = Outcome::default();
    let acceptor = system.accept(listener);
    came.done("accept", acceptor);
    if let Ok(acceptor) = acceptor {
        came.read(system.read(acceptor, 9));
        came.read(system.read(acceptor, 9));
    }
    came.text()
}

fn nothing_to_read_would_block(system: &mut dyn System, carrier: Carrier) -> String {
    let Joined { dialler, acceptor, .. } = joined(system, carrier);
    let mut came = Outcome::default();
    for end in [dialler, acceptor] {
        came.say("readable", system.is_readable(end));
        came.say("writable", system.is_writable(end));
        came.read(system.read(end, 9));
    }
    came.text()
}

fn several_writes_are_one_read(system: &mut dyn System, carrier: Carrier) -> String {
    let Joined { dialler, acceptor, .. } = joined(system, carrier);
    system.write(dialler, b"a").unwrap();
    system.write(dialler, b"b").unwrap();
    system.write(dialler, b"c").unwrap();
    system.settle();
    let mut came = Outcome::default();
    came.read(system.read(acceptor, 9));
    came.read(system.read(acceptor, 9));
    came.text()
}

fn a_read_takes_no_more_than_it_is_given(system: &mut dyn System, carrier: Carrier) -> String {
    let Joined { dialler, acceptor, .. } = joined(system, carrier);
    system.write(acceptor, b"abcdef").unwrap();
    system.settle();
    let mut came = Outcome::default();
    came.read(system.read(dialler, 4));
    came.say("readable", system.is_readable(dialler));
    came.read(system.read(dialler, 4));
    came.say("readable", system.is_readable(dialler));
    came.text()
}

fn a_write_of_nothing_writes_nothing(system: &mut dyn System, carrier: Carrier) -> String {
    let Joined { dialler, acceptor, .. } = joined(system, carrier);
    let mut came = Outcome::default();
    came.say("written", system.write(dialler, b"").unwrap());
    system.settle();
    came.read(system.read(acceptor, 9));
    came.text()
}

fn the_end_comes_behind_what_was_written(system: &mut dyn System, carrier: Carrier) -> String {
    let Joined { dialler, acceptor, .. } = joined(system, carrier);
    system.write(dialler, b"last").unwrap();
    system.finish(dialler).unwrap();
    system.settle();
    let mut came = Outcome::default();
    came.read(system.read(acceptor, 2));
    came.read(system.read(acceptor, 9));
    came.read(system.read(acceptor, 9));
    came.text()
}

fn the_end_comes_again_and_again(system: &mut dyn System, carrier: Carrier) -> String {
    let Joined { dialler, acceptor, .. } = joined(system, carrier);
    system.close(acceptor);
    system.settle();
    let mut came = Outcome::default();
    came.read(system.read(dialler, 9));
    came.read(system.read(dialler, 9));
    came.say("readable", system.is_readable(dialler));
    came.say("writable", system.is_writable(dialler));
    came.text()
}

fn a_half_closed_stream_is_answered(system: &mut dyn System, carrier: Carrier) -> String {
    let Joined { dialler, acceptor, .. } = joined(system, carrier);
    system.write(dialler, b"question").unwrap();
    let mut came = Outcome::default();
    came.done("finish", system.finish(dialler));
    system.settle();
    came.read(system.read(acceptor, 9));
    came.read(system.read(acceptor, 9));
    came.done("write", system.write(acceptor, b"answer"));
    system.close(acceptor);
    system.settle();
    came.read(system.read(dialler, 9));
    came.read(system.read(dialler, 9));
    came.text()
}

fn a_finished_stream_takes_no_more(system: &mut dyn System, carrier: Carrier) -> String {
    let Joined { dialler, .. } = joined(system, carrier);
    system.finish(dialler).unwrap();
    let mut came = Outcome::default();
    came.done("write", system.write(dialler, b"more"));
    came.done("write", system.write(dialler, b"more"));
    came.say("writable", system.is_writable(dialler));
    came.read(system.read(dialler, 9));
    came.text()
}

fn finishing_twice_is_as_once(system: &mut dyn System, carrier: Carrier) -> String {
    let Joined { dialler, acceptor, .. } = joined(system, carrier);
    let mut came = Outcome::default();
    came.done("finish", system.finish(dialler));
    came.done("finish", system.finish(dialler));
    system.settle();
    came.done("finish", system.finish(dialler));
    came.read(system.read(acceptor, 9));
    came.text()
}

fn both_ends_finish(system: &mut dyn System, carrier: Carrier) -> String {
    let Joined { dialler, acceptor, .. } = joined(system, carrier);
    let mut came = Outcome::default();
    came.done("finish", system.finish(dialler));
    system.settle();
    came.done("finish", system.finish(acceptor));
    system.settle();
    for end in [dialler, acceptor] {
        came.read(system.read(end, 9));
        came.done("write", system.write(end, b"more"));
        came.done("peer", system.peer(end));
        came.done("finish", system.finish(end));
    }
    came.text()
}

fn a_stream_closed_with_something_unread_resets_its_peer(system: &mut dyn System, carrier: Carrier) -> String {
    let Joined { dialler, acceptor, .. } = joined(system, carrier);
    system.write(dialler, b"unread").unwrap();
    system.settle();
    system.close(acceptor);
    system.settle();
    let mut came = Outcome::default();
    came.read(system.read(dialler, 9));
    came.read(system.read(dialler, 9));
    came.done("write", system.write(dialler, b"more"));
    came.text()
}

fn what_came_before_such_a_reset_is_read_first(system: &mut dyn System, carrier: Carrier) -> String {
    let Joined { dialler, acceptor, .. } = joined(system, carrier);
    system.write(dialler, b"unread").unwrap();
    system.write(acceptor, b"before").unwrap();
    system.settle();
    system.close(acceptor);
    system.settle();
    let mut came = Outcome::default();
    came.read(system.read(dialler, 9));
    came.read(system.read(dialler, 9));
    came.read(system.read(dialler, 9));
    came.text()
}

fn writing_to_a_closed_peer_fails_the_second_time(system: &mut dyn System, carrier: Carrier) -> String {
    let Joined { dialler, acceptor, .. } = joined(system, carrier);
    system.close(acceptor);
    system.settle();
    let mut came = Outcome::default();
    for _ in 0..3 {
        came.done("write", system.write(dialler, b"more"));
        system.settle();
    }
    came.text()
}

fn reading_behind_such_a_failure(system: &mut dyn System, carrier: Carrier) -> String {
    let Joined { dialler, acceptor, .. } = joined(system, carrier);
    system.write(acceptor, b"last").unwrap();
    system.settle();
    system.close(acceptor);
    system.settle();
    let mut came = Outcome::default();
    came.done("write", system.write(dialler, b"more"));
    system.settle();
    came.read(system.read(dialler, 9));
    came.read(system.read(dialler, 9));
    came.done("write", system.write(dialler, b"more"));
    came.read(system.read(dialler, 9));
    came.text()
}

fn a_reset_is_read_once(system: &mut dyn System, carrier: Carrier) -> String {
    let Joined { dialler, acceptor, .. } = joined(system, carrier);
    system.reset(acceptor);
    system.settle();
    let mut came = Outcome::default();
    came.read(system.read(dialler, 9));
    came.read(system.read(dialler, 9));
    came.done("write", system.write(dialler, b"more"));
    came.done("finish", system.finish(dialler));
    came.text()
}

fn a_reset_is_written_once(system: &mut dyn System, carrier: Carrier) -> String {
    let Joined { dialler, acceptor, .. } = joined(system, carrier);
    system.reset(acceptor);
    system.settle();
    let mut came = Outcome::default();
    came.done("write", system.write(dialler, b"more"));
    came.done("write", system.write(dialler, b"more"));
    came.read(system.read(dialler, 9));
    came.text()
}

fn what_came_before_a_reset_is_read_first(system: &mut dyn System, carrier: Carrier) -> String {
    let Joined { dialler, acceptor, .. } = joined(system, carrier);
    system.write(acceptor, b"before").unwrap();
    system.settle();
    system.reset(acceptor);
    system.settle();
    let mut came = Outcome::default();
    came.read(system.read(dialler, 3));
    came.read(system.read(dialler, 9));
    came.read(system.read(dialler, 9));
    came.read(system.read(dialler, 9));
    came.text()
}

fn a_reset_makes_readable_and_writable(system: &mut dyn System, carrier: Carrier) -> String {
    let Joined { dialler, acceptor, .. } = joined(system, carrier);
    system.reset(acceptor);
    system.settle();
    let mut came = Outcome::default();
    came.say("readable", system.is_readable(dialler));
    came.say("writable", system.is_writable(dialler));
    came.text()
}

fn an_end_makes_readable(system: &mut dyn System, carrier: Carrier) -> String {
    let Joined { dialler, acceptor, .. } = joined(system, carrier);
    system.finish(acceptor).unwrap();
    system.settle();
    let mut came = Outcome::default();
    came.say("readable", system.is_readable(dialler));
    came.say("writable", system.is_writable(dialler));
    came.text()
}

fn a_peer_has_an_address_until_it_is_gone(system: &mut dyn System, carrier: Carrier) -> String {
    let Joined { dialler, acceptor, .. } = joined(system, carrier);
    let mut came = Outcome::default();
    came.done("peer", system.peer(dialler));
    system.finish(acceptor).unwrap();
    system.settle();
    came.done("finished peer", system.peer(dialler));
    system.reset(acceptor);
    system.settle();
    came.done("peer that reset", system.peer(dialler));
    came.done("local", system.local(dialler));
    came.text()
}

fn the_ends_agree_about_addresses(system: &mut dyn System, carrier: Carrier) -> String {
    let Joined { listener, dialler, acceptor } = joined(system, carrier);
    let at = system.at(listener);
    let mut came = Outcome::default();
    came.say("dialled what listens", system.peer(dialler) == Ok(at.clone()));
    came.say("accepted there", system.local(acceptor) == Ok(at));
    came.say("peers agree", system.peer(acceptor) == system.local(dialler));
    came.text()
}

fn a_closed_listener_resets_who_waits(system: &mut dyn System, carrier: Carrier) -> String {
    let listener = listening(system, carrier);
    let at = system.at(listener);
    let dialler = system.dial(&at).unwrap();
    system.settle();
    system.close(listener);
    system.settle();
    let mut came = Outcome::default();
    came.read(system.read(dialler, 9));
    came.read(system.read(dialler, 9));
    came.done("write", system.write(dialler, b"more"));
    came.text()
}

fn a_closed_listener_leaves_who_was_accepted(system: &mut dyn System, carrier: Carrier) -> String {
    let Joined { listener, dialler, acceptor } = joined(system, carrier);
    system.close(listener);
    system.settle();
    let mut came = Outcome::default();
    came.done("write", system.write(dialler, b"still"));
    system.settle();
    came.read(system.read(acceptor, 9));
    came.text()
}

fn nobody_listens_behind_a_closed_listener(system: &mut dyn System, carrier: Carrier) -> String {
    let listener = listening(system, carrier);
    let at = system.at(listener);
    system.close(listener);
    let mut came = Outcome::default();
    match system.dial(&at) {
        Err(errno) => came.say("dial", errno),
        Ok(stream) => {
            system.settle();
            came.done("dialled", system.dialled(stream).unwrap());
            came.done("peer", system.peer(stream));
            came.done("write", system.write(stream, b"more"));
            came.done("finish", system.finish(stream));
        }
    }
    came.text()
}

fn an_address_is_listened_at_once(system: &mut dyn System, carrier: Carrier) -> String {
    let listener = listening(system, carrier);
    let at = system.at(listener);
    let mut came = Outcome::default();
    came.done("again", system.listen(&at, 8, Reuse::No));
    came.done("again with reuse", system.listen(&at, 8, Reuse::Address));
    came.text()
}

/// Writes until nothing is taken, and gives how much was.
fn fill(system: &mut dyn System, stream: usize) -> usize {
    let mut written = 0;
    loop {
        match system.write(stream, &[7; 10_000]) {
            Ok(some) => written += some,
            Err(Errno::WouldBlock) => {
                system.settle();
                if !system.is_writable(stream) {
                    return written;
                }
            }
            Err(other) => panic!("{other}"),
        }
    }
}

fn a_writer_stalls_when_nobody_reads(system: &mut dyn System, carrier: Carrier) -> String {
    let Joined { dialler, acceptor, .. } = joined(system, carrier);
    let written = fill(system, dialler);
    let mut came = Outcome::default();
    came.say("took at least a page", written > 4096);
    came.say("took all", written > 64 << 20);
    came.done("write", system.write(dialler, b"more"));
    came.say("the other way", system.write(acceptor, b"more").unwrap());
    came.text()
}

fn a_stalled_writer_goes_on_when_the_reader_is_quick(system: &mut dyn System, carrier: Carrier) -> String {
    let Joined { dialler, acceptor, .. } = joined(system, carrier);
    let written = fill(system, dialler);
    let mut read = 0;
    while let Ok(some) = system.read(acceptor, 1 << 20) {
        read += some.len();
        system.settle();
    }
    let mut came = Outcome::default();
    came.say("all read", read == written);
    came.say("writable", system.is_writable(dialler));
    came.done("write", system.write(dialler, b"more"));
    system.settle();
    came.read(system.read(acceptor, 9));
    came.text()
}

fn a_stalled_writer_is_told_of_a_closed_peer(system: &mut dyn System, carrier: Carrier) -> String {
    let Joined { dialler, acceptor, .. } = joined(system, carrier);
    fill(system, dialler);
    system.close(acceptor);
    system.settle();
    let mut came = Outcome::default();
    came.say("writable", system.is_writable(dialler));
    came.done("write", system.write(dialler, b"more"));
    came.done("write", system.write(dialler, b"more"));
    came.text()
}

fn closing_leaves_what_was_written_to_be_read(system: &mut dyn System, carrier: Carrier) -> String {
    let Joined { dialler, acceptor, .. } = joined(system, carrier);
    let written = fill(system, dialler);
    system.close(dialler);
    let mut read = 0;
    let end = loop {
        match system.read(acceptor, 1 << 20) {
            Ok(some) if some.is_empty() => break Ok(()),
            Ok(some) => read += some.len(),
            Err(Errno::WouldBlock) => system.settle(),
            Err(other) => break Err(other),
        }
    };
    let mut came = Outcome::default();
    came.say("all read", read == written);
    came.done("to the end", end);
    came.text()
}

/// A listener with a backlog of 1, and how three dials to it went.
fn crowd(system: &mut dyn System, carrier: Carrier, came: &mut Outcome) -> (usize, Vec<usize>) {
    let at = free(system, carrier);
    let listener = system.listen(&at, 1, Reuse::Address).unwrap();
    let at = system.at(listener);
    let mut streams = Vec::new();
    for _ in 0..3 {
        let stream = system.dial(&at);
        system.settle();
        match stream {
            Err(errno) => came.say("dial", errno),
            Ok(stream) => {
                match system.dialled(stream) {
                    None => came.say("dial", "no answer"),
                    Some(answer) => came.done("dial", answer),
                }
                streams.push(stream);
            }
        }
    }
    (listener, streams)
}

fn one_more_than_the_backlog_is_let_in(system: &mut dyn System, carrier: Carrier) -> String {
    let mut came = Outcome::default();
    let (listener, _) = crowd(system, carrier, &mut came);
    for _ in 0..3 {
        came.done("accept", system.accept(listener));
    }
    came.text()
}

fn room_in_the_backlog_lets_the_next_one_in(system: &mut dyn System, carrier: Carrier) -> String {
    let mut came = Outcome::default();
    let (listener, streams) = crowd(system, carrier, &mut came);
    system.accept(listener).unwrap();
    let at = system.at(listener);
    if let Some(third) = streams.get(2) {
        system.wait();
        came.done("after a second", system.dialled(*third).unwrap());
    } else {
        came.done("dial", system.dial(&at));
    }
    came.done("accept", system.accept(listener));
    came.done("accept", system.accept(listener));
    came.text()
}
