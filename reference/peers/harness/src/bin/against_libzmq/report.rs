//! What comes out: lines as it goes, JSON for programs, Markdown for people.

use std::fmt::Write as _;
use std::path::Path;

use peer_harness::Broken;
use peer_harness::peers::Found;
use serde_json::{Value, json};

use crate::machine::{Machine, Placement};
use crate::options::Options;
use crate::rows::Row;
use crate::stats::summary;

/// What became of a library in a row.
pub(crate) enum Outcome {
    /// A figure for each repetition; none where it failed.
    Measured {
        count: usize,
        values: Vec<Option<f64>>,
    },
    Unsupported(String),
    Failed(String),
}

pub(crate) struct RowReport {
    pub(crate) row: Row,
    /// By library, the base first.
    pub(crate) cells: Vec<(String, Outcome)>,
}

pub(crate) struct Report {
    head: Value,
    title: String,
    base: String,
    pub(crate) rows: Vec<RowReport>,
}

impl Outcome {
    pub(crate) fn not_measured(broken: &Broken) -> Self {
        match broken {
            Broken::Unsupported(_, why) => Self::Unsupported(why.clone()),
            Broken::Failed(who, why) => Self::Failed(format!("{who}: {why}")),
        }
    }

    fn values(&self) -> &[Option<f64>] {
        match self {
            Self::Measured { values, .. } => values,
            Self::Unsupported(_) | Self::Failed(_) => &[],
        }
    }
}

impl RowReport {
    /// Of each repetition in which both were measured.
    fn ratios(&self, outcome: &Outcome, base: &str) -> Vec<f64> {
        let base = self.cells.iter().find(|(name, _)| name == base).map_or(&[][..], |(_, outcome)| outcome.values());
        outcome.values().iter().zip(base).filter_map(|(value, base)| Some((*value)? / (*base)?)).collect()
    }

    pub(crate) fn text(&self, base: &str) -> String {
        let better = self.row.better();
        let mut text = format!("{} ({}, {}; {better})\n", self.row.title, self.row.id, self.row.unit());
        for (name, outcome) in &self.cells {
            let line = match outcome {
                Outcome::Measured { values, .. } => self.line(outcome, values, base),
                Outcome::Unsupported(why) => format!("does not apply: {why}"),
                Outcome::Failed(why) => format!("failed: {why}"),
            };
            let _ = writeln!(text, "  {name:<16}{line}");
        }
        text.push('\n');
        text
    }

    fn line(&self, outcome: &Outcome, values: &[Option<f64>], base: &str) -> String {
        let measured: Vec<f64> = values.iter().copied().flatten().collect();
        let Some(figures) = summary(&measured) else { return "failed in every repetition".into() };
        let mut line = format!("{:>12}", plain(figures.median));
        if let Some(ratios) = summary(&self.ratios(outcome, base)) {
            let [low, high] = ratios.quartiles;
            let _ = write!(
                line,
                "   x{:.2}  quartiles {low:.2}..{high:.2}  all {:.2}..{:.2}",
                ratios.median, ratios.min, ratios.max
            );
        }
        if measured.len() < values.len() {
            let _ = write!(line, "  failed {} times", values.len() - measured.len());
        }
        line
    }

    fn json(&self, base: &str) -> Value {
        let cells = self.cells.iter().map(|(name, outcome)| match outcome {
            Outcome::Measured { count, values } => {
                let (ratios, measured) = (self.ratios(outcome, base), values.iter().copied().flatten());
                json!({ "library": name, "count": count, "values": values, "summary": summary(&measured.collect::<Vec<_>>()),
                    "ratio": summary(&ratios), "ratios": ratios })
            }
            Outcome::Unsupported(why) => json!({ "library": name, "unsupported": why }),
            Outcome::Failed(why) => json!({ "library": name, "failed": why }),
        });
        let cells: Vec<Value> = cells.collect();
        json!({ "id": self.row.id, "title": self.row.title, "unit": self.row.unit(), "cells": cells })
    }

    fn markdown(&self, base: &str) -> String {
        let mut line = format!("| {}, {} ", self.row.title, self.row.unit());
        for (name, outcome) in &self.cells {
            let measured: Vec<f64> = outcome.values().iter().copied().flatten().collect();
            let cell = match (outcome, summary(&measured), summary(&self.ratios(outcome, base))) {
                (Outcome::Measured { .. }, Some(figures), _) if name == base => {
                    format!("{} [{}..{}]", plain(figures.median), plain(figures.min), plain(figures.max))
                }
                (Outcome::Measured { .. }, Some(_), Some(ratios)) => {
                    format!("x{:.2} [{:.2}..{:.2}]", ratios.median, ratios.quartiles[0], ratios.quartiles[1])
                }
                (Outcome::Measured { .. } | Outcome::Failed(_), ..) => "failed".into(),
                (Outcome::Unsupported(_), ..) => "–".into(),
            };
            let _ = write!(line, "| {cell} ");
        }
        line + "|\n"
    }
}

impl Report {
    pub(crate) fn new(machine: &Machine, placement: &Placement, options: &Options, found: &Found, base: &str) -> Self {
        let title = format!(
            "{machine}. {} repetitions of about {} s, libraries interleaved. Throughput: PUSH on processors {}, PULL on {}. \
             Payload {}.",
            options.repetitions, options.seconds, placement.first, placement.second, options.payload
        );
        let libraries: Vec<Value> = found
            .peers
            .iter()
            .map(|peer| json!({ "name": peer.name, "sender": peer.sender, "arguments": peer.arguments }))
            .collect();
        let head = json!({ "format": 1, "machine": machine, "placement": placement, "base": base,
            "repetitions": options.repetitions, "seconds": options.seconds, "payload": options.payload,
            "quick": options.quick, "libraries": libraries, "remarks": found.remarks });
        Self { head, title, base: base.to_owned(), rows: Vec::new() }
    }

    pub(crate) fn write(&self, options: &Options) -> Result<(), String> {
        if let Some(path) = &options.json {
            let mut whole = self.head.clone();
            whole["rows"] = self.rows.iter().map(|row| row.json(&self.base)).collect();
            write(path, &format!("{whole:#}\n"))?;
        }
        if let Some(path) = &options.markdown {
            write(path, &self.markdown())?;
        }
        Ok(())
    }

    fn markdown(&self) -> String {
        let Some(first) = self.rows.first() else { return String::new() };
        let mut text = format!("{}\n\n{} in its unit, median [min..max]; ", self.title, self.base);
        text += "the others as the ratio to it, median [quartiles] over the repetitions.\n\n|  ";
        for (name, _) in &first.cells {
            let _ = write!(text, "| {name} ");
        }
        text += "|\n|---";
        text += &"|---".repeat(first.cells.len());
        text += "|\n";
        for row in &self.rows {
            text += &row.markdown(&self.base);
        }
        text
    }
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// Short enough to compare at a glance.
fn plain(value: f64) -> String {
    match value {
        1e6.. => format!("{:.2} M", value / 1e6),
        1e4.. => format!("{:.1} k", value / 1e3),
        1e3.. => format!("{value:.0}"),
        _ => format!("{value:.2}"),
    }
}
