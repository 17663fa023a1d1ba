//! Rows for tcp alone.

use std::net::SocketAddr;

use zmq_world::{Address, Errno, Reuse};

use super::{Carrier, Joined, Outcome, Row, System, joined, rows};

pub(crate) const ROWS: &[Row<()>] = rows! {
    port_0_is_another_port_each_time
    a_chosen_port_is_of_the_range
    nobody_has_the_port
    a_wildcard_overlaps_with_every_address
    other_addresses_have_ports_of_their_own
    an_address_of_somebody_else_is_not_available
    a_wildcard_listener_is_told_which_address_was_meant
    dialling_the_wildcard_is_dialling_oneself
    a_source_is_what_the_peer_sees
    a_source_that_listens_is_in_use
    who_closes_first_keeps_the_port_in_time_wait
    who_closes_second_does_not
    a_live_connection_keeps_the_port
    a_live_connection_keeps_the_port_from_who_does_not_share
    a_reset_connection_keeps_nothing
};

pub(crate) fn loopback(port: u16) -> Address {
    Address::Tcp(SocketAddr::from(([127, 0, 0, 1], port)))
}

fn port(at: &Address) -> u16 {
    let Address::Tcp(at) = at else { panic!("{at} has no port") };
    at.port()
}

fn port_0_is_another_port_each_time(system: &mut dyn System, (): ()) -> String {
    let one = system.listen(&loopback(0), 8, Reuse::No).unwrap();
    let two = system.listen(&loopback(0), 8, Reuse::No).unwrap();
    let mut came = Outcome::default();
    came.say("same", system.at(one) == system.at(two));
    came.say("none", port(&system.at(one)) == 0);
    came.text()
}

fn a_chosen_port_is_of_the_range(system: &mut dyn System, (): ()) -> String {
    let Joined { listener, dialler, .. } = joined(system, Carrier::Tcp);
    let mut came = Outcome::default();
    for socket in [listener, dialler] {
        came.say("in range", (32_768..=60_999).contains(&port(&system.at(socket))));
    }
    came.text()
}

fn nobody_has_the_port(system: &mut dyn System, (): ()) -> String {
    let stream = system.dial(&loopback(1)).unwrap();
    system.settle();
    let mut came = Outcome::default();
    came.done("dialled", system.dialled(stream).unwrap());
    came.read(system.read(stream, 9));
    came.done("write", system.write(stream, b"more"));
    came.text()
}

fn a_wildcard_overlaps_with_every_address(system: &mut dyn System, (): ()) -> String {
    let one = system.listen(&loopback(0), 8, Reuse::Address).unwrap();
    let all = SocketAddr::from(([0, 0, 0, 0], port(&system.at(one))));
    let mut came = Outcome::default();
    came.done("all", system.listen(&all.into(), 8, Reuse::Address));
    system.close(one);
    came.done("alone", system.listen(&all.into(), 8, Reuse::Address));
    came.done("one", system.listen(&loopback(all.port()), 8, Reuse::Address));
    came.text()
}

fn other_addresses_have_ports_of_their_own(system: &mut dyn System, (): ()) -> String {
    let one = system.listen(&loopback(0), 8, Reuse::No).unwrap();
    let other = SocketAddr::from(([127, 0, 0, 2], port(&system.at(one))));
    let mut came = Outcome::default();
    came.done("other", system.listen(&other.into(), 8, Reuse::No));
    came.text()
}

fn an_address_of_somebody_else_is_not_available(system: &mut dyn System, (): ()) -> String {
    let theirs = SocketAddr::from(([203, 0, 113, 7], 0));
    let listener = system.listen(&loopback(0), 8, Reuse::No).unwrap();
    let at = system.at(listener);
    let mut came = Outcome::default();
    came.done("listen", system.listen(&theirs.into(), 8, Reuse::No));
    came.done("dial from", system.dial_from(&at, Some(theirs)));
    came.text()
}

fn a_wildcard_listener_is_told_which_address_was_meant(system: &mut dyn System, (): ()) -> String {
    let all = SocketAddr::from(([0, 0, 0, 0], 0));
    let listener = system.listen(&all.into(), 8, Reuse::No).unwrap();
    let at = port(&system.at(listener));
    let dialler = system.dial(&loopback(at)).unwrap();
    system.settle();
    let acceptor = system.accept(listener).unwrap();
    let mut came = Outcome::default();
    came.say("listens at the wildcard", system.at(listener) == SocketAddr::from(([0, 0, 0, 0], at)).into());
    came.say("accepted at loopback", system.at(acceptor) == loopback(at));
    came.say("agree", system.peer(acceptor) == system.local(dialler));
    came.text()
}

fn dialling_the_wildcard_is_dialling_oneself(system: &mut dyn System, (): ()) -> String {
    let listener = system.listen(&loopback(0), 8, Reuse::No).unwrap();
    let at = port(&system.at(listener));
    let dialler = system.dial(&SocketAddr::from(([0, 0, 0, 0], at)).into()).unwrap();
    system.settle();
    let mut came = Outcome::default();
    came.done("dialled", system.dialled(dialler).unwrap());
    came.say("peer is loopback", system.peer(dialler) == Ok(loopback(at)));
    came.text()
}

fn a_source_is_what_the_peer_sees(system: &mut dyn System, (): ()) -> String {
    let listener = system.listen(&loopback(0), 8, Reuse::No).unwrap();
    let at = system.at(listener);
    let source = SocketAddr::from(([127, 0, 0, 3], 0));
    let dialler = system.dial_from(&at, Some(source)).unwrap();
    system.settle();
    let acceptor = system.accept(listener).unwrap();
    let Ok(Address::Tcp(peer)) = system.peer(acceptor) else { panic!("it has a peer") };
    let mut came = Outcome::default();
    came.say("address", peer.ip());
    came.say("agree", system.local(dialler) == Ok(peer.into()));
    came.text()
}

fn a_source_that_listens_is_in_use(system: &mut dyn System, (): ()) -> String {
    let listener = system.listen(&loopback(0), 8, Reuse::No).unwrap();
    let at = system.at(listener);
    let Address::Tcp(source) = at.clone() else { panic!("tcp") };
    let mut came = Outcome::default();
    came.done("dial from", system.dial_from(&at, Some(source)));
    came.text()
}

/// A connection that the acceptor, or the dialler, closes first; then the listener is closed, and others try its port.
fn rebind(system: &mut dyn System, listener: usize, came: &mut Outcome) {
    let at = system.at(listener);
    system.close(listener);
    system.settle();
    for (reuse, word) in [(Reuse::No, "listen"), (Reuse::Address, "listen with reuse")] {
        let again: Result<_, Errno> = system.listen(&at, 8, reuse);
        came.done(word, again);
        if let Ok(again) = again {
            system.close(again);
        }
    }
}

fn who_closes_first_keeps_the_port_in_time_wait(system: &mut dyn System, (): ()) -> String {
    let Joined { listener, dialler, acceptor } = joined(system, Carrier::Tcp);
    system.close(acceptor);
    system.settle();
    system.close(dialler);
    system.settle();
    let mut came = Outcome::default();
    rebind(system, listener, &mut came);
    came.text()
}

fn who_closes_second_does_not(system: &mut dyn System, (): ()) -> String {
    let Joined { listener, dialler, acceptor } = joined(system, Carrier::Tcp);
    system.close(dialler);
    system.settle();
    system.close(acceptor);
    system.settle();
    let mut came = Outcome::default();
    rebind(system, listener, &mut came);
    came.text()
}

fn a_live_connection_keeps_the_port(system: &mut dyn System, (): ()) -> String {
    let Joined { listener, .. } = joined(system, Carrier::Tcp);
    let mut came = Outcome::default();
    rebind(system, listener, &mut came);
    came.text()
}

fn a_live_connection_keeps_the_port_from_who_does_not_share(system: &mut dyn System, (): ()) -> String {
    let listener = system.listen(&loopback(0), 8, Reuse::No).unwrap();
    let at = system.at(listener);
    system.dial(&at).unwrap();
    system.settle();
    system.accept(listener).unwrap();
    let mut came = Outcome::default();
    rebind(system, listener, &mut came);
    came.text()
}

fn a_reset_connection_keeps_nothing(system: &mut dyn System, (): ()) -> String {
    let Joined { listener, acceptor, .. } = joined(system, Carrier::Tcp);
    system.reset(acceptor);
    system.settle();
    let mut came = Outcome::default();
    rebind(system, listener, &mut came);
    came.text()
}
