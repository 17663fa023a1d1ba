//! Hides what madsim defines of libc, where it is in the executable: a libzmq that is loaded beside it binds to libc's.

use std::env;
use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let of = |name: &str| env::var(name).unwrap_or_default();
    let has_madsim = env::var_os("CARGO_CFG_MADSIM").is_some() && env::var_os("CARGO_FEATURE_MADSIM").is_some();
    if has_madsim && of("CARGO_CFG_TARGET_OS") == "linux" {
        let map = Path::new(&of("CARGO_MANIFEST_DIR")).join("../sim/madsim/libc.map");
        println!("cargo::rerun-if-changed={}", map.display());
        println!("cargo::rustc-link-arg=-Wl,--version-script={}", map.display());
    }
}
