#!/usr/bin/env python3
"""Breaks one rule of the reference in this tree, so that every verb of the simulator can be tried on a bug.

    ci/break.py NAME          a mutant of sim/mutants/*.toml; `git checkout reference` mends it

`ci/sim_teeth.py --list` has their names.
"""

import pathlib
import sys

from mutants import NotThere, broken, mutants

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main() -> int:
    named = {mutant["name"]: mutant for mutant in mutants(ROOT)}
    name = sys.argv[1] if len(sys.argv) == 2 else None
    if name not in named:
        print(f"expected the name of a mutant, found {name or 'none'}; `ci/sim_teeth.py --list` has them", file=sys.stderr)
        return 2
    try:
        texts = broken(ROOT, named[name])
    except NotThere as why:
        print(f"expected a tree to break with {name}, but {why}: is it broken already?", file=sys.stderr)
        return 1
    for path, text in texts.items():
        path.write_text(text)
        print(f"{path.relative_to(ROOT)}: {named[name]['sin']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
