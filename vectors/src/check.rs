//! Holds the declared meaning of a vector against its octets, as far as that is cheap.
//!
//! This is no decoder: each check writes down what the meaning would look like and compares, so it can only say that
//! data and meaning belong together.

use crate::model::{CommandMeans, FrameMeans, GreetingMeans, Means, MessageMeans, Property, Vector, Verdict, Zmtp};
use crate::octets::Octets;

/// Socket types of ZMTP 2.0 by their octet.
const SOCKET_TYPES_2_0: [&str; 9] = ["PAIR", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER", "PULL", "PUSH"];

/// Says what does not belong together, or nothing.
pub(crate) fn check(vector: &Vector) -> Result<(), String> {
    if let Verdict::Invalid { offends: Some(step), .. } = vector.verdict {
        let steps = vector.steps().len();
        if step >= steps {
            return Err(format!("`offends` is step {step}, expected one of the {steps} steps, counted from 0"));
        }
    }
    let Some(means) = vector.means() else {
        return Ok(());
    };
    let octets = vector.expand();
    match means {
        Means::Greeting(means) => greeting(vector.zmtp, means, &octets),
        Means::Frame(means) => frame(vector.zmtp, means, &octets).map(drop),
        Means::Command(means) => command(means, &octets),
        Means::Metadata(means) => same("the properties", &properties(&means.properties), &octets),
        Means::Message(means) => message(vector.zmtp, means, &octets),
        Means::Session(means) => {
            let types = [("a", &means.a), ("b", &means.b)];
            for (side, kind) in types {
                if kind.is_empty() || !kind.bytes().all(|c| c.is_ascii_uppercase()) {
                    return Err(format!("`means.{side}` is {kind:?}, expected a socket type in capitals"));
                }
            }
            Ok(())
        }
    }
}

fn greeting(zmtp: Zmtp, means: &GreetingMeans, octets: &[u8]) -> Result<(), String> {
    let identity = means.identity.as_ref().map(Octets::expand);
    match zmtp {
        Zmtp::V1_0 => {
            let identity = identity.ok_or("`means.identity` is missing, expected one for 1.0")?;
            let (header, body) = octets.split_at(octets.len().saturating_sub(identity.len()));
            let length = identity.len() + 1;
            let announced = match header {
                [0xff, length @ .., _flags] if length.len() == 8 => big_endian(length),
                [length, _flags] => u64::from(*length),
                _ => return Err("expected a length, a flags octet and the identity".into()),
            };
            same("the identity", &identity, body)?;
            equal("the length", length as u64, announced)
        }
        Zmtp::V2_0 => {
            let identity = identity.ok_or("`means.identity` is missing, expected one for 2.0")?;
            let kind = means.socket_type.as_deref().unwrap_or_default();
            let number = SOCKET_TYPES_2_0.iter().position(|name| *name == kind);
            let number = number.ok_or_else(|| format!("`means.socket_type` is {kind:?}, not a type of 2.0"))?;
            let mut whole = signature(means);
            whole.extend([means.major, u8::try_from(number).unwrap_or(u8::MAX), 0]);
            whole.push(u8::try_from(identity.len()).map_err(|_| "`means.identity` is longer than 255 octets")?);
            whole.extend(identity);
            same("the greeting", &whole, octets)
        }
        Zmtp::V3_0 | Zmtp::V3_1 => {
            equal("the length of the greeting", 64, octets.len() as u64)?;
            let mechanism = means.mechanism.as_deref().ok_or("`means.mechanism` is missing, expected one for 3.x")?;
            let mut whole = signature(means);
            whole.extend([means.major, means.minor.ok_or("`means.minor` is missing, expected one for 3.x")?]);
            whole.extend(mechanism.as_bytes());
            whole.resize(32.max(whole.len()), 0);
            whole.push(means.as_server.ok_or("`means.as_server` is missing, expected one for 3.x")?);
            same("the greeting up to the filler", &whole, octets.get(..33).unwrap_or_default())
        }
    }
}

fn signature(means: &GreetingMeans) -> Vec<u8> {
    let mut out = vec![0xff];
    out.extend(means.padding.as_ref().map(Octets::expand).unwrap_or_default());
    out.push(0x7f);
    out
}

/// Checks flags and size, and gives the body.
fn frame<'a>(zmtp: Zmtp, means: &FrameMeans, octets: &'a [u8]) -> Result<&'a [u8], String> {
    let Some(at) = octets.len().checked_sub(means.size) else {
        return Err(format!("`means.size` is {}, but there are {} octets in all", means.size, octets.len()));
    };
    let (header, body) = octets.split_at(at);
    let flags = declared(&means.flags)?;
    let long = flags & LONG != 0;
    let (found_flags, found_size) = match (zmtp, long, header) {
        (Zmtp::V1_0, false, [length, flags]) => (*flags, u64::from(*length).saturating_sub(1)),
        (Zmtp::V1_0, true, [0xff, length @ .., more]) if length.len() == 8 => {
            (*more | LONG, big_endian(length).saturating_sub(1))
        }
        (_, false, [flags, size]) => (*flags, u64::from(*size)),
        (_, true, [flags, size @ ..]) if size.len() == 8 => (*flags, big_endian(size)),
        _ => {
            return Err(format!("header of {} octets does not fit the declared flags", header.len()));
        }
    };
    equal("the size", means.size as u64, found_size)?;
    // Reserved bits are what some variants are about; the meaning names the three that have one.
    equal("the flags", u64::from(flags), u64::from(found_flags & (MORE | LONG | COMMAND)))?;
    Ok(body)
}

const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;

fn declared(flags: &[String]) -> Result<u8, String> {
    let mut bits = 0;
    for flag in flags {
        let bit = match flag.as_str() {
            "more" => MORE,
            "long" => LONG,
            "command" => COMMAND,
            other => {
                return Err(format!("`means.flags` has {other:?}, expected more, long or command"));
            }
        };
        if bit <= bits {
            return Err("`means.flags` is out of order, expected more, long, command".into());
        }
        bits |= bit;
    }
    Ok(bits)
}

fn command(means: &CommandMeans, octets: &[u8]) -> Result<(), String> {
    let header = FrameMeans { flags: means.flags.clone(), size: means.size };
    let body = frame(Zmtp::V3_1, &header, octets)?;
    let mut whole = vec![u8::try_from(means.name.len()).map_err(|_| "`means.name` is longer than 255 octets")?];
    whole.extend(means.name.as_bytes());
    let carried = [
        means.properties.is_some(),
        means.topic.is_some(),
        means.context.is_some(),
        means.reason.is_some(),
        means.data.is_some(),
    ];
    if carried.iter().filter(|there| **there).count() != 1 {
        return Err(
            "`means` has to say once what the command carries: properties, topic, context, reason or data".into()
        );
    }
    whole.extend(means.ttl.into_iter().flat_map(u16::to_be_bytes));
    if let Some(reason) = &means.reason {
        whole.push(u8::try_from(reason.len()).map_err(|_| "`means.reason` is longer than 255 octets")?);
    }
    whole.extend(properties(means.properties.as_deref().unwrap_or_default()));
    for octets in [&means.topic, &means.context, &means.reason, &means.data].into_iter().flatten() {
        whole.extend(octets.expand());
    }
    same("the body", &whole, body)
}

fn properties(list: &[Property]) -> Vec<u8> {
    let mut out = Vec::new();
    for property in list {
        let value = property.value.expand();
        // Lengths that do not fit show as a difference, which is what the caller reports.
        out.push(u8::try_from(property.name.len()).unwrap_or_default());
        out.extend(property.name.as_bytes());
        out.extend(u32::try_from(value.len()).unwrap_or_default().to_be_bytes());
        out.extend(value);
    }
    out
}

fn message(zmtp: Zmtp, means: &MessageMeans, octets: &[u8]) -> Result<(), String> {
    let mut rest = octets;
    let last = means.parts.len().saturating_sub(1);
    for (index, part) in means.parts.iter().enumerate() {
        let header = match (zmtp, rest) {
            (Zmtp::V1_0, [0xff, ..]) => 10,
            (Zmtp::V2_0 | Zmtp::V3_0 | Zmtp::V3_1, [flags, ..]) if flags & LONG != 0 => 9,
            _ => 2,
        };
        let Some((one, behind)) = rest.split_at_checked(header + part.len()) else {
            return Err(format!("part {index} of {} octets is cut", part.len()));
        };
        let mut flags = Vec::new();
        if index != last {
            flags.push("more".to_owned());
        }
        if header > 2 {
            flags.push("long".to_owned());
        }
        let body =
            frame(zmtp, &FrameMeans { flags, size: part.len() }, one).map_err(|e| format!("part {index}: {e}"))?;
        same(&format!("part {index}"), &part.expand(), body)?;
        rest = behind;
    }
    same("what follows the last part", &[], rest)
}

fn big_endian(octets: &[u8]) -> u64 {
    octets.iter().fold(0, |value, octet| value << 8 | u64::from(*octet))
}

fn equal(what: &str, meant: u64, found: u64) -> Result<(), String> {
    if meant == found { Ok(()) } else { Err(format!("`means` says that {what} is {meant}, the octets say {found}")) }
}

fn same(what: &str, meant: &[u8], found: &[u8]) -> Result<(), String> {
    if meant == found {
        return Ok(());
    }
    let at = meant.iter().zip(found).take_while(|(a, b)| a == b).count();
    let octet = |side: &[u8]| side.get(at).map_or_else(|| "nothing".to_owned(), |octet| format!("{octet:02x}"));
    Err(format!("`means` and octets differ in {what} at octet {at}: meant {}, found {}", octet(meant), octet(found)))
}
