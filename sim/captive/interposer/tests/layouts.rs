//! Layouts that this crate writes down for itself, held against those of `libc`.

use zmq_captive_interposer::sys;

macro_rules! alike {
    ($($ours:ident = $theirs:ident { $($field:ident = $name:ident),* };)*) => { $(
        assert_eq!(size_of::<sys::$ours>(), size_of::<libc::$theirs>(), stringify!($ours));
        assert_eq!(align_of::<sys::$ours>(), align_of::<libc::$theirs>(), stringify!($ours));
        $(assert_eq!(
            core::mem::offset_of!(sys::$ours, $field),
            core::mem::offset_of!(libc::$theirs, $name),
            concat!(stringify!($ours), ".", stringify!($field))
        );)*
    )* };
}

#[test]
fn structures_lie_as_the_system_has_them() {
    alike! {
        PollFd = pollfd { fd = fd, events = events, revents = revents };
        EpollEvent = epoll_event { events = events, data = u64 };
        Timespec = timespec { sec = tv_sec, nsec = tv_nsec };
        Timeval = timeval { sec = tv_sec, usec = tv_usec };
        IoVec = iovec { base = iov_base, len = iov_len };
        MsgHdr = msghdr { name = msg_name, namelen = msg_namelen, iov = msg_iov, iovlen = msg_iovlen,
            control = msg_control, controllen = msg_controllen, flags = msg_flags };
        AddrInfo = addrinfo { flags = ai_flags, family = ai_family, socktype = ai_socktype, protocol = ai_protocol,
            addrlen = ai_addrlen, addr = ai_addr, canonname = ai_canonname, next = ai_next };
        IfAddrs = ifaddrs { next = ifa_next, name = ifa_name, flags = ifa_flags, addr = ifa_addr,
            netmask = ifa_netmask, broadcast = ifa_ifu, data = ifa_data };
        SigAction = sigaction { handler = sa_sigaction, mask = sa_mask, flags = sa_flags, restorer = sa_restorer };
    }
    let registers =
        core::mem::offset_of!(libc::ucontext_t, uc_mcontext) + core::mem::offset_of!(libc::mcontext_t, gregs);
    assert_eq!(core::mem::offset_of!(sys::UContext, gregs), registers);
}
