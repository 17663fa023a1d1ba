//! Plans carried out by the shipped async library under madsim.
//!
//! madsim chooses which ready task runs next, and tells when none is; that is all. Time, hosts and what lies between them
//! are the `zmq_world::World`'s: madsim's own clock is a mere detector of idleness, its network is not used.
//!
//! A user's own programs run on the hosts of a plan, with the library that ships and whatever else is async and asks neither
//! the system for the time nor for anything random:
//!
//! ```
//! use std::time::Duration;
//!
//! use zmq_reference::{Context, SocketType};
//! use zmq_sim::engine::{Ending, Recording};
//! use zmq_sim_library::app::{Apps, Host};
//!
//! async fn server(context: Context, _: Host) {
//!     let socket = context.socket(SocketType::Rep).unwrap();
//!     socket.bind("tcp://*:5555").await.unwrap();
//!     let question = socket.recv().await.unwrap();
//!     socket.send(question).await.unwrap();
//! }
//!
//! async fn client(context: Context, host: Host) {
//!     host.sleep(Duration::from_secs(3600)).await; // takes no time
//!     let socket = context.socket(SocketType::Req).unwrap();
//!     socket.connect("tcp://server:5555").unwrap(); // by the name of the host
//!     socket.send("hello").await.unwrap();
//!     assert_eq!(socket.recv().await.unwrap().first(), &"hello");
//! }
//!
//! let plan = r#"
//!     title = "a partition in the middle of it"
//!     seed = 7
//!     limit = "2h"
//!     heal = "90m"
//!     host = [{ name = "server" }, { name = "client" }]
//!     [[fault]]
//!     at = "3600s"
//!     for = "30s"
//!     what = { partition = { between = ["server", "client"] } }
//! "#;
//! let plan = toml::from_str(plan).unwrap();
//! let apps = Apps::new().on("server", server).on("client", client);
//! let run = zmq_sim_madsim::engine().run_with(&plan, &apps, Recording::History);
//! assert_eq!(run.ending, Ending::Finished);
//! ```

#[cfg(not(any(madsim, doc)))]
compile_error!(
    "zmq-sim-madsim needs --cfg madsim, for all crates. In this repository .cargo/config.toml says so, but RUSTFLAGS of the \
     environment replaces that, and `cargo install --git` does not read it. Expected one of: \
     RUSTFLAGS=\"--cfg madsim\" (added to what is in it), \
     --config 'target.\"cfg(all())\".rustflags=[\"--cfg\",\"madsim\"]', \
     or a build without this crate (zmqspec leaves it out by itself)."
);

#[cfg(any(madsim, doc))]
mod simulator;

#[cfg(any(madsim, doc))]
pub use simulator::{Madsim, engine};
