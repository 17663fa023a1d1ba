//! Options that only some patterns have. Each holds for the whole socket, from the next call on.

use crate::frame::Frame;

/// Options that only some patterns have. All are off, and nothing is subscribed to, until they are set; they may be set
/// at any time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatternOption {
    /// SUB: wants messages whose first part begins with this. XPUB with [`PatternOption::XPubManual`]: the peer whose
    /// message was received last gets them from here on; if it is gone, nothing happens.
    Subscribe(Vec<u8>),
    /// SUB: takes one subscription back. XPUB with [`PatternOption::XPubManual`]: takes one of that peer back.
    Unsubscribe(Vec<u8>),
    /// ROUTER: messages to nobody are refused instead of dropped, and those for which there is no room wait or, in calls
    /// that do not wait, are refused (adjudication A57).
    RouterMandatory(Switch),
    /// ROUTER: a peer that comes with the routing id of another takes it over, instead of being refused.
    RouterHandover(Switch),
    /// ROUTER: what the peer is called to which the socket connects next, whatever it says; 1 to 255 octets.
    ConnectRoutingId(Frame),
    /// REQ: a request may be sent before the reply to the last one has come, which is given up then. Without
    /// [`PatternOption::ReqCorrelate`] a late reply to it may pass for that to a later request to the same peer.
    ReqRelaxed(Switch),
    /// REQ: each request has a number of four octets in a frame before the delimiter, and only what comes behind that
    /// number is its reply. Holds for the requests that are sent from here on.
    ReqCorrelate(Switch),
    /// XPUB: passes on every subscription and cancellation, or only those that change what is published.
    XPubVerbosity(Verbosity),
    /// XPUB: subscriptions take effect by themselves, or when the application says so. What takes effect already stays.
    XPubManual(Manual),
    /// PUB, XPUB: a message waits until everybody who wants it has room, instead of being dropped for those who have none.
    NoDrop(Switch),
    /// PUB, XPUB, XSUB: of a message only the first part may be a subscription or cancellation. Otherwise each part is, up to
    /// the first that is none; the rest is a message.
    OnlyFirstSubscribe(Switch),
    /// PUB, XPUB, SUB, XSUB: messages go to those who did *not* subscribe to them. Has to be set at both ends: a SUB drops
    /// what it did not ask for. At an XSUB, which receives whatever comes, it changes nothing.
    InvertMatching(Switch),
    /// XSUB: tells publishers each subscription and cancellation, not only the first and the last of a topic.
    XSubVerboseUnsubscribe(Switch),
}

/// Whether something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Switch {
    /// It is.
    On,
    /// It is not.
    #[default]
    Off,
}

/// Which subscriptions and cancellations an XPUB passes on to its application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verbosity {
    /// The first subscription to a topic and the last cancellation.
    #[default]
    Changes,
    /// Every subscription, and the last cancellation.
    Subscriptions,
    /// Every one of both.
    Everything,
}

/// What subscriptions are to an XPUB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Manual {
    /// They take effect by themselves.
    #[default]
    Off,
    /// They are requests, every one of which the application receives. [`PatternOption::Subscribe`] grants, to the peer
    /// that asked last, what the application likes.
    On,
    /// As [`Manual::On`]; and the first message that is sent after a subscription was received goes to that peer alone, if
    /// it matches: for a last value that the others have already.
    LastValue,
}

/// The pattern does not have the option.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sockets of this type do not have the option")]
pub struct Unsupported;
