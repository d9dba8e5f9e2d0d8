"""IMAP that is compressed (RFC 4978), messages in order (RFC 5256), and the copies of what is sent by the API."""

import re
import unittest
import zlib

from imap_test import ALICE, BOB, ImapCase
from server import wait_until


class Packed:
    """A session behind COMPRESS."""

    def __init__(self, test, login=ALICE):
        self.raw = test.raw(None, login)
        self.out, self.into, self.text = zlib.compressobj(9, zlib.DEFLATED, -15), zlib.decompressobj(-15), b""
        test.assertIn("x OK", self.raw.ask("COMPRESS DEFLATE")[-1])

    def send(self, octets, flush=zlib.Z_SYNC_FLUSH):
        self.raw.file.write(self.out.compress(octets) + self.out.flush(flush))
        self.raw.file.flush()

    def until(self, end):
        while end not in self.text:
            packed = self.raw.socket.recv(65536)
            if not packed:
                raise EOFError(self.text)
            self.text += self.into.decompress(packed)
        text, self.text = self.text, b""
        return text


class CompressTest(ImapCase):
    def test_both_ways(self):
        packed = Packed(self)
        packed.send(b"a SELECT INBOX\r\nb NOOP\r\n")
        self.assertIn(b"a OK", packed.until(b"b OK"))
        packed.send(b"c COMPRESS DEFLATE\r\n")
        self.assertIn(b"c NO [COMPRESSIONACTIVE]", packed.until(b"c NO"))
        large = b"Subject: large\r\n\r\n" + b"y" * 76 + b"\r\n" + b"0123456789abcdef" * 40_000 + b"\r\n"
        packed.send(b"d APPEND Sent {%d+}\r\n" % len(large) + large + b"\r\ne SELECT Sent\r\nf FETCH * BODY.PEEK[]\r\n")
        self.assertIn(large, packed.until(b"f OK"))
        packed.send(b"g LOGOUT\r\n", zlib.Z_FINISH)
        self.assertIn(b"* BYE", packed.until(b"g OK"))
        self.assertEqual(packed.raw.socket.recv(10), b"")

    def test_a_bomb_is_answered_and_others_are_not_kept_waiting(self):
        packed = Packed(self)
        before = self.server.memory("VmRSS")
        packed.send(b"a NOOP\r\n" * 200_000 + b"b NOOP\r\n")
        self.assertIn("x OK", self.raw().ask("NOOP")[-1])
        self.assertEqual(packed.until(b"b OK").count(b"a OK"), 200_000)
        packed.send(b"c " + b"N" * 50_000_000 + b"\r\nd NOOP\r\n")
        self.assertIn(b"BAD [TOOBIG]", packed.until(b"d OK"))
        self.assertLess(self.server.memory("VmRSS") - before, 30 << 20)

    def test_what_is_no_deflate_ends_the_session(self):
        packed = Packed(self)
        packed.raw.file.write(b"\xff\xff a NOOP\r\n")
        packed.raw.file.flush()
        self.assertEqual(packed.raw.socket.recv(10), b"")
        self.assertIn("x OK", self.raw().ask("NOOP")[-1])


class OrderTest(ImapCase):
    def test_sort_and_thread(self):
        client = self.client()
        for number, (subject, date, refers) in enumerate((("b", 3, ""), ("Re: a", 2, "References: <m3@x>\r\n"), ("a", 1, ""), ("c", 4, ""))):
            text = f"Subject: {subject}\r\nMessage-ID: <m{number + 1}@x>\r\nDate: {date} Nov 2026 10:00:00 +0000\r\n{refers}\r\nx\r\n"
            self.good(client.append("Archive", None, None, text.encode()))
        self.good(client.select("Archive"))
        self.assertEqual(self.good(client.sort("DATE", "UTF-8", "ALL")), [b"3 2 1 4"])
        self.assertEqual(self.good(client.uid("SORT", "(SUBJECT REVERSE DATE)", "UTF-8", "ALL")), [b"2 3 1 4"])
        self.assertEqual(self.good(client.thread("REFERENCES", "UTF-8", "ALL")), [b"(3 2)(1)(4)"])


class SentTest(ImapCase):
    options = {"extra": {"mailbox": {"sent_copies": True}}}

    def sent(self):
        client = self.client(BOB, "Sent")
        if client.untagged_responses.get("EXISTS") == [b"0"]:
            return []
        return [(re.search(rb"FLAGS \(([^)]*)\)", one[0])[1], one[1]) for one in self.good(client.fetch("1:*", "(FLAGS BODY.PEEK[])")) if isinstance(one, tuple)]

    def test_what_is_sent_by_the_api_is_kept(self):
        for body in ("short", "0123456789" * 30_000):
            self.server.must("send", "--as", BOB, "--to", ALICE, "--subject", "kept", text=body)
        wait_until(lambda: len(self.server.mail(ALICE)) == 2, "the mail")
        kept = self.sent()
        self.assertEqual([flags for flags, _ in kept], [rb"\Seen"] * 2)
        self.assertTrue(all(b"Subject: kept\r\n" in text and b"Return-Path" not in text for _, text in kept))
        self.assertIn(b"short", kept[0][1])
        self.server.must("account", "quota", BOB, "1")
        self.server.must("send", "--as", BOB, "--to", ALICE, "--subject", "out", "--text", "x")
        wait_until(lambda: "sent-copy-lost" in self.server.log(), "the line of the log")
        self.assertEqual(len(self.sent()), 2)
        wait_until(lambda: len(self.server.mail(ALICE)) == 3, "the mail that went out all the same")
        self.assertEqual(self.server.findings(), [])

    def test_what_is_refused_is_not_kept(self):
        before = len(self.sent())
        self.assertNotEqual(self.server.cli("send", "--as", BOB, "--to", "nobody@example.test", "--text", "x").returncode, 0)
        self.assertEqual(len(self.sent()), before)


if __name__ == "__main__":
    unittest.main()
