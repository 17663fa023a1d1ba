use std::path::Path;
use std::process::Command;

use crate::render::fixture;

/// What people do, and what they see then; the page's own functions are not called.
const VISIT: &str = include_str!("visit.js");

/// Runs headless Chromium; `.ci/run` installs it. Gives what it says on its standard output.
fn chromium(folder: &Path, words: &[&str], file: &Path) -> Option<String> {
    let profile = format!("--user-data-dir={}", folder.join("profile").display());
    let page = format!("file://{}", file.display());
    let common = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-color-profile=srgb"];
    let rest = ["--virtual-time-budget=4000", "--enable-logging=stderr", "--window-size=1500,950", &profile];
    let done = match Command::new("chromium").args(common).args(rest).args(words).arg(&page).output() {
        Ok(done) => done,
        Err(why) => {
            assert!(
                std::env::var_os("ZMQSPEC_TEST_TOOLS").is_none(),
                "chromium is wanted and cannot be started: {why}"
            );
            println!("skipped: chromium cannot be started ({why})");
            return None;
        }
    };
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
    let complaints: Vec<_> = said.lines().filter(|line| line.contains(":CONSOLE")).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
    Some(String::from_utf8(done.stdout).unwrap())
}

fn visited(page: &str, visit: &str) -> Option<serde_json::Value> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.html");
    let visit = format!("<script>{visit}</script></body>");
    std::fs::write(&file, page.replace("</body>", &visit)).unwrap();
    let dom = chromium(folder.path(), &["--dump-dom"], &file)?;
    let (_, rest) = dom.split_once("<pre id=\"seen\">").expect("the visit came to its end");
    let (seen, _) = rest.split_once("</pre>").unwrap();
    let seen = seen.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    Some(serde_json::from_str(&seen).unwrap())
}

#[test]
fn people_find_the_way_of_a_message() {
    let film = fixture::film();
    let page = film.picture().html();
    assert!(
        !page.contains("http://")
            || page.matches("http://").count() == page.matches("http://www.w3.org/2000/svg").count()
    );
    let Some(seen) = visited(&page, VISIT) else { return };
    insta::assert_snapshot!(serde_json::to_string_pretty(&seen).unwrap());
}

/// `ZMQSPEC_SCREENSHOTS=FOLDER` has pictures of the page written there.
#[test]
fn the_page_is_drawn_light_and_dark_and_on_paper() {
    let film = fixture::film();
    let folder = tempfile::tempdir().unwrap();
    let target = std::env::var_os("ZMQSPEC_SCREENSHOTS").map_or_else(|| folder.path().to_owned(), Into::into);
    let file = target.join("run.html");
    std::fs::write(&file, film.picture().html()).unwrap();
    for (name, words) in [("light", &[][..]), ("dark", &["--blink-settings=preferredColorScheme=0"])] {
        let image = target.join(format!("{name}.png"));
        let screenshot = format!("--screenshot={}", image.display());
        let words = [&[screenshot.as_str()], words].concat();
        if chromium(folder.path(), &words, &file).is_none() {
            return;
        }
        let octets = std::fs::read(&image).unwrap();
        assert!(octets.starts_with(b"\x89PNG") && octets.len() > 50_000, "{name}: {} octets", octets.len());
    }
    let paper = folder.path().join("paper.pdf");
    let print = format!("--print-to-pdf={}", paper.display());
    chromium(folder.path(), &[&print, "--no-pdf-header-footer"], &file).unwrap();
    assert!(std::fs::read(&paper).unwrap().starts_with(b"%PDF"));
}

#[test]
fn the_figure_of_the_book_is_of_this_page() {
    let figure = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/src/pictures/run.html");
    let told = "write it again: ZMQSPEC_SCREENSHOTS=$PWD/docs/src/pictures cargo test -p zmq-sim on_paper";
    assert!(std::fs::read_to_string(figure).unwrap() == fixture::film().picture().html(), "{told}");
}

#[test]
fn a_long_run_is_cut_around_what_is_wrong_and_says_so() {
    let film = fixture::film();
    let picture = film.picture();
    let wrong = picture.line_of(&film.violations[0]).unwrap();
    for most in [5, 30, 1000] {
        let shown = picture.shown(most);
        assert!(shown.contains(&wrong) && shown.len() <= most, "{shown:?}");
    }
    assert_eq!(picture.shown(1000), 0..picture.lines.len());
}
