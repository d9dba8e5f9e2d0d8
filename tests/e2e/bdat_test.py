"""Content in chunks and binary content (RFC 3030), limits of peers (RFC 9422), and ends of data that are none: live, on both sides."""

import base64
import itertools
import re
import socket
import threading
import unittest

from peer import EXTENSIONS, Peer
from relay_test import ALICE, RelayCase, parsed, report_of
from server import SECRET, accepted_id, body_of, check, letter, transact, wait_until

BOB = "bob@example.test"
BINARY = ("CHUNKING", "BINARYMIME")
OCTETS = bytes(range(256)) + b"\r\n.\r\n\n.\n\r.\r\r\n..\r\nQUIT\r\n" + bytes(1000)


def binary_letter(octets=OCTETS, to="ann@h11.test", more=""):
    head = letter(ALICE, to, body="", more=f"Mime-Version: 1.0\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n{more}")
    return head.encode() + octets


def bdat(client, message, size=0):
    """Sends a message by BDAT in one chunk, or in chunks of `size` octets; the last reply."""
    cuts = range(0, max(len(message), 1), size or max(len(message), 1))
    for at in cuts:
        chunk = message[at:at + size] if size else message
        last = at == cuts[-1]
        client.send(b"BDAT %d%s\r\n" % (len(chunk), b" LAST" if last else b"") + chunk)
        reply = client.getreply()
        if not last:
            check(reply, 250)
    return reply


def send_bdat(client, sender, recipients, message, size=0, mail_options=()):
    check(client.mail(sender, list(mail_options)), 250)
    for recipient in recipients:
        check(client.rcpt(recipient), 250)
    return bdat(client, message, size)


class BdatTest(RelayCase):
    def submit_bdat(self, recipients, message, binary=True, **options):
        with self.server.smtp("submission", ALICE) as client:
            reply = send_bdat(client, ALICE, recipients, message, mail_options=["BODY=BINARYMIME"] if binary else (), **options)
            check(reply, 250)
            return accepted_id(reply[1])

    def test_text_into_a_mailbox(self):
        message = letter("x@y.test", BOB, "in chunks", body="".join(f".line {i}\r\n" for i in range(50_000))).encode()
        self.server.add_account(BOB)
        with self.server.smtp() as client:
            check(send_bdat(client, "x@y.test", [BOB], message, size=65_521), 250)
        [got] = self.server.mail(BOB)
        self.assertTrue(got.endswith(message))

    def test_binary_into_a_mailbox(self):
        """POP3 can't carry it: it is base 64 there, and the same octets."""
        carol = "carol@example.test"
        self.server.add_account(carol)
        with self.server.smtp() as client:
            check(send_bdat(client, "x@y.test", [carol], binary_letter(to=carol), 100, ["BODY=BINARYMIME"]), 250)
            wide = binary_letter(OCTETS * 2000, to=carol)
            check(send_bdat(client, "x@y.test", [carol], wide, 300_000, ["BODY=BINARYMIME"]), 250)
        small, large = self.server.mail(carol)
        for got, octets in ((small, OCTETS), (large, OCTETS * 2000)):
            self.assertIn(b"\r\nContent-Transfer-Encoding: base64\r\n", got)
            self.assertEqual(parsed(got).get_payload(decode=True), octets)
            self.assertIsNone(re.search(rb"\0|\r(?!\n)|(?<!\r)\n", got))

    def test_binary_that_cannot_be_converted(self):
        """Refused with the reason before anything is promised; the session goes on."""
        head = "Mime-Version: 1.0\r\nContent-Type: multipart/signed; boundary=b\r\n"
        broken = letter("x@y.test", ALICE, more=head, body="--b\r\n\r\na\0b\r\n--b--\r\n").encode()
        for recipients, login in (([ALICE], None), (["ann@h11.test"], ALICE)):
            with self.server.smtp("submission" if login else "mx", login) as client:
                code, text = send_bdat(client, login or "x@y.test", recipients, broken.replace(b"x@y.test", ALICE.encode()), 50, ["BODY=BINARYMIME"])
                self.assertEqual((code, text[:5]), (554, b"5.6.3"))
                check(client.noop(), 250)

    def test_binary_from_end_to_end(self):
        peer = self.host(11, extensions=(*EXTENSIONS, *BINARY))
        message = binary_letter()
        ident = self.submit_bdat(["ann@h11.test"], message)
        self.wait_messages(peer, 1)
        [got] = peer.messages
        self.assertIn("BODY=BINARYMIME", got.sender)
        self.assertTrue(got.data.endswith(message), got.data)
        self.assertEqual(got.chunks, 1)
        self.wait_state(ident, "relayed")

    def test_binary_to_peers_without(self):
        for number, offers in ((12, ("8BITMIME", "PIPELINING")), (13, ("PIPELINING",)), (14, ("8BITMIME", "CHUNKING")), (15, ("8BITMIME", "BINARYMIME"))):
            with self.subTest(offers=offers):
                peer = self.host(number, extensions=offers)
                self.submit_bdat([f"ann@h{number}.test"], binary_letter(to=f"ann@h{number}.test"))
                self.wait_messages(peer, 1)
                [got] = peer.messages
                self.assertNotIn("BINARYMIME", got.sender)
                self.assertEqual(parsed(got.data).get_payload(decode=True), OCTETS)
                self.assertIsNone(re.search(rb"\0|\r(?!\n)|(?<!\r)\n", got.data))

    def test_binary_to_a_mailbox_and_elsewhere(self):
        """One who has a mailbox here is enough: it is converted for all."""
        peer = self.host(16, extensions=(*EXTENSIONS, *BINARY))
        ident = self.submit_bdat(["ann@h16.test", ALICE], binary_letter())
        self.wait_messages(peer, 1)
        self.assertEqual(parsed(peer.messages[0].data).get_payload(decode=True), OCTETS)
        [got] = [one for one in self.server.mail(ALICE) if ident.encode() in one]
        self.assertEqual(parsed(got).get_payload(decode=True), OCTETS)

    def test_binary_returned(self):
        """The report about a binary message is one of lines, and holds the octets."""
        self.host(17, extensions=(*EXTENSIONS, *BINARY), replies={"RCPT": "550 5.1.1 who?"})
        ident = self.submit_bdat(["ann@h17.test"], binary_letter())
        self.wait_state(ident, "failed")
        whole, _, [recipient] = report_of(self.wait_report(ident))
        self.assertEqual(recipient["Status"], "5.1.1")
        original = list(whole.iter_parts())[2].get_payload()[0]
        self.assertEqual(original.get_payload(decode=True), OCTETS)

    def test_binary_that_comes_home(self):
        """Its domain becomes ours while it waits: then it goes into a mailbox, converted."""
        self.dns.add("late.test MX 10 mx.late.test", "mx.late.test A 127.0.0.20")
        ident = self.submit_bdat(["ann@late.test"], binary_letter(to="ann@late.test"))
        self.wait_event(ident, "deferred")
        # Nobody at a new domain would be put off for an hour.
        wait_until(lambda: self.server.cli("queue", "hold", ident).returncode == 0, "the hold to take", pause=0.1)
        self.server.must("domain", "add", "late.test")
        self.server.add_account("ann@late.test")
        self.server.must("queue", "release", ident)
        [got] = self.server.wait_mail("ann@late.test")
        self.assertEqual(parsed(got).get_payload(decode=True), OCTETS)
        self.assertIsNone(re.search(rb"\0|\r(?!\n)|(?<!\r)\n", got))

    def test_large_messages_go_in_chunks(self):
        peer = self.host(18, extensions=(*EXTENSIONS, "CHUNKING"))
        large = letter(ALICE, "ann@h18.test", body=".0123456789\r\n" * 100_000)
        self.submit("ann@h18.test", message=large)
        self.submit("ann@h18.test")
        self.wait_messages(peer, 2)
        by_size = sorted(peer.messages, key=lambda one: len(one.data))
        self.assertTrue(by_size[1].data.endswith(large.encode()))
        self.assertGreater(by_size[1].chunks, 3)
        self.assertEqual(by_size[0].chunks, 0)

    def test_chunk_refused(self):
        """No chunk follows a refused one; the connection is used on."""
        peer = self.host(19, extensions=(*EXTENSIONS, "CHUNKING"), replies={"BDAT": "552 5.3.4 too large for me"})
        ident = self.submit("ann@h19.test", message=letter(ALICE, "ann@h19.test", body="0123456789\r\n" * 200_000))
        self.wait_state(ident, "failed")
        chunks = [line for line in peer.commands if line.startswith("BDAT")]
        self.assertLessEqual(len(chunks), 2)
        self.assertNotIn("LAST", " ".join(chunks))
        self.submit("ann@h19.test")
        self.wait_messages(peer, 1)

    def test_lines_of_a_chunk_are_those_of_data(self):
        """Whatever mixture of CR, LF, NUL and dots stands in a text: taken is only what is lines, and then as it is."""
        dora = "dora@example.test"
        self.server.add_account(dora)
        pieces = ("\r", "\n", ".", "\0")
        taken = []
        words = itertools.chain.from_iterable(itertools.product(pieces, repeat=count) for count in (1, 2, 3))
        for word in map("".join, words):
            body = f"a{word}b\r\n"
            clean = re.search(r"\0|\r(?!\n)|(?<!\r)\n", body) is None
            message = letter("x@y.test", dora, body=body).encode()
            with self.server.smtp() as client:
                by_bdat = send_bdat(client, "x@y.test", [dora], message)
                check(client.mail("x@y.test"), 250)
                check(client.rcpt(dora), 250)
                check(client.docmd("DATA"), 354)
                client.send((re.sub(rb"(?m)^\.", b"..", message) if clean else message) + b".\r\n")
                by_data = client.getreply()
            self.assertEqual((by_bdat[0], by_data[0]), (250, 250) if clean else (550, 550), (body, by_bdat, by_data))
            taken += [body.encode()] * 2 if clean else []
        self.assertEqual([body_of(one) for one in self.server.mail(dora)], taken)

    def test_nothing_in_a_lie_is_run(self):
        """Announced octets are content whatever they look like and however they are cut."""
        with socket.create_connection(("127.0.0.1", self.server.ports["mx"]), 30) as raw:
            file = raw.makefile("rb")
            file.readline()
            for chunk in (b"EHLO x\r\nMAIL FROM:<a@b.test>\r\nBDAT 30", b" LAST\r\nRCPT TO:<", ALICE.encode() + b">\r\nNOOP\r\nQUIT\r\n"):
                raw.sendall(chunk)
            replies = file.read().decode()
        self.assertEqual(re.findall(r"^(\d{3}) ", replies, re.M)[:3], ["250", "250", "554"], replies)
        self.assertNotIn("2.1.5", replies)


class LimitsTest(RelayCase):
    zone = ()

    def limited(self, number, *limits):
        return self.host(number, extensions=(*EXTENSIONS, "LIMITS " + " ".join(limits)))

    def test_recipients_of_a_transaction(self):
        peer = self.limited(21, "RCPTMAX=2")
        self.wait_state(self.submit(*(f"u{i}@h21.test" for i in range(5))), "relayed")
        self.assertEqual(sorted(len(one.recipients) for one in peer.messages), [1, 2, 2])
        self.assertEqual(len({re.match(r"<[^>]*>", who)[0] for one in peer.messages for who in one.recipients}), 5)

    def test_transactions_of_a_session(self):
        peer = self.limited(22, "RCPTMAX=1", "MAILMAX=2")
        self.wait_state(self.submit(*(f"u{i}@h22.test" for i in range(5))), "relayed")
        self.assertEqual(len(peer.messages), 5)
        by_session = [sum(one.session == number for one in peer.messages) for number in range(len(peer.sessions))]
        self.assertLessEqual(max(by_session), 2)

    def test_a_session_that_is_used_up_is_gone_before_the_next(self):
        """A peer that lets in one connection at a time, and takes its time for QUIT."""
        there, refused, another = set(), [], threading.Event()

        def script(session, verb, _line):
            if verb == "CONNECT" and there:
                refused.append(session.number)
                another.set()
                return "421 4.7.0 one at a time"
            if verb == "CONNECT":
                there.add(session.number)
            if verb == "QUIT":
                another.wait(0.3)
                there.discard(session.number)
            return None

        peer = self.host(25, extensions=(*EXTENSIONS, "LIMITS RCPTMAX=1 MAILMAX=1"), script=script)
        self.wait_state(self.submit(*(f"u{i}@h25.test" for i in range(3))), "relayed")
        self.assertEqual((len(peer.messages), len(peer.sessions), refused), (3, 3, []))

    def test_domains_of_a_session(self):
        self.dns.add("mx.shared.test A 127.0.0.24", *(f"d{i}.test MX 10 mx.shared.test" for i in range(3)))
        peer = self.limited(24, "RCPTDOMAINMAX=1")
        for ident in [self.submit(f"a@d{i}.test", f"b@d{i}.test") for i in range(3)]:
            self.wait_state(ident, "relayed")
        self.assertEqual(len(peer.messages), 3)
        for number in range(len(peer.sessions)):
            seen = {re.search(r"@([^>]*)>", who)[1] for one in peer.messages if one.session == number for who in one.recipients}
            self.assertLessEqual(len(seen), 1)

    def test_nonsense_is_ignored(self):
        peer = self.limited(23, "RCPTMAX=0", "MAILMAX=-5", "RCPTDOMAINMAX=99999999999999999999", "X=Y", "RCPTMAX")
        self.wait_state(self.submit(*(f"u{i}@h23.test" for i in range(5))), "relayed")
        self.assertEqual([len(one.recipients) for one in peer.messages], [5])


if __name__ == "__main__":
    unittest.main()
