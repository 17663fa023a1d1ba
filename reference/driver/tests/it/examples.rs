//! The programs of `examples/` do what they say, which they check themselves, and come to an end.

use std::collections::BTreeSet;
use std::error::Error;
use std::sync::mpsc;
use std::time::Duration;

/// Each takes less than two seconds on a machine that has nothing else to do.
const AT_MOST: Duration = Duration::from_secs(60);

macro_rules! run {
    ($($name:ident in $file:literal,)*) => {
        $(
            #[path = $file]
            mod $name;
        )*

        mod runs {
            $(
                #[test]
                fn $name() {
                    super::comes_to_an_end(super::$name::main);
                }
            )*
        }

        const ALL: &[&str] = &[$($file),*];
    };
}

run! {
    broker in "../../examples/broker.rs",
    curve_zap in "../../examples/curve_zap.rs",
    devices in "../../examples/devices.rs",
    hello_world in "../../examples/hello_world.rs",
    last_value in "../../examples/last_value.rs",
    lazy_pirate in "../../examples/lazy_pirate.rs",
    majordomo in "../../examples/majordomo.rs",
    pipeline in "../../examples/pipeline.rs",
    weather in "../../examples/weather.rs",
}

fn comes_to_an_end(main: fn() -> Result<(), Box<dyn Error + Send + Sync>>) {
    let (tell, ended) = mpsc::channel();
    std::thread::spawn(move || tell.send(main()));
    ended.recv_timeout(AT_MOST).expect("it ends in time, and does not panic").unwrap();
}

/// No example is left out here, or in the table of the book.
#[test]
fn every_example_is_run_and_in_the_book() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let files = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let there: BTreeSet<_> = files.map(|name| format!("../../examples/{name}")).collect();
    assert_eq!(there, ALL.iter().map(|&file| file.to_owned()).collect());
    let book = include_str!("../../../../docs/src/reference.md");
    for file in ALL {
        let name = file.rsplit('/').next().unwrap().trim_end_matches(".rs");
        assert!(book.contains(&format!("| `{name}` |")), "{name} is not in the table of docs/src/reference.md");
    }
}
