#!/usr/bin/env python3
"""Figures that noise hardly moves: instructions of the codec, system calls of a round trip and of a stream of messages.

    ci/guards.py

Each is held against what it is allowed to be, a little above what it was when it was written down; who makes it worse
says why and raises it here. Allocations for each message and the octets of an idle connection are a test of their own
(`cargo test -p zmq-reference --test allocations`). Needs valgrind and strace.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PEERS = ROOT / "reference" / "peers"

# Instructions of one frame, made, written, read and dropped: octets of it, and what is allowed.
CODEC = [(16, 230), (256, 690), (4096, 6000)]

# System calls of one message, of both ends: mode, role of who binds and of who connects, and what is allowed.
CALLS = [
    ("local", "rep", "req", 4.2),
    ("blocking", "rep", "req", 6.0),  # the I/O thread looks in every now and then
    ("local", "pull", "push", 0.10),
    ("blocking", "pull", "push", 0.25),
]


def main() -> int:
    failed = 0

    def judge(what: str, came: float, most: float, unit: str) -> None:
        nonlocal failed
        verdict = "ok" if came <= most else "TOO MANY"
        failed += came > most
        print(f"{what}: {came:.3g} {unit}, at most {most:g}: {verdict}", flush=True)

    codec = built(["-p", "zmq-core", "--bench", "codec"], ROOT, "codec")
    for size, most in CODEC:
        counted = [instructions([codec, str(size), str(count)]) for count in (20_000, 40_000)]
        judge(f"codec, {size} octets", (counted[1] - counted[0]) / 20_000, most, "instructions for each frame")
    peer = built(["--release", "-p", "peer-ours"], PEERS, "peer-ours")
    for mode, binds, connects, most in CALLS:
        counted = [system_calls(peer, mode, binds, connects, count) for count in (2_000, 12_000)]
        messages = 10_000 * (2 if binds == "rep" else 1) * 1.1  # a tenth comes before the clock starts
        judge(f"{connects} and {binds}, {mode}", (counted[1] - counted[0]) / messages, most, "system calls for each message")
    return 1 if failed else 0


def built(words: list[str], folder: pathlib.Path, name: str) -> str:
    """The program that cargo builds with these words."""
    verb = ["bench", "--no-run"] if "--bench" in words else ["build"]
    command = ["cargo", *verb, "--quiet", "--message-format=json-render-diagnostics", *words]
    done = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True)
    for line in done.stdout.splitlines():
        message = json.loads(line)
        if message.get("executable") and message["target"]["name"] == name:
            return message["executable"]
    sys.exit(f"expected a program {name} of {' '.join(command)}, found none")


def instructions(command: list[str]) -> int:
    valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    done = subprocess.run([*valgrind, *command], check=True, capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if not found:
        sys.exit(f"expected a count of valgrind, found:\n{done.stderr}")
    return int(found.group(1))


def system_calls(peer: str, mode: str, binds: str, connects: str, count: int) -> int:
    """Of both processes, which share one processor, from beginning to end."""
    with tempfile.TemporaryDirectory(prefix="guards-") as folder:
        traces = [os.path.join(folder, name) for name in ("binds", "connects")]

        def start(role: str, endpoint: str, side: str, trace: str) -> subprocess.Popen:
            words = [f"bench-{role}", endpoint, side, "16", str(count), "--mode", mode, "--cpus", "0"]
            command = ["strace", "-f", "-c", "-U", "calls,name", "-o", trace, peer, *words]
            return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

        binding = start(binds, "tcp://127.0.0.1:0", "BIND", traces[0])
        endpoint = await_word(binding, "ready")
        connecting = start(connects, endpoint, "CONNECT", traces[1])
        await_word(connecting if binds == "rep" else binding, "latency" if binds == "rep" else "rate")
        for process in (connecting, binding):
            process.stdin.close()
            process.wait(timeout=20)
        return sum(counted(trace) for trace in traces)


def await_word(process: subprocess.Popen, word: str) -> str:
    for line in process.stdout:
        first, _, rest = line.strip().partition(" ")
        if first == word:
            return rest
        if first in ("failed", "unsupported"):
            sys.exit(f"expected {word}, and the peer says: {line}")
    sys.exit(f"expected {word}, and the peer ended")


def counted(trace: str) -> int:
    with open(trace) as lines:
        rows = [line.split() for line in lines]
    return sum(int(row[0]) for row in rows if len(row) == 2 and row[0].isdigit() and row[1] != "total")


if __name__ == "__main__":
    sys.exit(main())
