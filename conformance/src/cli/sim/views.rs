//! `sim trace`, `explain`, `draw`, `list`, `schema`: what there is to look at.

use zmq_sim::engine::Recording;
use zmq_sim::explain;
use zmq_sim::render::{Last, Picture};
use zmq_sim::saved;
use zmq_sim::scenario::{builtin, schema as text_of_schema};
use zmq_sim::trial::Trial;

use super::engines::Carrier;
use super::options::{ExplainOptions, TraceOptions, What};
use super::run::{able, write};
use super::source::{Chosen, Source};
use super::told::exit_of;
use crate::cli::Refusal;
use crate::cli::voice::{print_line, remark};
use crate::exit::Exit;

pub(super) fn trace(options: &TraceOptions) -> Result<u8, Refusal> {
    let chosen = Chosen::of(&options.what)?;
    let carrier = Carrier::of(&options.by)?;
    let plan = chosen.plan_for(&carrier)?;
    let engine = carrier.engine()?;
    able(&carrier, engine.as_ref(), &plan)?;
    let tried = Trial::new(engine.as_ref()).attempt(&plan, Recording::Octets);
    let picture = Picture::new(&plan, &tried.run, &tried.violations);
    if options.words {
        picture.words(Last::All).lines().for_each(print_line);
    }
    if let Some(file) = &options.html {
        write(file, picture.html().as_bytes())?;
    }
    if let Some(file) = &options.pcap {
        write(file, &picture.pcapng())?;
    }
    if let Some(file) = &options.perfetto {
        write(file, picture.perfetto().as_bytes())?;
    }
    if let Some(file) = &options.json {
        write(file, picture.json_lines().as_bytes())?;
    }
    for file in [&options.html, &options.pcap, &options.perfetto, &options.json].into_iter().flatten() {
        remark(&format!("wrote {}", file.display()));
    }
    Ok(exit_of(&tried.violations).code())
}

pub(super) fn draw(what: &What) -> Result<u8, Refusal> {
    let chosen = Chosen::of(what)?;
    print_line(saved::written(&chosen.plan()?).trim_end());
    Ok(Exit::AsExpected.code())
}

pub(super) fn explain(options: &ExplainOptions) -> Result<u8, Refusal> {
    let chosen = Chosen::of(&options.what)?;
    let carrier = Carrier::of(&options.by)?;
    let plan = chosen.plan_for(&carrier)?;
    let engine = carrier.engine()?;
    able(&carrier, engine.as_ref(), &plan)?;
    let tried = Trial::new(engine.as_ref()).attempt(&plan, Recording::Network);
    let lost = explain::lost(&plan, &tried.run);
    if lost.is_empty() {
        print_line("no message is lost: each that was taken was received");
    }
    lost.iter().for_each(|message| print_line(&message.to_string()));
    Ok(exit_of(&tried.violations).code())
}

pub(super) fn list() -> Result<u8, Refusal> {
    for (name, _) in builtin() {
        let title = Source::of_file(name)?.plan(0).map_err(Refusal::usage)?.title;
        print_line(&format!("{name:<52} {title}"));
    }
    Ok(Exit::AsExpected.code())
}

#[expect(clippy::unnecessary_wraps, reason = "verbs have one form")]
pub(super) fn schema() -> Result<u8, Refusal> {
    print_line(text_of_schema().trim_end());
    Ok(Exit::AsExpected.code())
}
