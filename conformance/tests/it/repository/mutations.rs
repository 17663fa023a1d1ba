//! Mutations: each still applies, and its tests are there and cite what it breaks. Whether they fail is for
//! `ci/mutations.py` to find out.

use std::collections::BTreeSet;

use zmqspec::ledger::{Ledger, Mutation, Mutations};

use super::{Text, assert_none, texts};

/// Folders of the packages whose tests mutations name.
const PACKAGES: &[(&str, &str)] = &[("zmq-core", "reference/core/"), ("zmq-reference", "reference/driver/")];

fn wrong_in_mutations(mutations: &Mutations, files: &[Text]) -> Vec<String> {
    mutations.list.iter().flat_map(|mutation| wrong(mutation, files)).collect()
}

fn wrong(mutation: &Mutation, files: &[Text]) -> Vec<String> {
    let mut findings = Vec::new();
    let mut say = |text: String| findings.push(format!("mutation {}: {text}", mutation.name));
    let target = files.iter().find(|file| file.path == mutation.file);
    match target.map(|file| file.text.matches(&mutation.find).count()) {
        None => say(format!("expected a file of the repository, got {:?}", mutation.file)),
        Some(1) => {}
        Some(count) => say(format!("expected its lines once in {}, got them {count} times", mutation.file)),
    }
    let mut cited = BTreeSet::new();
    for test in &mutation.tests {
        match citations(test, files) {
            None => say(format!("expected a test `package::path::name`, got {test:?}, which is not there")),
            Some(ids) => cited.extend(ids),
        }
    }
    for id in mutation.checks.iter().filter(|id| !cited.contains(*id)) {
        say(format!("none of its tests cites {id} in a `// spec:` above it"));
    }
    findings
}

/// The requirements that a test cites in the lines directly above it; `None` if there is no such test.
fn citations(test: &str, files: &[Text]) -> Option<BTreeSet<String>> {
    let (package, path) = test.split_once("::")?;
    let folder = PACKAGES.iter().find(|(name, _)| *name == package)?.1;
    let name = path.rsplit("::").next()?;
    let head = format!("fn {name}(");
    let modules: Vec<&str> = path.split("::").filter(|module| *module != "tests" && *module != name).collect();
    files.iter().filter(|file| file.path.starts_with(folder) && file.path.ends_with(".rs")).find_map(|file| {
        let within = |module: &&str| file.path.split(['/', '.']).any(|part| part == *module);
        let lines: Vec<&str> = file.text.lines().map(str::trim).collect();
        let at = lines.iter().position(|line| line.trim_start_matches("async ").starts_with(&head))?;
        if !modules.iter().all(within) {
            return None;
        }
        let above: Vec<&str> = lines[..at]
            .iter()
            .rev()
            .take_while(|line| line.starts_with("//") || line.starts_with("#["))
            .copied()
            .collect();
        let is_test = above.iter().any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"));
        is_test.then(|| {
            above
                .iter()
                .filter_map(|line| line.strip_prefix("// spec:"))
                .flat_map(|ids| ids.split(',').map(|id| id.trim().to_owned()))
                .collect()
        })
    })
}

#[test]
fn the_repository_keeps_its_mutations() {
    assert_none(&wrong_in_mutations(Mutations::embedded(), &texts()));
}

#[test]
fn each_defect_of_a_mutation_is_found() {
    let good = "[[mutation]]\nname = \"m\"\nsin = \"s\"\nchecks = [\"ZMTP31-PING-05\"]\nfile = \"reference/core/src/a.rs\"\n\
                find = \"one\"\nreplace = \"two\"\ntests = [\"zmq-core::a::tests::fails\"]\n";
    let code = "fn f() { one }\n// spec: ZMTP31-PING-05, ZMTP31-PING-06\n#[test]\nfn fails() {}\n";
    let findings = |text: &str, code: &str| {
        let files = [("m.toml".to_owned(), text.to_owned())];
        let mutations = Mutations::parse(&files, Ledger::embedded()).unwrap();
        wrong_in_mutations(&mutations, &[Text::new("reference/core/src/a.rs", code)])
    };
    assert_none(&findings(good, code));
    assert_eq!(
        findings(&good.replace("a.rs", "b.rs"), code),
        ["mutation m: expected a file of the repository, got \"reference/core/src/b.rs\""]
    );
    assert_eq!(
        findings(good, &code.replace("one", "one + one")),
        ["mutation m: expected its lines once in reference/core/src/a.rs, got them 2 times"]
    );
    assert_eq!(
        findings(good, &code.replace("fails", "passes")),
        [
            "mutation m: expected a test `package::path::name`, got \"zmq-core::a::tests::fails\", which is not there",
            "mutation m: none of its tests cites ZMTP31-PING-05 in a `// spec:` above it"
        ]
    );
    assert_eq!(
        findings(good, &code.replace("PING-05", "PING-07")),
        ["mutation m: none of its tests cites ZMTP31-PING-05 in a `// spec:` above it"]
    );
    assert_eq!(findings(good, &code.replace("#[test]", "#[inline]")).len(), 2);
}
