#!/usr/bin/env python3
"""Breaks rules of the reference, one at a time, and demands that the simulator's oracles notice within a number of seeds.

    ci/sim_teeth.py [--list] [--shard I/N] [--seeds N] [--json FILE] [WORD…]

The mutants are `sim/mutants/*.toml`; with words, only those whose name or file contains one. The bare loop looks for what is
broken in the core, madsim, which runs the shipped library, for what is broken in the driver. The tracked files are copied to target/sim-teeth, so the tree stays as it is. Red
is a mutant that does not compile, fewer than 95 of 100 noticed, and an oracle that speaks before anything is broken.
"""

import json
import os
import pathlib
import subprocess
import sys
import time
import tomllib

from tracked import copy_tracked

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = ROOT / "target" / "sim-teeth"
TREE = WORK / "tree"
ENOUGH = 0.95


def main() -> int:
    words, shard, only_list, seeds, report = [], (1, 1), False, 1000, None
    arguments = iter(sys.argv[1:])
    for argument in arguments:
        if argument == "--list":
            only_list = True
        elif argument == "--shard":
            index, _, count = next(arguments, "").partition("/")
            shard = (int(index), int(count))
        elif argument == "--seeds":
            seeds = int(next(arguments, ""))
        elif argument == "--json":
            report = pathlib.Path(next(arguments, ""))
        else:
            words.append(argument)
    chosen = [m for m in mutants() if not words or any(word in m["name"] or word in m["file"] for word in words)]
    chosen = chosen[shard[0] - 1 :: shard[1]]
    if not chosen:
        print("expected a word of the name or file of a mutant, none matched", file=sys.stderr)
        return 2
    if only_list:
        for mutant in chosen:
            print(f"{mutant['name']}: {mutant['sin']} ({', '.join(mutant['from'])})")
        return 0
    copy_tracked(ROOT, TREE)
    red = 0
    for engine in sorted({engine_of(mutant) for mutant in chosen}):
        if not build(engine):
            print("red   before any mutant: nothing compiles")
            return 1
        said = sweep(engine, min(seeds, 200))
        if said != "missed":
            print(f"red   before any mutant, {engine}: {said}")
            red += 1
    results = []
    for mutant in chosen:
        start = time.monotonic()
        result = meet(mutant, seeds)
        result |= {"name": mutant["name"], "sin": mutant["sin"], "trips": mutant["trips"]}
        results.append(result)
        took = f"{time.monotonic() - start:.0f} s"
        print(f"{result['verdict']:8} {mutant['name']} ({took}) {result.get('said', '')[:160]}", flush=True)
    if report:
        report.write_text(json.dumps(results, indent=1))
    red += sum(result["verdict"] == "broken" for result in results)
    found = sum(result["verdict"] == "found" for result in results)
    print(f"{len(results)} mutants, {found} found, {red} red")
    return 1 if red or found < ENOUGH * len(results) else 0


def mutants() -> list[dict]:
    found = []
    for path in sorted((ROOT / "sim" / "mutants").glob("*.toml")):
        found += tomllib.loads(path.read_text()).get("mutant", [])
    return found


def meet(mutant: dict, seeds: int) -> dict:
    before = {}
    try:
        for edit in [mutant, *mutant.get("and", [])]:
            path = TREE / edit.get("file", mutant["file"])
            text = path.read_text()
            before.setdefault(path, text)
            if text.count(edit["find"]) != 1:
                return {"verdict": "broken", "said": f"its lines are not once in {path.relative_to(TREE)}"}
            path.write_text(text.replace(edit["find"], edit["replace"]))
        engine = engine_of(mutant)
        if not build(engine):
            return {"verdict": "broken", "said": "it does not compile"}
        said = sweep(engine, seeds)
        if said == "missed":
            return {"verdict": "missed"}
        return {"verdict": "found", "engine": engine, "said": f"{engine} {said}"}
    finally:
        for path, text in before.items():
            path.write_text(text)


EXAMPLES = {"bare": ("zmq-sim", "teeth"), "madsim": ("zmq-sim-madsim", "teeth_madsim")}


def engine_of(mutant: dict) -> str:
    return "bare" if mutant["file"].startswith("reference/core/") else "madsim"


def build(engine: str) -> bool:
    package, example = EXAMPLES[engine]
    command = ["cargo", "build", "--quiet", "--profile", "teeth", "--package", package, "--example", example]
    built = subprocess.run(command, cwd=TREE, env=environment(), capture_output=True, text=True, check=False)
    if built.returncode != 0:
        print(built.stderr[-2000:], file=sys.stderr)
    return built.returncode == 0


def sweep(engine: str, seeds: int) -> str:
    """What was found, or `missed`. One that never comes back has been noticed."""
    command = [str(WORK / "target" / "teeth" / "examples" / EXAMPLES[engine][1]), "0", str(seeds)]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    except subprocess.TimeoutExpired:
        return "found ? hang"
    if ran.returncode != 0:
        return f"found ? crash, exit {ran.returncode}"
    return ran.stdout.strip()


def environment() -> dict[str, str]:
    flags = {"RUSTFLAGS": "--cfg madsim -Awarnings"}
    return {**os.environ, **flags, "CARGO_TARGET_DIR": str(WORK / "target")}


if __name__ == "__main__":
    sys.exit(main())
