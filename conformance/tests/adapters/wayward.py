"""Carries the adapter protocol to another adapter and back, and misbehaves once, at the N-th `recv` of a process.

    wayward.py MISDEED N FOLDER COMMAND…

FOLDER remembers what must outlive the process: `done` once the deed is done, `pids` of every process started, and for
`waits` the files `reached` and `go`.
"""
import json, os, resource, signal, subprocess, sys, threading, time

deed, count, folder, command = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:]
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
inner = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
with open(os.path.join(folder, "pids"), "a") as pids:
    pids.write(f"{os.getpid()}\n{inner.pid}\n")


def write(octets):
    while octets:
        octets = octets[os.write(1, octets):]


def back():
    for line in inner.stdout:
        write(line)
    os._exit(0)


def first_time():
    try:
        os.close(os.open(os.path.join(folder, "done"), os.O_CREAT | os.O_EXCL))
        return True
    except FileExistsError:
        return False


def last_words():
    sys.stderr.write("some noise\nAssertion failed: check () (wayward.cpp:7)\n")
    sys.stderr.flush()


def misbehave():
    """Returns if the request is to be carried out all the same."""
    if deed == "aborts":
        last_words()
        os.kill(os.getpid(), signal.SIGABRT)
    if deed == "exits":
        last_words()
        os._exit(3)
    if deed == "hangs":
        last_words()
        threading.Event().wait()
    if deed == "floods-stdout":
        write(b"junk\n" * 200_000)
    if deed == "prints":
        write(b"printf debugging\n")
    if deed == "closes-stdout":
        os.close(1)
        threading.Event().wait()
    if deed == "floods-stderr":
        sys.stderr.write("noise\n" * 1_700_000)
        sys.stderr.flush()
    if deed == "faults":
        write(json.dumps({"event": "fault", "thread": "io", "text": "index out of range"}).encode() + b"\n")
    if deed == "waits":
        open(os.path.join(folder, "reached"), "w").close()
        while not os.path.exists(os.path.join(folder, "go")):
            if not os.path.isdir(folder):
                sys.exit("the test is over")
            time.sleep(0.01)


threading.Thread(target=back, daemon=True).start()
seen = 0
for line in sys.stdin.buffer:
    if json.loads(line).get("do") == "recv":
        seen += 1
        if seen == count and first_time():
            misbehave()
    inner.stdin.write(line)
    inner.stdin.flush()
inner.stdin.close()
inner.wait()
