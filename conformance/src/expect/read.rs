//! From TOML text to [`Expectations`], with one line and its number for whatever is wrong.

use toml::de::DeTable;

use super::fields::{Fields, Found, Source};
use super::{CloseRule, EDITION, Entry, ExpectError, Expectations, Glob, Outcome, RunPattern, VersionRange, When};
use crate::event::Role;
use crate::verdict::{Conformance, Survival};

const FILE_FIELDS: [&str; 3] = ["edition", "subject", "expect"];
const ENTRY_FIELDS: [&str; 16] = [
    "case",
    "role",
    "zmtp",
    "revision",
    "conformance",
    "variant",
    "close",
    "survival",
    "fingerprint",
    "clause",
    "bytes",
    "reason",
    "link",
    "expires",
    "when",
    "embargo",
];
const WHEN_FIELDS: [&str; 4] = ["version", "sha256", "features", "os"];

impl Expectations {
    /// Reads a file's text; `name` stands in errors and reports.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong: TOML syntax, an unknown or missing field, a bad value, or two entries that
    /// could cover the same case run.
    pub fn parse(name: &str, text: &str) -> Result<Self, ExpectError> {
        let source = Source { file: name, text };
        let document = DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            source.wrong(at, format!("expected TOML, came: {}; mend the syntax", error.message()))
        })?;
        let file = Fields { source: &source, what: "the file", at: 0, table: document.get_ref() };
        file.only(&FILE_FIELDS)?;
        let edition = file.required("edition", file.integer("edition")?, "edition = 1")?;
        if edition.value != EDITION {
            return Err(source.wrong(
                edition.at,
                format!("expected edition = {EDITION}, came {}; use a zmqspec that knows this edition", edition.value),
            ));
        }
        let subject =
            file.required("subject", file.text("subject")?, "subject = \"libzmq\", the name the adapter reports")?;
        let entries = entries(&file)?;
        refuse_overlaps(&source, &entries)?;
        Ok(Self {
            name: name.to_owned(),
            subject_line: source.line(subject.at),
            subject: subject.value,
            entries: entries.into_iter().map(|(_, entry)| entry).collect(),
        })
    }
}

fn entries(file: &Fields<'_, '_>) -> Result<Vec<(usize, Entry)>, ExpectError> {
    let Some(list) = file.list("expect", "[[expect]] entries")? else {
        return Ok(Vec::new());
    };
    let source = file.source;
    let entries = list.value.iter().map(|item| {
        let at = item.span().start;
        // Entries written inline have no header of their own, which `expect update` needs to edit the text.
        let headed = source.text[at..].starts_with('[');
        let Some(table) = item.get_ref().as_table().filter(|_| headed) else {
            let text = "expected entries under [[expect]] headers, came an inline list; write headers";
            return Err(source.wrong(at, text));
        };
        entry(&Fields { source, what: "an entry", at, table }).map(|entry| (at, entry))
    });
    entries.collect()
}

fn refuse_overlaps(source: &Source<'_>, entries: &[(usize, Entry)]) -> Result<(), ExpectError> {
    for (i, (at, entry)) in entries.iter().enumerate() {
        let twin = entries[..i]
            .iter()
            .find(|(_, earlier)| earlier.covers.intersects(&entry.covers) && earlier.when.intersects(&entry.when));
        if let Some((_, twin)) = twin {
            return Err(source.wrong(
                *at,
                format!(
                    "expected at most one entry for any case run, came `{}`, which overlaps `{}` of line {}; \
                     merge them, or keep them apart by role, zmtp or when",
                    entry.covers, twin.covers, twin.line
                ),
            ));
        }
    }
    Ok(())
}

fn entry(fields: &Fields<'_, '_>) -> Result<Entry, ExpectError> {
    fields.only(&ENTRY_FIELDS)?;
    let case = fields.required("case", fields.text("case")?, "case = \"area/name\"")?;
    let revision = fields.required("revision", fields.integer("revision")?, "revision = 1")?;
    let reason = fields.required("reason", fields.text("reason")?, "reason = \"why this is known and accepted\"")?;
    if reason.value.trim().is_empty() {
        let text = "expected a reason in words, came an empty text; say why this deviation is known and accepted";
        return Err(fields.source.wrong(reason.at, text));
    }
    Ok(Entry {
        line: fields.source.line(fields.at),
        covers: RunPattern {
            case: fields.checked(&case, Glob::parse)?,
            role: fields.word("role", &[Role::Binds, Role::Connects], Role::word)?.map(|role| role.value),
            zmtp: zmtp(fields)?,
        },
        revision: u32::try_from(revision.value).ok().filter(|n| *n > 0).ok_or_else(|| {
            fields.source.wrong(revision.at, format!("expected a revision from 1 on, came {}", revision.value))
        })?,
        outcome: outcome(fields)?,
        clause: fields.nonempty("clause")?,
        bytes: fields.nonempty("bytes")?,
        reason: reason.value,
        link: fields.nonempty("link")?,
        expires: fields.date("expires")?,
        when: fields.table("when", "a condition")?.map_or_else(|| Ok(When::default()), |table| when(&table))?,
        embargo: fields.flag("embargo")?.unwrap_or(false),
    })
}

fn outcome(fields: &Fields<'_, '_>) -> Result<Outcome, ExpectError> {
    let conformance = fields.word("conformance", Conformance::ALL, Conformance::word)?;
    let conformance = fields.required("conformance", conformance, "conformance = \"fail\"")?;
    let variant = fields.text("variant")?;
    let named = matches!(conformance.value, Conformance::Variant | Conformance::Contested);
    if let Some(variant) = variant.as_ref().filter(|_| !named) {
        let text = format!(
            "expected variant only beside conformance = \"variant\" or \"contested\", came it beside \"{}\"; remove one",
            conformance.value
        );
        return Err(fields.source.wrong(variant.at, text));
    }
    let outcome = Outcome {
        conformance: conformance.value,
        variant: variant.map(|variant| variant.value),
        close: fields.word("close", &CloseRule::ALL, CloseRule::word)?.map(|close| close.value),
        survival: fields.word("survival", Survival::ALL, Survival::word)?.map_or(Survival::Ok, |word| word.value),
        fingerprint: fields.nonempty("fingerprint")?,
    };
    if outcome.is_pin() {
        if outcome.conformance == Conformance::Pass && outcome.close.is_none() {
            let text = "expected a deviation or a behaviour to pin, came a plain pass, which needs no entry; remove it";
            return Err(fields.source.wrong(conformance.at, text));
        }
    } else if outcome.fingerprint.is_none() {
        let text = format!(
            "expected a fingerprint, because another way of failing must not pass for this one, came none for `{outcome}`; \
             copy it from the report or run `zmqspec expect update`"
        );
        return Err(fields.source.wrong(fields.at, text));
    }
    Ok(outcome)
}

fn zmtp(fields: &Fields<'_, '_>) -> Result<Option<String>, ExpectError> {
    let Some(zmtp) = fields.text("zmtp")? else {
        return Ok(None);
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    match zmtp.value.split_once('.') {
        Some((major, minor)) if digits(major) && digits(minor) => Ok(Some(zmtp.value)),
        Some(_) | None => {
            let text = format!("expected a ZMTP version such as \"3.1\", came \"{}\"", zmtp.value);
            Err(fields.source.wrong(zmtp.at, text))
        }
    }
}

fn when(fields: &Fields<'_, '_>) -> Result<When, ExpectError> {
    fields.only(&WHEN_FIELDS)?;
    let version = match fields.text("version")? {
        Some(text) => Some(fields.checked(&text, VersionRange::parse)?),
        None => None,
    };
    let sha256 = fields.texts("sha256")?;
    for sum in &sha256 {
        if sum.value.len() != 64 || !sum.value.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            let text = format!("expected a SHA-256 of 64 lower-case hex digits, came \"{}\"", sum.value);
            return Err(fields.source.wrong(sum.at, text));
        }
    }
    let values = |list: Vec<Found<String>>| list.into_iter().map(|found| found.value).collect::<Vec<_>>();
    let when = When {
        version,
        sha256: values(sha256),
        features: values(fields.texts("features")?),
        os: values(fields.texts("os")?),
    };
    if when == When::default() {
        let text = "expected a condition in when, came none; name version, sha256, features or os, or remove when";
        return Err(fields.source.wrong(fields.at, text));
    }
    Ok(when)
}

#[cfg(test)]
mod tests;
