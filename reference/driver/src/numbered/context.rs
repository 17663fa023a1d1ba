//! Options of contexts by libzmq's numbers.

use super::{Kind, NumberedError};
use crate::context_options::ContextOptions;

/// The options of a context that is to be made, as libzmq's numbers set and read them.
///
/// libzmq changes a living context, and what it changes there counts for sockets and threads made later. Here a context has
/// its options from the beginning: these are collected first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberedContext {
    /// What the context is made with.
    pub options: ContextOptions,
    /// What is kept and has no effect: in libzmq `max_msgsz` has none either, `zero_copy_recv` is about its own buffers, and
    /// I/O threads have the policy and priority of the thread that makes the context.
    max_message: i32,
    zero_copy: i32,
    policy: i32,
    priority: i32,
}

/// An option of contexts.
pub struct ContextOption {
    /// Its number.
    pub number: i32,
    /// Its name in lower case, without libzmq's prefix.
    pub name: &'static str,
    /// The type of its value.
    pub kind: Kind,
    set: Option<Set>,
    get: Option<Get>,
}

type Set = fn(&mut NumberedContext, i32) -> bool;
type Get = fn(&NumberedContext) -> i32;

/// What libzmq gives as its limit of sockets: that of the system is what counts.
const SOCKET_LIMIT: i32 = 65_535;
/// The size of libzmq's `zmq_msg_t`, to which interfaces like its own are bound.
const MESSAGE_OCTETS: i32 = 64;
/// Longest name of a thread on Linux, with the zero behind it.
const PREFIX_OCTETS: usize = 16;
const THREAD_NAME_PREFIX: i32 = 9;

type Row = ContextOption;

#[rustfmt::skip]
const TABLE: &[ContextOption] = &[
    Row::both(1, "io_threads", |c, v| natural(v, 0, |n| c.options.io_threads = n), |c| int(c.options.io_threads)),
    Row::both(2, "max_sockets", |c, v| natural(v, 1, |n| c.options.max_sockets = n), |c| int(c.options.max_sockets)),
    // One number with two meanings.
    Row::both(3, "socket_limit", |c, v| kept(v, &mut c.priority), |_| SOCKET_LIMIT),
    Row::both(4, "thread_sched_policy", |c, v| kept(v, &mut c.policy), |c| c.policy),
    Row::both(5, "max_msgsz", |c, v| kept(v, &mut c.max_message), |c| c.max_message),
    Row { number: 6, name: "msg_t_size", kind: Kind::Int, set: None, get: Some(|_| MESSAGE_OCTETS) },
    Row::settable(7, "thread_affinity_cpu_add", |c, v| natural(v, 0, |cpu| {
        c.options.threads.cpus.retain(|other| *other != cpu);
        c.options.threads.cpus.push(cpu);
    })),
    Row::settable(8, "thread_affinity_cpu_remove", |c, v| {
        let place = c.options.threads.cpus.iter().position(|cpu| usize::try_from(v) == Ok(*cpu));
        place.map(|place| c.options.threads.cpus.remove(place)).is_some()
    }),
    // As a number; as text it is not in this table's form.
    Row { number: THREAD_NAME_PREFIX, name: "thread_name_prefix", kind: Kind::Text,
        set: Some(|c, v| { c.options.threads.name_prefix = v.to_string(); true }),
        get: Some(|c| c.options.threads.name_prefix.parse().unwrap_or(0)) },
    Row::both(10, "zero_copy_recv", |c, v| natural(v, 0, |n| c.zero_copy = (n != 0).into()), |c| c.zero_copy),
    Row::both(42, "ipv6", |c, v| natural(v, 0, |n| c.options.ipv6 = n != 0), |c| c.options.ipv6.into()),
    Row::both(70, "blocky", |c, v| natural(v, 0, |n| c.options.blocky = n != 0), |c| c.options.blocky.into()),
];

impl Default for NumberedContext {
    /// libzmq's.
    fn default() -> Self {
        Self { options: ContextOptions::default(), max_message: i32::MAX, zero_copy: 1, policy: -1, priority: -1 }
    }
}

impl ContextOption {
    /// Every option that there is.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        TABLE.iter()
    }

    /// Whether it can be set.
    #[must_use]
    pub const fn is_settable(&self) -> bool {
        self.set.is_some()
    }

    /// Whether it can be read.
    #[must_use]
    pub const fn is_gettable(&self) -> bool {
        self.get.is_some()
    }

    const fn both(number: i32, name: &'static str, set: Set, get: Get) -> Self {
        Self { number, name, kind: Kind::Int, set: Some(set), get: Some(get) }
    }

    const fn settable(number: i32, name: &'static str, set: Set) -> Self {
        Self { number, name, kind: Kind::Int, set: Some(set), get: None }
    }
}

impl NumberedContext {
    /// Sets an option, as `zmq_ctx_set_ext`: an int of four octets, or for `thread_name_prefix` also 1 to 16 octets of text,
    /// of which four are an int.
    ///
    /// # Errors
    ///
    /// [`NumberedError`], with libzmq's errno.
    pub fn set(&mut self, number: i32, value: &[u8]) -> Result<(), NumberedError> {
        let option = TABLE.iter().find(|option| option.number == number);
        let Some(ContextOption { name, kind, set: Some(set), .. }) = option else {
            return Err(NumberedError::Unknown(number, "set"));
        };
        let refused = |expected: &str| NumberedError::Value { name, expected: expected.to_owned() };
        if let Ok(int) = value.try_into().map(i32::from_ne_bytes) {
            return if set(self, int) { Ok(()) } else { Err(refused("an int in range")) };
        }
        if *kind == Kind::Int {
            return Err(refused("an int of 4 octets"));
        }
        let text = std::str::from_utf8(value).ok().filter(|text| (1..=PREFIX_OCTETS).contains(&text.len()));
        text.ok_or_else(|| refused("1 to 16 octets of text"))?.clone_into(&mut self.options.threads.name_prefix);
        Ok(())
    }

    /// Reads an option, as `zmq_ctx_get_ext`, into at most `capacity` octets: four of them are read as an int.
    ///
    /// # Errors
    ///
    /// [`NumberedError`], with libzmq's errno.
    pub fn get(&self, number: i32, capacity: usize) -> Result<Vec<u8>, NumberedError> {
        let option = TABLE.iter().find(|option| option.number == number);
        let Some(ContextOption { name, kind, get: Some(get), .. }) = option else {
            return Err(NumberedError::Unknown(number, "read"));
        };
        if capacity == size_of::<i32>() {
            return Ok(get(self).to_ne_bytes().to_vec());
        }
        if *kind == Kind::Int {
            return Err(NumberedError::Value { name, expected: "4 octets to read it into".to_owned() });
        }
        let prefix = self.options.threads.name_prefix.as_bytes();
        if prefix.len() > capacity {
            return Err(NumberedError::TooShort { name, takes: prefix.len() });
        }
        Ok(prefix.to_vec())
    }
}

/// Sets a number from `lowest` on; says whether it is one.
fn natural(value: i32, lowest: usize, set: impl FnOnce(usize)) -> bool {
    let number = usize::try_from(value).ok().filter(|number| *number >= lowest);
    number.map(set).is_some()
}

fn kept(value: i32, place: &mut i32) -> bool {
    natural(value, 0, |_| *place = value)
}

fn int(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_text_or_a_number() {
        let mut context = NumberedContext::default();
        assert_eq!((context.get(9, 4).unwrap(), context.get(9, 16).unwrap()), (vec![0; 4], vec![]));
        context.set(9, b"worker").unwrap();
        assert_eq!((context.get(9, 6).unwrap(), context.get(9, 4).unwrap()), (b"worker".to_vec(), vec![0; 4]));
        assert_eq!(context.get(9, 5).unwrap_err().errno(), 22);
        for refused in [&b""[..], &[b'x'; 17]] {
            assert_eq!(context.set(9, refused).unwrap_err().errno(), 22);
        }
        context.set(9, &[b'x'; 16]).unwrap();
        context.set(9, &7_i32.to_ne_bytes()).unwrap();
        assert_eq!(context.options.threads.name_prefix, "7");
        assert_eq!(context.get(9, 4).unwrap(), 7_i32.to_ne_bytes());
        assert_eq!(context.get(1, 8).unwrap_err().errno(), 22);
        assert_eq!(context.set(1, &[0; 8]).unwrap_err().errno(), 22);
    }

    #[test]
    fn numbers_reach_the_typed_options() {
        let mut context = NumberedContext::default();
        for (number, value) in [(1, 3), (2, 10), (7, 1), (7, 0), (7, 1), (42, 1), (70, 0)] {
            context.set(number, &i32::to_ne_bytes(value)).unwrap();
        }
        context.set(8, &0_i32.to_ne_bytes()).unwrap();
        assert_eq!(context.set(8, &0_i32.to_ne_bytes()).unwrap_err().errno(), 22);
        let ContextOptions { io_threads, max_sockets, blocky, ipv6, threads } = context.options;
        assert_eq!((io_threads, max_sockets, blocky, ipv6, threads.cpus), (3, 10, false, true, vec![1]));
    }
}
