//! Machines and what lies between them.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::time::Span;

/// A machine. One process runs on it, with one context.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Host {
    /// Its name, by which endpoints find it.
    pub name: String,
    /// Its addresses; where there are none, it gets one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpAddr>,
    /// Descriptors that its process may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub descriptors: Option<u32>,
    /// How much its clock is ahead of true time at the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_offset: Option<Span>,
    /// How much faster its clock runs than true time, in millionths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_drift: Option<i32>,
    /// Names that it looks up otherwise than by the names of hosts.
    #[serde(default, rename = "name-rule", skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<NameRule>,
}

/// What a name leads to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct NameRule {
    /// The name.
    pub name: String,
    /// Addresses, in order of preference; none: it cannot be found.
    #[serde(default)]
    pub addresses: Vec<IpAddr>,
    /// How long the answer takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<Span>,
}

/// One direction between two hosts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Link {
    /// How long an octet is on its way.
    #[serde(default)]
    pub latency: Latency,
    /// Octets a second; none: without limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bandwidth: Option<u64>,
    /// Octets of a packet at most; none: 1,500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// Octets that wait in front of the link at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<u32>,
    /// Of 1,000 packets, how many are lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<u16>,
    /// Of 1,000 datagrams, how many come twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicated: Option<u16>,
    /// Of 1,000 datagrams, how many are overtaken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reordered: Option<u16>,
    /// Of 1,000 datagrams, how many come with an octet changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrupted: Option<u16>,
}

/// How long something is on its way: drawn evenly between two spans for each packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Latency {
    /// At least.
    pub min: Span,
    /// At most.
    pub max: Span,
    /// Of 1,000 packets, how many take ten times as long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<u16>,
}

impl Default for Latency {
    fn default() -> Self {
        Self { min: Span::millis(1), max: Span::millis(10), tail: None }
    }
}

/// A link that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LinkRule {
    /// From which host; none: from any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// To which host; none: to any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// What it is like.
    pub is: Link,
}
