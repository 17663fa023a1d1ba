//! A cache of last values, for subscribers that come late.
//!
//! ```text
//!   PUB ──► SUB  cache  XPUB ──► SUB that was early
//!                         └────► SUB that comes late, and gets the last value of its topic at once
//! ```
//!
//! A PUB keeps nothing: who subscribes later has missed what was sent before. Here a cache stands in between. It remembers
//! the last value of each topic, and with `XPubManual` it learns of each subscription, grants it, and sends the last value
//! to that subscriber alone.
//!
//! What to learn: subscriptions are messages that an XPUB receives; `Manual::LastValue`.
//!
//! ```sh
//! cargo run --release -p zmq-reference --example last_value
//! ```

use std::collections::HashMap;
use std::error::Error;
use std::thread;

use zmq_reference::blocking::{Context, Socket};
use zmq_reference::{Frame, Interest, Manual, Message, PatternOption, SocketType, Verbosity, is_terminated};

type Failed = Box<dyn Error + Send + Sync>;

const CITIES: [&str; 3] = ["lima", "oslo", "rome"];

/// Stands for a value where none is known.
const NOTHING_YET: &str = "nothing yet";

pub(crate) fn main() -> Result<(), Failed> {
    let context = Context::new()?;
    let upstream = context.socket(SocketType::Sub)?;
    upstream.subscribe("")?;
    let for_stations = upstream.bind("tcp://127.0.0.1:*")?.to_string();
    let downstream = context.socket(SocketType::XPub)?;
    // Also the second subscriber to a topic is to be heard of, and subscriptions wait for the cache to grant them.
    downstream.set(PatternOption::XPubVerbosity(Verbosity::Subscriptions))?;
    downstream.set(PatternOption::XPubManual(Manual::LastValue))?;
    let for_listeners = downstream.bind("tcp://127.0.0.1:*")?.to_string();
    let caching = {
        let context = context.clone();
        thread::spawn(move || cache(&context, &upstream, &downstream))
    };

    let early = context.socket(SocketType::Sub)?;
    early.subscribe("rome")?;
    early.connect(&for_listeners)?;
    let station = context.socket(SocketType::XPub)?; // a PUB that can wait until it is heard
    station.connect(&for_stations)?;
    assert_eq!(station.recv()?.first(), "\u{1}", "the cache has subscribed to everything");

    // Three reports of each city.
    for temperature in 20..23 {
        for city in CITIES {
            station.send([city.to_owned(), temperature.to_string()])?;
        }
    }
    // How many of them "early" came in time for is a race. The last it gets all the same, from the station or the cache.
    loop {
        let report = early.recv()?;
        println!("early: {report:?}");
        if report == Message::from(["rome", "22"]) {
            break;
        }
    }

    // Nothing is published any more, and yet each of these hears of its city.
    for city in CITIES {
        let late = context.socket(SocketType::Sub)?;
        late.subscribe(city)?;
        late.connect(&for_listeners)?;
        let report = late.recv()?;
        println!("late:  {report:?}");
        assert_eq!(report, Message::from([city, "22"]));
    }
    context.term();
    let known = caching.join().expect("the cache does not panic")?;
    println!("cache: the last values of {known} cities");
    assert_eq!(known, CITIES.len());
    Ok(())
}

/// Passes publications on and remembers the last of each topic, until the context ends; says how many topics there were.
fn cache(context: &Context, upstream: &Socket, downstream: &Socket) -> Result<usize, Failed> {
    let mut last: HashMap<Vec<u8>, Message> = HashMap::new();
    let mut poller = context.poller();
    let publications = poller.add(upstream, Interest::READABLE)?;
    poller.add(downstream, Interest::READABLE)?;
    until_the_end(|| {
        for item in poller.wait(None)? {
            if item.token == publications {
                let publication = upstream.recv()?;
                last.insert(publication.first().to_vec(), publication.clone());
                downstream.send(publication)?;
            } else {
                // One octet, 1 for a subscription and 0 for a cancellation, and the topic.
                let request = downstream.recv()?;
                match request.first().split_first() {
                    Some((1, topic)) => {
                        downstream.set(PatternOption::Subscribe(topic.to_vec()))?;
                        // The first message after a subscription goes to that subscriber alone, so there has to be one.
                        let nothing = || Message::from([Frame::from(topic), Frame::from(NOTHING_YET)]);
                        downstream.send(last.get(topic).cloned().unwrap_or_else(nothing))?;
                    }
                    Some((0, topic)) => downstream.set(PatternOption::Unsubscribe(topic.to_vec()))?,
                    Some(_) | None => println!("cache: a subscriber said {request:?}"),
                }
            }
        }
        Ok(())
    })?;
    Ok(last.len())
}

/// Does it again and again until the context ends.
fn until_the_end(mut once: impl FnMut() -> Result<(), Failed>) -> Result<(), Failed> {
    loop {
        match once() {
            Ok(()) => {}
            Err(why) if is_terminated(&*why) => return Ok(()),
            Err(other) => return Err(other),
        }
    }
}
