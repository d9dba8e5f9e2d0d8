"""Content filters: milters, rspamd and clamd that we did not write, and filters that are away, slow or hostile."""

import re
import socket
import struct
import unittest

from filters import Clamd, OpenDkim, PyMilter, Rspamd, Script, SIGNATURE
from server import SECRET, Server, body_of, check, letter, transact, wait_until

ALICE, BOB, CAROL = "alice@example.test", "bob@example.test", "carol@example.test"


def packet(command, data=b""):
    return struct.pack(">I", len(data) + 1) + command + data


NEGOTIATION = packet(b"O", struct.pack(">III", 6, 0x1FF, 0))


def read_packet(connection):
    head = connection.recv(5, socket.MSG_WAITALL)
    if len(head) < 5:
        raise OSError("closed")
    size = struct.unpack(">I", head[:4])[0] - 1
    return head[4:], connection.recv(size, socket.MSG_WAITALL) if size else b""


def milter(at_end, steps=0):
    """A milter that goes on until the end of the message and says `at_end` there (None: nothing, for ever)."""
    def play(connection):
        read_packet(connection)
        connection.sendall(packet(b"O", struct.pack(">III", 6, 0x1FF, steps)))
        while True:
            command, _ = read_packet(connection)
            if command in b"DAQ":
                continue
            if command != b"E":
                connection.sendall(packet(b"c"))
            elif at_end is None:
                connection.recv(1)
            else:
                connection.sendall(at_end)
                return
    return play


class Dying:
    """A connection that breaks when a recipient is asked about."""

    def __init__(self, connection):
        self.connection = connection

    def recv(self, *arguments):
        got = self.connection.recv(*arguments)
        if len(got) == 5 and got[4:] == b"R":
            raise OSError("dead")
        return got

    def sendall(self, data):
        self.connection.sendall(data)


class FilterTest(unittest.TestCase):
    def start(self, *filters, **settings):
        server = Server(filters=filters, **settings)
        self.addCleanup(server.close)
        return server.start()

    def program(self, program):
        program.__enter__()
        self.addCleanup(program.__exit__)
        return program

    def reply(self, server, message=None, to=(ALICE,), sender="x@y.test"):
        """The reply to the end of the data."""
        with server.smtp("mx") as client:
            check(client.mail(sender), 250)
            for one in to:
                check(client.rcpt(one), 250)
            return client.data(message or letter())


class MilterTest(FilterTest):
    def with_milter(self, **settings):
        self.milter = self.program(PyMilter())
        return self.start({"type": "milter", "name": "script", "address": self.milter.address} | settings)

    def test_sees_the_whole_session(self):
        server = self.with_milter()
        server.send("x@y.test", [ALICE, BOB], letter(subject="folded\r\n text", body="line\r\n" * 40000))
        wait_until(lambda: "close" in self.milter.seen(), "the end of the session")
        seen = self.milter.seen()
        self.assertEqual(seen[:6], ["connect [127.0.0.1] 127.0.0.1 mx.example.test mx", "helo client.test",
                                    "mail <x@y.test> -",
                                    f"rcpt <{ALICE}>", f"rcpt <{BOB}>", "data 26"])
        self.assertIn("header Subject 'folded\\n text'", seen)
        self.assertEqual(seen[-3:], ["eoh", "eom 240000", "close"])

    def test_does_not_see_who_is_shut_out(self):
        script = self.program(Script(milter(packet(b"c"))))
        server = self.start({"type": "milter", "address": script.address},
                            extra={"guard": {"allow": [], "block": ["127.0.0.0/8"]}})
        with socket.create_connection(("127.0.0.1", server.ports["mx"]), timeout=60) as connection:
            self.assertEqual(connection.makefile("rb").readline()[:3], b"554")
        self.assertEqual(script.connections, 0)

    def test_knows_who_logged_in_and_sees_several_messages(self):
        server = self.with_milter()
        with server.smtp("submission", ALICE) as client:
            for _ in range(2):
                transact(client, ALICE, [BOB], letter(sender=ALICE, to=BOB))
        mails = [line for line in self.milter.seen() if line.startswith("mail")]
        self.assertEqual([line.split()[-1] for line in mails], [ALICE, ALICE])
        self.assertEqual(len(server.wait_mail(BOB, 2)), 2)

    def test_refuses_at_every_step(self):
        server = self.with_milter()
        with server.smtp("mx") as client:
            check(client.ehlo("badhelo.test"), 550, "not with that name")
            server.output.wait("event=refused-by-filter", 10)
            check(client.ehlo("client.test"), 250)
            check(client.mail("badsender@y.test"), 554, "no mail", "from there")
            check(client.mail("x@y.test"), 250)
            check(client.rcpt(ALICE), 250)
            check(client.data(letter(subject="badheader")), 550, "5.7.1")
            for word, code in (("rejectword", 550), ("tempfail", 451), ("fine", 250)):
                check(client.mail("x@y.test"), 250)
                check(client.rcpt(ALICE), 250)
                check(client.data(letter(subject=word)), code)
        self.assertEqual(len(server.mail(ALICE)), 1)

    def test_changes_header_fields(self):
        server = self.with_milter()
        server.send("x@y.test", [ALICE], letter(subject="headers", more="X-Old: 1\r\nX-Old: 2\r\nX-Old: 3\r\n"))
        [message] = server.mail(ALICE)
        head = message.split(b"\r\n\r\n")[0].decode()
        self.assertIn("X-Added: one\r\n\ttwo", head)
        self.assertEqual(re.findall(r"^X-Old: (.*?)\r?$", head, re.M), ["changed", "3"])
        fields = [line.split(":")[0] for line in head.split("\r\n") if not line.startswith((" ", "\t"))]
        self.assertLess(fields.index("Received"), fields.index("X-First"))
        self.assertLess(fields.index("X-First"), fields.index("From"))

    def test_replaces_the_body(self):
        server = self.with_milter()
        expected = "".join(f"line {number} of another body\r\n" * 100 for number in range(50)).encode()
        for body in ("short\r\n", "a long line of text\r\n" * 30000):  # in memory and staged
            server.send("x@y.test", [ALICE], letter(subject="bodyword", body=body))
        for message in server.wait_mail(ALICE, 2):
            self.assertEqual(body_of(message), expected)
        server.must("verify")

    def test_a_new_body_becomes_lines(self):
        server = self.with_milter()
        server.send("x@y.test", [ALICE], letter(subject="bareword"))
        self.assertEqual(body_of(server.mail(ALICE)[0]), b"one\r\ntwo\r\nthree\r\nfour\r\n")

    def test_changes_the_envelope(self):
        server = self.with_milter()
        ident = server.send("x@y.test", [ALICE], letter(subject="addrcpt delrcpt chgfrom"))
        [message] = server.wait_mail(BOB)
        self.assertIn(b"Return-Path: <other@y.test>", message)
        self.assertEqual(server.mail(ALICE), [])
        trail = server.must("trace", ident)
        for words in ("a filter added bob@example.test", "a filter took out alice@example.test", "changed the sender from <x@y.test>"):
            self.assertIn(words, trail)

    def test_quarantine_holds_until_it_is_released(self):
        server = self.with_milter()
        ident = server.send("x@y.test", [ALICE, BOB], letter(subject="quarantine"))
        self.assertEqual((server.mail(ALICE), server.mail(BOB)), ([], []))
        self.assertIn("smells of fish", server.must("trace", ident))
        server.must("queue", "release", ident)
        server.wait_mail(ALICE)
        server.wait_mail(BOB)

    def test_discard_and_nobody_left_are_in_the_trail(self):
        server = self.with_milter()
        for word in ("discard", "delrcpt"):
            ident = server.send("x@y.test", [ALICE], letter(subject=word))
            trace = server.trace(ident)
            self.assertEqual([one["state"] for one in trace["recipients"]], ["dropped"], trace)
        self.assertEqual((server.mail(ALICE), server.queued()), ([], []))
        server.must("verify")

    def test_a_later_filter_names_somebody_after_all(self):
        out = self.program(Script(milter(packet(b"-", f"<{ALICE}>".encode() + b"\0") + packet(b"c"))))
        back = self.program(Script(milter(packet(b"+", f"<{BOB}>".encode() + b"\0") + packet(b"c"))))
        server = self.start({"type": "milter", "name": "out", "address": out.address},
                            {"type": "milter", "name": "back", "address": back.address})
        ident = server.send("x@y.test", [ALICE], letter())
        server.wait_mail(BOB)
        self.assertEqual(server.mail(ALICE), [])
        self.assertIn("took out alice@example.test, a filter added bob@example.test", server.must("trace", ident))

    def test_lmtp_has_a_verdict_for_each_named_recipient(self):
        listeners = {"lmtp": {"role": "lmtp", "tls": "none"}, "pop3-clear": {"role": "pop3", "tls": "none", "login_in_clear": True}}
        self.milter = self.program(PyMilter())
        server = self.start({"type": "milter", "address": self.milter.address, "applies_to": ["lmtp"]}, listeners=listeners,
                            accounts={ALICE: SECRET, BOB: SECRET, CAROL: SECRET})
        with socket.create_connection(("127.0.0.1", server.ports["lmtp"])) as connection:
            file = connection.makefile("rwb")
            def say(text, replies=1):
                file.write(text.encode())
                file.flush()
                lines = []
                while len(lines) < replies:
                    line = file.readline().decode()
                    if not line or line[3] == " ":
                        lines.append(line.rstrip())
                return lines
            say("", 1)
            say("LHLO client.test\r\n")
            say("MAIL FROM:<x@y.test>\r\n")
            say(f"RCPT TO:<{ALICE}>\r\n")
            say(f"RCPT TO:<{CAROL}>\r\n")
            say("DATA\r\n")
            replies = say(letter(subject="addrcpt delrcpt") + ".\r\n", 2)
        self.assertEqual([reply[:3] for reply in replies], ["250", "250"])
        self.assertIn("taken out by a content filter", replies[0])
        server.wait_mail(BOB)
        self.assertEqual(server.mail(ALICE), [])

    def test_a_filter_sees_what_the_one_before_it_changed(self):
        first, second = self.program(PyMilter()), self.program(PyMilter())
        server = self.start({"type": "milter", "name": "one", "address": first.address},
                            {"type": "milter", "name": "two", "address": second.address})
        server.send("x@y.test", [ALICE], letter(subject="headers bodyword"))
        self.assertNotIn("header X-First 'top'", first.seen())
        self.assertIn("header X-First 'top'", second.seen())
        self.assertIn(f"eom {len(body_of(server.mail(ALICE)[0]))}", second.seen())

    def test_opendkim_signs_and_verifies(self):
        dkim = self.program(OpenDkim())
        server = self.start({"type": "milter", "name": "opendkim", "address": dkim.address})
        server.send(ALICE, [BOB], letter(sender=ALICE, to=BOB, subject="to be signed", body="text\r\n" * 20000), login=ALICE)
        [signed] = server.wait_mail(BOB)
        self.assertRegex(signed, rb"DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d=example\.test")
        again = signed[signed.index(b"DKIM-Signature:"):]
        server.send("x@y.test", [ALICE], again)
        server.send("x@y.test", [ALICE], again.replace(b"text", b"test", 1))
        results = [re.search(rb"Authentication-Results: filter\.example\.test;\s+dkim=(\w+)", message)[1]
                   for message in server.wait_mail(ALICE, 2)]
        self.assertEqual(results, [b"pass", b"fail"])


class RspamdTest(FilterTest):
    def test_actions_and_facts(self):
        rspamd = self.program(Rspamd())
        server = self.start({"type": "rspamd", "address": rspamd.address}, extra={"mailbox": {"junk": False}})
        check(self.reply(server, letter(subject="spamword")), 550, "spam")
        check(self.reply(server, letter(subject="laterword")), 451, "come back later")
        for subject in ("fine", "tagword", "subjectword"):
            check(self.reply(server, letter(subject=subject, more="X-Spam: Yes, forged\r\n")), 250)
        fine, tagged, rewritten = server.wait_mail(ALICE, 3)
        self.assertNotIn(b"X-Spam:", fine)
        self.assertIn(b"X-Spam: Yes\r\n", tagged)
        self.assertIn(b"X-Spam: Yes\r\n", rewritten)
        self.assertIn(b"Subject: *** subjectword\r\n", rewritten)
        message = letter(subject="factsword", more="X-Old: 1\r\n", body="text\r\n" * 20000)
        ident = server.send(ALICE, [BOB], message.replace("x@y.test", ALICE), login=ALICE)
        [got] = server.wait_mail(BOB)
        self.assertNotIn(b"X-Old", got)
        facts = re.search(rb"X-Facts: (.*?)\r\n(?!\s)", got, re.S)[1].decode().split()
        self.assertEqual(facts[:6], ["127.0.0.1", "client.test", ALICE, BOB, ALICE, ident])
        self.assertIn("rspamd: no action, score", server.must("trace", ident))

    def test_reject_may_hold(self):
        rspamd = self.program(Rspamd())
        server = self.start({"type": "rspamd", "address": rspamd.address, "reject": "hold"})
        ident = server.send("x@y.test", [ALICE], letter(subject="spamword"))
        self.assertIn("it looks like spam", server.must("trace", ident))
        self.assertEqual(len(server.json("queue", "list", "--held")["messages"]), 1)


class ClamdTest(FilterTest):
    def test_refuses_holds_or_tags(self):
        clamd = self.program(Clamd())
        bad = letter(body="clean\r\n" * 20000 + SIGNATURE + "\r\n")
        for deed in ("refuse", "hold", "tag"):
            server = self.start({"type": "clamd", "address": clamd.address, "found": deed})
            check(self.reply(server, letter(more="X-Virus-Status: Clean\r\n")), 250)
            reply = self.reply(server, bad)
            check(reply, 550 if deed == "refuse" else 250)
            mails = server.mail(ALICE)
            self.assertNotIn(b"X-Virus-Status", mails[0])
            self.assertEqual(len(mails), 2 if deed == "tag" else 1)
            if deed == "refuse":
                self.assertIn(b"Test-Signature", reply[1])
            if deed == "hold":
                self.assertEqual(len(server.json("queue", "list", "--held")["messages"]), 1)
            if deed == "tag":
                self.assertRegex(mails[1], rb"X-Virus-Status: Infected \(Test-Signature")

    def test_what_is_too_large(self):
        clamd = self.program(Clamd())
        large = letter(body="x" * 70 + "\r\n") + ("y" * 70 + "\r\n") * 50000
        check(self.reply(self.start({"type": "clamd", "address": clamd.address}), large), 451)
        server = self.start({"type": "clamd", "address": clamd.address, "max_size": "2MiB"})
        check(self.reply(server, large), 250)
        self.assertEqual(len(server.mail(ALICE)), 1)


class TroubleTest(FilterTest):
    JUNK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\njunk" + b"\0" * 20

    def outcomes(self, kind, address, **settings):
        """How a message fares with when_away = accept and with defer; the words that were logged."""
        codes = []
        for away in ("accept", "defer"):
            server = self.start({"type": kind, "address": address, "when_away": away, "timeout": "1s"} | settings)
            with server.smtp("mx") as client:
                code, _ = client.mail("x@y.test")
                if code == 250:
                    code, _ = client.rcpt(ALICE)
                if code == 250:
                    code, _ = client.data(letter())
                codes.append(code)
            self.assertEqual(len(server.mail(ALICE)), 1 if away == "accept" else 0)
            self.assertIn("event=filter-failed", server.log())
            server.stop()
        return codes

    def test_nobody_there(self):
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        for kind in ("milter", "rspamd", "clamd"):
            for address in (f"inet:127.0.0.1:{port}", "unix:/nonexistent/socket"):
                with self.subTest(kind=kind, address=address):
                    self.assertEqual(self.outcomes(kind, address), [250, 451])

    def test_hangs(self):
        for kind, play in (("milter", milter(None)), ("milter", lambda c: c.recv(1) and c.recv(1 << 20) and c.recv(1 << 20)),
                           ("rspamd", lambda c: [None for _ in iter(lambda: c.recv(1 << 16), b"")]),
                           ("clamd", lambda c: [None for _ in iter(lambda: c.recv(1 << 16), b"")])):
            with self.subTest(kind=kind), Script(play) as script:
                self.assertEqual(self.outcomes(kind, script.address), [250, 451])

    def test_works_without_end(self):
        """Progress again and again keeps a step alive, but not the whole."""
        def play(connection):
            try:
                milter(packet(b"p") * 1)(connection)
            finally:
                connection.settimeout(0.2)
                while True:
                    try:
                        connection.recv(1)
                        return
                    except TimeoutError:
                        connection.sendall(packet(b"p"))
        with Script(play) as script:
            self.assertEqual(self.outcomes("milter", script.address, total_timeout="2s"), [250, 451])

    def test_closes_midway_or_talks_junk(self):
        cases = {
            "milter closes at once": ("milter", lambda c: None),
            "milter closes at the end": ("milter", milter(b"")),
            "milter talks junk": ("milter", lambda c: c.sendall(self.JUNK)),
            "milter closes within a change": ("milter", milter(packet(b"b", b"half a body") + packet(b"h", b"X-A\0b\0")[:6])),
            "milter breaks off": ("milter", milter(packet(b"h", b"X-A: forged\r\n\0b\0"))),
            "rspamd closes at once": ("rspamd", lambda c: c.recv(1 << 16)),
            "rspamd talks junk": ("rspamd", lambda c: (c.recv(1 << 16), c.sendall(self.JUNK))),
            "rspamd says no": ("rspamd", lambda c: (c.recv(1 << 16), c.sendall(b"HTTP/1.1 500 no\r\nContent-Length: 0\r\n\r\n"))),
            "clamd closes at once": ("clamd", lambda c: c.recv(1 << 16)),
            "clamd talks junk": ("clamd", lambda c: (c.recv(1 << 16), c.sendall(self.JUNK))),
            "clamd has an error": ("clamd", lambda c: (c.recv(1 << 16), c.sendall(b"stream: out of memory ERROR\0"))),
        }
        for name, (kind, play) in cases.items():
            with self.subTest(name), Script(play) as script:
                self.assertEqual(self.outcomes(kind, script.address), [250, 451])

    def test_a_milter_that_dies_within_a_message_lets_nothing_of_it_by(self):
        def play(connection):
            milter(b"")(Dying(connection))
        for away, codes in (("defer", [451, 451]), ("accept", [250, 250])):
            with self.subTest(away), Script(play) as script:
                server = self.start({"type": "milter", "address": script.address, "when_away": away})
                with server.smtp("mx") as client:
                    check(client.mail("x@y.test"), 250)
                    self.assertEqual([client.rcpt(one)[0] for one in (ALICE, BOB)], codes)

    def test_a_milter_that_comes_back_is_used_again(self):
        died = []
        def play(connection):
            if not died:
                died.append(True)
                return
            milter(packet(b"r"))(connection)
        with Script(play) as script:
            server = self.start({"type": "milter", "address": script.address, "when_away": "accept", "timeout": "2s"})
            with server.smtp("mx") as client:
                check(client.mail("x@y.test"), 250)
                check(client.rcpt(ALICE), 250)
                check(client.data(letter()), 550)

    def test_what_a_failed_filter_changed_is_forgotten(self):
        half = packet(b"h", b"X-A\0b\0") + packet(b"b", b"another body") + packet(b"-", f"<{ALICE}>\0".encode()) + packet(b"Z")
        with Script(milter(half)) as script:
            server = self.start({"type": "milter", "address": script.address, "when_away": "accept"})
            check(self.reply(server), 250)
        [message] = server.mail(ALICE)
        self.assertNotIn(b"X-A", message)
        self.assertEqual(body_of(message), b"hello\r\n")
        server.must("verify")


if __name__ == "__main__":
    unittest.main()
