//! Sockets against sockets, on real I/O.

mod alone;
mod cancellation;
mod floods;
mod good;
mod hostile;
mod lifecycle;
mod many;
mod patterns;
mod raw;
