"""Postfix as the server at the other end, in both directions."""

import base64
import hashlib
import random
import smtplib
import tempfile
import unittest

from dns import Dns
from postfix import Postfix, smtp_source
from server import PEERS, SECRET, Server, body_of, free_port_everywhere, letter, wait_until

ALICE = "alice@example.test"
RECEIVE_SECONDS = 60


def crlf(message):
    """A message that Postfix keeps with bare line feeds, as it was sent."""
    return message.replace(b"\n", b"\r\n")


class ToPostfixTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tmp = cls.enterClassContext(tempfile.TemporaryDirectory())
        port = free_port_everywhere()
        records = []
        for domain, number in (("peer.test", 2), ("xn--bcher-kva.test", 2)):
            records += [f"{domain} MX 10 mx.{domain}", f"mx.{domain} A 127.0.0.{number}"]
        cls.dns = cls.enterClassContext(Dns(*records))
        cls.peer = cls.enterClassContext(Postfix(PEERS, cls.tmp, domains=["peer.test", "bücher.test", "xn--bcher-kva.test"],
                                                 address="127.0.0.2", port=port))
        cls.server = Server(accounts={ALICE: SECRET}, dns=cls.dns, delivery={"port": port}, limits={"message_size": "100MiB"},
                            extra={"takeover": {"enabled": False}})  # it writes to more strangers than a person does
        cls.addClassCleanup(cls.server.close)
        cls.server.start()

    def submit(self, to, message, **options):
        ident = self.server.send(ALICE, [to] if isinstance(to, str) else to, message, login=ALICE, **options)
        return ident

    def arrives(self, address, body):
        """That one message for it comes with exactly this body."""
        [message] = self.peer.wait_for(address, 1, RECEIVE_SECONDS)
        self.assertTrue(crlf(message).split(b"\r\n\r\n", 1)[1] == body, f"the body for {address} changed: {message[:2000]}")
        return message

    def relay(self, name, body, **options):
        to = f"{name}@peer.test"
        message = letter(ALICE, to, body="", **{"more": options.pop("more", "")}).encode() + body
        self.submit(to, message, **options)
        return self.arrives(to, body)

    def test_plain(self):
        self.relay("plain", b".\r\n..\r\nend\r\n")

    def test_empty_body(self):
        self.relay("empty", b"")

    def test_8bit(self):
        self.relay("eight", "Grüße ✉\r\n".encode() * 10, mail_options=["BODY=8BITMIME"],
                   more="MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n")

    def test_long_lines(self):
        self.relay("long", b"x" * 998 + b"\r\n" + b"y" * 2000 + b"\r\n" + b"z" * 50000 + b"\r\n")

    def test_fifty_megabytes(self):
        lines = base64.encodebytes(random.Random(1).randbytes(50 * 1000 * 1000)).replace(b"\n", b"\r\n")
        to = "large@peer.test"
        self.submit(to, letter(ALICE, to, body="").encode() + lines)
        wait_until(lambda: self.peer.files() and self.peer.messages(to), "the large message", 90, 0.2)
        [message] = self.peer.messages(to)
        digest = hashlib.sha256(crlf(message).split(b"\r\n\r\n", 1)[1]).hexdigest()
        self.assertEqual(digest, hashlib.sha256(lines).hexdigest())

    def test_one_hundred_recipients(self):
        names = [f"u{i}@peer.test" for i in range(100)]
        ident = self.submit(names, letter(ALICE, names[0]))
        wait_until(lambda: {r["state"] for r in self.server.trace(ident)["recipients"]} == {"relayed"}, "all relayed", RECEIVE_SECONDS, 0.1)
        for name in (names[0], names[99]):
            self.assertEqual(len(self.peer.wait_for(name, 1, RECEIVE_SECONDS)), 1)

    def test_utf8_address(self):
        self.submit("jürgen@bücher.test", letter(ALICE, "jürgen@bücher.test", subject="Grüße").encode(), mail_options=["SMTPUTF8", "BODY=8BITMIME"])
        def kept():
            return [m for m in (file.read_bytes() for file in self.peer.files()) if "jürgen@".encode() in m]
        [message] = wait_until(kept, f"the UTF-8 message; {self.peer.log()[-2000:]}", RECEIVE_SECONDS, 0.2)
        self.assertIn("Subject: Grüße".encode(), message)


class FromPostfixTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tmp = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.server = Server(accounts={ALICE: SECRET}, domains=["xn--bcher-kva.test"],
                            limits={"message_size": "100MiB", "connections_per_address": 100})
        cls.addClassCleanup(cls.server.close)
        cls.server.start()
        cls.server.must("alias", "add", "*@xn--bcher-kva.test", "--account", ALICE)
        cls.server.must("alias", "add", "*@example.test", "--account", ALICE)
        cls.peer = cls.enterClassContext(Postfix(PEERS, cls.tmp, relay_to=("127.0.0.1", cls.server.ports["mx"]),
                                                 main={"smtp_line_length_limit": "0", "smtp_tls_security_level": "may",
                                                       "smtp_dns_support_level": "disabled"}))

    def setUp(self):
        client = self.server.pop3(ALICE)
        for number in range(1, client.stat()[0] + 1):
            client.dele(number)
        client.quit()

    def hand_in(self, recipients, message, options=()):
        with smtplib.SMTP(self.peer.address, self.peer.port, timeout=60) as client:
            client.sendmail("x@y.test", recipients, message, mail_options=list(options))

    def relay(self, body, more=""):
        self.hand_in([ALICE], letter(body="", more=more).encode() + body, ["BODY=8BITMIME"])
        [message] = self.server.wait_mail(ALICE, 1, RECEIVE_SECONDS)
        self.assertTrue(body_of(message) == body, f"the body changed: {message[:2000]}")
        return message

    def test_plain_over_tls(self):
        self.assertIn(b"with ESMTPS", self.relay(b".\r\n..\r\nend\r\n"))

    def test_empty_body(self):
        self.relay(b"")

    def test_8bit_and_long_lines(self):
        self.relay("Grüße ✉\r\n".encode() * 10 + b"x" * 998 + b"\r\n" + b"y" * 3000 + b"\r\n")

    def test_fifty_megabytes(self):
        lines = base64.encodebytes(random.Random(2).randbytes(50 * 1000 * 1000)).replace(b"\n", b"\r\n")
        self.relay(lines)

    def test_one_hundred_recipients(self):
        self.hand_in([f"any{i}@example.test" for i in range(100)], letter())
        wait_until(lambda: not self.peer.queue_ids(), "Postfix's queue to be empty", RECEIVE_SECONDS, 0.2)
        sent = [line for line in self.peer.log().splitlines() if "to=<any" in line and "status=sent" in line]
        self.assertEqual(len(sent), 100)
        self.assertGreaterEqual(len(self.server.mail(ALICE)), 1)

    def test_utf8_address(self):
        with smtplib.SMTP(self.peer.address, self.peer.port, timeout=60) as client:
            client.ehlo()
            transact_utf8(client, "müller@y.test", "jürgen@bücher.test", letter("müller@y.test", "jürgen@bücher.test", subject="Grüße").encode())
        [message] = self.server.wait_mail(ALICE, 1, RECEIVE_SECONDS)
        self.assertIn("Subject: Grüße".encode(), message)
        self.assertIn("Return-Path: <müller@y.test>".encode(), message)

    def test_many_messages(self):
        smtp_source(PEERS, f"127.0.0.1:{self.peer.port}", "-s", 10, "-m", 200, "-f", "x@y.test", "-t", ALICE)
        self.assertEqual(len(self.server.wait_mail(ALICE, 200, RECEIVE_SECONDS)), 200)

    def test_refused_recipients_come_back_to_the_sender_as_postfix_sees_fit(self):
        self.server.must("alias", "remove", "*@example.test")
        self.addCleanup(self.server.must, "alias", "add", "*@example.test", "--account", ALICE)
        self.hand_in(["nobody@example.test"], letter())
        wait_until(lambda: "550 5.1.1" in self.peer.log(), "Postfix to be refused", RECEIVE_SECONDS)


def transact_utf8(client, sender, recipient, message):
    """smtplib's own sendmail does this only with an EmailMessage."""
    client.command_encoding = "utf-8"
    for command in (f"MAIL FROM:<{sender}> SMTPUTF8 BODY=8BITMIME", f"RCPT TO:<{recipient}>"):
        code, text = client.docmd(command)
        assert code == 250, text
    code, text = client.data(message)
    assert code == 250, text


if __name__ == "__main__":
    unittest.main()
