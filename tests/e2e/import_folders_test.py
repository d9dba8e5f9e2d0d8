"""Mailboxes from another server: their folders, flags, keywords and dates, by a Maildir, an mbox file, and over IMAP."""

import contextlib
import imaplib
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import unittest

from server import BINARY, SECRET, Server

ANN, BOB = "ann@example.test", "bob@example.test"
OTHER = "another secret"
NO_PERMISSION, BAD_DATA, USAGE = 77, 65, 64


class FoldersCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        listeners = {"imap": {"role": "imap", "tls": "none", "login_in_clear": True}}
        cls.server = cls.enterClassContext(Server(accounts={}, domains=["example.test"], listeners=listeners))

    def setUp(self):
        self.tmp = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        for login, secret in ((ANN, OTHER), (BOB, SECRET)):
            self.server.cli("account", "remove", login, "--yes")
            self.server.add_account(login, secret)

    def client(self, login=BOB, secret=SECRET):
        client = imaplib.IMAP4("127.0.0.1", self.server.ports["imap"], timeout=60)
        self.addCleanup(self.end, client)
        client.login(login, secret)
        return client

    @staticmethod
    def end(client):
        with contextlib.suppress(imaplib.IMAP4.error, OSError):
            client.shutdown()

    def content(self, login=BOB, secret=SECRET):
        """{mailbox: [(flags, internal date, octets)]} of those that are not empty."""
        client, found = self.client(login, secret), {}
        for line in client.list()[1]:
            name = re.search(rb'"/" (.*)$', line)[1].decode()
            if client.select(name, readonly=True)[1] == [b"0"]:
                continue
            answer = client.fetch("1:*", "(FLAGS INTERNALDATE BODY.PEEK[])")[1]
            rows = [one for one in answer if isinstance(one, tuple)]
            if rows:
                found[name.strip('"')] = [(frozenset(re.search(rb"FLAGS \(([^)]*)\)", row[0])[1].decode().split()),
                                           re.search(rb'INTERNALDATE "([^"]+)"', row[0])[1].decode(), row[1]) for row in rows]
        client.logout()
        return found

    def imports(self, *words, code=0, **options):
        done = self.server.cli("import", *words, **options)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done


class FilesTest(FoldersCase):
    def test_maildir_with_folders(self):
        files = {"cur/1.a:2,Sa": "A: inbox\n\nx\n", ".Sent/cur/2.b:2,FS": "A: sent\n\nx\n", ".Work.2026/new/3.c": "A: work\n\nx\n",
                 ".Work.&ZeVnLIqe-/cur/4.d:2,RD": "A: inbox\n\nx\n", "dovecot-keywords": "0 $Label1\n"}
        for name, text in files.items():
            path = self.tmp / "box" / name
            for part in ("cur", "new"):
                (path.parent.parent / part if path.parent.name in ("cur", "new") else path.parent / part).mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            os.utime(path, (1_700_000_000, 1_700_000_000))
        self.assertIn("4 messages imported.", self.imports("mail", BOB, self.tmp / "box").stdout)
        date = "14-Nov-2023 22:13:20 +0000"
        expected = {"INBOX": [({r"\Seen", "$Label1"}, date, b"A: inbox\r\n\r\nx\r\n")], "Sent": [({r"\Seen", r"\Flagged"}, date, b"A: sent\r\n\r\nx\r\n")],
                    "Work/2026": [(set(), date, b"A: work\r\n\r\nx\r\n")],
                    "Work/&ZeVnLIqe-": [({r"\Answered", r"\Draft"}, date, b"A: inbox\r\n\r\nx\r\n")]}
        self.assertEqual(self.content(), expected)
        self.assertIn("0 messages imported, 4 there before.", self.imports("mail", BOB, self.tmp / "box").stdout)
        self.imports("mail", BOB, self.tmp / "box", "--folder", "Old")
        self.assertEqual({name for name in self.content() if name.startswith("Old")}, {"Old", "Old/Sent", "Old/Work/2026", "Old/Work/&ZeVnLIqe-"})
        self.assertEqual(self.server.findings(), [])

    def test_mbox_with_status(self):
        line = "From a@b Tue Nov 14 22:13:20 2023\n"
        (self.tmp / "box").write_text(f"{line}A: one\nStatus: RO\nX-Status: AF\nX-Keywords: $Label1 Work\n\nx\n\n{line}A: two\nStatus: O\n\ny\n")
        self.imports("mail", BOB, self.tmp / "box", "--folder", "Lists/old")
        (first, second), = self.content().values()
        self.assertEqual(first[:2], ({r"\Seen", r"\Answered", r"\Flagged", "$Label1", "Work"}, "14-Nov-2023 22:13:20 +0000"))
        self.assertEqual(second[0], set())

    def test_names_that_can_not_be(self):
        (self.tmp / "box").write_text("From a Tue Nov 14 22:13:20 2023\nA: b\n\nx\n")
        for name in ("a//b", "a*", "a\nb", "x" * 1001):
            self.assertIn("--folder can't be the name of a mailbox", self.imports("mail", BOB, self.tmp / "box", "--folder", name, code=BAD_DATA).stderr)
        self.assertEqual(self.content(), {})


class ImapTest(FoldersCase):
    """The other server is this one too: another account of it."""

    def fill(self, many=30):
        client = self.client(ANN, OTHER)
        client.create("Work/2026")
        date = '"14-Nov-2023 22:13:20 +0000"'
        client.append("INBOX", r"(\Seen $Label1)", date, b"Message-ID: <1@x>\r\nSubject: one\r\n\r\nx\r\n")
        client.append("Sent", r"(\Answered)", date, b"Message-ID: <2@x>\r\n\r\n" + b"0123456789abcde\r\n" * 20_000)
        for name in ("INBOX", "Work/2026"):  # the same in two mailboxes, and twice in one
            client.append(name, r"(\Flagged)", date, b"Message-ID: <3@x>\r\n\r\nsame\r\n")
            client.append(name, "", date, b"Message-ID: <3@x>\r\n\r\nsame\r\n")
        for number in range(many):
            client.append("Archive", "", date, f"Message-ID: <a{number}@x>\r\n\r\n{'y' * 70}\r\n".encode())
        client.logout()

    def words(self, *more):
        return ("imap", BOB, "--server", f"127.0.0.1:{self.server.ports['imap']}", "--user", ANN, "--tls", "none", *more)

    def test_all_of_an_account_and_again(self):
        self.fill()
        self.assertIn("36 messages imported.", self.imports(*self.words(), password=OTHER).stdout)
        self.assertEqual(self.content(), self.content(ANN, OTHER))
        client = self.client()
        client.select("Archive")
        client.store("1:2", "+FLAGS", r"\Deleted")
        client.expunge()
        self.client(ANN, OTHER).append("INBOX", "", None, b"Message-ID: <new@x>\r\n\r\nnew\r\n")
        self.assertIn("1 message imported, 36 there before.", self.imports(*self.words(), password=OTHER).stdout)
        self.assertEqual(len(self.content()["Archive"]), 28, "what was deleted here does not come back")
        self.imports(*self.words("--folder", "Old"), password=OTHER)
        self.assertIn("Old/Work/2026", self.content())
        self.assertEqual(self.server.findings(), [])

    def test_broken_off_it_goes_on(self):
        self.fill(200)
        words = [str(BINARY), "import", *self.words()]
        process = subprocess.Popen(words, env=self.server.environment(PAQUEBOT_PASSWORD=OTHER), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and len(self.content().get("Archive", [])) < 20:
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.imports(*self.words(), password=OTHER)
        self.assertEqual(self.content(), self.content(ANN, OTHER))

    def test_refusals(self):
        self.assertIn("refused the login", self.imports(*self.words(), password="wrong", code=NO_PERMISSION).stderr)
        self.assertIn("say from where", self.imports("imap", BOB, password=OTHER, code=USAGE).stderr)
        done = self.server.cli(*("import", *self.words("--password", OTHER)))
        self.assertEqual(done.returncode, USAGE, "a password on the command line is seen by others")


if __name__ == "__main__":
    unittest.main()
