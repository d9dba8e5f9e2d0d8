#!/usr/bin/python3
"""A small authoritative name server for tests, on UDP and TCP of a free loopback port.

    dns_server.py ZONEFILE [--address 127.0.0.1] [--port 0] [--ttl 5] [--questions FILE]

prints ADDRESS:PORT and a line end once it listens, and reads the zone file again whenever it has changed. The file
has the form of src/dns/fake_zone.h, one record a line:

    example.test              MX    10 mx.example.test
    mx.example.test           A     127.0.0.1
    example.test              TXT   "v=spf1 mx" " -all"
    _25._tcp.mx.example.test  TLSA  3 1 1 0123abcd
    _pop3._tcp.example.test   SRV   0 1 110 mail.example.test
    example.test              CAA   0 issue "ca.example.net"
    www.example.test          CNAME mx.example.test
    9.0.0.127.in-addr.arpa    PTR   mx.example.test
    example.test              SOA   60         (how long negative answers below it may be kept)

and the faults, each for all questions about the name ("*.silent.test": about all names below silent.test):

    broken.test    SERVFAIL       (BOGUS likewise)
    silent.test    TIMEOUT        (no reply at all)
    big.test       TRUNCATE       (over UDP only "truncated": the resolver has to come over TCP)

With --questions each question is appended to a file as "NAME TYPE udp|tcp".
"""

import argparse
import ipaddress
import os
import shlex
import socket
import socketserver
import struct
import sys
import threading

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33, "TLSA": 52, "CAA": 257}
NAMES = {number: name for name, number in TYPES.items()}
OPT = 41
FAULTS = {"SERVFAIL", "BOGUS", "TIMEOUT", "TRUNCATE"}
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3
CHAIN_MOST = 8
UDP_MOST = 512


def wire_name(name):
    """A name as labels, each behind its length (RFC 1035 section 3.1)."""
    labels = [label.encode("ascii") for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def wire_text(words):
    """Counted strings of at most 255 octets."""
    strings = []
    for word in words:
        octets = word.encode("utf-8")
        strings += [octets[i : i + 255] for i in range(0, len(octets), 255)] or [b""]
    return b"".join(bytes([len(part)]) + part for part in strings)


def wire_data(kind, words):
    if kind == "A":
        return ipaddress.IPv4Address(words[0]).packed
    if kind == "AAAA":
        return ipaddress.IPv6Address(words[0]).packed
    if kind in ("CNAME", "PTR", "NS"):
        return wire_name(words[0])
    if kind == "MX":
        return struct.pack(">H", int(words[0])) + wire_name(words[1])
    if kind == "SRV":
        return struct.pack(">HHH", *(int(word) for word in words[:3])) + wire_name(words[3])
    if kind == "TXT":
        return wire_text(words)
    if kind == "CAA":
        return bytes([int(words[0]), len(words[1])]) + words[1].encode("ascii") + words[2].encode("ascii")
    if kind == "TLSA":
        return bytes(int(word) for word in words[:3]) + bytes.fromhex(words[3])
    raise ValueError(f"unknown type {kind}")


class Zone:
    """What a zone file says."""

    def __init__(self, text):
        self.records = {}  # name -> {type: [rdata]}
        self.aliases = {}  # name -> the name it stands for
        self.faults = {}  # name -> set of words
        self.minimums = {}  # name -> seconds for negative answers
        for number, line in enumerate(text.splitlines(), 1):
            line = line.strip()
            if not line or line.startswith(";"):
                continue
            try:
                self.add(*shlex.split(line))
            except (ValueError, TypeError, IndexError, struct.error) as problem:
                raise ValueError(f"line {number}: {line}: {problem}") from problem

    def add(self, name, kind, *words):
        name, kind = name.rstrip(".").lower(), kind.upper()
        if kind in FAULTS:
            self.faults.setdefault(name, set()).add(kind)
        elif kind == "SOA":
            self.minimums[name] = int(words[0])
        elif kind != "SECURE":
            self.records.setdefault(name, {}).setdefault(TYPES.get(kind), []).append(wire_data(kind, list(words)))
            if kind == "CNAME":
                self.aliases[name] = words[0].rstrip(".").lower()

    def faults_of(self, name):
        labels = name.split(".")
        above = (self.faults.get("*." + ".".join(labels[i:]), set()) for i in range(1, len(labels)))
        return self.faults.get(name, set()).union(*above)

    def exists(self, name):
        return name in self.records or any(other.endswith("." + name) for other in self.records)

    def authority(self, name):
        """The name of the zone that a negative answer speaks for, and its minimum."""
        labels = name.split(".")
        for i in range(len(labels)):
            zone = ".".join(labels[i:])
            if zone in self.minimums:
                return zone, self.minimums[zone]
        return labels[-1], 0


def record(name, number, ttl, data):
    return wire_name(name) + struct.pack(">HHIH", number, 1, ttl, len(data)) + data


class Server:
    def __init__(self, path, ttl, questions):
        self.path, self.ttl, self.questions = path, ttl, questions
        self.lock = threading.Lock()
        self.stamp = None
        self.zone = Zone("")

    def current_zone(self):
        """The zone of the file as it is now; while the file is missing or wrong, as it was."""
        with self.lock:
            try:
                info = os.stat(self.path)
                stamp = (info.st_mtime_ns, info.st_size, info.st_ino)
                if stamp != self.stamp:
                    with open(self.path, encoding="utf-8") as file:
                        self.zone = Zone(file.read())
                    self.stamp = stamp
            except (OSError, ValueError) as problem:
                print(f"dns_server: {self.path}: {problem}", file=sys.stderr, flush=True)
            return self.zone

    def note(self, name, number, transport):
        if self.questions:
            with self.lock, open(self.questions, "a", encoding="utf-8") as file:
                file.write(f"{name} {NAMES.get(number, number)} {transport}\n")

    def answer(self, packet, transport):
        """The reply to a packet, or None for silence."""
        if len(packet) < 17:
            return None
        ident, flags, questions = struct.unpack(">HHH", packet[:6])
        if questions != 1 or flags & 0x8000:
            return None
        name, end = self.read_name(packet)
        number = struct.unpack(">H", packet[end : end + 2])[0]
        question = packet[12 : end + 4]
        room, extra = self.read_edns(packet, end + 4)
        self.note(name, number, transport)
        zone = self.current_zone()
        faults = zone.faults_of(name)
        if "TIMEOUT" in faults:
            return None
        code, answers, authority = NOERROR, [], []
        if faults & {"SERVFAIL", "BOGUS"}:
            code = SERVFAIL
        else:
            code, answers, authority = self.look_up(zone, name, number)
        head = 0x8400 | (flags & 0x0100) | code
        body = b"".join(answers + authority + extra)
        counts = (1, len(answers), len(authority), len(extra))
        if transport == "udp" and ("TRUNCATE" in faults or 12 + len(question) + len(body) > room):
            head, body, counts = head | 0x0200, b"", (1, 0, 0, 0)
        return struct.pack(">HHHHHH", ident, head, *counts) + question + body

    @staticmethod
    def read_name(packet):
        labels, at = [], 12
        while packet[at]:
            labels.append(packet[at + 1 : at + 1 + packet[at]].decode("latin-1"))
            at += packet[at] + 1
        return ".".join(labels).lower(), at + 1

    @staticmethod
    def read_edns(packet, at):
        """How large a UDP reply may be, and the OPT record to answer with (RFC 6891 section 6.1.2)."""
        if len(packet) >= at + 11 and packet[at] == 0 and struct.unpack(">H", packet[at + 1 : at + 3])[0] == OPT:
            room = struct.unpack(">H", packet[at + 3 : at + 5])[0]
            return max(UDP_MOST, room), [b"\0" + struct.pack(">HHIH", OPT, 4096, 0, 0)]
        return UDP_MOST, []

    def look_up(self, zone, name, number):
        answers = []
        for _ in range(CHAIN_MOST):
            if not zone.exists(name):
                return NXDOMAIN, answers, self.negative(zone, name)
            found = zone.records.get(name, {}).get(number)
            if found:
                return NOERROR, answers + [record(name, number, self.ttl, data) for data in found], []
            if name not in zone.aliases:
                return NOERROR, answers, self.negative(zone, name)
            target = zone.aliases[name]
            answers.append(record(name, TYPES["CNAME"], self.ttl, wire_name(target)))
            name = target
        return SERVFAIL, [], []

    @staticmethod
    def negative(zone, name):
        """The SOA record that says how long the answer holds (RFC 2308 section 3)."""
        owner, minimum = zone.authority(name)
        data = wire_name("ns." + owner) + wire_name("postmaster." + owner)
        data += struct.pack(">IIIII", 1, 3600, 600, 86400, minimum)
        return [record(owner, TYPES["SOA"], minimum, data)]


def make_handlers(server):
    def reply_to(packet, transport):
        try:
            return server.answer(packet, transport)
        except (IndexError, struct.error):
            return None  # a malformed packet

    class Udp(socketserver.BaseRequestHandler):
        def handle(self):
            packet, sock = self.request
            reply = reply_to(packet, "udp")
            if reply is not None:
                sock.sendto(reply, self.client_address)

    class Tcp(socketserver.StreamRequestHandler):
        timeout = 30

        def handle(self):
            try:
                while len(size := self.rfile.read(2)) == 2:
                    reply = reply_to(self.rfile.read(struct.unpack(">H", size)[0]), "tcp")
                    if reply is None:
                        return
                    self.wfile.write(struct.pack(">H", len(reply)) + reply)
            except TimeoutError:
                return  # a resolver keeps its connection for later

    return Udp, Tcp


class UdpServer(socketserver.UDPServer):
    max_packet_size = 4096


class TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


class UdpServer6(UdpServer):
    address_family = socket.AF_INET6


class TcpServer6(TcpServer):
    address_family = socket.AF_INET6


def listen(address, port, handlers):
    """Both transports on the same port, which is free for both."""
    udp_class, tcp_class = (UdpServer6, TcpServer6) if ":" in address else (UdpServer, TcpServer)
    for _ in range(50):
        tcp = tcp_class((address, port), handlers[1])
        try:
            return udp_class((address, tcp.server_address[1]), handlers[0]), tcp
        except OSError:
            tcp.server_close()
            if port:
                raise
    raise OSError("no port is free for both UDP and TCP")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("zone")
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ttl", type=int, default=5)
    parser.add_argument("--questions")
    options = parser.parse_args()
    with open(options.zone, encoding="utf-8") as file:
        Zone(file.read())  # a wrong file is an error at the start
    server = Server(options.zone, options.ttl, options.questions)
    udp, tcp = listen(options.address, options.port, make_handlers(server))
    shown = f"[{options.address}]" if ":" in options.address else options.address
    print(f"{shown}:{udp.server_address[1]}", flush=True)
    threading.Thread(target=tcp.serve_forever, daemon=True).start()
    udp.serve_forever()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
