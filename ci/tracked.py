"""A copy of the tracked files, for what must not touch the tree."""

import pathlib
import shutil
import subprocess


def copy_tracked(root: pathlib.Path, tree: pathlib.Path) -> None:
    """Brings the copy up to date, and leaves files alone that are the same, so that little is compiled again."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True).stdout
    names = {name for name in tracked.split("\0") if name and (root / name).is_file()}
    for name in names:
        source, target = root / name, tree / name
        if not target.is_file() or target.read_bytes() != source.read_bytes():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    # The deepest first, so that folders are empty when it is their turn.
    for old in sorted(tree.rglob("*"), reverse=True):
        if old.is_dir() and not old.is_symlink():
            if not any(old.iterdir()):
                old.rmdir()
        elif str(old.relative_to(tree)) not in names:
            old.unlink()
