//! Errors of libzmq's calls: the errno's number, its name, and the library's own words.

use std::fmt;

use rustix::io::Errno;

/// A call of libzmq failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The function, for example `zmq_bind`.
    pub call: &'static str,
    /// The errno that `zmq_errno` gave.
    pub number: i32,
    /// What `zmq_strerror` says of it.
    pub text: String,
}

impl Error {
    /// The errno's name, for example `EAGAIN`; empty if this crate does not know the number.
    #[must_use]
    pub fn name(&self) -> &'static str {
        NAMES.iter().find(|(number, _)| *number == self.number).map_or("", |(_, name)| name)
    }

    /// Whether this is the errno of that name.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        !name.is_empty() && self.name() == name
    }

    /// An `EINVAL` found before the library was asked.
    pub(crate) fn invalid(call: &'static str, text: &str) -> Self {
        Self { call, number: Errno::INVAL.raw_os_error(), text: text.to_owned() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.call, self.text)?;
        match self.name() {
            "" => write!(f, " (errno {})", self.number),
            name => write!(f, " ({name})"),
        }
    }
}

impl std::error::Error for Error {}

/// Where libzmq puts the numbers that its platform lacks.
const BASE: i32 = 156_384_712;

/// Numbers of the platform first, then libzmq's own.
const NAMES: &[(i32, &str)] = &[
    (Errno::AGAIN.raw_os_error(), "EAGAIN"),
    (Errno::INTR.raw_os_error(), "EINTR"),
    (Errno::INVAL.raw_os_error(), "EINVAL"),
    (Errno::NOTSOCK.raw_os_error(), "ENOTSOCK"),
    (Errno::HOSTUNREACH.raw_os_error(), "EHOSTUNREACH"),
    (Errno::NOTSUP.raw_os_error(), "ENOTSUP"),
    (Errno::PROTONOSUPPORT.raw_os_error(), "EPROTONOSUPPORT"),
    (Errno::ADDRINUSE.raw_os_error(), "EADDRINUSE"),
    (Errno::ADDRNOTAVAIL.raw_os_error(), "EADDRNOTAVAIL"),
    (Errno::AFNOSUPPORT.raw_os_error(), "EAFNOSUPPORT"),
    (Errno::MSGSIZE.raw_os_error(), "EMSGSIZE"),
    (Errno::NODEV.raw_os_error(), "ENODEV"),
    (Errno::NOENT.raw_os_error(), "ENOENT"),
    (Errno::NOMEM.raw_os_error(), "ENOMEM"),
    (Errno::NOBUFS.raw_os_error(), "ENOBUFS"),
    (Errno::MFILE.raw_os_error(), "EMFILE"),
    (Errno::ACCESS.raw_os_error(), "EACCES"),
    (Errno::PERM.raw_os_error(), "EPERM"),
    (Errno::FAULT.raw_os_error(), "EFAULT"),
    (Errno::PIPE.raw_os_error(), "EPIPE"),
    (Errno::NAMETOOLONG.raw_os_error(), "ENAMETOOLONG"),
    (Errno::NETDOWN.raw_os_error(), "ENETDOWN"),
    (Errno::NETUNREACH.raw_os_error(), "ENETUNREACH"),
    (Errno::NETRESET.raw_os_error(), "ENETRESET"),
    (Errno::CONNREFUSED.raw_os_error(), "ECONNREFUSED"),
    (Errno::CONNRESET.raw_os_error(), "ECONNRESET"),
    (Errno::CONNABORTED.raw_os_error(), "ECONNABORTED"),
    (Errno::NOTCONN.raw_os_error(), "ENOTCONN"),
    (Errno::TIMEDOUT.raw_os_error(), "ETIMEDOUT"),
    (Errno::INPROGRESS.raw_os_error(), "EINPROGRESS"),
    (BASE + 51, "EFSM"),
    (BASE + 52, "ENOCOMPATPROTO"),
    (BASE + 53, "ETERM"),
    (BASE + 54, "EMTHREAD"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_its_errno_and_the_call() {
        let error = Error { call: "zmq_send", number: BASE + 51, text: "not now".into() };
        assert_eq!(error.to_string(), "zmq_send: not now (EFSM)");
        assert!(error.is("EFSM"));
    }

    #[test]
    fn an_unknown_number_stands_as_a_number_and_has_no_name() {
        let error = Error { call: "zmq_send", number: 99_999, text: "odd".into() };
        assert_eq!(error.to_string(), "zmq_send: odd (errno 99999)");
        assert!(!error.is(""));
    }
}
