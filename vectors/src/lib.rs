//! ZMTP wire vectors: octets, a verdict, and the reason for both, as data.
//!
//! The data is JSON under `data/`, described by `schema/vectors.v1.json` and usable with no code of this crate; its
//! README is the description. This crate embeds the data, loads it from a directory, and lints it.
//!
//! ```
//! let vector = zmq_vectors::find("ready/socket-type-req").expect("a permanent id");
//! assert_eq!(vector.expand()[..8], *b"\x04\x19\x05READY");
//! assert!(matches!(vector.verdict, zmq_vectors::Verdict::Valid { .. }));
//! ```

mod check;
mod lint;
mod load;
mod model;
mod octets;

use std::sync::LazyLock;

use include_dir::{Dir, include_dir};

pub use lint::{Finding, canonical, lint};
pub use load::{LoadError, load_dir, load_files, parse};
pub use model::{
    CommandMeans, Content, Delivered, Ends, Fault, File, Flag, FlagName, FrameMeans, GreetingMeans, Kind, Means,
    MessageMeans, MetadataMeans, Property, SessionMeans, Side, Step, VariantPoint, Vector, Verdict, Zmtp,
};
pub use octets::{MAX_EXPANDED, NotOctets, Octets, Run};

static DATA: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/data");

/// Ids that were used once and never will be again, one per line; `#` begins a comment.
pub const TOMBSTONES: &str = include_str!("../tombstones.txt");

static FILES: LazyLock<Vec<File>> = LazyLock::new(|| {
    embedded()
        .iter()
        .map(|(name, text)| parse(name, text).expect("a test of this crate loads every embedded file"))
        .collect()
});

static ALL: LazyLock<Vec<Vector>> = LazyLock::new(|| files().iter().flat_map(|file| file.vectors.clone()).collect());

/// Every embedded file with its definitions of flags and variants, sorted by name.
#[must_use]
pub fn files() -> &'static [File] {
    &FILES
}

/// Every embedded vector, in the order of [`files`].
#[must_use]
pub fn all() -> &'static [Vector] {
    &ALL
}

/// The embedded vector with this id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Vector> {
    all().iter().find(|vector| vector.id == id)
}

/// The embedded files as name and text, sorted by name: what [`lint`] takes.
#[must_use]
pub fn embedded() -> Vec<(String, String)> {
    let mut files: Vec<_> = DATA
        .files()
        .filter_map(|file| Some((file.path().to_str()?.to_owned(), file.contents_utf8()?.to_owned())))
        .collect();
    files.sort();
    files
}
