//! Saved plans that once failed, or that show what is lost by right: each is carried out, and has to come out as its
//! header says.

use std::fs;
use std::path::{Path, PathBuf};

use zmq_sim::bare::Bare;
use zmq_sim::engine::{Engine, Recording};
use zmq_sim::saved::{Expected, Saved};
use zmq_sim::trial::Trial;

fn saved() -> Vec<(PathBuf, Saved)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions");
    let entries = fs::read_dir(folder).expect("the folder is there");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("it can be read").path()).collect();
    files.sort();
    let toml = files.into_iter().filter(|file| file.extension().is_some_and(|extension| extension == "toml"));
    toml.map(|file| {
        let saved = Saved::read(&fs::read_to_string(&file).expect("files of the folder can be read"));
        let saved = saved.unwrap_or_else(|why| panic!("{}: {why}", file.display()));
        (file, saved)
    })
    .collect()
}

/// What is other than the header says.
fn replayed(engine: &dyn Engine, saved: &Saved) -> Result<(), String> {
    if let Some(lacks) = engine.lacks(&saved.plan) {
        return Err(format!("the engine {} has not: {lacks}", engine.name()));
    }
    let tried = Trial::new(engine).attempt(&saved.plan, Recording::History);
    let came: Vec<String> = tried.violations.iter().map(ToString::to_string).collect();
    match &saved.expects {
        Expected::Ok if came.is_empty() => Ok(()),
        Expected::Fails(symptom) if tried.violations.iter().any(|violation| violation.symptom() == *symptom) => Ok(()),
        Expected::Ok => Err(format!("expected every promise kept, came {came:?}")),
        Expected::Fails(symptom) => Err(format!("expected {symptom}, came {came:?}")),
    }
}

#[test]
fn every_saved_plan_comes_out_as_its_header_says() {
    let all = saved();
    assert!(!all.is_empty(), "the folder was moved");
    let red: Vec<String> = all
        .iter()
        .filter(|(_, saved)| saved.engine.as_deref().is_none_or(|engine| engine == Bare.name()))
        .filter_map(|(file, saved)| replayed(&Bare, saved).err().map(|why| format!("{}: {why}", file.display())))
        .collect();
    assert!(red.is_empty(), "{}", red.join("\n"));
}

#[test]
fn a_header_that_is_wrong_is_noticed() {
    let (_, saved) = saved().into_iter().find(|(_, saved)| saved.expects != Expected::Ok).expect("one that fails");
    let why = replayed(&Bare, &Saved { expects: Expected::Ok, ..saved }).unwrap_err();
    assert!(why.starts_with("expected every promise kept, came ["), "{why}");
}
