#!/usr/bin/env python3
"""Breaks rules of the reference, one at a time, and demands that the tests named for each fail.

    ci/mutations.py [--list] [--shard I/N] [WORD…]

The mutations are `docs/spec/mutations/*.toml`; with words, only those whose name or file contains one. The tracked files
are copied to target/mutations, so the tree stays as it is. A mutant that does not compile proves nothing and is red, and
so is a test that fails before anything is broken.
"""

import os
import pathlib
import subprocess
import sys
import time
import tomllib

from tracked import copy_tracked

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = ROOT / "target" / "mutations"
TREE = WORK / "tree"
FOLDERS = {"zmq-core": "reference/core", "zmq-reference": "reference/driver"}


def main() -> int:
    words, shard, only_list = [], (1, 1), False
    arguments = iter(sys.argv[1:])
    for argument in arguments:
        if argument == "--list":
            only_list = True
        elif argument == "--shard":
            index, _, count = next(arguments, "").partition("/")
            shard = (int(index), int(count))
        else:
            words.append(argument)
    chosen = [m for m in mutations() if not words or any(word in m["name"] or word in m["file"] for word in words)]
    chosen = chosen[shard[0] - 1 :: shard[1]]
    if not chosen:
        print("expected a word of the name or file of a mutation, none matched", file=sys.stderr)
        return 2
    if only_list:
        for mutation in chosen:
            print(f"{mutation['name']}: {mutation['sin']} ({', '.join(mutation['checks'])})")
        return 0
    begin = time.monotonic()
    copy_tracked(ROOT, TREE)
    red = 0
    tests = sorted({test for mutation in chosen for test in mutation["tests"]})
    for package, names in by_package(tests).items():
        failed = run(package, names)
        if failed is None or failed:
            print(f"red   before any mutation: {package} {' '.join(failed or ['does not compile'])}")
            red += 1
    for mutation in chosen:
        start = time.monotonic()
        why = meet(mutation)
        red += why is not None
        took = f"{time.monotonic() - start:.0f} s"
        print(f"{'red  ' if why else 'ok   '} {mutation['name']} ({took}){': ' + why if why else ''}", flush=True)
    print(f"{len(chosen)} mutations, {red} red, {time.monotonic() - begin:.0f} s")
    return 1 if red else 0


def mutations() -> list[dict]:
    found = []
    for path in sorted((ROOT / "docs" / "spec" / "mutations").glob("*.toml")):
        found += tomllib.loads(path.read_text()).get("mutation", [])
    return found


def meet(mutation: dict) -> str | None:
    """Why the mutation is red; None if every test noticed."""
    path = TREE / mutation["file"]
    text = path.read_text()
    if text.count(mutation["find"]) != 1:
        return f"its lines are not once in {mutation['file']}"
    path.write_text(text.replace(mutation["find"], mutation["replace"]))
    try:
        for package, names in by_package(mutation["tests"]).items():
            failed = run(package, names)
            if failed is None:
                return "the mutant does not compile"
            missed = [name for name in names if name not in failed]
            if missed:
                return "not noticed by " + ", ".join(missed)
    finally:
        path.write_text(text)
    return None


def run(package: str, names: list[str]) -> list[str] | None:
    """Those of the tests that fail; None if nothing compiles."""
    command = ["cargo", "test", "--quiet", "--package", package, *targets(package, names)]
    where = {"cwd": TREE, "env": environment(), "capture_output": True, "text": True}
    built = subprocess.run([*command, "--no-run"], **where, check=False)
    if built.returncode != 0:
        print(built.stderr[-3000:], file=sys.stderr)
        return None
    try:
        ran = subprocess.run(
            [*command, "--no-fail-fast", "--", "--exact", "--format=pretty", *names], **where, check=False, timeout=300
        )
    except subprocess.TimeoutExpired:
        # A mutant that waits for what never comes has been noticed.
        return names
    lines = ran.stdout.splitlines()
    passed = {line.split()[1] for line in lines if line.startswith("test ") and line.endswith("... ok")}
    return [name for name in names if name not in passed]


def targets(package: str, names: list[str]) -> list[str]:
    """The crates that the tests are in: tests of an integration begin with the name of a file in `tests/it`."""
    outside = TREE / FOLDERS[package] / "tests" / "it"
    found = {"--test=it" if (outside / f"{name.split('::')[0]}.rs").is_file() else "--lib" for name in names}
    return sorted(found)


def by_package(tests: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for test in tests:
        package, _, name = test.partition("::")
        found.setdefault(package, []).append(name)
    return found


def environment() -> dict[str, str]:
    # Without debug information a mutant is built in half the time, and kept in a tenth of the room.
    quick = {"CARGO_INCREMENTAL": "1", "CARGO_PROFILE_DEV_DEBUG": "0", "CARGO_PROFILE_TEST_DEBUG": "0"}
    place = {"CARGO_TARGET_DIR": str(WORK / "target"), "RUSTFLAGS": "-Awarnings", "INSTA_UPDATE": "no"}
    return {**os.environ, **quick, **place}


if __name__ == "__main__":
    sys.exit(main())
