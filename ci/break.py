#!/usr/bin/env python3
"""Breaks one rule of the reference in this tree, so that every verb of the simulator can be tried on a bug.

    ci/break.py NAME          a mutant of sim/mutants/*.toml; `git checkout reference` mends it

`ci/sim_teeth.py --list` has their names.
"""

import pathlib
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main() -> int:
    mutants = {}
    for path in sorted((ROOT / "sim" / "mutants").glob("*.toml")):
        mutants |= {mutant["name"]: mutant for mutant in tomllib.loads(path.read_text()).get("mutant", [])}
    name = sys.argv[1] if len(sys.argv) == 2 else None
    if name not in mutants:
        print(f"expected the name of a mutant, found {name or 'none'}; `ci/sim_teeth.py --list` has them", file=sys.stderr)
        return 2
    mutant = mutants[name]
    edits = [(ROOT / edit.get("file", mutant["file"]), edit) for edit in [mutant, *mutant.get("and", [])]]
    for path, edit in edits:
        if path.read_text().count(edit["find"]) != 1:
            print(f"expected the lines of {name} once in {path.relative_to(ROOT)}: is it broken already?", file=sys.stderr)
            return 1
    for path, edit in edits:
        path.write_text(path.read_text().replace(edit["find"], edit["replace"]))
        print(f"{path.relative_to(ROOT)}: {mutant['sin']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
