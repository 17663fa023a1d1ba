//! Where a socket is: what it is bound to, what it is connected to, and who was accepted.

use std::sync::{Arc, Weak};

use zmq_core::socket::{PeerId, joining};

use crate::carrier::Carrier;
use crate::endpoint::Endpoint;
use crate::error::EndpointFailed;
use crate::listener::Bound;

/// The places of one socket.
#[derive(Default)]
pub(crate) struct Places {
    bound: Vec<Placed>,
    connected: Vec<Placed>,
    /// I/O sides of accepted peers.
    accepted: Vec<Weak<Carrier>>,
    last: Option<Endpoint>,
    doors: Doors,
}

/// Whether there may be more. A call that gets a place and one that closes the socket may be under way together, and then
/// either the one sees the place or the other sees this.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Doors {
    #[default]
    Open,
    Closed,
}

/// One place.
pub(crate) struct Placed {
    /// As the application wrote it.
    pub(crate) given: Endpoint,
    /// As it is, with what the system chose.
    pub(crate) at: Endpoint,
    pub(crate) place: Place,
}

/// What there is to give up.
pub(crate) enum Place {
    Listener(Arc<Bound>),
    Dialed(Arc<Carrier>, Option<PeerId>),
    Inproc(joining::Place),
}

/// What a socket had when it closed.
pub(crate) struct Left {
    pub(crate) bound: Vec<Place>,
    pub(crate) connected: Vec<Place>,
    pub(crate) accepted: Vec<Arc<Carrier>>,
}

impl Places {
    /// The socket is bound there; gives the place back if the socket was closed meanwhile.
    pub(crate) fn add_bound(&mut self, placed: Placed) -> Result<(), Place> {
        self.add(placed, |places| &mut places.bound)
    }

    /// The socket is connected there; gives the place back if the socket was closed meanwhile.
    pub(crate) fn add_connected(&mut self, placed: Placed) -> Result<(), Place> {
        self.add(placed, |places| &mut places.connected)
    }

    fn add(&mut self, placed: Placed, to: impl FnOnce(&mut Self) -> &mut Vec<Placed>) -> Result<(), Place> {
        match self.doors {
            Doors::Open => {
                self.last = Some(placed.at.clone());
                to(self).push(placed);
                Ok(())
            }
            Doors::Closed => Err(placed.place),
        }
    }

    /// A peer was accepted.
    pub(crate) fn add_accepted(&mut self, carrier: &Arc<Carrier>) {
        let accepted = &mut self.accepted;
        if accepted.len() == accepted.capacity() {
            // Those that are gone are looked for when there is no room for another, and then at least half of it is left
            // free: each look is paid by as many connections.
            accepted.retain(|carrier| carrier.strong_count() > 0);
            accepted.shrink_to(2 * accepted.len());
            accepted.reserve_exact(accepted.len().max(16));
        }
        accepted.push(Arc::downgrade(carrier));
    }

    /// What was bound or connected last.
    pub(crate) const fn last(&self) -> Option<&Endpoint> {
        self.last.as_ref()
    }

    /// An endpoint is dialled no more.
    pub(crate) fn forget(&mut self, gone: &Arc<Carrier>) {
        let is_gone =
            |placed: &Placed| matches!(&placed.place, Place::Dialed(carrier, _) if Arc::ptr_eq(carrier, gone));
        self.connected.retain(|placed| !is_gone(placed));
    }

    /// Takes a place that the socket is bound to.
    pub(crate) fn take_bound(&mut self, endpoint: &str) -> Result<Place, EndpointFailed> {
        take(&mut self.bound, endpoint)
    }

    /// Takes a place that the socket is connected to.
    pub(crate) fn take_connected(&mut self, endpoint: &str) -> Result<Place, EndpointFailed> {
        take(&mut self.connected, endpoint)
    }

    /// The socket closes: takes all there is. Nothing is added any more.
    pub(crate) fn close(&mut self) -> Left {
        let places = std::mem::replace(self, Self { doors: Doors::Closed, ..Self::default() });
        let all = |placed: Vec<Placed>| placed.into_iter().map(|placed| placed.place).collect();
        Left {
            bound: all(places.bound),
            connected: all(places.connected),
            accepted: places.accepted.iter().filter_map(Weak::upgrade).collect(),
        }
    }
}

/// One place at an endpoint as it was given or as it came to be: of several the one that was made first.
fn take(places: &mut Vec<Placed>, endpoint: &str) -> Result<Place, EndpointFailed> {
    let wanted = endpoint.parse::<Endpoint>()?;
    let is_it = |placed: &Placed| placed.at == wanted || (placed.given == wanted && wanted.is_definite());
    match places.iter().position(is_it) {
        Some(found) => Ok(places.remove(found).place),
        None => Err(EndpointFailed::NotThere(endpoint.to_owned())),
    }
}
