//! Rows for datagrams.

use std::net::SocketAddr;

use zmq_world::{Errno, Reuse};

use super::{GROUP, Id, Outcome, Row, System, rows};

pub(crate) const ROWS: &[Row<()>] = rows! {
    nothing_waits_at_first
    datagrams_come_one_by_one_and_in_order
    a_datagram_has_its_senders_address
    what_does_not_fit_is_lost
    an_empty_datagram_is_one
    the_longest_datagram
    there_has_to_be_a_destination
    a_connected_socket_is_told_that_nobody_is_there
    the_same_by_receiving
    an_unconnected_socket_is_not_told
    a_connected_socket_takes_from_its_peer_only
    a_connected_socket_may_send_elsewhere
    a_port_is_taken_once
    a_shared_port_is_its_last_owners
    a_group_is_joined_and_left
    a_group_comes_to_every_member
    a_group_comes_to_its_port_only
    joining_twice_and_leaving_twice
    who_is_not_in_the_group_gets_nothing
    a_full_receiver_loses_what_comes
};

fn loopback(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

fn open(system: &mut dyn System) -> (Id, SocketAddr) {
    let socket = system.datagram(loopback(0), Reuse::No).unwrap();
    (socket, system.place(socket))
}

fn take(came: &mut Outcome, received: Result<(Vec<u8>, SocketAddr), Errno>) {
    match received {
        Ok((bytes, _)) => came.say("receive", format_args!("\"{}\"", bytes.escape_ascii())),
        Err(errno) => came.say("receive", errno),
    }
}

/// A port that nobody has.
fn nobody(system: &mut dyn System) -> SocketAddr {
    let (socket, at) = open(system);
    system.close(socket);
    at
}

fn nothing_waits_at_first(system: &mut dyn System, (): ()) -> String {
    let (socket, _) = open(system);
    let mut came = Outcome::default();
    take(&mut came, system.receive(socket, 9));
    came.text()
}

fn datagrams_come_one_by_one_and_in_order(system: &mut dyn System, (): ()) -> String {
    let ((one, _), (two, at)) = (open(system), open(system));
    for number in [b"1", b"2", b"3"] {
        system.send(one, Some(at), number).unwrap();
    }
    system.settle();
    let mut came = Outcome::default();
    for _ in 0..4 {
        take(&mut came, system.receive(two, 9));
    }
    came.text()
}

fn a_datagram_has_its_senders_address(system: &mut dyn System, (): ()) -> String {
    let ((one, from), (two, at)) = (open(system), open(system));
    system.send(one, Some(at), b"x").unwrap();
    system.settle();
    let mut came = Outcome::default();
    came.say("the sender's", system.receive(two, 9).unwrap().1 == from);
    came.text()
}

fn what_does_not_fit_is_lost(system: &mut dyn System, (): ()) -> String {
    let ((one, _), (two, at)) = (open(system), open(system));
    system.send(one, Some(at), b"abcdef").unwrap();
    system.send(one, Some(at), b"next").unwrap();
    system.settle();
    let mut came = Outcome::default();
    take(&mut came, system.receive(two, 3));
    take(&mut came, system.receive(two, 9));
    came.text()
}

fn an_empty_datagram_is_one(system: &mut dyn System, (): ()) -> String {
    let ((one, _), (two, at)) = (open(system), open(system));
    let mut came = Outcome::default();
    came.say("sent", system.send(one, Some(at), b"").unwrap());
    system.settle();
    take(&mut came, system.receive(two, 9));
    take(&mut came, system.receive(two, 9));
    came.text()
}

fn the_longest_datagram(system: &mut dyn System, (): ()) -> String {
    let ((one, _), (two, at)) = (open(system), open(system));
    let mut came = Outcome::default();
    came.done("65508", system.send(one, Some(at), &[7; 65_508]));
    came.done("65507", system.send(one, Some(at), &[7; 65_507]));
    system.settle();
    came.say("receive", system.receive(two, 70_000).unwrap().0.len());
    came.text()
}

fn there_has_to_be_a_destination(system: &mut dyn System, (): ()) -> String {
    let (one, _) = open(system);
    let mut came = Outcome::default();
    came.done("send", system.send(one, None, b"x"));
    came.text()
}

fn a_connected_socket_is_told_that_nobody_is_there(system: &mut dyn System, (): ()) -> String {
    let gone = nobody(system);
    let (one, _) = open(system);
    system.connect(one, gone).unwrap();
    let mut came = Outcome::default();
    for _ in 0..3 {
        came.done("send", system.send(one, None, b"x"));
        system.settle();
    }
    came.text()
}

fn the_same_by_receiving(system: &mut dyn System, (): ()) -> String {
    let gone = nobody(system);
    let (one, _) = open(system);
    system.connect(one, gone).unwrap();
    let mut came = Outcome::default();
    came.done("send", system.send(one, None, b"x"));
    system.settle();
    take(&mut came, system.receive(one, 9));
    take(&mut came, system.receive(one, 9));
    came.text()
}

fn an_unconnected_socket_is_not_told(system: &mut dyn System, (): ()) -> String {
    let gone = nobody(system);
    let (one, _) = open(system);
    let mut came = Outcome::default();
    for _ in 0..2 {
        came.done("send", system.send(one, Some(gone), b"x"));
        system.settle();
    }
    take(&mut came, system.receive(one, 9));
    came.text()
}

fn a_connected_socket_takes_from_its_peer_only(system: &mut dyn System, (): ()) -> String {
    let ((one, to), (two, peer), (three, _)) = (open(system), open(system), open(system));
    system.connect(one, peer).unwrap();
    system.send(three, Some(to), b"stranger").unwrap();
    system.send(two, Some(to), b"peer").unwrap();
    system.settle();
    let mut came = Outcome::default();
    take(&mut came, system.receive(one, 9));
    take(&mut came, system.receive(one, 9));
    came.text()
}

fn a_connected_socket_may_send_elsewhere(system: &mut dyn System, (): ()) -> String {
    let ((one, _), (two, peer), (three, other)) = (open(system), open(system), open(system));
    system.connect(one, peer).unwrap();
    system.send(one, Some(other), b"other").unwrap();
    system.send(one, None, b"peer").unwrap();
    system.settle();
    let mut came = Outcome::default();
    take(&mut came, system.receive(two, 9));
    take(&mut came, system.receive(three, 9));
    came.text()
}

fn a_port_is_taken_once(system: &mut dyn System, (): ()) -> String {
    let (one, at) = open(system);
    let mut came = Outcome::default();
    came.done("again", system.datagram(at, Reuse::No));
    came.done("again with reuse", system.datagram(at, Reuse::Address));
    system.close(one);
    came.done("behind it", system.datagram(at, Reuse::No));
    came.text()
}

fn a_shared_port_is_its_last_owners(system: &mut dyn System, (): ()) -> String {
    let first = system.datagram(loopback(0), Reuse::Address).unwrap();
    let at = system.place(first);
    let second = system.datagram(at, Reuse::Address).unwrap();
    let (one, _) = open(system);
    system.send(one, Some(at), b"x").unwrap();
    system.settle();
    let mut came = Outcome::default();
    take(&mut came, system.receive(first, 9));
    take(&mut came, system.receive(second, 9));
    came.text()
}

/// A socket bound to everything, and where its group is.
fn member(system: &mut dyn System, port: u16) -> (Id, SocketAddr) {
    let socket = system.datagram(([0, 0, 0, 0], port).into(), Reuse::Address).unwrap();
    let port = system.place(socket).port();
    (socket, (GROUP, port).into())
}

fn a_group_is_joined_and_left(system: &mut dyn System, (): ()) -> String {
    let (one, group) = member(system, 0);
    let (sender, _) = member(system, 0);
    let mut came = Outcome::default();
    system.join(one).unwrap();
    system.send(sender, Some(group), b"in").unwrap();
    system.settle();
    take(&mut came, system.receive(one, 9));
    system.leave(one).unwrap();
    system.send(sender, Some(group), b"out").unwrap();
    system.settle();
    take(&mut came, system.receive(one, 9));
    came.text()
}

fn a_group_comes_to_every_member(system: &mut dyn System, (): ()) -> String {
    let (one, group) = member(system, 0);
    let (two, _) = member(system, group.port());
    let (sender, _) = member(system, 0);
    system.join(one).unwrap();
    system.join(two).unwrap();
    system.send(sender, Some(group), b"all").unwrap();
    system.settle();
    let mut came = Outcome::default();
    for socket in [one, two] {
        take(&mut came, system.receive(socket, 9));
        take(&mut came, system.receive(socket, 9));
    }
    came.text()
}

fn a_group_comes_to_its_port_only(system: &mut dyn System, (): ()) -> String {
    let (one, group) = member(system, 0);
    let (two, _) = member(system, 0);
    let (sender, _) = member(system, 0);
    system.join(one).unwrap();
    system.join(two).unwrap();
    system.send(sender, Some(group), b"x").unwrap();
    system.settle();
    let mut came = Outcome::default();
    take(&mut came, system.receive(two, 9));
    take(&mut came, system.receive(one, 9));
    came.text()
}

fn joining_twice_and_leaving_twice(system: &mut dyn System, (): ()) -> String {
    let (one, _) = member(system, 0);
    let mut came = Outcome::default();
    came.done("leave", system.leave(one));
    came.done("join", system.join(one));
    came.done("join", system.join(one));
    came.done("leave", system.leave(one));
    came.done("leave", system.leave(one));
    came.text()
}

fn who_is_not_in_the_group_gets_nothing(system: &mut dyn System, (): ()) -> String {
    let (one, group) = member(system, 0);
    let (sender, _) = member(system, 0);
    let mut came = Outcome::default();
    came.done("send", system.send(sender, Some(group), b"x"));
    system.settle();
    take(&mut came, system.receive(one, 9));
    came.text()
}

fn a_full_receiver_loses_what_comes(system: &mut dyn System, (): ()) -> String {
    let ((one, _), (two, at)) = (open(system), open(system));
    let mut came = Outcome::default();
    let all = (0..1000).all(|_| system.send(one, Some(at), &[7; 10_000]).is_ok());
    came.say("all sent", all);
    system.settle();
    let received = std::iter::from_fn(|| system.receive(two, 10_000).ok()).count();
    came.say("some received", received > 0);
    came.say("all received", received == 1000);
    came.text()
}
