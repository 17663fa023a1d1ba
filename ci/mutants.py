"""Mutants of the reference, for the simulator to find: `sim/mutants/*.toml`, and how one gets into a tree."""

import pathlib
import tomllib


class NotThere(Exception):
    """What a mutant replaces is not in the tree, or not once: the tree has moved on, or has the mutant already."""


def mutants(root: pathlib.Path) -> list[dict]:
    """All of them, in the order of their files; `area` is the file's name."""
    found = []
    for path in sorted((root / "sim" / "mutants").glob("*.toml")):
        found += [mutant | {"area": path.stem} for mutant in tomllib.loads(path.read_text()).get("mutant", [])]
    return found


def broken(tree: pathlib.Path, mutant: dict) -> dict[pathlib.Path, str]:
    """The files that a mutant changes, as they are with it. Nothing is written."""
    texts: dict[pathlib.Path, str] = {}
    for edit in [mutant, *mutant.get("and", [])]:
        path = tree / edit.get("file", mutant["file"])
        text = texts.get(path) or path.read_text()
        if text.count(edit["find"]) != 1:
            raise NotThere(f"its lines are not once in {path.relative_to(tree)}")
        texts[path] = text.replace(edit["find"], edit["replace"])
    return texts
