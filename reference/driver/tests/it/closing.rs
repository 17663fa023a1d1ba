//! Sockets that are closed while something is under way.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use zmq_reference::blocking::Context;
use zmq_reference::{Endpoint, Options, SocketType};

use crate::alone::{alone, descriptors, eventually};
use crate::good::{ends_within, socket};

/// Whether the place is free again, for a socket of the same context.
fn is_free(context: &Context, endpoint: &Endpoint) -> bool {
    let other = socket(context, SocketType::Pair, Options::default());
    eventually(|| other.bind(&endpoint.to_string()).is_ok())
}

/// Whoever comes first: a place that was got is given up, and none is got behind the close.
#[test]
fn a_place_that_is_got_while_the_socket_closes_is_given_up() {
    alone(|| {
        for endpoint in ["tcp://127.0.0.1:*", "ipc://@*", "inproc://closing"] {
            let context = Context::new().unwrap();
            let before = descriptors();
            for n in 0..300 {
                let socket = socket(&context, SocketType::Pair, Options::default());
                let both = Barrier::new(2);
                let bound = thread::scope(|scope| {
                    let bound = scope.spawn(|| {
                        both.wait();
                        socket.bind(endpoint)
                    });
                    both.wait();
                    (0..n % 30).for_each(|_| std::hint::spin_loop());
                    socket.close(None);
                    bound.join().unwrap()
                });
                if let Ok(at) = bound {
                    assert!(is_free(&context, &at), "{at} stays taken");
                }
                drop(socket);
            }
            // Those of a context before may still go.
            assert!(eventually(|| descriptors() <= before), "{endpoint}: {} descriptors of {before}", descriptors());
            ends_within(Duration::from_secs(5), &context);
        }
    });
}
