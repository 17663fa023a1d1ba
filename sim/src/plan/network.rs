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
}

/// A name that is looked up, beside the names of hosts, which lead to them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct NameRule {
    /// The name; that of a host leads elsewhere then.
    pub name: String,
    /// Hosts that it leads to, by their addresses, in order of preference.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// Further addresses. Where there are no hosts either, the name cannot be found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
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
    /// Of 1,000 packets, how many are lost. Those of tcp are sent again.
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

/// How long something is on its way: drawn for each packet, evenly between two spans unless there is a tail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Latency {
    /// At least.
    pub min: Span,
    /// At most.
    pub max: Span,
    /// The longest of all: `max` is exceeded by half of what lies between `min` and `max`, that by half of the twofold,
    /// and so on, but never this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<Span>,
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
