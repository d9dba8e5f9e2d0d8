"""Knot, a name server that we did not write, and a meddler in front of it that can delay, break and forge what it says.

    with Knot({"test": ["a.test MX 10 mx.a.test", ...], "signed.test": [...]}, signed=["signed.test"]) as knot:
        with Meddler(knot) as dns:
            dns.rule("evil.test", lambda question: question.reply(code=2))
            ... dns.address, dns.asked ...

Names in records are whole ones, without the final dot. Both end by id.
"""

import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

from server import PEERS, SOURCE, free_port_everywhere, wait_until

sys.path.append(str(SOURCE / "tests/support"))
from dns_server import NAMES, TYPES, Server as Wire, record, wire_data, wire_name  # noqa: E402

SERVFAIL, NXDOMAIN, REFUSED = 2, 3, 5
AUTHENTIC, TRUNCATED = 0x0020, 0x0200
PAST = "1600000000"  # signatures made then are long expired
SILENT = object()
CONFIG = """server:
    rundir: "{folder}"
    listen: [ 127.0.0.1@{port} ]
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: warning
database:
    storage: "{folder}"
policy:
  - id: one-key
    algorithm: ecdsap256sha256
    single-type-signing: on
zone:
"""


class Knot:
    """knotd on a free port. `zones`: {name: records}; those in `signed` it signs itself, those in `expired` were signed long ago."""

    def __init__(self, zones, signed=(), expired=()):
        self.zones, self.signed, self.expired = dict(zones), list(signed), list(expired)
        self.process = None

    def __enter__(self):
        self.holder = tempfile.TemporaryDirectory(prefix="paquebot-knot-")
        self.folder = pathlib.Path(self.holder.name)
        self.port = free_port_everywhere()
        for name, records in self.zones.items():
            below = "" if name == "." else "." + name
            own = [f"{name} SOA ns{below} postmaster{below} 1 3600 600 86400 1", f"{name} NS ns{below}", f"ns{below} A 127.0.0.1"]
            (self.folder / f"{name}.zone").write_text("$ORIGIN .\n$TTL 1\n" + "".join(line + "\n" for line in own + records))
        for name in self.expired:
            self._configure([name])
            self._run("kzonesign", "-t", PAST, "-o", self.folder, name)
        self._configure(self.signed)
        words = [str(PEERS / "bin/knotd"), "-c", str(self.config)]
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.said = []
        threading.Thread(target=lambda: self.said.extend(self.process.stderr), daemon=True).start()
        for name in self.zones:
            wait_until(lambda name=name: self._serves(name), lambda: f"knotd to serve {name}: {''.join(self.said)}")
        return self

    def __exit__(self, *failure):
        self.process.terminate()
        self.process.wait()
        self.holder.cleanup()

    def _configure(self, signed):
        self.config = self.folder / "knot.conf"
        zones = "".join(f'  - domain: "{name}"\n    file: "{self.folder}/{name}.zone"\n    zonefile-sync: -1\n'
                        f"    zonefile-load: whole\n    journal-content: none\n"
                        + ("    dnssec-signing: on\n    dnssec-policy: one-key\n" if name in signed else "") for name in self.zones)
        self.config.write_text(CONFIG.format(folder=self.folder, port=self.port) + zones)

    def _run(self, program, *words):
        done = subprocess.run([str(PEERS / "bin" / program), "-c", str(self.config), *map(str, words)], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{program}: {done.stdout}{done.stderr}")
        return done.stdout

    def _serves(self, name):
        if self.process.poll() is not None or any("failed to load" in line for line in self.said):
            raise RuntimeError("knotd: " + "".join(self.said))
        query = struct.pack(">HHHHHH", 1, 0, 1, 0, 0, 0) + wire_name(name) + struct.pack(">HH", TYPES["SOA"], 1)
        try:
            return ask_udp(query, self.port, 0.5)[3] & 0x0F == 0
        except OSError:
            return False

    def anchors(self, *names):
        """DS records of signed zones, for [dns] trust_anchor."""
        lines = [line for name in names for line in self._run("keymgr", name, "ds").splitlines()]
        return "\n".join(line.replace(" DS ", " IN DS ", 1) for line in lines)


def ask_udp(query, port, seconds=5):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.settimeout(seconds)
        out.connect(("127.0.0.1", port))
        out.send(query)
        return out.recv(65535)


def ask_tcp(query, port):
    with socket.create_connection(("127.0.0.1", port), 5) as out, out.makefile("rb") as file:
        out.sendall(struct.pack(">H", len(query)) + query)
        return file.read(struct.unpack(">H", file.read(2))[0])


class Question:
    """What the resolver wants to know, and the means to answer it."""

    def __init__(self, meddler, query, transport, client=None):
        self.meddler, self.query, self.transport, self.client = meddler, query, transport, client
        self.name, end = Wire.read_name(query)
        number = struct.unpack(">H", query[end:end + 2])[0]
        self.type, self.section = NAMES.get(number, str(number)), query[12:end + 4]

    def truth(self):
        """What Knot says."""
        ask = ask_udp if self.transport == "udp" else ask_tcp
        return ask(self.query, self.meddler.knot.port)

    def reply(self, answer=(), authority=(), additional=(), code=0, flags=0, ttl=60):
        """A reply of records such as "mx.good.test A 127.0.0.66"; for odd ones octets instead of text."""
        parts = [[one if isinstance(one, bytes) else self.record(one, ttl) for one in part] for part in (answer, authority, additional)]
        return self.packet(b"".join(b"".join(part) for part in parts), [len(part) for part in parts], code, flags)

    def packet(self, body, counts, code=0, flags=0):
        """The same with a body of octets, which the counts need not fit."""
        return self.query[:2] + struct.pack(">HHHHH", 0x8580 | flags | code, 1, *counts) + self.section + body

    @staticmethod
    def record(text, ttl=60):
        name, kind, *words = text.split()
        if kind == "SOA":
            data = wire_name("ns." + words[0]) + wire_name("postmaster." + words[0]) + struct.pack(">IIIII", 1, 60, 60, 60, 60)
        else:
            data = wire_data(kind, [words[0].replace("~", " ")] if kind == "TXT" else words)
        return record(name, TYPES[kind], ttl, data)

    def send(self, packet, source=None):
        """A datagram beside the reply; from another socket than the asked one if `source` is given."""
        if self.transport == "udp":
            (source or self.meddler.udp).sendto(packet, self.client)


class Meddler:
    """Listens for questions on UDP and TCP. A rule is a function for a name and all below it: it gives octets, SILENT (over TCP: the
    connection is closed), or None, and then Knot answers. The rule of the longest name counts, that of "*" behind all others."""

    def __init__(self, knot):
        self.knot, self.rules, self.asked, self.open = knot, {}, [], True

    def __enter__(self):
        for _ in range(50):
            self.tcp = socket.create_server(("127.0.0.1", 0), backlog=64)
            self.port = self.tcp.getsockname()[1]
            self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                self.udp.bind(("127.0.0.1", self.port))
                break
            except OSError:
                self.tcp.close()
                self.udp.close()
        self.address = f"127.0.0.1:{self.port}"
        for serve in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=serve, daemon=True).start()
        return self

    def __exit__(self, *failure):
        self.open = False
        for end in (lambda: self.tcp.shutdown(socket.SHUT_RDWR), self.tcp.close, lambda: ask_nobody(self.port), self.udp.close):
            try:
                end()
            except OSError:
                pass

    def rule(self, name, act):
        self.rules[name] = act

    def asked_for(self, suffix):
        """The names asked so far that end so, each once for each type."""
        return {(name, kind) for name, kind, _ in list(self.asked) if name.endswith(suffix)}

    def _answer(self, question):
        self.asked.append((question.name, question.type, question.transport))
        labels = question.name.split(".")
        for name in [".".join(labels[i:]) for i in range(len(labels))] + ["*"]:
            if act := self.rules.get(name):
                made = act(question)
                if made is not None:
                    return made
                break
        return question.truth()

    def _serve_udp(self):
        while self.open:
            query, client = self.udp.recvfrom(4096)
            threading.Thread(target=self._udp_question, args=(query, client), daemon=True).start()

    def _udp_question(self, query, client):
        try:
            made = self._answer(Question(self, query, "udp", client))
            if made is not SILENT:
                self.udp.sendto(made, client)
        except OSError:
            pass  # the end of the test

    def _serve_tcp(self):
        while self.open:
            try:
                connection, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._tcp_session, args=(connection,), daemon=True).start()

    def _tcp_session(self, connection):
        try:
            with connection, connection.makefile("rb") as file:
                while len(size := file.read(2)) == 2:
                    made = self._answer(Question(self, file.read(struct.unpack(">H", size)[0]), "tcp"))
                    if made is SILENT:
                        return
                    connection.sendall(struct.pack(">H", len(made)) + made)
        except (OSError, struct.error):
            pass


def ask_nobody(port):
    """Wakes the thread that waits for a datagram."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.sendto(b"\0" * 17, ("127.0.0.1", port))


def without_extensions(query):
    """The query as one that knows nothing of EDNS would ask it: without its OPT record, and so without a wish for signatures."""
    _, end = Wire.read_name(query)
    return query[:10] + b"\0\0" + query[12:end + 4]


# --- rules that several tests need ----------------------------------------------------------------------------


def silent(question):
    return SILENT


def failing(code):
    return lambda question: question.reply(code=code)


def stripping(question):
    """What a forwarder says that knows nothing of DNSSEC."""
    ask = ask_udp if question.transport == "udp" else ask_tcp
    return ask(without_extensions(question.query), question.meddler.knot.port)


def validated(question):
    """What Knot says, as a resolver that has checked it."""
    truth = question.truth()
    return truth[:3] + bytes([truth[3] | AUTHENTIC]) + truth[4:]


def late(seconds):
    """What Knot says, so much later."""
    def act(question):
        time.sleep(seconds)  # the subject of the test, not a way to wait for something
        return None
    return act


def truncated(question):
    """Nothing over UDP but the hint to come over TCP, where the connection is closed."""
    return question.reply(flags=TRUNCATED) if question.transport == "udp" else SILENT
