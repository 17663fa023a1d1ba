//! The table of clauses has those that oracles name.

use std::collections::BTreeSet;
use std::path::Path;

use crate::oracle::ALWAYS;

/// Whether a text looks like the id of a clause: `ZMTP31-SEM-07`.
fn is_id(text: &str) -> bool {
    let number = text.rsplit('-').next().unwrap_or_default();
    text.contains('-')
        && number.len() == 2
        && number.bytes().all(|octet| octet.is_ascii_digit())
        && text.bytes().all(|octet| octet.is_ascii_uppercase() || octet.is_ascii_digit() || octet == b'-')
}

#[test]
fn the_table_has_what_oracles_name() {
    let mut named = BTreeSet::new();
    for file in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/oracle")).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() && !path.ends_with("mod.rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            named.extend(text.split('"').filter(|text| is_id(text)).map(str::to_owned));
        }
    }
    let named: Vec<&str> = named.iter().map(String::as_str).collect();
    assert_eq!(named, ALWAYS);
}
