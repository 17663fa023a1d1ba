//! What a session does for peers of ZMTP 1.0, and for those that speak no ZMTP.

use super::{Ending, Session, Told};
use crate::frame::Frame;
use crate::pattern::table::Direction;
use crate::socket::Change;
use crate::wire::greeting::Version;

impl Session {
    /// What the end of the handshake brings beside, by the version.
    pub(super) fn on_ready_of(&mut self, version: Option<Version>) -> Result<(), Ending> {
        match version {
            Some(Version::V1_0) => self.on_ready_1_0(),
            Some(Version::V2_0 | Version::V3_0 | Version::V3_1) => Ok(()),
            None => {
                self.tell_connected();
                Ok(())
            }
        }
    }

    /// Subscribers of 1.0 take everything and choose for themselves: they need not say that they want it.
    // spec: ZMTP10-BCAST-01, ZMTP10-BCAST-03
    fn on_ready_1_0(&mut self) -> Result<(), Ending> {
        match self.shared.socket_type().rules().subscriptions {
            Direction::FromPeer => self.on_change(&Change::Subscribe(Frame::EMPTY)),
            Direction::None | Direction::ToPeer => Ok(()),
        }
    }

    /// An empty message says that the link is there, another that it is gone. Where there is no room for the first there
    /// is neither: connections that come and go cost no more memory than messages do.
    fn tell_connected(&mut self) {
        if let Some(ends) = &mut self.ends
            && self.options.stream_notify
            && ends.inbound.has_room()
        {
            ends.inbound.write(Frame::EMPTY);
            self.told = Told::Connected;
        }
    }
}
