//! Sockets against sockets and against raw peers, on real I/O.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod alone;
mod cancellation;
mod closing;
mod contexts;
mod cycles;
mod endpoints;
mod examples;
mod floods;
mod good;
mod hostile;
mod ipc;
mod lifecycle;
mod machine;
mod many;
mod monitor;
mod numbered;
mod older;
mod options;
mod patterns;
mod poller;
mod proxy;
mod raw;
mod states;
mod strangers;
mod stream;
mod zap;
