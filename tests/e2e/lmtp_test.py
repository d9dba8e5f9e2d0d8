"""LMTP both ways: from a mail server in front of us (Postfix), and to another store behind us (Dovecot, and a peer that fails)."""

import os
import pathlib
import smtplib
import socket
import tempfile
import unittest

from dovecot import Dovecot, can_run
from peer import CLOSE, Peer
from postfix import Postfix
from server import PEERS, SECRET, Server, accepted_id, check, letter, trusting, wait_until

ALICE, BOB, SMALL = "alice@example.test", "bob@example.test", "small@example.test"
LISTENERS = {"mx": {"role": "mx", "tls": "none"}, "lmtp": {"role": "lmtp", "tls": "starttls"},
             "submission": {"role": "submission", "tls": "starttls"},
             "pop3-clear": {"role": "pop3", "tls": "none", "login_in_clear": True}}


class Session(smtplib.LMTP):
    """An LMTP client that gives the verdicts on the content, one for each accepted recipient."""

    def verdicts(self, sender, recipients, message):
        check(self.mail(sender), 250)
        accepted = [one for one in recipients if self.rcpt(one)[0] == 250]
        check(self.docmd("DATA"), 354)
        self.send(message.encode().replace(b"\r\n.", b"\r\n..") + b".\r\n")
        return [self.getreply() for _ in accepted]


def lmtp(address, port=0):
    client = Session(address, port, "client.test") if port else Session(str(address))
    client.ehlo_or_helo_if_needed()
    return client


class ServerTest(unittest.TestCase):
    """We are the LMTP server."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        os.chmod(cls.folder.name, 0o755)
        cls.path = pathlib.Path(cls.folder.name) / "lmtp"
        more = {"local": {"role": "lmtp", "tls": "none", "address": f"unix:{cls.path}"},
                "elsewhere": {"role": "lmtp", "tls": "none", "accept_from": ["192.0.2.0/24"]}}
        cls.server = Server(accounts={ALICE: SECRET, BOB: SECRET, SMALL: SECRET}, listeners=LISTENERS | more)
        cls.addClassCleanup(cls.server.close)
        cls.server.start()
        cls.server.must("account", "quota", SMALL, "2000")

    def named(self, login, subject):
        return [m for m in self.server.mail(login) if f"Subject: {subject}\r\n".encode() in m]

    def test_one_full_mailbox_does_not_stand_in_the_others_way(self):
        with lmtp("127.0.0.1", self.server.ports["lmtp"]) as client:
            for name in ("pipelining", "enhancedstatuscodes", "8bitmime"):  # RFC 2033 section 5
                self.assertTrue(client.has_extn(name), name)
            letter_of_3k = letter(subject="three", body="x" * 70 + "\r\n" + ("y" * 70 + "\r\n") * 40)
            first, small, third = client.verdicts("x@y.test", [ALICE, SMALL, BOB], letter_of_3k)
            check(first, 250, "2.0.0", "id=")
            check(small, 452, "4.2.2")
            check(third, 250, "2.0.0", "id=")
            self.assertEqual(first, third)
            [alone] = client.verdicts("x@y.test", [SMALL], letter_of_3k)
            check(alone, 452, "4.2.2")
            [still] = client.verdicts("x@y.test", [SMALL], letter(subject="fits"))
            check(still, 250)
        self.assertEqual([len(self.named(one, "three")) for one in (ALICE, SMALL, BOB)], [1, 0, 1])
        self.assertEqual(self.server.queued(), [])  # nothing of what was refused waits here
        ident = first[1].decode().split("id=")[1]
        self.assertEqual([r["address"] for r in self.server.trace(ident)["recipients"]], [ALICE, BOB])

    def test_a_large_message_that_was_staged(self):
        with lmtp("127.0.0.1", self.server.ports["lmtp"]) as client:
            large = letter(subject="large", body=("z" * 70 + "\r\n") * 5000)
            small, bob = client.verdicts("x@y.test", [SMALL, BOB], large)
            check(small, 452, "4.2.2")
            check(bob, 250)
        [message] = self.named(BOB, "large")
        self.assertEqual(message.count(b"z" * 70), 5000)

    def test_a_loop_concerns_one_recipient(self):
        with lmtp("127.0.0.1", self.server.ports["lmtp"]) as client:
            again = letter(subject="loop", more=f"Delivered-To: {BOB}\r\n")
            alice, bob = client.verdicts("x@y.test", [ALICE, BOB], again)
            check(alice, 250)
            check(bob, 554, "5.4.6")
            [bob] = client.verdicts("x@y.test", [BOB], again)
            check(bob, 554, "5.4.6")
        self.assertEqual((len(self.named(ALICE, "loop")), len(self.named(BOB, "loop"))), (1, 0))

    def test_trace_fields(self):
        with lmtp("127.0.0.1", self.server.ports["lmtp"]) as client:
            client.verdicts("x@y.test", [ALICE], letter(subject="in clear"))
            client.starttls(context=trusting())
            client.ehlo_or_helo_if_needed()
            client.verdicts("x@y.test", [ALICE], letter(subject="under TLS"))
        [clear], [secret] = self.named(ALICE, "in clear"), self.named(ALICE, "under TLS")
        self.assertIn(b"with LMTP\r\n", clear.replace(b" id ", b"\r\n"))
        self.assertRegex(secret, rb"with LMTPS\s+\(TLSv1\.[23]\)\s+id\s[^;]*tls\sTLS_[A-Z0-9_]+;")

    def test_local_socket(self):
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o666)
        with lmtp(self.path) as client:
            check(client.verdicts("x@y.test", [ALICE], letter(subject="by path"))[0], 250)
        self.assertEqual(len(self.named(ALICE, "by path")), 1)

    def test_strangers(self):
        with socket.create_connection(("127.0.0.1", self.server.ports["elsewhere"]), timeout=30) as connection:
            self.assertEqual(connection.makefile("rb").read()[:10], b"554 5.7.1 ")

    def test_from_postfix(self):
        for way in (f"lmtp:inet:127.0.0.1:{self.server.ports['lmtp']}", f"lmtp:unix:{self.path}"):
            with self.subTest(way), tempfile.TemporaryDirectory() as folder:
                os.chmod(folder, 0o755)
                name = f"from postfix {way.split(':')[1]}"
                with Postfix(PEERS, folder, hostname="front.test", transports={"example.test": way}) as postfix:
                    with smtplib.SMTP(postfix.address, postfix.port, timeout=30) as client:
                        client.sendmail("x@y.test", [ALICE, BOB], letter(subject=name))
                    wait_until(lambda: self.named(ALICE, name) and self.named(BOB, name), lambda: "the mail\n" + postfix.log())


class RouteTest(unittest.TestCase):
    """We are the LMTP client."""

    def start(self, route, **more):
        server = Server(accounts={ALICE: SECRET, BOB: SECRET}, listeners=LISTENERS, domains=["store.test"],
                        routes=[{"protocol": "lmtp"} | route], **more)
        self.addCleanup(server.close)
        return server.start()

    def states(self, server, ident):
        return {r["address"]: r["state"] for r in server.trace(ident)["recipients"]}

    def submit(self, server, recipients, subject):
        return server.send(ALICE, recipients, letter(ALICE, recipients[0], subject=subject), login=ALICE)

    def test_one_result_for_each_recipient(self):
        verdicts = ["250 2.0.0 kept", "452 4.2.2 full", "550 5.2.1 closed"]
        with Peer(lmtp=True, replies={".": verdicts}) as peer:
            server = self.start({"to": "remote.test", "host": f"127.0.0.1:{peer.port}", "tls": "none"},
                                queue={"retry_first": "1h", "retry_most": "1h"})
            names = [f"{name}@remote.test" for name in ("ann", "ben", "cat")]
            ident = self.submit(server, names, "each")
            wanted = dict(zip(names, ("relayed", "waiting", "failed")))
            wait_until(lambda: self.states(server, ident) == wanted, lambda: str(self.states(server, ident)))
            [report] = server.wait_mail(ALICE)
            self.assertEqual(report.count(b"Final-Recipient:"), 1)
            self.assertIn(b"Final-Recipient: rfc822; cat@remote.test\r\n", report)
            self.assertEqual(len(peer.messages), 1)
            self.assertTrue(any(line.startswith("LHLO ") for line in peer.commands))
            peer.replies["."] = "250 2.0.0 kept now"
            server.must("queue", "retry", ident)
            wait_until(lambda: len(peer.messages) == 2, "the second attempt")
            self.assertEqual([one.split(">")[0] for one in peer.messages[1].recipients], ["<ben@remote.test"])

    def test_lost_between_the_verdicts(self):
        with Peer(lmtp=True, replies={".": ["250 2.0.0 kept", CLOSE]}) as peer:
            server = self.start({"to": "remote.test", "host": f"127.0.0.1:{peer.port}", "tls": "none"},
                                queue={"retry_first": "1h", "retry_most": "1h"})
            ident = self.submit(server, ["ann@remote.test", "ben@remote.test"], "lost")
            wanted = {"ann@remote.test": "relayed", "ben@remote.test": "waiting"}  # RFC 2033 section 5
            wait_until(lambda: self.states(server, ident) == wanted, lambda: str(self.states(server, ident)))

    def test_a_peer_that_speaks_smtp(self):
        with Peer() as peer:
            server = self.start({"to": "remote.test", "host": f"127.0.0.1:{peer.port}", "tls": "none"},
                                queue={"retry_first": "1h", "retry_most": "1h"})
            ident = self.submit(server, ["ann@remote.test"], "smtp")
            wait_until(lambda: server.trace(ident)["recipients"][0]["attempts"] > 0, "the attempt")
            self.assertEqual(self.states(server, ident), {"ann@remote.test": "waiting"})
            self.assertFalse(any(line.startswith(("MAIL", "HELO", "EHLO")) for line in peer.commands))

    def test_mailboxes_of_our_domain_in_dovecot(self):
        if not can_run(PEERS):
            self.skipTest("needs root, a mount namespace with an overlay, and Dovecot from tools/peers")
        users = {"ann@store.test": "secret of ann", "ben@store.test": "secret of ben"}
        with tempfile.TemporaryDirectory() as folder, Dovecot(PEERS, folder, users) as store:
            for host in (f"127.0.0.1:{store.lmtp}", f"unix:{store.socket}"):
                with self.subTest(host):
                    self.by_dovecot(host, store)

    def by_dovecot(self, host, store):
        server = self.start({"to": "store.test", "host": host})
        for login in ("ann@store.test", "ben@store.test", "gone@store.test"):
            server.add_account(login)
        server.must("alias", "add", "both@store.test", "ann@store.test", "ben@store.test")
        before = len(store.mail("ann@store.test"))
        with server.smtp("mx") as client:
            check(client.mail("x@y.test"), 250)
            check(client.rcpt("nobody@store.test"), 550, "5.1.1")  # our directory says who there is
            check(client.rcpt("both@store.test"), 250)
            check(client.rcpt("gone@store.test"), 250)
            reply = client.data(letter(subject="for dovecot"))
            check(reply, 250)
        message = store.wait_for("ann@store.test", before + 1)[-1]
        self.assertIn(b"Subject: for dovecot\r\n", message)
        self.assertIn(b"Return-Path: <x@y.test>\r\n", message)
        self.assertIn(b"Delivered-To: both@store.test\r\n", message)
        self.assertEqual(len(store.wait_for("ben@store.test", before + 1)), before + 1)
        ident = accepted_id(reply[1])
        wanted = {"both@store.test": "expanded", "ann@store.test": "relayed", "ben@store.test": "relayed",
                  "gone@store.test": "failed"}  # Dovecot does not know that one
        wait_until(lambda: self.states(server, ident) == wanted, lambda: str(self.states(server, ident)))
        self.assertEqual(server.mail("ann@store.test"), [])


if __name__ == "__main__":
    unittest.main()
