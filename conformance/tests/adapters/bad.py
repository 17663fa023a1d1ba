"""Adapters that misbehave, one per word: what the harness must live through."""
import json, os, signal, subprocess, sys, time

HELLO = {"protocol": 1, "name": "bad", "version": "1", "sockets": ["REP"], "roles": ["bind"], "transports": ["tcp"],
         "mechanisms": ["NULL"], "zmtp": ["3.1"]}


def line():
    text = sys.stdin.readline()
    if not text:
        sys.exit(0)
    return json.loads(text)


def write(text):
    sys.stdout.write(text)
    sys.stdout.flush()


def greet():
    write(json.dumps({"id": line()["id"], **HELLO}) + "\n")


what = sys.argv[1]
if what == "silent":
    time.sleep(600)
if what == "never-greets":
    sys.stderr.write("no library here\n")
    sys.exit(3)
if what == "half-hello":
    write(json.dumps({"id": line()["id"], "protocol": 1, "name": "bad"}) + "\n")
    line()
if what == "other-protocol":
    write(json.dumps({"id": line()["id"], **HELLO, "protocol": 2}) + "\n")
    line()
greet()
request = line()
if what == "aborts":
    sys.stderr.write("Assertion failed: \x1b[31mcheck ()\x1b[0m " + "x" * 1000 + "\n")
    sys.stderr.flush()
    os.kill(os.getpid(), signal.SIGABRT)
if what == "exits":
    sys.exit(7)
if what == "hangs":
    time.sleep(600)
if what == "rubbish":
    os.write(1, b"printf debugging \xff\x1b[2J" + b"y" * 2000 + b"\n")
    write(json.dumps({"id": request["id"]}) + "\n")
    line()
if what == "not-json":
    write("connected!\n")
    line()
if what == "wrong-id":
    write(json.dumps({"id": 999}) + "\n")
    line()
if what == "closes-stdout":
    os.close(1)
    time.sleep(600)
if what == "floods-stdout":
    event = json.dumps({"event": "monitor", "s": "a", "name": "n" * 60000, "value": 0, "endpoint": "", "seq": 1}) + "\n"
    while True:
        sys.stdout.write(event)
if what == "endless-line":
    while True:
        sys.stdout.write("z" * 1000000)
if what == "floods-stderr":
    for number in range(200000):
        sys.stderr.write(f"noise {number}\n")
    sys.stderr.write("q" * 50_000_000)
    sys.stderr.flush()
    write(json.dumps({"id": request["id"]}) + "\n")
    line()
if what == "faults":
    write(json.dumps({"event": "fault", "thread": "io", "text": "index out of range"}) + "\n")
    write(json.dumps({"id": request["id"]}) + "\n")
    line()
if what == "never-reads":
    write(json.dumps({"id": request["id"]}) + "\n")
    time.sleep(600)
if what == "late":
    time.sleep(0.5)
    write(json.dumps({"id": request["id"]}) + "\n")
    request = line()
    write(json.dumps({"id": request["id"]}) + "\n")
    line()
if what == "backwards":
    second = line()
    write(json.dumps({"id": second["id"]}) + "\n" + json.dumps({"id": request["id"]}) + "\n")
    line()
if what == "leaves-a-child":
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    write(json.dumps({"id": request["id"], "value": child.pid}) + "\n")
    line()
