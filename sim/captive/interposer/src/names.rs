//! Names and interfaces: nothing outside of the run is asked. Numbers are what they are, `localhost` is this host, and
//! all other names are those that the run was told.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::collections::BTreeMap;

use crate::address;
use crate::baton;
use crate::real;
use crate::sys::{AF_INET, AF_INET6, AddrInfo, IfAddrs, SOCK_STREAM};
use crate::trace::{Call, digest};

#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) table: BTreeMap<String, Vec<IpAddr>>,
}

const EAI_NONAME: c_int = -2;
const EAI_SERVICE: c_int = -8;
const EAI_MEMORY: c_int = -10;
const AI_PASSIVE: c_int = 1;
const AI_NUMERICHOST: c_int = 4;
const NI_NUMERICHOST: c_int = 1;
const NI_NUMERICSERV: c_int = 2;

unsafe extern "C" {
    fn calloc(count: usize, size: usize) -> *mut c_void;
}

impl Names {
    fn resolve(&self, name: &str, numeric_only: bool) -> Vec<IpAddr> {
        if let Ok(ip) = name.parse() {
            return vec![ip];
        }
        if numeric_only {
            return Vec::new();
        }
        match self.table.get(name) {
            Some(known) => known.clone(),
            None if name == "localhost" => vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)],
            None => Vec::new(),
        }
    }
}

/// # Safety
///
/// A string that ends with a zero octet, or null.
unsafe fn text(from: *const c_char) -> Option<String> {
    // SAFETY: as the caller vouches for.
    (!from.is_null()).then(|| unsafe { CStr::from_ptr(from) }.to_string_lossy().into_owned())
}

/// Allocates as the C library does, so that its `freeaddrinfo` frees it: structure and address in one block.
fn allocate(hints: &AddrInfo, address: SocketAddr, next: *mut AddrInfo) -> *mut AddrInfo {
    let octets = address::of_inet(address);
    // SAFETY: a size that is not zero.
    let block = unsafe { calloc(1, size_of::<AddrInfo>() + octets.len()) }.cast::<AddrInfo>();
    if block.is_null() {
        return block;
    }
    let socktype = if hints.socktype == 0 { SOCK_STREAM } else { hints.socktype };
    // SAFETY: a block of that size, aligned for any type.
    unsafe {
        let place = block.add(1).cast::<u8>();
        core::ptr::copy_nonoverlapping(octets.as_ptr(), place, octets.len());
        *block = AddrInfo {
            flags: hints.flags,
            family: i32::from(address::family(&octets)),
            socktype,
            protocol: if socktype == SOCK_STREAM { 6 } else { 17 },
            addrlen: u32::try_from(octets.len()).unwrap_or(0),
            addr: place,
            canonname: core::ptr::null_mut(),
            next,
        };
    }
    block
}

#[unsafe(no_mangle)]
unsafe extern "C" fn getaddrinfo(
    node: *const c_char,
    service: *const c_char,
    hints: *const AddrInfo,
    found: *mut *mut AddrInfo,
) -> c_int {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::getaddrinfo(node, service, hints, found) };
    };
    holder.point();
    let nothing = core::ptr::null_mut();
    let none = AddrInfo {
        flags: 0,
        family: 0,
        socktype: 0,
        protocol: 0,
        addrlen: 0,
        addr: core::ptr::null_mut(),
        canonname: core::ptr::null_mut(),
        next: nothing,
    };
    // SAFETY: the caller's pointers.
    let (hints, node, service) = unsafe { (hints.as_ref().copied().unwrap_or(none), text(node), text(service)) };
    let me = holder.me();
    let octets = digest(node.as_deref().unwrap_or_default().as_bytes());
    let Ok(port) = service.as_deref().unwrap_or("0").parse() else { return EAI_SERVICE };
    let run = holder.run();
    let all = match node.as_deref() {
        None if hints.flags & AI_PASSIVE != 0 => {
            vec![IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)]
        }
        None => vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)],
        Some(name) => run.names.resolve(name, hints.flags & AI_NUMERICHOST != 0),
    };
    let wanted = |ip: &&IpAddr| match hints.family {
        family if family == i32::from(AF_INET) => ip.is_ipv4(),
        family if family == i32::from(AF_INET6) => ip.is_ipv6(),
        _ => true,
    };
    let all: Vec<IpAddr> = all.iter().filter(wanted).copied().collect();
    run.note(me, Call::Names, 0, i64::try_from(all.len()).unwrap_or(0), octets);
    if all.is_empty() {
        return EAI_NONAME;
    }
    let mut chain = nothing;
    for ip in all.into_iter().rev() {
        chain = allocate(&hints, SocketAddr::new(ip, port), chain);
        if chain.is_null() {
            return EAI_MEMORY;
        }
    }
    // SAFETY: the caller's place.
    unsafe { *found = chain };
    0
}

/// Addresses are shown as numbers.
#[unsafe(no_mangle)]
unsafe extern "C" fn getnameinfo(
    from: *const u8,
    len: u32,
    host: *mut c_char,
    host_len: u32,
    service: *mut c_char,
    service_len: u32,
    flags: c_int,
) -> c_int {
    let numbers = if baton::enter().is_some() { NI_NUMERICHOST | NI_NUMERICSERV } else { 0 };
    // SAFETY: the caller's call, which asks nobody for names if that is said.
    unsafe { real::getnameinfo(from, len, host, host_len, service, service_len, flags | numbers) }
}

/// A host of a run has its loopback interface. One block, as the C library's `freeifaddrs` frees one.
#[unsafe(no_mangle)]
unsafe extern "C" fn getifaddrs(found: *mut *mut IfAddrs) -> c_int {
    #[repr(C)]
    struct Block {
        head: IfAddrs,
        name: [u8; 8],
        address: [u8; 16],
        mask: [u8; 16],
    }
    if baton::enter().is_none() {
        // SAFETY: the caller's call.
        return unsafe { real::getifaddrs(found) };
    }
    let of = |ip| <[u8; 16]>::try_from(address::of_inet(SocketAddr::new(IpAddr::V4(ip), 0))).unwrap_or_default();
    // SAFETY: a size that is not zero; the block is written before it is given away.
    unsafe {
        let block = calloc(1, size_of::<Block>()).cast::<Block>();
        if block.is_null() {
            return -1;
        }
        let nothing: *mut c_void = core::ptr::null_mut();
        block.write(Block {
            head: IfAddrs {
                next: nothing.cast(),
                name: (&raw mut (*block).name).cast(),
                // Up, loopback, running.
                flags: 0x49,
                addr: (&raw mut (*block).address).cast(),
                netmask: (&raw mut (*block).mask).cast(),
                broadcast: nothing.cast(),
                data: nothing,
            },
            name: *b"lo\0\0\0\0\0\0",
            address: of(Ipv4Addr::LOCALHOST),
            mask: of(Ipv4Addr::new(255, 0, 0, 0)),
        });
        *found = block.cast();
    }
    0
}
