//! Links and clocks.

use super::build::{Build, about};
use crate::plan::{Latency, Link, LinkRule};
use crate::time::Span;

pub(super) fn draw(build: &mut Build) {
    let mut draws = build.draws("network");
    let (name, latency) = match draws.below(5) {
        0 => (
            "a machine room: 50 to 200 µs",
            (Span(std::time::Duration::from_micros(50)), Span(std::time::Duration::from_micros(200)), None),
        ),
        1 | 2 => ("a site: 1 to 10 ms", (Span::millis(1), Span::millis(10), None)),
        3 => ("a continent: 20 to 60 ms", (Span::millis(20), Span::millis(60), None)),
        _radio => {
            ("radio: 5 to 50 ms, now and then far more", (Span::millis(5), Span::millis(50), Some(Span::millis(500))))
        }
    };
    let (min, max, tail) = latency;
    let mut link = Link { latency: Latency { min, max, tail }, ..Link::default() };
    let mut words = vec![name.to_owned()];
    if draws.percent(10) {
        link.loss = Some(*draws.one(&[1, 10, 50]));
        words.push(format!("{} of 1,000 packets lost", link.loss.unwrap_or_default()));
    }
    if draws.percent(10) {
        link.bandwidth = Some(*draws.one(&[20_000, 200_000, 2_000_000]));
        words.push(format!("{} octets a second", link.bandwidth.unwrap_or_default()));
    }
    if draws.percent(10) {
        link.mtu = Some(*draws.one(&[100, 576, 9000]));
        words.push(format!("packets of {}", link.mtu.unwrap_or_default()));
    }
    build.plan.network = link.clone();
    if draws.percent(15) && build.plan.hosts.len() > 1 {
        let to = draws.one(&build.plan.hosts).name.clone();
        let (min, max) = (Span::millis(100), Span::millis(150));
        let is = Link { latency: Latency { min, max, tail: None }, ..link };
        words.push(format!("{to} is far away"));
        build.plan.links.push(LinkRule { from: None, to: Some(to), is });
    }
    build.say("network", words.join(", "));
    let clocks = draws.percent(25);
    for index in 0..build.plan.hosts.len() {
        let mut draws = build.draws(&format!("clock.{index}"));
        if clocks && draws.percent(60) {
            build.plan.hosts[index].clock_drift = Some(*draws.one(&[-50_000, -500, 500, 50_000, 300_000]));
            build.plan.hosts[index].clock_offset = Some(about(&mut draws, 1, 86_400_000));
        }
    }
    build.say("clocks", if clocks { "drift and differ" } else { "right" });
}
