#!/usr/bin/env python3
"""Breaks rules of the reference, one at a time, and demands that the simulator's oracles notice within a number of seeds.

    ci/sim_teeth.py [--list] [--shard I/N] [--seeds N] [--oracles] [--json FILE] [WORD…]

The mutants are `sim/mutants/*.toml`; with words, only those of a file of that name (`pipes`), or with one in their own name or
in that of the file that they break. The bare loop looks for what is
broken in the core, madsim, which runs the shipped library, for what is broken in the driver. The tracked files are copied to
target/sim-teeth, so the tree stays as it is. Red is a mutant that does not compile, fewer than 95 of 100 noticed, and an
oracle that speaks before anything is broken.

With --oracles each mutant is met with all seeds, and the table in the end has for each oracle how many mutants it notices,
and which of them no other does.
"""

import json
import os
import pathlib
import subprocess
import sys
import time

from mutants import NotThere, broken, mutants
from tracked import copy_tracked

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = ROOT / "target" / "sim-teeth"
TREE = WORK / "tree"
ENOUGH = 0.95
# Seconds. All seeds take a tenth of it where nothing is broken.
HANGS = 300


def main() -> int:
    words, shard, only_list, seeds, report, every = [], (1, 1), False, 1000, None, False
    arguments = iter(sys.argv[1:])
    for argument in arguments:
        if argument == "--list":
            only_list = True
        elif argument == "--shard":
            index, _, count = next(arguments, "").partition("/")
            shard = (int(index), int(count))
        elif argument == "--oracles":
            every = True
        elif argument == "--seeds":
            seeds = int(next(arguments, ""))
        elif argument == "--json":
            report = pathlib.Path(next(arguments, ""))
        else:
            words.append(argument)
    about = lambda mutant, word: word == mutant["area"] or word in mutant["name"] or word in mutant["file"]
    chosen = [mutant for mutant in mutants(ROOT) if not words or any(about(mutant, word) for word in words)]
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
        said, _ = sweep(engine, min(seeds, 200))
        if said != "missed":
            print(f"red   before any mutant, {engine}: {said}")
            red += 1
    results = []
    for mutant in chosen:
        start = time.monotonic()
        result = meet(mutant, seeds, every)
        result |= {"name": mutant["name"], "sin": mutant["sin"], "trips": mutant["trips"]}
        results.append(result)
        took = f"{time.monotonic() - start:.0f} s"
        print(f"{result['verdict']:8} {mutant['name']} ({took}) {result.get('said', '')[:160]}", flush=True)
        if report:
            report.write_text(json.dumps(results, indent=1))
    if every:
        tell_oracles(results)
    red += sum(result["verdict"] == "broken" for result in results)
    found = sum(result["verdict"] == "found" for result in results)
    print(f"{len(results)} mutants, {found} found, {red} red")
    return 1 if red or found < ENOUGH * len(results) else 0


def tell_oracles(results: list[dict]) -> None:
    """For each oracle what it notices, and what no other does."""
    noticed: dict[str, list[str]] = {}
    for result in results:
        for oracle in result.get("oracles", {}):
            noticed.setdefault(oracle, []).append(result["name"])
    alone = {result["name"]: next(iter(result["oracles"])) for result in results if len(result.get("oracles", {})) == 1}
    for oracle, names in sorted(noticed.items()):
        own = [name for name in names if alone.get(name) == oracle]
        print(f"{oracle:13} notices {len(names):2}, alone: {', '.join(own) or 'none'}")
    for result in results:
        if result.get("oracles") and result["trips"] not in result["oracles"]:
            print(f"{result['name']} was meant to trip {result['trips']}, which says nothing")


def meet(mutant: dict, seeds: int, every: bool) -> dict:
    try:
        texts = broken(TREE, mutant)
    except NotThere as why:
        return {"verdict": "broken", "said": str(why)}
    before = {path: path.read_text() for path in texts}
    try:
        for path, text in texts.items():
            path.write_text(text)
        engine = engine_of(mutant)
        if not build(engine):
            return {"verdict": "broken", "said": "it does not compile"}
        said, oracles = sweep(engine, seeds, every)
        if said == "missed":
            return {"verdict": "missed"}
        return {"verdict": "found", "engine": engine, "said": f"{engine} {said}", "oracles": oracles}
    finally:
        for path, text in before.items():
            path.write_text(text)


PROGRAMS = {"bare": ("zmq-sim", "teeth"), "madsim": ("zmq-sim-madsim", "teeth_madsim")}


def engine_of(mutant: dict) -> str:
    return "bare" if mutant["file"].startswith("reference/core/") else "madsim"


def build(engine: str) -> bool:
    package, program = PROGRAMS[engine]
    command = ["cargo", "build", "--quiet", "--profile", "teeth", "--package", package, "--bin", program]
    built = subprocess.run(command, cwd=TREE, env=environment(), capture_output=True, text=True, check=False)
    if built.returncode != 0:
        print(built.stderr[-2000:], file=sys.stderr)
    return built.returncode == 0


def sweep(engine: str, seeds: int, every: bool = False) -> tuple[str, dict[str, str]]:
    """What was found, or `missed`, and how often by each oracle. What never comes back has been noticed."""
    command = [str(WORK / "target" / "teeth" / PROGRAMS[engine][1]), "0", str(seeds)]
    try:
        ran = subprocess.run(
            [*command, *(["every"] if every else [])], capture_output=True, text=True, check=False, timeout=HANGS
        )
    except subprocess.TimeoutExpired:
        return "found ? hang", {"hang": "?"}
    if ran.returncode != 0:
        return f"found ? crash, exit {ran.returncode}", {"crash": "?"}
    said, *oracles = ran.stdout.strip().splitlines()
    return said, dict(line.split(" ", 1) for line in oracles)


def environment() -> dict[str, str]:
    # What is compiled again for each mutant is compiled as far as it has changed.
    return {**os.environ, "CARGO_INCREMENTAL": "1", "CARGO_TARGET_DIR": str(WORK / "target")}


if __name__ == "__main__":
    sys.exit(main())
