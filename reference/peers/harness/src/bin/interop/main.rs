//! Lets one implementation, ours unless another is asked for, meet every peer in every pattern, on both sides, with every
//! mechanism and over every transport that both have.
//!
//!     cargo run --release -p peer-harness --bin interop -- [--subject NAME] [--peers A,B] [--pairs PATTERN]
//!         [--ways null/tcp,curve] [--markdown FILE] [--page FILE] [--rewrite FILE] [--jobs N]
//!
//! `--markdown` writes the tables, `--rewrite` puts them into a document, between its marks, and `--page` expects a
//! document to have them, so that a peer that could not be built is missed too.
//!
//! A cell that fails is a finding, unless `deviations.toml` explains it; an explanation of a cell that passes is one
//! too. Exit codes: 0 as known, 1 findings, 2 usage, 4 the subject met nobody.

mod deviations;
mod matrix;
mod meet;
mod table;

use std::process::ExitCode;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use peer_harness::peers::{self, Peer};

use deviations::Deviations;
use matrix::{Scene, Way, scenes, ways};
use meet::{Verdict, meet};
use table::Met;

struct Options {
    subject: String,
    peers: Vec<String>,
    pairs: Vec<String>,
    /// Beginnings of their words; all if it is empty.
    ways: Vec<String>,
    markdown: Option<String>,
    page: Option<String>,
    rewrite: Option<String>,
    /// Meetings at the same time.
    jobs: usize,
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
    let ways: Vec<Way> = ways().into_iter().filter(|way| options.wants_way(*way)).collect();
    if scenes.is_empty() || ways.is_empty() {
        return Err("no scene and no way matches what is asked for".into());
    }
    let names: Vec<&str> = peers.iter().map(|peer| peer.name.as_str()).collect();
    let start = Instant::now();
    let mut all = Vec::new();
    for way in ways {
        println!("{way}: {}", names.join(", "));
        let met = Met { way, rows: meet_all(way, &scenes, subject, &peers, options.jobs) };
        for (scene, verdicts) in &met.rows {
            let words = verdicts.iter().map(|verdict| format!(" {:<8}", verdict.word()));
            println!("{scene:<44}{}", words.collect::<String>());
        }
        println!();
        all.push(met);
    }
    let tables = table::markdown(&subject.name, &names, &all, &known);
    let mut findings = options.write(&tables)?;
    let mut met = 0;
    for Met { way, rows } in &all {
        for (scene, verdicts) in rows {
            for (peer, verdict) in names.iter().zip(verdicts) {
                met += usize::from(verdict.is_there());
                if let Some(finding) = known.judge(&subject.name, peer, *way, scene, verdict) {
                    findings += 1;
                    println!("{way}, {scene} with {peer}: {finding}");
                }
            }
        }
    }
    println!("{met} cells met in {:.1} s, {findings} findings", start.elapsed().as_secs_f64());
    Ok(if met == 0 { 4 } else { u8::from(findings > 0) })
}

/// Some meetings at a time: of each scene, a verdict for each peer.
fn meet_all<'a>(
    way: Way,
    scenes: &'a [Scene],
    subject: &Peer,
    peers: &[&Peer],
    jobs: usize,
) -> Vec<(&'a Scene, Vec<Verdict>)> {
    let cells: Vec<(&Scene, &Peer)> =
        scenes.iter().flat_map(|scene| peers.iter().map(move |peer| (scene, *peer))).collect();
    let verdicts: Vec<OnceLock<Verdict>> = cells.iter().map(|_| OnceLock::new()).collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some((cell, verdict)) = {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    cells.get(at).zip(verdicts.get(at))
                } {
                    verdict.get_or_init(|| meet(way, cell.0, subject, cell.1));
                }
            });
        }
    });
    let mut verdicts = verdicts.into_iter().map(|verdict| verdict.into_inner().expect("each cell was somebody's"));
    scenes.iter().map(|scene| (scene, verdicts.by_ref().take(peers.len()).collect())).collect()
}

impl Options {
    fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            subject: "ours".into(),
            peers: Vec::new(),
            pairs: Vec::new(),
            ways: Vec::new(),
            markdown: None,
            page: None,
            rewrite: None,
            jobs: std::thread::available_parallelism().map_or(1, usize::from),
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
                "--rewrite" => options.rewrite = Some(value),
                "--ways" => options.ways.extend(value.split(',').map(str::to_owned)),
                "--jobs" => {
                    let jobs = value.parse().ok().filter(|&jobs: &usize| jobs > 0);
                    options.jobs = jobs.ok_or_else(|| format!("expected a number from 1 on, not {value:?}"))?;
                }
                _ => {
                    let known = "--subject, --peers, --pairs, --ways, --markdown, --page, --rewrite, --jobs";
                    return Err(format!("unknown option {word}; there are {known}"));
                }
            }
        }
        Ok(options)
    }

    /// Does with the tables what is asked for, and says how many findings that makes.
    fn write(&self, tables: &str) -> Result<usize, String> {
        let read =
            |path: &String| std::fs::read_to_string(path).map_err(|error| format!("cannot read {path}: {error}"));
        let write = |path: &String, text: &str| {
            std::fs::write(path, text).map_err(|error| format!("cannot write {path}: {error}"))
        };
        if let Some(path) = &self.markdown {
            write(path, tables)?;
        }
        if let Some(path) = &self.rewrite {
            let page = table::into_page(&read(path)?, tables).map_err(|why| format!("{path}: {why}"))?;
            write(path, &page)?;
        }
        if let Some(path) = &self.page
            && !read(path)?.contains(tables.trim())
        {
            println!("{path} has other tables than --rewrite writes");
            return Ok(1);
        }
        Ok(0)
    }

    fn wants_way(&self, way: Way) -> bool {
        self.ways.is_empty() || self.ways.iter().any(|word| way.word().starts_with(word.as_str()))
    }

    fn wants(&self, scene: &Scene) -> bool {
        let text = scene.to_string();
        self.pairs.is_empty() || self.pairs.iter().any(|pattern| text.contains(pattern.as_str()))
    }
}

fn all_names() -> String {
    peers::names().join(", ")
}
