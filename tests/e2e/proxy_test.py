"""Who is at the other end, when somebody stands between: the PROXY protocol (by hand, and from HAProxy) and XCLIENT (by hand, and from swaks)."""

import os
import pathlib
import re
import smtplib
import socket
import struct
import subprocess
import tempfile
import unittest

from postfix import free_port, greets
from server import PEERS, SECRET, Server, check, letter, transact, trusting, wait_until

ALICE = "alice@example.test"
TRUST = {"proxy_protocol_from": ["127.0.0.1"]}
LISTENERS = {"mx": {"role": "mx", "tls": "starttls"} | TRUST,
             "smtps": {"role": "submission", "tls": "implicit"} | TRUST,
             "lmtp": {"role": "lmtp", "tls": "none"} | TRUST,
             "pop3s": {"role": "pop3", "tls": "implicit"} | TRUST,
             "pop3": {"role": "pop3", "tls": "none", "login_in_clear": True} | TRUST,
             "not-us": {"role": "mx", "tls": "none", "proxy_protocol_from": ["192.0.2.0/24"]},
             "xclient": {"role": "mx", "tls": "none", "xclient_from": ["127.0.0.0/8"]},
             "pop3-clear": {"role": "pop3", "tls": "none", "login_in_clear": True}}
V1 = b"PROXY TCP4 203.0.113.5 198.51.100.1 4711 25\r\n"
V1_SIX = b"PROXY TCP6 2001:db8::5 2001:db8::1 4711 25\r\n"
V2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack(">H4s4sHH", 19, bytes([203, 0, 113, 5]), bytes([198, 51, 100, 1]), 4711, 25) + b"\x04\0\x04noop"
LOCAL = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"


class ProxyTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Sessions here are sent whole behind the header, without waiting for the greeting.
        cls.server = Server(accounts={ALICE: SECRET}, listeners=LISTENERS, extra_server={"log_level": "debug"},
                            extra={"guard": {"early_talker": "log"}})
        cls.addClassCleanup(cls.server.close)
        cls.server.start()

    def connect(self, listener, header, rest=b""):
        connection = socket.create_connection(("127.0.0.1", self.server.ports[listener]), timeout=30)
        self.addCleanup(connection.close)
        connection.sendall(header + rest)
        return connection

    def smtp(self, listener, header, kind=smtplib.SMTP, tls=False):
        """A client over a connection in which the header went first."""
        connection = self.connect(listener, header)
        client = kind(local_hostname="client.test", timeout=30)
        client._host = "127.0.0.1"  # for starttls(): it was not connect() that connected
        client.sock = trusting().wrap_socket(connection) if tls else connection
        client.file = client.sock.makefile("rb")
        check(client.getreply(), 220)
        client.ehlo_or_helo_if_needed()
        return client

    def received(self, subject):
        """The first Received field of the message with this subject, on one line."""
        def arrived():
            return [m for m in self.server.mail(ALICE) if f"Subject: {subject}\r\n".encode() in m]
        [message] = wait_until(arrived, subject)
        return re.sub(r"\s+", " ", re.search(rb"Received: (.*?\r\n)(?=\S)", message, re.S)[1].decode())

    def test_smtp(self):
        for name, header, wanted in (("one", V1, "([203.0.113.5])"), ("six", V1_SIX, "([IPv6:2001:db8::5])"),
                                     ("two", V2, "([203.0.113.5])"), ("local", LOCAL, "([127.0.0.1])"),
                                     ("unknown", b"PROXY UNKNOWN\r\n", "([127.0.0.1])")):
            with self.subTest(name):
                with self.smtp("mx", header) as client:
                    ident = transact(client, "x@y.test", [ALICE], letter(subject=f"proxied {name}"))
                self.assertIn(wanted, self.received(f"proxied {name}"))
                if "127" not in wanted:
                    client = "203.0.113.5" if name != "six" else "2001:db8::5"
                    self.assertRegex(self.server.log(), rf"event=accepted .*id={ident} .*client=\"?{re.escape(client)}")

    def test_header_before_tls_and_starttls(self):
        with self.smtp("mx", V2) as client:
            client.starttls(context=trusting())
            client.ehlo_or_helo_if_needed()
            transact(client, "x@y.test", [ALICE], letter(subject="then STARTTLS"))
        self.assertRegex(self.received("then STARTTLS"), r"\(\[203\.0\.113\.5\]\) by mx\.example\.test with ESMTPS \(TLSv1\.")
        with self.smtp("smtps", V1, tls=True) as client:
            client.login(ALICE, SECRET)
            transact(client, ALICE, [ALICE], letter(ALICE, subject="then TLS"))
        self.assertRegex(self.received("then TLS"), r"\(\[203\.0\.113\.5\]\) by mx\.example\.test with ESMTPSA \(TLSv1\.")

    def test_address_literal(self):
        with self.smtp("mx", V1) as client:
            check(client.mail("x@y.test"), 250)
            check(client.rcpt("alice@[198.51.100.1]"), 250)
            check(client.rcpt("postmaster@[198.51.100.1]"), 250)
            check(client.rcpt("nobody@[198.51.100.1]"), 550, "5.1.1")
            check(client.rcpt("alice@[198.51.100.2]"), 550, "5.7.1")
            check(client.rcpt("alice@[127.0.0.1]"), 550, "5.7.1")
            check(client.data(letter(subject="to a literal")), 250)
        self.received("to a literal")
        with self.smtp("mx", V1_SIX) as client:
            check(client.mail("x@y.test"), 250)
            check(client.rcpt("postmaster@[IPv6:2001:DB8:0::1]"), 250)

    def test_lmtp_trusts_the_real_peer(self):
        self.assertEqual(self.connect("lmtp", V1).makefile("rb").read()[:10], b"554 5.7.1 ")  # accept_from: the loopback
        with self.smtp("lmtp", b"PROXY TCP4 127.0.0.9 127.0.0.1 1 24\r\n", smtplib.LMTP) as client:
            self.assertEqual(client.sendmail("x@y.test", [ALICE], letter(subject="proxied LMTP")), {})
        self.assertIn("([127.0.0.9])", self.received("proxied LMTP"))

    def test_pop3(self):
        for listener, tls in (("pop3", False), ("pop3s", True)):
            with self.subTest(listener):
                connection = self.connect(listener, V2)
                connection = trusting().wrap_socket(connection) if tls else connection
                self.addCleanup(connection.close)
                file = connection.makefile("rwb")
                self.assertTrue(file.readline().startswith(b"+OK"))
                file.write(f"USER {ALICE}\r\nPASS {SECRET}\r\nQUIT\r\n".encode())
                file.flush()
                self.assertEqual([file.readline()[:3] for _ in range(3)], [b"+OK"] * 3)
        self.assertRegex(self.server.log(), r'event=login client=203\.0\.113\.5 .*protocol=pop3')

    def test_in_pieces_and_with_the_session_behind_it(self):
        connection = self.connect("mx", b"")
        for octet in V2:
            connection.sendall(bytes([octet]))
        self.assertTrue(connection.recv(100).startswith(b"220 "))
        file = self.connect("mx", V1, b"EHLO client.test\r\nQUIT\r\n").makefile("rb")
        lines = file.read().splitlines()
        self.assertTrue(lines[0].startswith(b"220 ") and lines[-1].startswith(b"221 "), lines)

    def test_without_a_valid_header(self):
        for octets in (b"EHLO client.test\r\n" * 10, b"PROXY TCP4 1.2.3.4\r\n" + b"x" * 200, b"\x16\x03\x01" + b"x" * 100,
                       V2[:12] + b"\x31" + V2[13:]):
            with self.subTest(octets):
                try:
                    self.assertEqual(self.connect("mx", octets).makefile("rb").read(), b"")
                except ConnectionError:
                    pass  # closed with octets that nobody wanted to read
        self.assertIn("event=proxy-refused proxy=127.0.0.1", self.server.log())

    def test_a_stranger_s_header_is_a_command(self):
        file = self.connect("not-us", V1).makefile("rb")
        self.assertTrue(file.readline().startswith(b"220 "))
        self.assertTrue(file.readline().startswith(b"500 "))

    def test_from_haproxy(self):
        for number, how in enumerate(("send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options ssl,unique-id,crc32c")):
            with self.subTest(how), tempfile.TemporaryDirectory() as folder:
                port = free_port()
                config = pathlib.Path(folder) / "haproxy.cfg"
                config.write_text(f"defaults\n mode tcp\n timeout connect 5s\n timeout client 1m\n timeout server 1m\n"
                                  f"listen mail\n bind 127.0.0.1:{port}\n"
                                  f" server ours 127.0.0.1:{self.server.ports['mx']} {how}\n")
                haproxy = subprocess.Popen([os.path.join(PEERS, "bin/haproxy"), "-db", "-f", str(config)], stdout=subprocess.DEVNULL,
                                           stderr=subprocess.DEVNULL)
                try:
                    wait_until(lambda: haproxy.poll() is not None or greets("127.0.0.1", port), "HAProxy")
                    with smtplib.SMTP("127.0.0.1", port, "client.test", timeout=30, source_address=("127.0.0.77", 0)) as client:
                        client.sendmail("x@y.test", [ALICE], letter(subject=f"haproxy {number}"))
                finally:
                    haproxy.terminate()
                    haproxy.wait(20)
                self.assertIn("from client.test ([127.0.0.77])", self.received(f"haproxy {number}"))

    def test_xclient(self):
        with self.server.smtp("xclient") as client:
            self.assertEqual(client.esmtp_features["xclient"].split(), "NAME ADDR PORT PROTO HELO DESTADDR DESTPORT".split())
            check(client.docmd("XCLIENT NAME=mx.client.test ADDR=IPV6:2001:db8::7 PORT=99 HELO=told+2Etest PROTO=SMTP"), 220)
            client.ehlo("filter.test")
            ident = transact(client, "x@y.test", [ALICE], letter(subject="told"))
        self.assertIn("from told.test (mx.client.test [IPv6:2001:db8::7]) by mx.example.test with SMTP id", self.received("told"))
        self.assertRegex(self.server.log(), rf"event=accepted .*id={ident} .*client=\"?2001:db8::7")
        with self.server.smtp("not-us") as client:
            self.assertNotIn("xclient", client.esmtp_features)
            check(client.docmd("XCLIENT ADDR=203.0.113.7"), 550, "5.7.0")

    def test_xclient_from_swaks(self):
        done = subprocess.run([os.path.join(PEERS, "bin/swaks"), "--server", f"127.0.0.1:{self.server.ports['xclient']}",
                               "--from", "x@y.test", "--to", ALICE, "--helo", "swaks.test", "--header", "Subject: by swaks",
                               "--xclient-addr", "203.0.113.8", "--xclient-name", "client.swaks.test", "--xclient-helo", "its.helo.test"],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("from its.helo.test (client.swaks.test [203.0.113.8])", self.received("by swaks"))


if __name__ == "__main__":
    unittest.main()
