"""zmqspec adapter over pyzmq (tested with 27.1.0): each socket has a thread that owns it."""
import contextlib, hashlib, itertools, json, os, queue, socket, sys, threading, time
import zmq, zmq.utils.monitor
OUT, LOCK = os.fdopen(os.dup(1), "w", encoding="utf-8"), threading.Lock()
os.dup2(2, 1)  # stdout belongs to the protocol
TYPES = {n: getattr(zmq, n) for n in "PAIR PUB SUB REQ REP DEALER ROUTER PULL PUSH XPUB XSUB STREAM".split()}
HEX = set("routing_id subscribe unsubscribe connect_routing_id xpub_welcome_msg "
          "curve_publickey curve_secretkey curve_serverkey".split())
TEXT = set("last_endpoint plain_username plain_password zap_domain socks_proxy bindtodevice metadata".split())
OPTIONS = {o.name.lower(): o for o in zmq.SocketOption if o < 93 and "GSSAPI" not in o.name or o.name == "METADATA"}
CLASSES = dict(EAGAIN="would-block", EFSM="state", EHOSTUNREACH="unroutable", ETERM="terminated", ENOTSOCK="terminated",
               InterruptedError="terminated", ENOTSUP="unsupported", EPROTONOSUPPORT="unsupported",
               NotImplementedError="unsupported")
SOCKETS, CONTEXTS, OWNERS = {}, {}, []

def write(line):
    with LOCK:
        OUT.write(json.dumps(line) + "\n")
        OUT.flush()

def refusal(e):
    name = next((n.name for n in zmq.Errno if n == getattr(e, "errno", None)), "")
    return {"class": CLASSES.get(name or type(e).__name__, "argument"), "errno": name, "native": repr(e)}
def answer(id, call, q):
    try:
        write({"id": id, **(call(q) or {})})
    except Exception as e:
        write({"id": id, "error": refusal(e)})
def known(table, name):
    if name not in table: raise NotImplementedError(f"there is no {name} here")
    return table[name]

class Owner(threading.Thread):
    def __init__(self, q, ctx):
        super().__init__(daemon=True)
        self.s, self.jobs, self.cancelled, self.sock = q["s"], queue.Queue(), False, ctx.socket(known(TYPES, q["type"]))
        for option, value in q.get("options", {}).items(): self.do_set({"option": option, "value": value})
        self.start()
    def run(self):
        while not self.sock.closed: self.jobs.get()()
    def do_close(self, q):
        with contextlib.suppress(zmq.ContextTerminated):
            self.sock.linger = q.get("linger", 0)
        self.sock.close()
    def do_set(self, q):
        name, value, octets = q["option"], q["value"], q["option"] in HEX | TEXT
        number = known(OPTIONS, name)
        if isinstance(value, str) != octets: raise TypeError(f"option {name} has another type")
        self.sock.setsockopt(number, bytes.fromhex(value) if name in HEX else value.encode() if octets else value)
    def do_get(self, q):
        value = self.sock.getsockopt(known(OPTIONS, q["option"]))
        text = lambda: value.hex() if q["option"] in HEX else value.rstrip(b"\0").decode()
        return {"value": text() if isinstance(value, bytes) else value}
    def do_bind(self, q):
        getattr(self.sock, q["do"])(q["endpoint"])
        if q["do"] in ("bind", "connect"):
            return {"endpoint": self.sock.last_endpoint.rstrip(b"\0").decode() or q["endpoint"]}
    do_connect = do_unbind = do_disconnect = do_bind
    def do_settle(self, q): self.sock.getsockopt(zmq.EVENTS)
    def patiently(self, q, event, call):  # in slices, so that `reset` can release it
        end = time.monotonic() + q["timeout_ms"] / 1000
        while True:
            try:
                return call()
            except zmq.Again:
                if (left := end - time.monotonic()) <= 0: raise
            if self.cancelled: raise InterruptedError("released by reset")
            self.sock.poll(max(1, min(left * 1000, 20)), event)
    def do_send(self, q):
        parts = [bytes.fromhex(p["fill"]) * p["len"] if isinstance(p, dict) else bytes.fromhex(p) for p in q["parts"]]
        for part, after in zip(parts, parts[1:] + [q.get("more") or None]):
            flags = zmq.DONTWAIT | (zmq.SNDMORE if after is not None else 0)
            self.patiently(q, zmq.POLLOUT, lambda: self.sock.send(part, flags))
    def do_recv(self, q):
        frames = self.patiently(q, zmq.POLLIN, lambda: self.sock.recv_multipart(zmq.DONTWAIT, copy=False))
        part = lambda b: b.hex() if len(b) <= 65536 else {"len": len(b), "sha256": hashlib.sha256(b).hexdigest()}
        metadata = {}
        for name in ("Socket-Type", "Peer-Address", "User-Id", "X-Zmqspec"):
            with contextlib.suppress(zmq.ZMQError):
                metadata[name] = frames[0].get(name)
        return {"parts": [part(f.bytes) for f in frames], "metadata": metadata}
    def do_monitor(self, q):
        threading.Thread(target=self.pump, args=(self.sock.get_monitor_socket(),), daemon=True).start()
    def pump(self, pair):
        with pair, contextlib.suppress(zmq.ZMQError):  # until its socket is closed or the context ends
            for seq in itertools.count(1):
                e = zmq.utils.monitor.parse_monitor_message(pair.recv_multipart())
                write({"event": "monitor", "s": self.s, "name": zmq.Event(e["event"]).name.lower(), "value": e["value"],
                       "endpoint": e["endpoint"].decode(), "seq": seq})
                if e["event"] == zmq.EVENT_MONITOR_STOPPED: return

def hello(q):
    with zmq.Context() as ctx, ctx.socket(zmq.DEALER) as sock:  # what it greets with is seen on the wire
        with socket.create_connection(("127.0.0.1", sock.bind_to_random_port("tcp://127.0.0.1")), 5) as link:
            link.sendall(b"\xff" + bytes(7) + b"\x01\x7f\x03\x01NULL" + bytes(48))
            minor = link.makefile("rb").read(12)[11]
    return {"protocol": 1, "name": "libzmq", "version": zmq.zmq_version(), "sockets": list(TYPES), "commit": "",
            "features": ["pyzmq"], "roles": ["bind", "connect"], "transports": ["tcp", "inproc", "ipc"],
            "mechanisms": ["NULL", "PLAIN"] + ["CURVE"] * zmq.has("curve"),
            "zmtp": ["3.1"] * (minor > 0) + ["3.0", "2.0", "1.0"],
            "options": {n: "hex" if n in HEX else "text" if n in TEXT else "int" for n in OPTIONS}}
def reset(q):
    for owner in OWNERS:
        owner.cancelled = True
        owner.jobs.put(lambda owner=owner: owner.do_close({}))
    for owner in OWNERS: owner.join(3)
    left = sum(owner.is_alive() for owner in OWNERS)
    for ctx in [] if left else CONTEXTS.values():
        ctx.term()
    for table in (SOCKETS, CONTEXTS, OWNERS): table.clear()
    descriptors = len(os.listdir("/proc/self/fd")) - 1 if os.path.isdir("/proc/self/fd") else 0
    return {"left": {"sockets": left, "threads": threading.active_count(), "descriptors": descriptors, "bytes": 0}}
def context(q):
    if q["ctx"] in CONTEXTS: raise ValueError("that name is taken")
    ctx = CONTEXTS[q["ctx"]] = zmq.Context()
    for option, value in q.get("options", {}).items():
        ctx.set(known({o.name.lower(): o for o in zmq.ContextOption}, option), value)
def open_socket(q):
    if q["s"] in SOCKETS: raise ValueError("that name is taken")
    SOCKETS[q["s"]] = Owner(q, CONTEXTS[q["ctx"]] if "ctx" in q else CONTEXTS.setdefault("", zmq.Context()))
    OWNERS.append(SOCKETS[q["s"]])
def poll(q):
    end, bits, ready = time.monotonic() + q["timeout_ms"] / 1000, {"in": zmq.POLLIN, "out": zmq.POLLOUT}, []
    watched = [(item, bits[item["on"]], SOCKETS[item["s"]], queue.Queue()) for item in q["items"]]
    while True:
        for _, _, owner, reply in watched:
            owner.jobs.put(lambda o=owner, r=reply: r.put(o.sock.getsockopt(zmq.EVENTS)))
        ready = [item for item, bit, _, reply in watched if reply.get() & bit]
        if ready or time.monotonic() >= end:
            return {"ready": ready}
        time.sleep(0.002)
DO = {"hello": hello, "reset": reset, "context": context, "open": open_socket}
def serve(line):
    q, id = {}, 0
    try:
        q = json.loads(line)
        id, do = int(q["id"]), q["do"]
        if hasattr(Owner, f"do_{do}"):
            owner = SOCKETS.pop(q["s"]) if do == "close" else SOCKETS[q["s"]]
            owner.jobs.put(lambda: answer(id, getattr(owner, "do_" + do), q))
        elif do in ("term", "poll"):  # these wait
            call = poll if do == "poll" else lambda q, ctx=CONTEXTS.pop(q["ctx"]): ctx.term()
            threading.Thread(target=answer, args=(id, call, q), daemon=True).start()
        else:
            answer(id, known(DO, do), q)
    except Exception as e:
        write({"id": id, "error": refusal(e)})
for line in sys.stdin.buffer: serve(line)
os._exit(0)
