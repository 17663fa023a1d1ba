//! What a session does for peers of ZMTP 1.0, and for those that speak no ZMTP.

use super::{Ending, Session, Told};
use crate::frame::Frame;
use crate::pattern::table::Direction;
use crate::socket::Change;

impl Session {
    /// Subscribers of 1.0 take everything and choose for themselves: they need not say that they want it.
    // spec: ZMTP10-BCAST-01, ZMTP10-BCAST-03
    pub(super) fn on_ready_1_0(&mut self) -> Result<(), Ending> {
        match self.shared.socket_type().rules().subscriptions {
            Direction::FromPeer => self.on_change(&Change::Subscribe(Frame::EMPTY)),
            Direction::None | Direction::ToPeer => Ok(()),
        }
    }

    /// An empty message says that the link is there, another that it is gone. Where there is no room for the first there
    /// is neither: connections that come and go cost no more memory than messages do.
    pub(super) fn tell_connected(&mut self) {
        if let Some(ends) = &mut self.ends
            && self.options.stream_notify
            && ends.inbound.has_room()
        {
            ends.inbound.write(Frame::EMPTY);
            self.told = Told::Connected;
        }
    }
}
