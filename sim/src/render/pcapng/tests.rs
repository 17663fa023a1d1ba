use std::path::Path;
use std::process::Command;

use crate::render::fixture;

/// Asks Wireshark's command line about a file. `.ci/run` installs it.
fn tshark(file: &Path, words: &[&str]) -> Option<String> {
    let checked = ["-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"];
    // Without this, Wireshark takes port 5555 for SigComp, and torn packets for broken ones of that.
    let plain = ["--disable-protocol", "sigcomp"];
    let done = match Command::new("tshark").arg("-r").arg(file).args(checked).args(plain).args(words).output() {
        Ok(done) => done,
        Err(why) => {
            assert!(std::env::var_os("ZMQSPEC_TEST_TOOLS").is_none(), "tshark is wanted and cannot be started: {why}");
            println!("skipped: tshark cannot be started ({why})");
            return None;
        }
    };
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Some(String::from_utf8(done.stdout).unwrap())
}

#[test]
fn wireshark_reads_every_packet_and_finds_nothing_wrong_with_it() {
    let film = fixture::film();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.pcapng");
    std::fs::write(&file, film.picture().pcapng()).unwrap();
    let fields = "frame.number frame.time_epoch frame.interface_name ip.src tcp.flags.str tcp.seq tcp.ack tcp.len udp.length \
                  tcp.analysis.flags tcp.analysis.retransmission frame.comment";
    let mut words = vec!["-T", "fields", "-E", "separator=|", "-E", "aggregator=;"];
    words.extend(fields.split_whitespace().flat_map(|field| ["-e", field]));
    let Some(table) = tshark(&file, &words) else { return };
    insta::assert_snapshot!(table);
    nothing_is_wrong_with(&file);
    // The statuses are there, so that the filter has something to look at.
    let good =
        tshark(&file, &["-Y", "ip.checksum.status == 1 && (tcp.checksum.status == 1 || udp.checksum.status == 1)"]);
    assert_eq!(good.unwrap().lines().count(), table.lines().count());
}

pub(crate) fn nothing_is_wrong_with(file: &Path) {
    let wrong = "_ws.malformed || ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0";
    if let Some(table) = tshark(file, &["-Y", wrong]) {
        assert_eq!(table, "");
    }
}
