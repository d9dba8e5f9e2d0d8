"""An account that looks taken over: each sign holds what it sends, owner and operator are told, and one command ends it."""

import socket
import unittest

from dns import Dns
from peer import HANG, Peer
from server import SECRET, Server, free_port_everywhere, letter, wait_until

BOSS, ALICE, BOB = "boss@example.test", "alice@example.test", "bob@example.test"  # the first owns the domain


class TakeoverTest(unittest.TestCase):
    def setUp(self):
        self.port = free_port_everywhere()
        self.dns = self.enterContext(Dns("far.test MX 10 mx.far.test", "mx.far.test A 127.0.0.31"))

    def server(self, queue=None, **takeover):
        return self.enterContext(Server(accounts=dict.fromkeys((BOSS, ALICE, BOB), SECRET), dns=self.dns,
                                        delivery={"port": self.port}, queue=queue, extra={"takeover": takeover}))

    def peer(self, **options):
        return self.enterContext(Peer(address="127.0.0.31", port=self.port, name="mx.far.test", **options))

    def submit(self, server, *recipients, login=ALICE):
        return server.send(login, recipients, letter(login, recipients[0]), login=login)

    def states(self, server, ident):
        return [one["state"] for one in server.trace(ident)["recipients"]]

    def wait_states(self, server, ident, *states):
        wait_until(lambda: self.states(server, ident) == list(states), lambda: f"{states}; it is {server.trace(ident)}", 30, 0.1)

    def wait_suspect(self, server, signal, login=ALICE, logged=True):
        """Marked, and owner and operator told; the mark."""
        [mark] = wait_until(lambda: server.json("account", "suspects")["suspicions"], "a suspicion", 30, 0.1)
        self.assertEqual((mark["login"], mark["signal"]), (login, signal))
        for who in {login, BOSS}:
            notices = wait_until(lambda: [one for one in server.mail(who) if b"is held" in one], f"a notice to {who}", 30, 0.2)
            self.assertEqual(len(notices), 1)
            self.assertIn(mark["reason"].encode(), notices[0])
            self.assertIn(f"paquebot account release {login}".encode(), notices[0])
        if logged:
            wait_until(lambda: f"event=account-suspected account={login}" in server.log(), "the log line")
        return mark

    def test_sudden_new_recipients(self):
        server = self.server(new_recipients=5)
        peer = self.peer()
        self.wait_states(server, self.submit(server, *(f"a{n}@far.test" for n in range(5))), *["relayed"] * 5)
        held = self.submit(server, "a5@far.test", BOB)
        self.assertEqual(self.states(server, held), ["held", "held"], "the message that gives it away, here and outside")
        mark = self.wait_suspect(server, "new_recipients")
        self.assertIn("7 addresses for the first time", mark["reason"])
        later = self.submit(server, "a0@far.test")
        self.assertEqual(self.states(server, later), ["held"], "also to whom it knows")
        # Everything is listed.
        self.assertEqual(server.json("account", "suspects")["suspicions"][0]["held"], 3)
        self.assertEqual(server.json("account", "show", ALICE)["suspicion"]["held"], 3)
        self.assertIn("Held:", server.must("account", "show", ALICE))
        self.assertIn(ALICE, server.must("account", "suspects"))
        self.assertIn("take-over watch", server.must("queue", "list", "--held"))
        # Others send, and it gets mail.
        self.wait_states(server, self.submit(server, "b@far.test", login=BOB), "relayed")
        self.submit(server, ALICE, login=BOB)
        self.assertEqual(len(server.mail(ALICE)), 2)
        # It survives a crash, and nobody is told twice.
        server.restart(kill=True)
        self.assertEqual(self.states(server, self.submit(server, "a1@far.test")), ["held"])
        self.wait_suspect(server, "new_recipients", logged=False)
        # One command lets it go: to the outside, and into a mailbox here.
        before = len(peer.messages)
        self.assertEqual(server.json("account", "release", ALICE)["released"], 4)
        wait_until(lambda: len(peer.messages) == before + 3, "what was held at the peer")
        self.wait_states(server, later, "relayed")
        self.wait_states(server, held, "relayed", "expanded")
        self.assertEqual(len(server.wait_mail(BOB)), 1)
        self.assertEqual(server.json("account", "suspects")["suspicions"], [])
        self.wait_states(server, self.submit(server, "a6@far.test"), "relayed")  # the count begins anew
        server.must("verify", "--quiet")
        self.assertNotEqual(server.cli("account", "release", ALICE).returncode, 0)

    def test_many_bounces_and_drop(self):
        server = self.server(failures=3, failure_percent=50)
        self.peer(script=lambda session, verb, line: "550 5.1.1 no such user" if verb == "RCPT" and "wrong" in line else
                  "450 4.2.0 later" if verb == "RCPT" and "later" in line else None)
        waiting = self.submit(server, "later@far.test")
        wait_until(lambda: "deferred" in [event["kind"] for event in server.trace(waiting)["events"]], "a deferral")
        self.submit(server, "wrong1@far.test", "wrong2@far.test", "right@far.test")
        self.submit(server, "wrong3@far.test")
        mark = self.wait_suspect(server, "failures")
        self.assertIn("3 of 5 recipients", mark["reason"])
        self.wait_states(server, waiting, "held")
        new = self.submit(server, "right@far.test")
        self.assertNotEqual(server.cli("account", "release", ALICE, "--drop").returncode, 0, "without --yes it asks")
        self.assertEqual(server.json("account", "release", ALICE, "--drop", "--yes")["dropped"], 2)
        for ident in (waiting, new):
            self.assertEqual(self.states(server, ident), ["dropped"])
        self.wait_states(server, self.submit(server, "right@far.test"), "relayed")

    def test_bounces_that_come_back_by_mail(self):
        server, peer = self.server(failures=3, failure_percent=50), self.peer()

        def report(about, *failed, to=ALICE):
            groups = "".join(f"\r\nFinal-Recipient: rfc822; {one}\r\nAction: failed\r\nStatus: 5.1.1\r\n" for one in failed)
            head = about.split(b"\r\n\r\n")[0].decode()
            server.send("", [to], (
                "From: daemon@far.test\r\nTo: x@example.test\r\nSubject: failed\r\nMIME-Version: 1.0\r\n"
                "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nSorry.\r\n--b\r\n"
                f"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.far.test\r\n{groups}\r\n--b\r\n"
                f"Content-Type: text/rfc822-headers\r\n\r\n{head}\r\n\r\n--b--\r\n"))

        first = self.submit(server, "a@far.test", "b@far.test")
        self.wait_states(server, first, "relayed", "relayed")
        bobs = self.submit(server, "c@far.test", login=BOB)
        self.wait_states(server, bobs, "relayed")
        sent = {one.data.split(b"\r\nTo: <")[1].split(b">")[0]: one.data for one in peer.messages}
        # Forged ones: of Bob's message, of nobody we wrote to, of a message that never was, and one again and again.
        report(sent[b"c@far.test"], "c@far.test")
        report(sent[b"a@far.test"], "z@far.test")
        report(sent[b"a@far.test"].replace(first[-4:].encode(), b"0000"), "a@far.test")
        for _ in range(4):
            report(sent[b"a@far.test"], "A@far.test")
        self.assertEqual([[0]], [one["recipients"] for one in server.trace(first)["events"] if one["kind"] == "returned"])
        self.assertEqual(server.json("account", "suspects")["suspicions"], [])
        report(sent[b"a@far.test"], "b@far.test")
        second = self.submit(server, "d@far.test")
        self.wait_states(server, second, "relayed")
        report(peer.messages[-1].data, "d@far.test")
        self.assertIn("3 of 3 recipients", self.wait_suspect(server, "failures")["reason"])

    def test_logins_from_many_networks(self):
        server = self.server(networks=3)
        self.peer()

        def log_in(network):
            with socket.create_connection(("127.0.0.1", server.ports["pop3-clear"]), 30, (f"127.0.{network}.1", 0)) as connection:
                with connection.makefile("rwb") as file:
                    self.assertTrue(file.readline().startswith(b"+OK"))
                    for line in (f"USER {ALICE}", f"PASS {SECRET}", "QUIT"):
                        file.write(line.encode() + b"\r\n")
                        file.flush()
                        self.assertTrue(file.readline().startswith(b"+OK"))

        for network in (1, 2, 3, 1, 2):
            log_in(network)
        self.assertEqual(server.json("account", "suspects")["suspicions"], [])
        log_in(4)
        self.assertIn("4 networks", self.wait_suspect(server, "networks")["reason"])
        self.assertEqual(self.states(server, self.submit(server, "a@far.test")), ["held"])

    def test_what_is_ready_in_memory_is_held_too(self):
        server = self.server(queue={"deliveries_per_destination": 1}, enabled=False)
        peer = self.peer(replies={"MAIL": HANG})
        first = self.submit(server, "a@far.test")
        wait_until(lambda: any(line.startswith("MAIL") for line in peer.commands), "the first delivery")
        others = [self.submit(server, f"b{n}@far.test") for n in range(5)]
        self.assertEqual([self.states(server, one) for one in others], [["in hand"]] * 5)
        server.must("account", "hold", ALICE)
        for one in others:
            self.wait_states(server, one, "held")
        self.assertEqual(self.states(server, first), ["in hand"], "what is being sent goes on")
        peer.replies.clear()
        peer.hanging.set()  # it breaks off, so the first one comes back unsent
        self.wait_states(server, first, "held")
        self.assertEqual(server.json("account", "release", ALICE)["released"], 6)
        for one in (first, *others):
            self.wait_states(server, one, "relayed")

    def test_by_hand_also_while_the_server_is_down(self):
        server = self.server(enabled=False)
        peer = self.peer(replies={"RCPT": "450 4.2.0 later"})
        waiting = self.submit(server, "a@far.test")
        wait_until(lambda: "deferred" in [event["kind"] for event in server.trace(waiting)["events"]], "a deferral")
        server.stop()
        server.must("account", "hold", ALICE, "--reason", "her laptop was stolen")
        self.assertNotEqual(server.cli("account", "hold", ALICE).returncode, 0, "held already")
        peer.replies.clear()
        server.start()
        self.assertIn("laptop", self.wait_suspect(server, "operator")["reason"])
        self.wait_states(server, waiting, "held")
        self.assertEqual(peer.messages, [])
        server.must("account", "release", ALICE)
        self.wait_states(server, waiting, "relayed")


class PutOutTest(unittest.TestCase):
    """Who is logged in when the password changes, or the account ends, is put out."""

    def setUp(self):
        self.server = self.enterContext(Server(accounts=dict.fromkeys((BOSS, ALICE), SECRET)))

    def open_sessions(self):
        smtp, pop3 = self.server.smtp("submission", ALICE), self.server.pop3(ALICE)
        self.addCleanup(smtp.close)
        self.addCleanup(pop3.close)
        return smtp, pop3

    def assert_put_out(self, smtp, pop3):
        self.assertEqual(smtp.getreply(), (421, b"4.7.0 your account was changed; log in again"))
        self.assertEqual(b"", smtp.sock.recv(1))
        self.assertEqual(b"-ERR [AUTH] your account was changed, log in again\r\n", pop3.file.readline())
        self.assertEqual(b"", pop3.file.readline())

    def test_another_password(self):
        sessions, boss = self.open_sessions(), self.server.smtp("submission", BOSS)
        self.addCleanup(boss.close)
        self.server.must("account", "quota", ALICE, "1G")
        self.assertEqual(250, sessions[0].noop()[0])
        self.server.must("account", "passwd", ALICE, password="another secret")
        self.assert_put_out(*sessions)
        self.assertEqual(250, boss.noop()[0])
        self.server.pop3(ALICE, "another secret").quit()

    def test_a_disabled_and_a_deleted_account(self):
        for words in (("disable", ALICE), ("remove", ALICE, "--yes")):
            sessions = self.open_sessions()
            self.server.must("account", *words)
            self.assert_put_out(*sessions)
            if words[0] == "disable":
                self.server.must("account", "enable", ALICE)

    def test_in_the_middle_of_a_message(self):
        smtp, pop3 = self.open_sessions()
        pop3.quit()
        smtp.mail(ALICE)
        smtp.rcpt(BOSS)
        self.assertEqual(354, smtp.docmd("DATA")[0])
        smtp.send("Subject: the rest never comes\r\n")
        self.server.must("account", "disable", ALICE)
        self.assertEqual(b"", smtp.sock.recv(1))
        self.assertEqual([], self.server.mail(BOSS))


if __name__ == "__main__":
    unittest.main()
