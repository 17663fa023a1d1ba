//! Lets one implementation, ours unless another is asked for, meet every peer in every pattern and on both sides.
//!
//!     cargo run --release -p peer-harness --bin interop -- [--subject NAME] [--peers A,B] [--pairs PATTERN]
//!         [--markdown FILE] [--page FILE] [--endpoint ENDPOINT]
//!
//! `--endpoint` is what the one that binds is given, such as `ipc://*`; without it `tcp://127.0.0.1:0`.
//!
//! `--markdown` writes the table, and `--page` expects a document to have it, so that a peer that could not be built is
//! missed too.
//!
//! A cell that fails is a finding, unless `deviations.toml` explains it; an explanation of a cell that passes is one
//! too. Exit codes: 0 as known, 1 findings, 2 usage, 4 the subject met nobody.

mod deviations;
mod matrix;
mod meet;
mod table;

use std::process::ExitCode;

use peer_harness::peers;

use deviations::Deviations;
use matrix::{Scene, scenes};
use meet::{Verdict, meet};

struct Options {
    subject: String,
    peers: Vec<String>,
    pairs: Vec<String>,
    markdown: Option<String>,
    page: Option<String>,
    /// What the one that binds is given.
    endpoint: String,
}

fn main() -> ExitCode {
    match Options::parse(std::env::args().skip(1)).and_then(|options| run(&options)) {
        Ok(code) => ExitCode::from(code),
        Err(why) => {
            eprintln!("{why}");
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options) -> Result<u8, String> {
    let known = Deviations::read()?;
    let is_subject = |name: &str| name.starts_with(options.subject.as_str());
    let is_peer = |name: &str| match &options.peers[..] {
        // Each library once: how it is driven does not change what it writes.
        [] => !name.starts_with("ours") && !name.ends_with("-local") && !name.ends_with("-threads"),
        peers => peers.iter().any(|peer| name.starts_with(peer.as_str())),
    };
    let found = peers::gather(&|name| is_subject(name) || is_peer(name));
    for remark in &found.remarks {
        eprintln!("{remark}");
    }
    let subject = found.peers.iter().find(|peer| is_subject(&peer.name));
    let subject = subject.ok_or_else(|| format!("no subject {:?}; there are: {}", options.subject, all_names()))?;
    let peers: Vec<_> = found.peers.iter().filter(|peer| is_peer(&peer.name)).collect();
    let scenes: Vec<Scene> = scenes().into_iter().filter(|scene| options.wants(scene)).collect();
    let mut rows = Vec::new();
    for scene in &scenes {
        let verdicts: Vec<Verdict> = peers.iter().map(|peer| meet(scene, subject, peer, &options.endpoint)).collect();
        rows.push((scene, verdicts));
        let (_, verdicts) = &rows[rows.len() - 1];
        println!("{scene:<44}{}", verdicts.iter().map(|verdict| format!(" {:<8}", verdict.word())).collect::<String>());
    }
    let names: Vec<&str> = peers.iter().map(|peer| peer.name.as_str()).collect();
    println!("{:<44} {}\n", "", names.join(", "));
    let table = table::markdown(&subject.name, &names, &rows, &known);
    if let Some(path) = &options.markdown {
        std::fs::write(path, &table).map_err(|error| format!("cannot write {path}: {error}"))?;
    }
    let mut met = 0;
    let mut findings = 0;
    if let Some(path) = &options.page {
        let page = std::fs::read_to_string(path).map_err(|error| format!("cannot read {path}: {error}"))?;
        if !page.contains(&table) {
            findings += 1;
            println!("{path} has another table than --markdown writes");
        }
    }
    for (scene, verdicts) in &rows {
        for (peer, verdict) in names.iter().zip(verdicts) {
            met += usize::from(!matches!(verdict, Verdict::NotThere(_)));
            if let Some(finding) = known.judge(&subject.name, peer, scene, verdict) {
                findings += 1;
                println!("{scene} with {peer}: {finding}");
            }
        }
    }
    println!("{met} cells met, {findings} findings");
    Ok(if met == 0 { 4 } else { u8::from(findings > 0) })
}

impl Options {
    fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            subject: "ours".into(),
            peers: Vec::new(),
            pairs: Vec::new(),
            markdown: None,
            page: None,
            endpoint: "tcp://127.0.0.1:0".into(),
        };
        let mut words = words;
        while let Some(word) = words.next() {
            let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
            match word.as_str() {
                "--subject" => options.subject = value,
                "--peers" => options.peers.extend(value.split(',').map(str::to_owned)),
                "--pairs" => options.pairs.push(value),
                "--markdown" => options.markdown = Some(value),
                "--page" => options.page = Some(value),
                "--endpoint" => options.endpoint = value,
                _ => {
                    let known = "--subject, --peers, --pairs, --markdown, --page, --endpoint";
                    return Err(format!("unknown option {word}; there are {known}"));
                }
            }
        }
        Ok(options)
    }

    fn wants(&self, scene: &Scene) -> bool {
        let text = scene.to_string();
        self.pairs.is_empty() || self.pairs.iter().any(|pattern| text.contains(pattern.as_str()))
    }
}

fn all_names() -> String {
    peers::names().join(", ")
}
