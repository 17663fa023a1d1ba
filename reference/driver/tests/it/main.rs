//! Sockets against sockets, on real I/O.

mod patterns;
