//! The C functions, looked up once when the library is opened.

use std::ffi::{c_char, c_int, c_long, c_void};

use libloading::os::unix::Library as Handle;

/// `zmq_msg_t`: opaque, 64 bytes since 4.1 (32 before), aligned like a pointer.
#[repr(C, align(8))]
pub(crate) struct RawMessage(pub(crate) [u8; 64]);

type Plain = unsafe extern "C" fn(*mut c_void) -> c_int;
type OnEndpoint = unsafe extern "C" fn(*mut c_void, *const c_char) -> c_int;
type OnMessage = unsafe extern "C" fn(*mut RawMessage) -> c_int;

/// Every function that this crate calls. Those that some supported version lacks are optional.
pub(crate) struct Symbols {
    pub(crate) version: unsafe extern "C" fn(*mut c_int, *mut c_int, *mut c_int),
    pub(crate) errno: unsafe extern "C" fn() -> c_int,
    pub(crate) strerror: unsafe extern "C" fn(c_int) -> *const c_char,
    pub(crate) ctx_new: unsafe extern "C" fn() -> *mut c_void,
    pub(crate) ctx_set: unsafe extern "C" fn(*mut c_void, c_int, c_int) -> c_int,
    pub(crate) ctx_get: unsafe extern "C" fn(*mut c_void, c_int) -> c_int,
    pub(crate) ctx_term: Plain,
    pub(crate) ctx_shutdown: Plain,
    pub(crate) socket: unsafe extern "C" fn(*mut c_void, c_int) -> *mut c_void,
    pub(crate) close: Plain,
    pub(crate) setsockopt: unsafe extern "C" fn(*mut c_void, c_int, *const c_void, usize) -> c_int,
    pub(crate) getsockopt: unsafe extern "C" fn(*mut c_void, c_int, *mut c_void, *mut usize) -> c_int,
    pub(crate) bind: OnEndpoint,
    pub(crate) connect: OnEndpoint,
    pub(crate) unbind: OnEndpoint,
    pub(crate) disconnect: OnEndpoint,
    pub(crate) send: unsafe extern "C" fn(*mut c_void, *const c_void, usize, c_int) -> c_int,
    pub(crate) msg_init: OnMessage,
    pub(crate) msg_recv: unsafe extern "C" fn(*mut RawMessage, *mut c_void, c_int) -> c_int,
    pub(crate) msg_close: OnMessage,
    pub(crate) msg_data: unsafe extern "C" fn(*mut RawMessage) -> *mut c_void,
    pub(crate) msg_size: unsafe extern "C" fn(*const RawMessage) -> usize,
    pub(crate) msg_more: unsafe extern "C" fn(*const RawMessage) -> c_int,
    pub(crate) socket_monitor: unsafe extern "C" fn(*mut c_void, *const c_char, c_int) -> c_int,
    pub(crate) poll: unsafe extern "C" fn(*mut PollItem, c_int, c_long) -> c_int,
    pub(crate) has: Option<unsafe extern "C" fn(*const c_char) -> c_int>,
    pub(crate) msg_gets: Option<unsafe extern "C" fn(*const RawMessage, *const c_char) -> *const c_char>,
}

/// `zmq_pollitem_t`.
#[repr(C)]
pub(crate) struct PollItem {
    pub(crate) socket: *mut c_void,
    pub(crate) fd: c_int,
    pub(crate) events: i16,
    pub(crate) revents: i16,
}

impl Symbols {
    /// Looks every function up. The error is the name of the first required one that is missing.
    ///
    /// # Safety
    ///
    /// If the library defines these names, they must have libzmq's signatures.
    pub(crate) unsafe fn load(library: &Handle) -> Result<Self, &'static str> {
        macro_rules! symbol {
            ($name:literal) => {{
                // SAFETY: the caller vouches for the signatures.
                let found = unsafe { find(library, concat!($name, "\0")) };
                found.ok_or($name)?
            }};
        }
        // SAFETY: the caller vouches for the signatures.
        let (has, msg_gets) = unsafe { (find(library, "zmq_has\0"), find(library, "zmq_msg_gets\0")) };
        Ok(Self {
            version: symbol!("zmq_version"),
            errno: symbol!("zmq_errno"),
            strerror: symbol!("zmq_strerror"),
            ctx_new: symbol!("zmq_ctx_new"),
            ctx_set: symbol!("zmq_ctx_set"),
            ctx_get: symbol!("zmq_ctx_get"),
            ctx_term: symbol!("zmq_ctx_term"),
            ctx_shutdown: symbol!("zmq_ctx_shutdown"),
            socket: symbol!("zmq_socket"),
            close: symbol!("zmq_close"),
            setsockopt: symbol!("zmq_setsockopt"),
            getsockopt: symbol!("zmq_getsockopt"),
            bind: symbol!("zmq_bind"),
            connect: symbol!("zmq_connect"),
            unbind: symbol!("zmq_unbind"),
            disconnect: symbol!("zmq_disconnect"),
            send: symbol!("zmq_send"),
            msg_init: symbol!("zmq_msg_init"),
            msg_recv: symbol!("zmq_msg_recv"),
            msg_close: symbol!("zmq_msg_close"),
            msg_data: symbol!("zmq_msg_data"),
            msg_size: symbol!("zmq_msg_size"),
            msg_more: symbol!("zmq_msg_more"),
            socket_monitor: symbol!("zmq_socket_monitor"),
            poll: symbol!("zmq_poll"),
            has,
            msg_gets,
        })
    }
}

/// The symbol as a function pointer, or `None` if the library does not define it.
///
/// # Safety
///
/// `T` must be the function's type; `name` must end with a NUL.
unsafe fn find<T: Copy>(library: &Handle, name: &'static str) -> Option<T> {
    // SAFETY: the caller vouches for the type.
    unsafe { library.get::<T>(name.as_bytes()) }.ok().map(|symbol| *symbol)
}
