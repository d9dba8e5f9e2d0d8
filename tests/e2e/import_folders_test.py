"""Mailboxes from another server: their folders, flags, keywords and dates, by a Maildir, an mbox file, and over IMAP."""

import contextlib
import imaplib
import json
import os
import pathlib
import re
import shutil
import signal
import socketserver
import subprocess
import tempfile
import threading
import unittest

from dovecot import Dovecot, has_imap
from server import BINARY, PEERS, SECRET, Server

ANN, BOB = "ann@example.test", "bob@example.test"
OTHER = "another secret"
SHOWN = {r"\Subscribed", r"\All", r"\Archive", r"\Drafts", r"\Flagged", r"\Junk", r"\Sent", r"\Trash"}
NO_PERMISSION, BAD_DATA, USAGE, CANT_CREATE, REFUSED = 77, 65, 64, 73, 1


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
        return self.content_of(self.client(login, secret))

    @staticmethod
    def content_of(client, names=str):
        """`names`: what a mailbox is called instead."""
        found = {}
        for line in client.list()[1]:
            if rb"\Noselect" in line or rb"\NonExistent" in line:
                continue
            name = re.search(rb'\) "(?:[^"\\]|\\.)+" (.*)$', line)[1].decode()
            if client.select(name, readonly=True)[1] == [b"0"]:
                continue
            answer = client.fetch("1:*", "(FLAGS INTERNALDATE BODY.PEEK[])")[1]
            rows = [one for one in answer if isinstance(one, tuple)]
            if rows:
                found[names(name.strip('"'))] = [
                    (frozenset(re.search(rb"FLAGS \(([^)]*)\)", row[0])[1].decode().replace(r"\Recent", "").split()),
                     re.search(rb'INTERNALDATE "([^"]+)"', row[0])[1].decode(), row[1]) for row in rows]
        client.logout()
        return found

    def known(self, login, secret):
        return self.known_of(self.client(login, secret))

    @staticmethod
    def known_of(client, names=str):
        """{mailbox: (uidvalidity, uids)}: what IMAP clients know messages by."""
        found = {}
        for line in client.list()[1]:
            if rb"\Noselect" in line or rb"\NonExistent" in line:
                continue
            name = re.search(rb'\) "(?:[^"\\]|\\.)+" (.*)$', line)[1].decode()
            client.select(name, readonly=True)
            validity = client.response("UIDVALIDITY")[1][0]
            uids = client.uid("SEARCH", "ALL")[1][0].split()
            if uids:
                found[names(name.strip('"'))] = (validity, uids)
        client.logout()
        return found

    def shown(self, login=BOB, secret=SECRET):
        """{mailbox: whether it is subscribed, and its use}"""
        client = self.client(login, secret)
        lines = client._simple_command("LIST", '""', "*", "RETURN (SUBSCRIBED SPECIAL-USE)")
        self.assertEqual(lines[0], "OK")
        found = {}
        for line in client._untagged_response(*lines, "LIST")[1]:
            attributes, name = re.match(rb'\(([^)]*)\) "/" (.*)$', line).groups()
            found[name.decode().strip('"')] = {word for word in attributes.decode().split() if word in SHOWN}
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


class ExportTest(FoldersCase):
    """What is exported comes back as it was."""

    NAMES = ("Work/2026", "Work/example.org", "INBOX/below", '"a b"', "&ZeVnLIqe-", "Empty", r'"back\\slash"', '"~tilde"')

    def fill(self):
        client = self.client(ANN, OTHER)
        for name in self.NAMES:
            self.assertEqual(client.create(name)[0], "OK", name)
        texts = [b"Subject: plain\r\n\r\nx\r\n", b"Subject: from\r\n\r\nFrom here on\r\n>From there\r\n\r\n\r\n", b"\r\nno head\r\n",
                 b"Subject: status\r\nStatus: RO\r\nX-UID: 99\r\n\r\nown fields\r\n", b"Subject: head only\r\n\r\n",
                 b"Subject: large\r\n\r\n" + b"0123456789abcde\r\n" * 40_000, "Subject: é\r\n\r\nü\r\n".encode()]
        for name in self.NAMES[1::2]:
            self.assertEqual(client.subscribe(name)[0], "OK", name)
        client.unsubscribe("Junk")
        self.assertEqual(client.subscribe("Nowhere")[0], "OK")  # without a mailbox
        client.delete("Archive")
        self.assertEqual(client._simple_command("CREATE", '"put away"', r"(USE (\Archive \Flagged))")[0], "OK")
        client.subscribe('"put away"')
        for name in ("INBOX", "Sent", *self.NAMES):
            if name == "Empty":
                continue
            for number, text in enumerate(texts):
                flags = (r"\Seen $Label1", r"\Flagged", r"\Answered \Draft Work", "", r"\Deleted", r"\Seen", "")[number]
                self.assertEqual(client.append(name, f"({flags})", f'"1{number}-Nov-2023 22:13:20 +0000"', text)[0], "OK")
            client.select(name)
            client.store("2", "+FLAGS", r"\Deleted")
            client.uid("EXPUNGE", "2")  # uids have a gap
        client.logout()
        return client

    def export(self, *words, code=0):
        done = self.server.cli("export", *words)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def round_trip(self, *words):
        self.fill()
        count = 6 * (len(self.NAMES) + 1)
        self.assertIn(f"{count} messages exported.", self.export(ANN, self.tmp / "box", *words).stdout)
        for path in [self.tmp / "box", *(self.tmp / "box").rglob("*")]:
            self.assertEqual(path.stat().st_mode & 0o077, 0, path)
        again = self.export(ANN, self.tmp / "box", *words)
        self.assertIn(f"0 messages exported, {count} there before.", again.stdout)
        done = self.imports("mail", BOB, self.tmp / "box")
        self.assertIn(f"{count} messages imported.", done.stdout)
        self.assertIn(f"Uids were kept in {len(self.NAMES) + 1} folders", done.stdout)
        self.assertEqual(self.content(), self.content(ANN, OTHER))
        self.assertEqual(self.known(BOB, SECRET), self.known(ANN, OTHER), "clients need not fetch it again")
        # What is called Archive here has the use already.
        expected = self.shown(ANN, OTHER)
        self.assertEqual(expected.pop("put away"), {r"\Subscribed", r"\Archive", r"\Flagged"})
        self.assertEqual(self.shown(), expected | {"Archive": {r"\Subscribed", r"\Archive"}})
        self.assertIn(f"0 messages imported, {count} there before.", self.imports("mail", BOB, self.tmp / "box").stdout)
        client = self.client()
        client.subscribe("Work/2026")
        self.imports("mail", BOB, self.tmp / "box")
        self.assertIn(r"\Subscribed", self.shown()["Work/2026"], "what its owner has chosen since stays")
        client.append("INBOX", "", None, b"Subject: later\r\n\r\nx\r\n")
        client.select("INBOX")
        self.assertGreater(int(client.uid("SEARCH", "ALL")[1][0].split()[-1]), 100_000, "what the old server gives meanwhile stays free")
        self.assertEqual(self.server.findings(), [])

    def test_maildir(self):
        self.round_trip()

    def test_mbox(self):
        self.round_trip("--format", "mbox")

    def test_more_keywords_than_a_maildir_has_letters_for(self):
        client = self.client(ANN, OTHER)
        words = [f"$word{n}" for n in range(40)]
        for first in (0, 20):
            client.append("INBOX", "(" + " ".join(words[first:first + 20]) + ")", None, b"Subject: %d\r\n\r\nx\r\n" % first)
        done = self.export(ANN, self.tmp / "box")
        self.assertIn("2 messages exported.", done.stdout)
        told = re.findall(r"INBOX: a Maildir has 26 keywords at most: without (\S+)", done.stderr)
        self.assertEqual(told, words[26:])
        self.export(ANN, self.tmp / "mbox", "--format", "mbox")
        for box, kept in (("box", 26), ("mbox", 40)):
            self.imports("mail", BOB, self.tmp / box, "--folder", box)
            self.assertEqual({flag for flags, _, _ in self.content()[box] for flag in flags}, set(words[:kept]))

    def test_a_use_that_nobody_has_comes_along(self):
        self.fill()
        self.export(ANN, self.tmp / "box")
        client = self.client()
        client.delete("Archive")
        client.rename("Sent", "Gesendet")
        client.logout()
        self.imports("mail", BOB, self.tmp / "box")
        shown = self.shown()
        self.assertEqual(shown["put away"], {r"\Subscribed", r"\Archive", r"\Flagged"})
        self.assertEqual(shown["Gesendet"], {r"\Subscribed", r"\Sent"})
        self.assertEqual(self.content()["Gesendet"], self.content(ANN, OTHER)["Sent"])
        self.assertEqual(self.known(BOB, SECRET)["Gesendet"], self.known(ANN, OTHER)["Sent"])
        self.assertNotIn("Sent", shown)
        self.assertIn("0 messages imported", self.imports("mail", BOB, self.tmp / "box").stdout)
        self.client().rename("Gesendet", "Sent")
        self.assertIn("0 messages imported", self.imports("mail", BOB, self.tmp / "box").stdout)

    def test_mail_that_came_meanwhile_keeps_the_own_uidvalidity(self):
        self.fill()
        self.export(ANN, self.tmp / "box")
        self.client().append("INBOX", "", None, b"Subject: new\r\n\r\nx\r\n")
        (validity, _), = self.known(BOB, SECRET).values()
        self.imports("mail", BOB, self.tmp / "box")
        known = self.known(BOB, SECRET)
        self.assertEqual(known["INBOX"][0], validity)
        self.assertEqual(known["Sent"], self.known(ANN, OTHER)["Sent"])

    def test_broken_off_it_goes_on(self):
        client = self.client(ANN, OTHER)
        for number in range(600):
            client.append("Archive", "", None, f"Subject: {number}\r\n\r\nx\r\n".encode())
        client.logout()
        box = self.tmp / "box"
        process = subprocess.Popen([str(BINARY), "export", ANN, str(box)], env=self.server.environment(), stdout=subprocess.DEVNULL)
        while process.poll() is None and not list(box.glob(".Archive/cur/*")):
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.export(ANN, box)
        self.imports("mail", BOB, box)
        self.assertEqual(self.content(), self.content(ANN, OTHER))
        self.assertEqual(list(box.rglob("tmp/*")), [])

    def test_a_domain(self):
        self.fill()
        done = self.export("example.test", self.tmp / "all", "--json")
        self.assertEqual(json.loads(done.stdout), {"accounts": 2, "exported": 54, "before": 0, "failed": 0})
        self.assertEqual({path.name for path in (self.tmp / "all").iterdir()}, {ANN, BOB, "paquebot-export"})

    def test_nothing_is_written_over(self):
        self.fill()
        box = self.tmp / "box"
        box.mkdir()
        (box / "cur").mkdir()
        self.assertIn("not empty", self.export(ANN, box, code=CANT_CREATE).stderr)
        self.assertEqual([path.name for path in box.rglob("*")], ["cur"])
        self.export(ANN, self.tmp / "other")
        self.assertIn("something else", self.export(ANN, self.tmp / "other", "--format", "mbox", code=CANT_CREATE).stderr)
        self.assertIn("something else", self.export(BOB, self.tmp / "other", code=CANT_CREATE).stderr)
        self.export("nobody@example.test", self.tmp / "none", code=REFUSED)
        self.assertFalse((self.tmp / "none").exists())


class ImapTest(FoldersCase):
    """The other server is this one too: another account of it."""

    def fill(self, many=30):
        client = self.client(ANN, OTHER)
        client.create("Work/2026")
        client.create("Lists")
        client.subscribe("Lists")
        client.unsubscribe("Junk")
        client.delete("Trash")
        self.assertEqual(client._simple_command("CREATE", "Papierkorb", r"(USE (\Trash))")[0], "OK")
        date = '"14-Nov-2023 22:13:20 +0000"'
        client.append("INBOX", r"(\Seen $Label1)", date, b"Message-ID: <1@x>\r\nSubject: one\r\n\r\nx\r\n")
        client.append("Sent", r"(\Answered)", date, b"Message-ID: <2@x>\r\n\r\n" + b"0123456789abcde\r\n" * 20_000)
        for name in ("INBOX", "Work/2026"):  # the same in two mailboxes, and twice in one
            client.append(name, r"(\Flagged)", date, b"Message-ID: <3@x>\r\n\r\nsame\r\n")
            client.append(name, "", date, b"Message-ID: <3@x>\r\n\r\nsame\r\n")
        for number in range(many):
            client.append("Archive", "", date, f"Message-ID: <a{number}@x>\r\n\r\n{'y' * 70}\r\n".encode())
        client.select("Sent")
        self.validity_of_sent = client.response("UIDVALIDITY")[1][0]
        client.logout()

    def words(self, *more):
        return ("imap", BOB, "--server", f"127.0.0.1:{self.server.ports['imap']}", "--user", ANN, "--tls", "none", *more)

    def test_all_of_an_account_and_again(self):
        self.fill()
        self.assertIn("36 messages imported.", self.imports(*self.words(), password=OTHER).stdout)
        self.assertEqual(self.content(), self.content(ANN, OTHER))
        expected = self.shown(ANN, OTHER)
        expected["Trash"] = expected.pop("Papierkorb")
        self.assertEqual(self.shown(), expected)
        self.assertEqual((expected["Junk"], expected["Lists"]), ({r"\Junk"}, {r"\Subscribed"}))
        client = self.client()
        client.select("Sent")
        self.assertEqual(client.response("UIDVALIDITY"), ("UIDVALIDITY", [self.validity_of_sent]))
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


class OldServer(socketserver.StreamRequestHandler):
    """RFC 3501 alone, and no more of it than an import asks for: each mailbox that is selected has one message."""

    lists, subscriptions = [], None  # of the listening class

    def handle(self):
        self.say("* OK ready")
        while line := self.rfile.readline().decode():
            tag, command = line.rstrip("\r\n").split(" ", 1)
            verb, end = command.removeprefix("UID ").split(" ")[0], "OK done"
            if verb == "CAPABILITY":
                self.say("* CAPABILITY IMAP4rev1")
            elif verb == "LIST":
                self.say(*self.server.lists)
            elif verb == "LSUB":
                self.say(*(self.server.subscriptions or ()))
                end = "BAD what is that" if self.server.subscriptions is None else end
            elif verb == "EXAMINE":
                self.say("* 1 EXISTS", "* OK [UIDVALIDITY 7] x", "* OK [UIDNEXT 2] x")
            elif verb == "SEARCH":
                self.say("* SEARCH 1")
            elif verb == "FETCH" and "BODY.PEEK[]" in command:
                self.say("* 1 FETCH (UID 1 BODY[] {12}", "A: b\r\n\r\nxx\r\n)")
            elif verb == "FETCH":
                self.say('* 1 FETCH (UID 1 FLAGS () INTERNALDATE "14-Nov-2023 22:13:20 +0000" RFC822.SIZE 12 BODY[HEADER.FIELDS (X)] "")')
            self.say(f"{tag} {end}")

    def say(self, *lines):
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode("latin-1"))


class OldServerTest(FoldersCase):
    def imports_from(self, lists, subscriptions, **options):
        server = self.enterContext(socketserver.ThreadingTCPServer(("127.0.0.1", 0), OldServer))
        server.daemon_threads, server.lists, server.subscriptions = True, lists, subscriptions
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        return self.imports("imap", BOB, "--server", f"127.0.0.1:{server.server_address[1]}", "--user", ANN, "--tls", "none",
                            password=OTHER, **options)

    def test_subscriptions_by_lsub(self):
        self.imports_from(['* LIST () "." INBOX', '* LIST () "." Work.2026', '* LIST () "." Play'], ['* LSUB () "." INBOX', '* LSUB () "." Work.2026', '* LSUB () "." Gone'])
        shown = self.shown()
        self.assertEqual((shown["INBOX"], shown["Work/2026"], shown["Play"]), ({r"\Subscribed"}, {r"\Subscribed"}, set()))
        self.assertNotIn("Gone", shown)

    def test_a_server_without_subscriptions(self):
        for subscriptions in (None, []):
            self.imports_from(['* LIST () "." Work', '* LIST () "." Junk'], subscriptions)
            self.assertEqual((self.shown()["Work"], self.shown()["Junk"]), ({r"\Subscribed"}, {r"\Subscribed", r"\Junk"}), subscriptions)

    def test_hostile_names(self):
        names = ['"a*b"', '"a\x01b"', "x" * 1001, "/".join("abcdefghij" * 4)]
        done = self.imports_from([f'* LIST () "/" {name}' for name in names] + ['* LIST () "/" good', '* LIST () "/" &ZeV', '* LIST () "/" ""'], [], code=BAD_DATA)
        self.assertIn("2 messages imported, 4 not", done.stdout)
        self.assertEqual(set(self.content()), {"good", "&-ZeV"})
        self.assertEqual(self.server.findings(), [])

    def test_too_many_mailboxes(self):
        done = self.imports_from([f'* LIST () "/" m{number}' for number in range(10_001)], [], code=BAD_DATA)
        self.assertIn("more than 10000 mailboxes", done.stderr)
        self.assertEqual(self.content(), {})


@unittest.skipUnless(has_imap(PEERS), "Dovecot's imapd is not unpacked, or this is not root (tools/peers)")
class DovecotTest(FoldersCase):
    """The other server is Debian's Dovecot: by IMAP, by its Maildir, and back."""

    NAMES = ("Work.2026", "&ZeVnLIqe-.&AOQ-", "Sent")

    def setUp(self):
        super().setUp()
        self.tmp.chmod(0o755)

    def dovecot(self, separator=".", prefix=""):
        more = f"namespace inbox {{\n  inbox = yes\n  separator = {separator}\n  prefix = {prefix}\n}}\n"
        return self.enterContext(Dovecot(PEERS, self.tmp, {"ann": OTHER}, more=more, imap=True))

    @staticmethod
    def dovecots(dovecot):
        client = imaplib.IMAP4("127.0.0.1", dovecot.imap, timeout=60)
        client.login("ann", OTHER)
        return client

    def fill(self, dovecot, separator=".", prefix=""):
        client = self.dovecots(dovecot)
        names = ["INBOX", *(prefix + name.replace(".", separator) for name in self.NAMES)]
        for name in names[1:]:
            self.assertEqual(client.create(name)[0], "OK", name)
        for name in names:
            for number, flags in enumerate((r"\Seen $Label1", r"\Flagged", r"\Answered Work", r"\Deleted \Draft", "")):
                done = client.append(name, f"({flags})", f'"1{number}-Nov-2023 22:13:20 +0000"', f"Message-ID: <{number}@x>\r\nA: {number}\r\n\r\nx\r\n".encode())
                self.assertEqual(done[0], "OK", done)
            client.select(name)
            client.uid("STORE", "2", "+FLAGS", r"\Deleted")
            client.uid("EXPUNGE", "2")
        for name in names[:-1]:
            client.subscribe(name)
        client.logout()

    def words(self, dovecot):
        return ("imap", BOB, "--server", f"127.0.0.1:{dovecot.imap}", "--user", "ann", "--tls", "none")

    @staticmethod
    def subscribed(client, names=str):
        lines = [line.decode() for line in client.lsub()[1] if line]
        client.logout()
        return {names(re.search(r'\) "." (.*)$', line)[1].strip('"')) for line in lines}

    def compare(self, dovecot, names):
        boxes = set(self.content())
        self.assertEqual(self.subscribed(self.client()) & boxes, self.subscribed(self.dovecots(dovecot), names) & boxes)
        self.assertEqual(self.content(), self.content_of(self.dovecots(dovecot), names))
        self.assertEqual(self.known(BOB, SECRET), self.known_of(self.dovecots(dovecot), names))
        self.assertEqual(self.server.findings(), [])

    def test_over_imap(self):
        for separator, prefix in ((".", ""), ("/", ""), (".", "INBOX.")):
            with self.subTest(separator=separator, prefix=prefix):
                self.setUp()
                dovecot = self.dovecot(separator, prefix)
                self.fill(dovecot, separator, prefix)
                done = self.imports(*self.words(dovecot), password=OTHER)
                self.assertIn("16 messages imported.", done.stdout)
                self.assertIn("Uids were kept in 4 folders", done.stdout)
                self.compare(dovecot, lambda name: name.removeprefix(prefix).replace(separator, "/"))
                self.assertIn("0 messages imported, 16 there before.", self.imports(*self.words(dovecot), password=OTHER).stdout)
                dovecot.stop()

    def test_its_maildir(self):
        dovecot = self.dovecot()
        self.fill(dovecot)
        self.imports("mail", BOB, dovecot.base / "mail/ann")
        self.compare(dovecot, lambda name: name.replace(".", "/"))

    def test_it_reads_what_was_exported(self):
        dovecot = self.dovecot()
        client = self.client()
        client.create("Work/2026")
        for name in ("INBOX", "Work/2026"):
            for number, flags in enumerate((r"\Seen $Label1", r"\Flagged", r"\Answered Work", "")):
                client.append(name, f"({flags})", f'"1{number}-Nov-2023 22:13:20 +0000"', f"A: {number}\r\n\r\nx\r\n".encode())
            client.select(name)
            client.store("2", "+FLAGS", r"\Deleted")
            client.expunge()
        done = self.server.cli("export", BOB, self.tmp / "box")
        self.assertEqual(done.returncode, 0, done.stderr)
        shutil.copytree(self.tmp / "box", dovecot.base / "mail/ann")
        subprocess.run(["chown", "-R", "mail:mail", str(dovecot.base / "mail/ann")], check=True)
        self.compare(dovecot, lambda name: name.replace(".", "/"))


if __name__ == "__main__":
    unittest.main()
