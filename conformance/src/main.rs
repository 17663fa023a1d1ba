//! The `zmqspec` command.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use zmqspec::adapter::process::{Adapter, Launch};
use zmqspec::case::library::Library;
use zmqspec::case::select::Selection;
use zmqspec::run::play::Setting;
use zmqspec::run::runner::{Options, run};
use zmqspec::run::worker::Start;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["adapter", "libzmq"] => zmqspec::adapter::libzmq::serve_libzmq(None),
        ["adapter", "libzmq", path] => zmqspec::adapter::libzmq::serve_libzmq(Some(Path::new(path))),
        ["check", rest @ ..] => check(rest),
        _ => ExitCode::from(2),
    }
}

fn check(rest: &[&str]) -> ExitCode {
    let library = std::env::var("CASES").map_or_else(|_| Library::embedded(), |dir| Library::from_folder(Path::new(&dir))).unwrap_or_else(|e| panic!("{e}"));
    let mut selection = Selection::default();
    let mut verbose = false;
    let mut path = None;
    let mut jobs = 4;
    let mut repeat = 1;
    let mut sab = None;
    let mut teeth = 0;
    let mut it = rest.iter();
    while let Some(a) = it.next() {
        match *a {
            "-v" => verbose = true,
            "-teeth" => teeth = 1,
            "-every" => teeth = 2,
            "-j" => jobs = it.next().unwrap().parse().unwrap(),
            "-n" => repeat = it.next().unwrap().parse().unwrap(),
            "-s" => sab = Some(zmqspec::sabotage::find(it.next().unwrap()).unwrap_or_else(|e| panic!("{e}"))),
            "-l" => path = it.next(),
            p => selection.run.push(p.to_owned()),
        }
    }
    let plan = zmqspec::run::plan::plan(&library, &|_| None, &selection, Default::default(), Default::default()).unwrap_or_else(|e| panic!("{e}"));
    let exe = std::env::current_exe().unwrap().display().to_string();
    let mut command = vec![exe, "adapter".into(), "libzmq".into()];
    command.extend(path.map(|p| (*p).to_owned()));
    let start = Start { launch: Launch { command, env: vec![], wrap: vec![] }, hello_within: Duration::from_secs(10) };
    let (adapter, hello, took) = Adapter::start(&start.launch, start.hello_within).unwrap_or_else(|e| panic!("{e}"));
    println!("{} {} {:?} hello {took:?} {} runs", hello.name, hello.version, hello.path, plan.len());
    if teeth > 0 {
        let bites = if teeth == 1 { zmqspec::run::teeth::named(&plan) } else { zmqspec::run::teeth::every(&plan) }.unwrap_or_else(|e| panic!("{e}"));
        let n = bites.len();
        for b in zmqspec::run::teeth::bite(&plan, bites, &start, &Setting { patience: Duration::from_millis(500), ..Default::default() }, jobs) {
            if (teeth == 1) != b.noticed() || verbose {
                println!("{} {} {} {:?}", plan[b.bite.planned].run, b.bite.saboteur.name, b.verdict, b.fingerprint);
            }
        }
        println!("{n} bites");
        return ExitCode::SUCCESS;
    }
    let options = Options { jobs, repeat, max_time: None, setting: Setting { patience: Duration::from_secs(2), saboteur: sab, ..Default::default() } };
    let begun = std::time::Instant::now();
    let mut counts = std::collections::BTreeMap::new();
    run(&plan, &start, (adapter, hello), &options, &Default::default(), |i, done| {
        let v = &done.played.verdict;
        *counts.entry(v.conformance.to_string()).or_insert(0) += 1;
        let quiet = done.played.failure.is_none() && v.conformance == zmqspec::verdict::Conformance::Pass;
        if !quiet || verbose {
            println!("{:7.1}ms {} {} {}", done.took.as_secs_f64() * 1e3, plan[i].run, v, done.played.failure.as_ref().map_or(String::new(), |f| format!("[{}] {} | want {} | came {}", f.fingerprint, f.step_text, f.accepted.join(" or "), f.came)));
            if verbose && let Some(f) = &done.played.failure { for l in &f.hex { println!("    {l}"); } for l in &f.stderr_tail { println!("    stderr {l}"); } }
        }
        if let Some(e) = done.played.harness_error { println!("   HARNESS {e}"); }
        if let Some(r) = done.replaced { println!("   REPLACED {r:?}"); }
    });
    println!("{counts:?} in {:?}", begun.elapsed());
    ExitCode::SUCCESS
}
