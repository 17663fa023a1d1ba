//! Options of mechanisms and of ZAP.

use std::fmt;
use std::sync::Arc;

use crate::mechanism::curve::{KeyPair, PublicKey};
use crate::mechanism::{curve, null, plain};

/// The mechanism of a socket. Both ends of a connection have to have the same, or there is none: nobody is talked down to
/// a weaker one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Security {
    /// Neither proof nor encryption.
    #[default]
    Null,
    /// User name and password in the clear.
    Plain(Plain),
    /// Keys on both sides, and encryption.
    Curve(Curve),
}

/// The two ends of CURVE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Curve {
    /// Is known to its clients by its public key. The handler of ZAP judges each client by its.
    Server(Arc<KeyPair>),
    /// Says who it is, to the one server that it wants.
    Client(Arc<CurveClient>),
}

/// What a client of CURVE needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurveClient {
    /// The client's own keys.
    pub keys: KeyPair,
    /// The server's public key.
    pub server: PublicKey,
}

/// The two ends of PLAIN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plain {
    /// Has the handler of ZAP judge each client. Without a handler all are refused.
    Server,
    /// Says this to the server.
    Client(Login),
}

/// Which end of a mechanism that has two a socket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AsServer {
    /// The end that decides.
    Server,
    /// The other, and both ends of NULL.
    Client,
}

impl Security {
    /// CURVE, as server.
    #[must_use]
    pub fn curve_server(keys: KeyPair) -> Self {
        Self::Curve(Curve::Server(Arc::new(keys)))
    }

    /// CURVE, as client of the server with that key.
    #[must_use]
    pub fn curve_client(keys: KeyPair, server: PublicKey) -> Self {
        Self::Curve(Curve::Client(Arc::new(CurveClient { keys, server })))
    }

    /// The name of the mechanism.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Null => null::NAME,
            Self::Plain(_) => plain::NAME,
            Self::Curve(_) => curve::NAME,
        }
    }

    // spec: PLAIN-ROLE-01
    pub(crate) const fn as_server(&self) -> AsServer {
        match self {
            Self::Plain(Plain::Server) | Self::Curve(Curve::Server(_)) => AsServer::Server,
            Self::Null | Self::Plain(Plain::Client(_)) | Self::Curve(Curve::Client(_)) => AsServer::Client,
        }
    }
}

impl super::Options {
    /// Whether peers have to prove something, so that one of a version before 3.0, which cannot, is refused.
    #[must_use]
    pub fn is_guarded(&self) -> bool {
        self.security != Security::Null || self.zap_domain.is_some()
    }
}

/// User name and password, of 0 to 255 octets each. Shown without the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Login(Arc<(Vec<u8>, Vec<u8>)>);

/// A user name or a password that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected at most 255 octets, came {0}")]
pub struct LoginTooLong(pub usize);

impl Login {
    /// Checks the lengths.
    ///
    /// # Errors
    ///
    /// [`LoginTooLong`].
    pub fn new(username: impl AsRef<[u8]>, password: impl AsRef<[u8]>) -> Result<Self, LoginTooLong> {
        let (username, password) = (username.as_ref(), password.as_ref());
        match [username.len(), password.len()].into_iter().find(|octets| *octets > 255) {
            Some(octets) => Err(LoginTooLong(octets)),
            None => Ok(Self(Arc::new((username.to_vec(), password.to_vec())))),
        }
    }

    /// The user name.
    #[must_use]
    pub fn username(&self) -> &[u8] {
        &self.0.0
    }

    /// The password.
    #[must_use]
    pub fn password(&self) -> &[u8] {
        &self.0.1
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Login(\"{}\")", self.username().escape_ascii())
    }
}

/// A domain of ZAP: 1 to 255 characters of ASCII.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZapDomain(Arc<str>);

/// What is no domain of ZAP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ZapDomainError {
    /// 0 or more than 255 octets.
    #[error("expected a domain of 1 to 255 octets, came {0}")]
    Length(usize),
    /// A character outside of ASCII.
    #[error("expected a domain in ASCII")]
    NotAscii,
}

impl ZapDomain {
    /// Checks a domain.
    ///
    /// # Errors
    ///
    /// [`ZapDomainError`] for what is none.
    // spec: ZAP-REQ-04, ZAP-FIELD-11
    pub fn new(domain: &str) -> Result<Self, ZapDomainError> {
        match domain.len() {
            1..=255 if domain.is_ascii() => Ok(Self(domain.into())),
            1..=255 => Err(ZapDomainError::NotAscii),
            length => Err(ZapDomainError::Length(length)),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether NULL and CURVE need a handler of ZAP. PLAIN always does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ZapEnforcement {
    /// The handler is asked if there is one; without one everybody comes in. CURVE asks with or without a domain.
    #[default]
    Lenient,
    /// With a domain, nobody comes in without a handler that says so; without a domain, CURVE asks nobody.
    Enforced,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_has_lengths_of_an_octet_and_hides_the_password() {
        assert_eq!(Login::new([b'x'; 256], "").unwrap_err(), LoginTooLong(256));
        assert_eq!(Login::new("", [b'x'; 257]).unwrap_err(), LoginTooLong(257));
        let login = Login::new("admin", "secret").unwrap();
        assert_eq!((login.username(), login.password()), (&b"admin"[..], &b"secret"[..]));
        assert_eq!(format!("{login:?}"), "Login(\"admin\")");
    }

    // spec: ZAP-REQ-04, ZAP-FIELD-11
    #[test]
    fn a_domain_is_1_to_255_characters_of_ascii() {
        assert_eq!(ZapDomain::new(""), Err(ZapDomainError::Length(0)));
        assert_eq!(ZapDomain::new(&"x".repeat(256)), Err(ZapDomainError::Length(256)));
        assert_eq!(ZapDomain::new("ä"), Err(ZapDomainError::NotAscii));
        assert_eq!(ZapDomain::new(&"x".repeat(255)).unwrap().as_str().len(), 255);
    }
}
