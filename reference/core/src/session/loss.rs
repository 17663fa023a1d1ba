//! A session is over: what becomes of the peer's pipes, and what the application is told.

use super::{Ends, Origin, Session, Told};
use crate::frame::Frame;
use crate::pattern::table::{Direction, SocketType};
use crate::socket::{Change, Interests};

impl Session {
    /// Ends the session; gives back the pipes of a peer that was connected to, for its next connection.
    #[must_use]
    pub fn into_ends(mut self) -> Option<Ends> {
        let mut ends = self.ends.take()?;
        ends.forget_halves(self.half_sent);
        self.tell_of_loss(&mut ends);
        let peer = ends.peer();
        match self.shared.socket_type().rules().subscriptions {
            Direction::None => {}
            Direction::ToPeer => self.shared.wanted().link_gone(peer),
            Direction::FromPeer => {
                let gone = self.shared.interests().forget(peer);
                if self.shared.socket_type() == SocketType::XPub {
                    for topic in gone {
                        ends.inbound.write(Interests::notice(&Change::Cancel(topic)));
                    }
                }
            }
        }
        ends.tell_application();
        Some(ends)
    }

    /// What the application is told by messages of a connection that was lost, if it was not closed by us.
    fn tell_of_loss(&self, ends: &mut Ends) {
        if self.peer.is_none() || self.stopping || self.shared.has_ended() || ends.is_superseded() {
            return;
        }
        if self.told == Told::Connected {
            ends.inbound.write(Frame::EMPTY);
        }
        let socket_type = self.shared.socket_type();
        if socket_type == SocketType::Router && self.options.router_notify.disconnects {
            ends.inbound.write(Frame::EMPTY);
        }
        let message = match self.origin {
            Origin::Accepted => self.options.disconnect_message(socket_type),
            Origin::Dialed => self.options.hiccup_message(socket_type),
        };
        if let Some(message) = message {
            ends.inbound.write(message);
        }
    }
}
