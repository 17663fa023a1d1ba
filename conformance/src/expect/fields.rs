//! Reading a TOML table field by field, so that every complaint has its line and says what was expected.

use jiff::civil::Date;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::ExpectError;

/// The text of a file and its name in errors.
pub(super) struct Source<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
}

impl Source<'_> {
    pub(super) fn line(&self, at: usize) -> usize {
        1 + self.text.bytes().take(at).filter(|b| *b == b'\n').count()
    }

    pub(super) fn wrong(&self, at: usize, text: impl Into<String>) -> ExpectError {
        // Parser messages may span lines; an error of ours is one line.
        let text = text.into().split_whitespace().collect::<Vec<_>>().join(" ");
        ExpectError::Wrong { file: self.file.to_owned(), line: self.line(at), text }
    }
}

/// A value and where it begins.
pub(super) struct Found<T> {
    pub(super) value: T,
    pub(super) at: usize,
}

/// A table of the file, read field by field.
pub(super) struct Fields<'a, 'd> {
    pub(super) source: &'a Source<'a>,
    /// What the table is, for errors.
    pub(super) what: &'static str,
    pub(super) at: usize,
    pub(super) table: &'a DeTable<'d>,
}

impl<'a, 'd> Fields<'a, 'd> {
    pub(super) fn only(&self, known: &[&str]) -> Result<(), ExpectError> {
        let unknown = self.table.iter().map(|(key, _)| key).filter(|key| !known.contains(&key.get_ref().as_ref()));
        match unknown.min_by_key(|key| key.span().start) {
            Some(key) => Err(self.source.wrong(
                key.span().start,
                format!(
                    "expected a known field ({}), came `{}` in {}; mend or remove it",
                    known.join(", "),
                    key.get_ref(),
                    self.what
                ),
            )),
            None => Ok(()),
        }
    }

    fn value(&self, key: &str) -> Option<&'a Spanned<DeValue<'d>>> {
        self.table.iter().find(|(name, _)| name.get_ref().as_ref() == key).map(|(_, value)| value)
    }

    pub(super) fn required<T>(&self, key: &str, found: Option<T>, write: &str) -> Result<T, ExpectError> {
        found.ok_or_else(|| {
            self.source.wrong(self.at, format!("expected the field `{key}` in {}, came none; write {write}", self.what))
        })
    }

    fn read<T>(
        &self,
        key: &str,
        wanted: &str,
        read: impl Fn(&'a DeValue<'d>) -> Option<T>,
    ) -> Result<Option<Found<T>>, ExpectError> {
        let Some(value) = self.value(key) else {
            return Ok(None);
        };
        let at = value.span().start;
        match read(value.get_ref()) {
            Some(value) => Ok(Some(Found { value, at })),
            None => {
                let came = value.get_ref().type_str();
                Err(self.source.wrong(at, format!("expected {wanted} for `{key}`, came {came}")))
            }
        }
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<Found<String>>, ExpectError> {
        self.read(key, "a quoted text", |value| value.as_str().map(str::to_owned))
    }

    pub(super) fn nonempty(&self, key: &str) -> Result<Option<String>, ExpectError> {
        match self.text(key)? {
            Some(text) if text.value.trim().is_empty() => Err(self.source.wrong(
                text.at,
                format!("expected a text for `{key}`, came an empty one; fill it in or remove the field"),
            )),
            Some(text) => Ok(Some(text.value)),
            None => Ok(None),
        }
    }

    pub(super) fn integer(&self, key: &str) -> Result<Option<Found<i64>>, ExpectError> {
        self.read(key, "a whole number", |value| {
            let number = value.as_integer()?;
            i64::from_str_radix(number.as_str(), number.radix()).ok()
        })
    }

    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, ExpectError> {
        Ok(self.read(key, "true or false", |value| value.as_bool())?.map(|found| found.value))
    }

    pub(super) fn date(&self, key: &str) -> Result<Option<Date>, ExpectError> {
        let found = self.read(key, "a date without quotes, such as 2027-03-31,", |value| {
            let stamp = value.as_datetime()?;
            let date = if stamp.time.is_none() {
                stamp.date?
            } else {
                return None;
            };
            Date::new(i16::try_from(date.year).ok()?, i8::try_from(date.month).ok()?, i8::try_from(date.day).ok()?).ok()
        })?;
        Ok(found.map(|found| found.value))
    }

    pub(super) fn list(&self, key: &str, wanted: &str) -> Result<Option<Found<&'a DeArray<'d>>>, ExpectError> {
        self.read(key, wanted, |value| value.as_array())
    }

    pub(super) fn texts(&self, key: &str) -> Result<Vec<Found<String>>, ExpectError> {
        let Some(list) = self.list(key, "a list of quoted texts")? else {
            return Ok(Vec::new());
        };
        if list.value.is_empty() {
            let text =
                format!("expected at least one text in `{key}`, came an empty list; fill it in or remove the field");
            return Err(self.source.wrong(list.at, text));
        }
        let items = list.value.iter().map(|item| match item.get_ref().as_str() {
            Some(text) => Ok(Found { value: text.to_owned(), at: item.span().start }),
            None => {
                let text = format!("expected quoted texts in `{key}`, came {}", item.get_ref().type_str());
                Err(self.source.wrong(item.span().start, text))
            }
        });
        items.collect()
    }

    pub(super) fn word<T: Copy>(
        &self,
        key: &str,
        all: &[T],
        word: fn(T) -> &'static str,
    ) -> Result<Option<Found<T>>, ExpectError> {
        let Some(text) = self.text(key)? else {
            return Ok(None);
        };
        match all.iter().find(|one| word(**one) == text.value) {
            Some(one) => Ok(Some(Found { value: *one, at: text.at })),
            None => {
                let words: Vec<_> = all.iter().map(|one| word(*one)).collect();
                Err(self.source.wrong(
                    text.at,
                    format!("expected one of {} for `{key}`, came \"{}\"", words.join(", "), text.value),
                ))
            }
        }
    }

    pub(super) fn checked<T>(
        &self,
        text: &Found<String>,
        check: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, ExpectError> {
        check(&text.value).map_err(|why| self.source.wrong(text.at, why))
    }

    pub(super) fn table(&self, key: &str, what: &'static str) -> Result<Option<Self>, ExpectError> {
        let found = self.read(key, "a table", |value| value.as_table())?;
        Ok(found.map(|found| Fields { source: self.source, what, at: found.at, table: found.value }))
    }
}
