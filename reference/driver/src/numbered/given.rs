//! A value that was given for an option, and what it is checked for.

use std::time::Duration;

use zmq_core::pattern::Switch;

use super::NumberedError;

/// The octets of a value, and the name of the option that they are for.
pub(crate) struct Given<'v> {
    pub(super) name: &'static str,
    pub(super) octets: &'v [u8],
}

impl Given<'_> {
    pub(super) fn refused(&self, expected: impl Into<String>) -> NumberedError {
        NumberedError::Value { name: self.name, expected: expected.into() }
    }

    /// 32 bits.
    pub(super) fn int(&self) -> Result<i32, NumberedError> {
        self.octets.try_into().map(i32::from_ne_bytes).map_err(|_| self.refused("an int of 4 octets"))
    }

    /// 64 bits.
    pub(super) fn int64(&self) -> Result<i64, NumberedError> {
        self.octets.try_into().map(i64::from_ne_bytes).map_err(|_| self.refused("an int of 8 octets"))
    }

    /// An int from `lowest` on, which is at least 0.
    pub(super) fn number(&self, lowest: u32) -> Result<u32, NumberedError> {
        let number = u32::try_from(self.int()?).ok().filter(|number| *number >= lowest);
        number.ok_or_else(|| self.refused(format!("an int from {lowest}")))
    }

    /// An int from 0 on; `None` for -1.
    pub(super) fn number_or_none(&self) -> Result<Option<u32>, NumberedError> {
        if self.int()? == -1 { Ok(None) } else { self.number(0).map(Some) }
    }

    /// 0 or 1.
    pub(super) fn switch(&self) -> Result<Switch, NumberedError> {
        match self.int()? {
            0 => Ok(Switch::Off),
            1 => Ok(Switch::On),
            _ => Err(self.refused("0 or 1")),
        }
    }

    /// An int from 0 on, of which 0 alone means no.
    pub(super) fn truth(&self) -> Result<Switch, NumberedError> {
        Ok(if self.number(0)? == 0 { Switch::Off } else { Switch::On })
    }

    /// Milliseconds from 0 on.
    pub(super) fn millis(&self) -> Result<Duration, NumberedError> {
        Ok(Duration::from_millis(self.number(0)?.into()))
    }

    /// Milliseconds, of which 0 means no time at all.
    pub(super) fn millis_unless_zero(&self) -> Result<Option<Duration>, NumberedError> {
        Ok(Some(self.millis()?).filter(|time| !time.is_zero()))
    }

    /// Milliseconds; -1 means no time at all.
    pub(super) fn millis_or_none(&self) -> Result<Option<Duration>, NumberedError> {
        Ok(self.number_or_none()?.map(|millis| Duration::from_millis(millis.into())))
    }

    /// Text of at most so many octets, which may be none.
    pub(super) fn text(&self, most: usize) -> Result<&str, NumberedError> {
        let text = std::str::from_utf8(self.octets).ok().filter(|text| text.len() <= most);
        text.ok_or_else(|| self.refused(format!("a text of at most {most} octets")))
    }
}
