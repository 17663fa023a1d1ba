#!/usr/bin/env python3
"""Executes the commands that the documents show: every fenced block marked `sh`, in the order of its document.

    ci/doc_commands.py README.md docs/src/check.md …

`sh exit=N` expects another exit code than 0 of the block's last command; `sh online` needs a package registry and runs
only with --online; `--seen COMMAND` leaves out a block of that one command, which has just been executed elsewhere. Each
document finds a copy of the tracked files and nothing else, so that what it makes stays out of the tree; they share one
folder, so that cargo builds once.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys

from tracked import copy_tracked

BLOCK = re.compile(r"^```sh([^\n]*)\n(.*?)^```$", re.M | re.S)


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("documents", nargs="*")
    arguments.add_argument("--online", action="store_true")
    arguments.add_argument("--seen", action="append", default=[])
    asked = arguments.parse_args()
    documents, online = asked.documents, asked.online
    unseen = set(asked.seen)
    if not documents:
        print("expected documents whose commands to execute, found none", file=sys.stderr)
        return 2
    root = pathlib.Path(__file__).resolve().parent.parent
    folder = root / "target" / "doc-commands"
    failed = executed = 0
    for document in documents:
        blocks = []
        for info, commands in BLOCK.findall((root / document).read_text()):
            words = info.split()
            wanted = next((int(word[5:]) for word in words if word.startswith("exit=")), 0)
            if commands.strip() in asked.seen:
                unseen.discard(commands.strip())
            elif ("online" in words) == online:
                blocks.append((commands, wanted))
        if blocks:
            copy_tracked(root, folder)
        executed += len(blocks)
        failed += sum(not execute(document, commands, wanted, folder, root) for commands, wanted in blocks)
    print(f"{executed - failed} passed, {failed} failed")
    for command in unseen:
        print(f"expected a block of this command alone in one of the documents, found none: {command}")
    return 1 if failed or unseen else 0


def execute(document: str, commands: str, wanted: int, folder: pathlib.Path, root: pathlib.Path) -> bool:
    environment = dict(os.environ, CARGO_TARGET_DIR=str(root / "target"))
    # All but the last line have to succeed, whatever the block as a whole is expected to do.
    *before, last = commands.strip().splitlines()
    script = "\n".join(f"{line} || exit 111" if not line.endswith("\\") else line for line in before) + f"\n{last}\n"
    done = subprocess.run(["bash", "-c", script], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace")
    good = done.returncode == wanted
    print(f"{'ok    ' if good else 'FAILED'} {document}: {commands.strip().splitlines()[-1]}", flush=True)
    if not good:
        print(f"expected exit code {wanted}, came {done.returncode}; the end of its output:")
        print("\n".join(done.stdout.splitlines()[-30:]))
    return good


if __name__ == "__main__":
    sys.exit(main())
