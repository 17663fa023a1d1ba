//! JeroMQ, which speaks ZMTP 2.0: the package of Debian and our own `Peer.java`, which is compiled here.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::peers::{JEROMQ, Peer};

/// Where the package `libjeromq-java` puts it.
const JAR: &str = "/usr/share/java/jeromq.jar";

/// Compiles the peer into `target`.
///
/// # Errors
///
/// Says what is missing: the package, or a JDK.
pub(crate) fn build(workspace: &Path, target: &Path) -> Result<Peer, String> {
    if !Path::new(JAR).is_file() {
        return Err(format!("there is no {JAR} (package libjeromq-java)"));
    }
    let mut compile = Command::new("javac");
    compile.args(["-Xlint:all", "-Werror", "-cp", JAR, "-d"]).arg(target).arg(workspace.join("jeromq/Peer.java"));
    let done = compile.output().map_err(|error| format!("javac (package default-jdk-headless): {error}"))?;
    if !done.status.success() {
        return Err(format!("javac: {}", String::from_utf8_lossy(&done.stderr).trim()));
    }
    let mut path = OsString::from(target);
    path.push(":");
    path.push(JAR);
    // A scene is short: what makes a virtual machine start soon counts for more than what makes it quick.
    let before = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-cp"].map(OsString::from);
    Ok(Peer {
        name: JEROMQ.into(),
        program: PathBuf::from("java"),
        before: before.into_iter().chain([path, "Peer".into()]).collect(),
        arguments: Vec::new(),
        sender: "is not measured",
    })
}
