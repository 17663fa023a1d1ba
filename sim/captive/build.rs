//! Compiles the interposer, which has no dependency, by one call of the compiler: its octets travel in this crate, so
//! that an installed binary has all it needs. Elsewhere than on x86-64 Linux with glibc there is nothing to compile.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

const SOURCES: &str = "interposer/src";

fn main() {
    println!("cargo::rerun-if-changed={SOURCES}");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says where output goes")).join("interposer.so");
    let target = env::var("TARGET").expect("cargo says what is compiled for");
    if target == "x86_64-unknown-linux-gnu" {
        compile(&target, &out);
    } else {
        fs::write(&out, []).expect("the folder for output can be written to");
    }
}

fn compile(target: &str, out: &Path) {
    let rustc = env::var_os("RUSTC").expect("cargo says which compiler it uses");
    let mut command = Command::new(rustc);
    command.args(["--crate-name", "zmq_captive_interposer", "--crate-type", "cdylib", "--edition", "2024"]);
    command.args(["-C", "opt-level=3", "-C", "panic=abort", "-C", "strip=debuginfo", "--cap-lints", "allow"]);
    command.args(["--target", target]).arg("-o").arg(out).arg(Path::new(SOURCES).join("lib.rs"));
    // What a workspace's wrappers and flags are for does not concern this one file.
    let done = command.env_remove("RUSTFLAGS").status().expect("the compiler that cargo uses can be started");
    assert!(done.success(), "the interposer does not compile");
}
