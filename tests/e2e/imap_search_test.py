"""SEARCH finds the same with its index as without: whatever letters there are, after kills while it is filled, of a damaged file,
and after it is made anew. What is deleted leaves the file."""

import base64
import contextlib
import os
import quopri
import random
import sqlite3
import stat
import time
import unittest

from imap_test import ALICE, BOB, LISTENERS, ImapCase
from postgres import Postgres
from server import SECRET, Server, letter, transact, wait_until

WORDS = ("Invoice", "Ärger", "straße", "台北", "meeting", "noon", "<b>bold</b>", "x=y", "quarterly", "report", "=3D")


def random_letter(chance, number):
    """One of all kinds: encoded words, folded fields, base64, quoted-printable, HTML, ISO 8859-1, a letter in a letter."""
    words = " ".join(chance.choices(WORDS, k=chance.randint(3, 40)))
    subject = "=?utf-8?B?" + base64.b64encode(" ".join(chance.choices(WORDS, k=2)).encode()).decode() + "?="
    kind = number % 6
    if kind == 0:
        body = f"Content-Type: text/plain; charset=utf-8\r\n\r\n{words}\r\n".encode()
    elif kind == 1:
        coded = base64.encodebytes(words.encode()).replace(b"\n", b"\r\n")
        body = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" + coded
    elif kind == 2:
        coded = quopri.encodestring(f"<p>{words}</p>".encode()).replace(b"\n", b"\r\n")
        body = b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + coded + b"\r\n"
    elif kind == 3:
        body = b"Content-Type: text/plain; charset=iso-8859-1\r\n\r\n" + "Ärger mit der Straße\r\n".encode("iso-8859-1")
    elif kind == 4:
        inner = f"Subject: inner {chance.choice(WORDS)}\r\n\r\n{words}\r\n".encode()
        body = (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n" + inner
                + b"--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nSW52b2ljZQ==\r\n--b--\r\n")
    else:
        body = b"\r\n" + b"all work and no play\r\n" * chance.randint(0, 9000) + words.encode() + b"\r\n"
    head = f"From: \"{chance.choice(WORDS)}\" <anna@example.org>\r\nTo: bob@example.net,\r\n carl@example.com\r\nSubject: {subject}\r\n\t{number}\r\n"
    return head.encode() + b"MIME-Version: 1.0\r\n" + body


def questions(chance, count):
    for _ in range(count):
        needle = chance.choice(WORDS)
        if chance.random() < 0.3:
            needle += " " + chance.choice(WORDS)
        at = chance.randint(0, 2)
        needle = needle[at:at + chance.randint(2, 12)] or needle
        yield chance.choice(("TEXT", "BODY", "SUBJECT", "FROM", "TO", "HEADER Subject", "NOT BODY", "SEEN TEXT", "OR FROM carl BODY")), needle


class SearchCase(ImapCase):
    appended = 0  # to this class's server

    def fill(self, login, number, seed):
        type(self).appended += number
        chance = random.Random(seed)
        client = self.client(login)
        for each in range(number):
            self.good(client.append("INBOX", r"(\Seen)" if each % 3 == 0 else None, None, random_letter(chance, each)))

    def answers(self, login, seed, count=30):
        client = self.client(login, "INBOX")
        out = []
        for key, needle in questions(random.Random(seed), count):
            client.literal = needle.encode()
            out.append((key, needle, self.good(client.uid("SEARCH", "CHARSET", "UTF-8", key))))
        return out

    def index(self):
        return self.server.json("search", "status")

    def wait_current(self, messages=None):
        """The number counts: the index looks a moment later at what was taken in, and is current until then."""
        messages = self.appended if messages is None else messages

        def current():
            found = self.index()
            return (found["state"], found["behind"], found["messages"]) == ("current", 0, messages)
        wait_until(current, f"an index of {messages} messages", 120, pause=0.1)

    def with_index(self, on):
        self.server.extra["search"] = {"index": on}
        self.server.write_config()
        self.server.must("reload")

    @property
    def file(self):
        return self.server.data / "search.db"

    def octets(self):
        return b"".join(path.read_bytes() for path in (self.file, self.file.with_name("search.db-wal")) if path.exists())


class SearchTest(SearchCase):
    def test_the_same_is_found_with_it_and_without(self):
        self.fill(ALICE, 80, 1)
        self.wait_current()
        self.assertEqual(stat.S_IMODE(self.file.stat().st_mode), 0o600)
        found = self.answers(ALICE, 2)
        self.assertGreater(sum(one[2] != [b""] for one in found), 8)
        self.with_index(False)
        wait_until(lambda: not self.file.exists(), "no index")
        self.assertEqual(self.index()["state"], "off")
        self.assertEqual(self.answers(ALICE, 2), found)
        self.assertEqual(self.server.cli("search", "rebuild").returncode, 1)
        self.with_index(True)
        self.wait_current()
        self.assertEqual(self.answers(ALICE, 2), found)
        # Rows that rule out what they should not would show here: the index is asked.
        self.assertIn("paquebot_search_behind 0", self.server.must("metrics"))
        self.assertIn('paquebot_store_bytes{file="search"}', self.server.must("metrics"))
        self.assertEqual(self.server.json("status")["search"]["state"], "current")

    def test_kills_while_it_is_filled(self):
        self.fill(BOB, 90, 3)
        self.wait_current()
        found = self.answers(BOB, 4)
        chance = random.Random(5)
        for _ in range(3):
            self.server.must("search", "rebuild", "--no-wait")
            time.sleep(chance.random() * 0.3)
            self.server.restart(kill=True)
            self.assertEqual(self.answers(BOB, 4), found)
        self.wait_current()
        self.assertEqual(self.answers(BOB, 4), found)

    def test_made_anew_with_a_server_and_without(self):
        self.fill(BOB, 20, 6)
        self.wait_current()
        messages = self.appended
        self.assertEqual(self.server.json("search", "rebuild")["messages"], messages)
        self.assertIn("The index is current", self.server.must("search", "status"))
        self.server.stop()
        self.assertIn("no server runs", self.server.must("search", "status"))
        self.file.unlink()
        done = self.server.json("search", "rebuild")
        self.assertEqual((done["state"], done["messages"]), ("current", messages))
        self.assertEqual(self.server.cli("search", "rebuild", "--no-wait").returncode, 64)
        with contextlib.closing(sqlite3.connect(self.file)) as db:
            self.assertEqual(db.execute("SELECT count(*) FROM print").fetchone(), (messages,))
        self.server.start()
        self.wait_current(messages)

    def test_a_damaged_file_is_made_anew(self):
        self.fill(ALICE, 30, 7)
        self.wait_current()
        found = self.answers(ALICE, 8)
        for octets in (b"\0" * 300, os.urandom(300)):
            with open(self.file, "r+b") as file:
                for at in range(2 * 8192 + 3000, self.file.stat().st_size - 300, 8192):
                    file.seek(at)
                    file.write(octets)
            self.server.restart()
            for _ in range(3):
                self.assertEqual(self.answers(ALICE, 8), found)
            wait_until(lambda: (self.index()["state"], self.index()["behind"]) == ("current", 0), "the index", 120, pause=0.1)
            # What no search has met, such as a row that names no message, verify meets.
            if "search_index" in self.server.json("verify"):
                self.server.must("search", "rebuild")
            self.wait_current()
        self.assertNotIn("search_index", self.server.json("verify"))
        self.server.stop()
        self.file.write_bytes(b"no database" * 100)
        told = self.server.cli("verify")
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertRegex(told.stdout, r"(?s)The store is sound\..*search\.db\) can't be used: .*by itself")
        self.assertIn("search_index", self.server.json("verify"))
        self.server.start()
        self.wait_current()
        self.assertEqual(self.answers(ALICE, 8), found)


class DeletedTest(SearchCase):
    def test_what_is_deleted_leaves_it(self):
        with self.server.smtp() as smtp:
            for word in ("onlyhere", "elsewhere"):
                transact(smtp, "x@y.test", [ALICE], letter(subject=word, body=f"the word {word}\r\n"))
        self.wait_current(2)
        self.assertNotIn(b"onlyhere", self.octets())
        with contextlib.closing(sqlite3.connect(f"file:{self.file}?mode=ro", uri=True)) as db:
            [row] = db.execute("SELECT bits FROM print WHERE id & 0xffffffff = 1").fetchone()
        self.assertIn(row[100:], self.octets())
        client = self.client(ALICE, "INBOX")
        self.good(client.uid("STORE", "1", "+FLAGS.SILENT", r"(\Deleted)"))
        self.good(client.expunge())
        self.wait_current(1)
        wait_until(lambda: row[100:] not in self.octets(), "the row to have left the file")
        self.server.must("account", "remove", ALICE, "--yes")
        self.wait_current(0)

    def test_mail_is_taken_while_it_can_not_be_kept(self):
        server = Server(accounts={BOB: SECRET}, listeners=LISTENERS)
        self.addCleanup(server.close)
        server.prepare()
        (server.data / "search.db").mkdir()
        server.start()
        with server.smtp() as smtp:
            transact(smtp, "x@y.test", [BOB], letter(subject="here"))
        wait_until(lambda: server.cli("search", "status", "--json").returncode == 1, "the failure to be told of")
        self.assertEqual(len(server.mail(BOB)), 1)


class PostgresSearchTest(SearchCase):
    """Where the store is a database, the index is still a file of this server's own."""

    @classmethod
    def setUpClass(cls):
        cls.postgres = cls.enterClassContext(Postgres())
        cls.server = Server(accounts={ALICE: SECRET}, listeners=LISTENERS, extra_server={"store": cls.postgres.url})
        cls.addClassCleanup(cls.server.close)
        cls.server.start()

    def test_the_same_is_found(self):
        self.fill(ALICE, 60, 9)
        self.wait_current(60)
        found = self.answers(ALICE, 10, 30)
        client = self.client(ALICE, "INBOX")
        self.good(client.copy("1:20", "Archive"))
        self.wait_current(80)
        self.good(client.store("1:20", "+FLAGS.SILENT", r"(\Deleted)"))
        self.good(client.expunge())
        self.wait_current(60)
        left = self.answers(ALICE, 10, 30)
        self.assertNotEqual(left, found)
        self.with_index(False)
        wait_until(lambda: not self.file.exists(), "no index")
        self.assertEqual(self.answers(ALICE, 10, 30), left)


if __name__ == "__main__":
    unittest.main()
