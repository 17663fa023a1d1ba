//! Rows for paths and abstract names.

use zmq_world::Reuse;

use super::{Carrier, Joined, Outcome, Row, System, joined, rows};

pub(crate) const ROWS: &[Row<()>] = rows! {
    there_is_no_such_path
    there_is_no_such_name
    a_path_stays_behind_its_listener
    a_path_is_removed_once
    an_unlinked_path_is_not_found_and_its_streams_live
    who_waits_at_an_unlinked_path_is_accepted
    another_listens_at_an_unlinked_path
    a_name_vanishes_with_its_listener
    a_name_is_free_although_its_streams_live
    a_path_and_a_name_are_different_places
    the_peer_of_a_path_is_this_process
    the_peer_of_a_port_is_not_told
};

fn there_is_no_such_path(system: &mut dyn System, (): ()) -> String {
    let at = system.path("nothing");
    let mut came = Outcome::default();
    came.done("dial", system.dial(&at));
    came.done("unlink", system.unlink(&at));
    came.text()
}

fn there_is_no_such_name(system: &mut dyn System, (): ()) -> String {
    let at = system.name("nothing");
    let mut came = Outcome::default();
    came.done("dial", system.dial(&at));
    came.text()
}

fn a_path_stays_behind_its_listener(system: &mut dyn System, (): ()) -> String {
    let at = system.path("socket");
    let listener = system.listen(&at, 8, Reuse::Address).unwrap();
    system.close(listener);
    let mut came = Outcome::default();
    came.done("dial", system.dial(&at));
    came.done("listen", system.listen(&at, 8, Reuse::Address));
    came.done("unlink", system.unlink(&at));
    came.done("dial", system.dial(&at));
    came.done("listen", system.listen(&at, 8, Reuse::No));
    came.done("dial", system.dial(&at));
    came.text()
}

fn a_path_is_removed_once(system: &mut dyn System, (): ()) -> String {
    let at = system.path("socket");
    system.listen(&at, 8, Reuse::No).unwrap();
    let mut came = Outcome::default();
    came.done("unlink", system.unlink(&at));
    came.done("unlink", system.unlink(&at));
    came.text()
}

fn an_unlinked_path_is_not_found_and_its_streams_live(system: &mut dyn System, (): ()) -> String {
    let Joined { listener, dialler, acceptor } = joined(system, Carrier::Path);
    let at = system.at(listener);
    system.unlink(&at).unwrap();
    let mut came = Outcome::default();
    came.done("dial", system.dial(&at));
    came.done("write", system.write(dialler, b"still"));
    system.settle();
    came.read(system.read(acceptor, 9));
    came.done("accept", system.accept(listener));
    came.text()
}

fn who_waits_at_an_unlinked_path_is_accepted(system: &mut dyn System, (): ()) -> String {
    let at = system.path("socket");
    let listener = system.listen(&at, 8, Reuse::No).unwrap();
    system.dial(&at).unwrap();
    system.unlink(&at).unwrap();
    system.settle();
    let mut came = Outcome::default();
    came.done("accept", system.accept(listener));
    came.text()
}

fn another_listens_at_an_unlinked_path(system: &mut dyn System, (): ()) -> String {
    let at = system.path("socket");
    let old = system.listen(&at, 8, Reuse::No).unwrap();
    system.unlink(&at).unwrap();
    let mut came = Outcome::default();
    let new = system.listen(&at, 8, Reuse::No);
    came.done("listen", new);
    came.done("dial", system.dial(&at));
    system.settle();
    came.done("old accepts", system.accept(old));
    came.done("new accepts", system.accept(new.unwrap()));
    system.close(old);
    came.done("dial", system.dial(&at));
    came.text()
}

fn a_name_vanishes_with_its_listener(system: &mut dyn System, (): ()) -> String {
    let at = system.name("socket");
    let listener = system.listen(&at, 8, Reuse::No).unwrap();
    let mut came = Outcome::default();
    came.done("listen", system.listen(&at, 8, Reuse::Address));
    system.close(listener);
    came.done("dial", system.dial(&at));
    came.done("listen", system.listen(&at, 8, Reuse::No));
    came.text()
}

fn a_name_is_free_although_its_streams_live(system: &mut dyn System, (): ()) -> String {
    let Joined { listener, dialler, acceptor } = joined(system, Carrier::Abstract);
    let at = system.at(listener);
    system.close(listener);
    let mut came = Outcome::default();
    came.done("listen", system.listen(&at, 8, Reuse::No));
    came.done("write", system.write(dialler, b"still"));
    system.settle();
    came.read(system.read(acceptor, 9));
    came.text()
}

fn a_path_and_a_name_are_different_places(system: &mut dyn System, (): ()) -> String {
    let (path, name) = (system.path("socket"), system.name("socket"));
    let mut came = Outcome::default();
    came.done("path", system.listen(&path, 8, Reuse::No));
    came.done("dial the name", system.dial(&name));
    came.done("name", system.listen(&name, 8, Reuse::No));
    came.text()
}

fn the_peer_of_a_path_is_this_process(system: &mut dyn System, (): ()) -> String {
    let mut came = Outcome::default();
    for carrier in [Carrier::Path, Carrier::Abstract] {
        let Joined { dialler, acceptor, .. } = joined(system, carrier);
        came.say("dialler", format_args!("{:?}", system.is_own_peer(dialler)));
        came.say("acceptor", format_args!("{:?}", system.is_own_peer(acceptor)));
    }
    came.text()
}

fn the_peer_of_a_port_is_not_told(system: &mut dyn System, (): ()) -> String {
    let Joined { acceptor, .. } = joined(system, Carrier::Tcp);
    let mut came = Outcome::default();
    came.say("acceptor", format_args!("{:?}", system.is_own_peer(acceptor)));
    came.text()
}
