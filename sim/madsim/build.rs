//! Hides what madsim defines of libc in the executables of this crate, its tests and benches. Whoever makes an executable of
//! its own with this crate does the same, as zmqspec's build.rs.

use std::env;
use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        let map = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap_or_default()).join("libc.map");
        println!("cargo::rerun-if-changed={}", map.display());
        println!("cargo::rustc-link-arg=-Wl,--version-script={}", map.display());
    }
}
