"""IMAP: Python's imaplib, curl and plain sockets against the live server."""

import base64
import contextlib
import imaplib
import re
import shutil
import socket
import subprocess
import unittest

from server import SANITIZED, SECRET, Server, letter, transact, trusting, wait_until

ALICE, BOB = "alice@example.test", "bob@example.test"
imaplib._MAXLINE = 1 << 24
LISTENERS = {
    "mx": {"role": "mx", "tls": "starttls"},
    "imap": {"role": "imap", "tls": "starttls"},
    "imaps": {"role": "imap", "tls": "implicit"},
    "imap-clear": {"role": "imap", "tls": "none", "login_in_clear": True},
    "pop3-clear": {"role": "pop3", "tls": "none", "login_in_clear": True},
}


class Raw:
    """Lines over a plain socket."""

    def __init__(self, test, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        test.addCleanup(self.close)
        self.file = self.socket.makefile("rwb")
        self.greeting = self.line()

    def close(self):
        self.file.close()
        self.socket.close()

    def send(self, text):
        self.file.write(text.encode() + b"\r\n")
        self.file.flush()

    def line(self):
        return self.file.readline().decode().rstrip("\r\n")

    def until(self, tag):
        """What is said up to the line with this tag."""
        lines = []
        while not lines or not lines[-1].startswith(tag + " "):
            line = self.file.readline().decode()
            if not line:
                raise EOFError(f"the server closed; it said {lines}")
            lines.append(line.rstrip("\r\n"))
        return lines

    def ask(self, text, tag="x"):
        self.send(f"{tag} {text}")
        return self.until(tag)


class ImapCase(unittest.TestCase):
    options = {}

    @classmethod
    def setUpClass(cls):
        cls.server = Server(accounts={ALICE: SECRET, BOB: SECRET}, listeners=LISTENERS, **cls.options).start()
        cls.addClassCleanup(cls.server.close)

    def client(self, login=ALICE, mailbox=None):
        client = imaplib.IMAP4("127.0.0.1", self.server.ports["imap-clear"], timeout=60)
        self.addCleanup(self.end, client)
        client.login(login, SECRET)
        if mailbox is not None:
            self.good(client.select(mailbox))
        return client

    @staticmethod
    def end(client):
        with contextlib.suppress(imaplib.IMAP4.error, OSError):
            client.logout()

    def raw(self, mailbox="INBOX", login=ALICE):
        raw = Raw(self, self.server.ports["imap-clear"])
        self.assertIn("OK", raw.ask(f'LOGIN {login} "{SECRET}"')[-1])
        if mailbox:
            self.assertIn("x OK", raw.ask(f"SELECT {mailbox}")[-1])
        return raw

    def good(self, answer):
        self.assertEqual(answer[0], "OK", answer)
        return answer[1]

    def deliver(self, *subjects, to=ALICE, body="hello\r\n"):
        with self.server.smtp() as smtp:
            for subject in subjects:
                transact(smtp, "x@y.test", [to], letter(subject=subject, body=body))

    def empty(self, *boxes):
        client = self.client()
        for box in boxes:
            self.good(client.select(box))
            self.good(client.uid("STORE", "1:*", "+FLAGS.SILENT", r"(\Deleted)"))
            self.good(client.expunge())


class ImapTest(ImapCase):
    def setUp(self):
        self.empty("INBOX", "Sent", "Trash", "Archive")

    def test_the_first_folders_and_their_uses(self):
        listed = [line.decode() for line in self.good(self.client(BOB).list())]
        for use, name in (("\\Drafts", "Drafts"), ("\\Sent", "Sent"), ("\\Junk", "Junk"), ("\\Trash", "Trash"), ("\\Archive", "Archive")):
            self.assertTrue(any(use in line and line.endswith(f'"{name}"') for line in listed), listed)
        subscribed = self.good(self.client(BOB).lsub())
        self.assertEqual(len(subscribed), 6)

    def test_reading(self):
        self.deliver("one", "two")
        client = self.client(mailbox="INBOX")
        self.assertEqual(self.good(client.search(None, "SUBJECT", "two")), [b"2"])
        self.assertEqual(self.good(client.fetch("1:2", "(FLAGS)"))[0], b"1 (FLAGS ())")
        head, body = self.good(client.fetch("1", "(BODY[])"))[0]
        self.assertRegex(head, rb"1 \(BODY\[\] \{%d\}" % len(body))
        self.assertTrue(body.startswith(b"Return-Path: <x@y.test>\r\nDelivered-To: alice@example.test\r\n"))
        self.assertTrue(body.endswith(b"hello\r\n"))
        self.assertEqual(self.good(client.fetch("1", "(FLAGS)"))[0], rb"1 (FLAGS (\Seen))")
        self.assertIn(b'"two"', self.good(client.fetch("2", "(ENVELOPE)"))[0])
        self.assertEqual(self.server.mail(ALICE)[0], body, "POP3 gives the same octets")

    def test_append_is_kept_over_a_kill(self):
        message = b"Subject: mine\r\n\r\n" + b"x" * 70 + b"\r\n"
        large = b"Subject: large\r\n\r\n" + (b"y" * 76 + b"\r\n") * 20_000
        client = self.client()
        said = self.good(client.append("Sent", r"(\Seen $MDNSent)", '"23-Nov-2026 10:00:00 +0100"', message))
        self.assertRegex(said[0], rb"APPENDUID \d+ \d+")
        self.good(client.append("Sent", None, None, large))
        self.server.stop(kill=True)
        self.server.start()
        client = self.client(mailbox="Sent")
        self.assertEqual(self.good(client.fetch("1", "(FLAGS INTERNALDATE)"))[0],
                         rb'1 (FLAGS (\Seen $MDNSent) INTERNALDATE "23-Nov-2026 09:00:00 +0000")')
        self.assertEqual(self.good(client.fetch("1", "(BODY.PEEK[])"))[0][1], message)
        self.assertEqual(self.good(client.fetch("2", "(BODY.PEEK[])"))[0][1], large)
        self.assertEqual(self.good(client.fetch("2", "(BODY.PEEK[TEXT]<1000000.10>)"))[0][1], large[18 + 1_000_000:][:10])

    def test_two_clients_see_each_other(self):
        self.deliver("one", "two", "three")
        a, b = self.raw(), self.raw()
        self.assertIn("x OK", a.ask(r"STORE 1 +FLAGS (\Flagged $Label)")[-1])
        self.assertTrue(any(r"1 FETCH (UID" in line and r"\Flagged $Label" in line for line in b.ask("NOOP")))
        self.assertIn("x OK", b.ask(r"STORE 2 +FLAGS.SILENT (\Deleted)")[-1])
        self.assertEqual(b.ask("EXPUNGE")[0], "* 2 EXPUNGE")
        self.assertIn("* 2 EXPUNGE", a.ask("NOOP"))
        self.assertIn("x OK", a.ask("COPY 1 INBOX")[-1])
        self.assertIn("* 3 EXISTS", b.ask("NOOP"))

    def test_idle(self):
        raw = self.raw()
        raw.send("i IDLE")
        self.assertTrue(raw.line().startswith("+ "))
        self.deliver("news")
        self.assertEqual(raw.line(), "* 1 EXISTS")
        self.assertEqual(raw.line(), "* 0 RECENT")
        self.good(self.client(mailbox="INBOX").store("1", "+FLAGS", r"\Seen"))
        self.assertRegex(raw.line(), r"^\* 1 FETCH \(UID \d+ FLAGS \(\\Seen\)\)$")
        with contextlib.closing(self.server.pop3(ALICE)) as pop3:
            pop3.dele(1)
            pop3.quit()
        self.assertEqual(raw.line(), "* 1 EXPUNGE")
        raw.send("DONE")
        self.assertIn("i OK", raw.until("i")[-1])

    def test_folders(self):
        client = self.client()
        self.good(client.create("Work/2026"))
        self.deliver("one", "two")
        self.good(client.select("INBOX"))
        self.good(client.copy("1:2", "Work/2026"))
        self.good(client.store("1:2", "+FLAGS", r"\Deleted"))
        self.good(client.expunge())
        self.good(client.rename("Work", "Done"))
        self.good(client.select("Done/2026"))
        self.assertEqual(self.good(client.search(None, "ALL")), [b"1 2"])
        self.assertIn(b"MESSAGES 2 UNSEEN 2", self.good(client.status("Done/2026", "(MESSAGES UNSEEN)"))[0])
        self.good(client.select("INBOX"))
        self.good(client.delete("Done/2026"))
        self.good(client.delete("Done"))
        self.assertEqual(client.select("Done")[0], "NO")

    def test_move_and_the_trail(self):
        self.deliver("one", "two")
        raw = self.raw()
        said = raw.ask("UID MOVE 1:* Trash")
        self.assertRegex(said[0], r"^\* OK \[COPYUID \d+ \S+ \S+\]")
        self.assertEqual(said[1:3], ["* 2 EXPUNGE", "* 1 EXPUNGE"])
        self.assertIn("* 2 EXISTS", raw.ask("SELECT Trash"))
        self.assertEqual(self.server.mail(ALICE), [])

    def test_names_in_other_scripts(self):
        raw = self.raw(None)
        self.assertIn("x OK", raw.ask("CREATE &ZeVnLIqe-")[-1])
        self.assertIn('* LIST (\\HasNoChildren) "/" "&ZeVnLIqe-"', raw.ask('LIST "" &Ze*')[:-1] or raw.ask('LIST "" *'))
        self.assertIn("x OK", raw.ask("ENABLE IMAP4rev2")[-1])
        self.assertTrue(any("日本語" in line for line in raw.ask('LIST "" *')))
        self.assertIn("x OK", raw.ask('DELETE "日本語"')[-1])

    def test_resynchronisation(self):
        self.deliver(*(f"n{i}" for i in range(10)))
        raw = self.raw()
        uidvalidity = next(re.search(r"UIDVALIDITY (\d+)", line)[1] for line in raw.ask("SELECT INBOX") if "UIDVALIDITY" in line)
        self.assertIn("x OK", raw.ask("ENABLE QRESYNC")[-1])
        modseq = re.search(r"HIGHESTMODSEQ (\d+)", " ".join(raw.ask("STATUS INBOX (HIGHESTMODSEQ)")))[1]
        uids = re.search(r"SEARCH ([\d ]+)", raw.ask("UID SEARCH ALL")[0])[1].split()
        other = self.raw()
        other.ask(r"STORE 3 +FLAGS (\Flagged)")
        other.ask(r"STORE 5:6 +FLAGS.SILENT (\Deleted)")
        other.ask("EXPUNGE")
        self.deliver("news")
        self.server.stop(kill=True)
        self.server.start()
        raw = self.raw(None)
        raw.ask("ENABLE QRESYNC")
        said = raw.ask(f"SELECT INBOX (QRESYNC ({uidvalidity} {modseq}))")
        self.assertIn(f"* VANISHED (EARLIER) {uids[4]}:{uids[5]}", said)
        changed = [re.match(r"\* (\d+) FETCH \(UID \d+ FLAGS \((.*?)\) MODSEQ", line) for line in said if " FETCH " in line]
        self.assertEqual([found[1] for found in changed], ["3", "9"])
        self.assertEqual(changed[0][2], r"\Flagged")
        # All that a client would have by listing anew is what it has by this.
        listed = re.search(r"SEARCH ([\d ]+)", raw.ask("UID SEARCH ALL")[0])[1].split()
        self.assertEqual(listed[:8], [one for one in uids if one not in uids[4:6]])

    def test_several_messages_at_once_and_replacements(self):
        raw = self.raw("Drafts")
        raw.send("m APPEND Drafts {10+}\r\na: b\r\n\r\nx\n (\\Seen) {10+}\r\na: c\r\n\r\ny\n")
        said = raw.until("m")
        self.assertRegex(said[-1], r"m OK \[APPENDUID \d+ \d+:\d+\]")
        raw.send("r REPLACE 1 Drafts (\\Draft) {10+}\r\na: d\r\n\r\nz\n")
        said = raw.until("r")
        self.assertRegex(said[0], r"\* OK \[APPENDUID")
        self.assertIn("* 1 EXPUNGE", said)
        self.assertEqual(raw.ask("FETCH 1:* (FLAGS PREVIEW)")[:-1], [r'* 1 FETCH (FLAGS (\Seen) PREVIEW "y")', r'* 2 FETCH (FLAGS (\Draft) PREVIEW "z")'])

    def test_search_in_bodies(self):
        self.deliver("one", body="a needle in it\r\n")
        self.deliver("two", body="nothing\r\n")
        encoded = base64.encodebytes("Überraschung".encode()).decode().replace("\n", "\r\n")
        with self.server.smtp() as smtp:
            transact(smtp, "x@y.test", [ALICE], letter(subject="three", body=encoded, more=
                     "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n"))
        client = self.client(mailbox="INBOX")
        self.assertEqual(self.good(client.search(None, "BODY", "NEEDLE")), [b"1"])
        client.literal = "ÜBER".encode()
        self.assertEqual(self.good(client.search("UTF-8", "TEXT")), [b"3"])

    def test_many_messages(self):
        client = self.client()
        for i in range(1200):
            self.good(client.append("Archive", None, None, b"Subject: n%d\r\n\r\nx\r\n" % i))
        raw = self.raw("Archive")
        self.assertEqual(len(raw.ask("FETCH 1:* (UID FLAGS)")), 1201)
        self.assertEqual(len(raw.ask(r"STORE 1:* +FLAGS (\Seen)")), 1201)
        self.assertRegex(raw.ask("COPY 1:* Sent")[-1], r"COPYUID \d+ \S+ 1:1200|COPYUID")
        self.assertIn("MESSAGES 1200", " ".join(raw.ask("STATUS Sent (MESSAGES)")))
        self.assertEqual(raw.ask("SEARCH SUBJECT n119")[0].split()[2:], ["120"] + [str(n) for n in range(1191, 1201)])
        self.assertIn("x OK", raw.ask(r"STORE 1:600 +FLAGS.SILENT (\Deleted)")[-1])
        self.assertEqual(len(raw.ask("EXPUNGE")), 601)
        self.assertEqual(len(raw.ask("UID FETCH 1:* FLAGS")), 601)


class DeliveryTest(ImapCase):
    """Into which mailbox mail comes."""

    options = {"extra": {"mailbox": {"tag_folders": True}}}

    def count(self, box, login=BOB):
        return int(re.search(rb"MESSAGES (\d+)", self.good(self.client(login).status(box, "(MESSAGES)"))[0])[1])

    def test_what_is_tagged_goes_into_junk(self):
        with self.server.smtp() as smtp:
            transact(smtp, "x@y.test", [ALICE], letter(subject="cheap", more="X-Spam: Yes\r\n"))
        self.assertEqual(self.count("Junk", ALICE), 1)
        self.assertEqual(self.server.mail(ALICE), [])

    def test_a_tag_names_the_mailbox(self):
        self.good(self.client(BOB).create("work"))
        self.deliver("one", to="bob+work@example.test")
        self.assertEqual(self.count("work"), 1)
        self.deliver("two", to="bob+nothing@example.test")
        self.assertEqual(len(self.server.mail(BOB)), 1)


class ImapConnectionTest(ImapCase):
    options = {"extra": {"imap": {"sessions_per_account": 3}}}

    def test_starttls_and_the_login_behind_it(self):
        client = imaplib.IMAP4("127.0.0.1", self.server.ports["imap"], timeout=60)
        self.addCleanup(self.end, client)
        self.assertIn("LOGINDISABLED", client.capabilities)
        with self.assertRaises(imaplib.IMAP4.error):
            client.login(ALICE, SECRET)
        client.starttls(trusting())
        self.assertNotIn("LOGINDISABLED", client.capabilities)
        client.authenticate("PLAIN", lambda _: f"\0{ALICE}\0{SECRET}".encode())
        self.good(client.select())

    def test_implicit_tls(self):
        client = imaplib.IMAP4_SSL("127.0.0.1", self.server.ports["imaps"], ssl_context=trusting(), timeout=60)
        self.addCleanup(self.end, client)
        client.login(BOB, SECRET)
        self.good(client.select())

    def test_what_is_slipped_in_behind_starttls_is_dropped(self):
        raw = Raw(self, self.server.ports["imap"])
        raw.socket.sendall(b"a STARTTLS\r\nb CAPABILITY\r\n")
        self.assertIn("a OK", raw.line())
        with trusting().wrap_socket(raw.socket, server_hostname=None) as secure:
            secure.sendall(b"c NOOP\r\n")
            self.assertTrue(secure.recv(1000).startswith(b"c OK"))

    def test_an_account_has_so_many_connections(self):
        clients = [self.client(BOB) for _ in range(3)]
        with self.assertRaisesRegex(imaplib.IMAP4.error, "LIMIT"):
            self.client(BOB)
        self.client(ALICE)
        clients[0].logout()
        wait_until(self.can_log_in, "the place that was given up")

    def can_log_in(self):
        try:
            self.client(BOB)
        except imaplib.IMAP4.error:
            return False
        return True

    def test_a_password_that_is_changed_ends_the_session(self):
        raw = self.raw(login=BOB)
        raw.send("i IDLE")
        self.assertTrue(raw.line().startswith("+"))
        self.server.must("account", "passwd", BOB, password="another one, quite long")
        self.assertTrue(raw.line().startswith("* BYE"))
        self.server.must("account", "passwd", BOB, password=SECRET)

    def test_curl(self):
        if shutil.which("curl") is None:
            self.skipTest("curl is not there")
        self.deliver("for curl")
        def curl(*words):
            done = subprocess.run(["curl", "-sSk", "--user", f"{ALICE}:{SECRET}", *words], capture_output=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout
        base = f"imaps://127.0.0.1:{self.server.ports['imaps']}"
        self.assertIn(b'"Drafts"', curl(base + "/"))
        self.assertIn(b"Subject: for curl", curl(base + "/INBOX/;MAILINDEX=1"))
        self.assertIn(b"* SEARCH 1", curl(base + "/INBOX?SUBJECT%20curl"))
        message = self.server.folder / "message"
        message.write_bytes(b"Subject: by curl\r\n\r\nx\r\n")
        curl("--upload-file", str(message), base + "/Drafts")
        self.assertIn(b"Subject: by curl", curl(base + "/Drafts/;MAILINDEX=1"))
        plain = f"imap://127.0.0.1:{self.server.ports['imap']}"
        self.assertIn(b'"Sent"', curl("--ssl-reqd", plain + "/"))

    def test_a_client_that_never_reads_holds_nobody_up(self):
        big = b"Subject: big\r\n\r\n" + (b"z" * 998 + b"\r\n") * 20_000
        client = self.client()
        self.good(client.append("Junk", None, None, big))
        deaf = self.raw("Junk")
        before = self.server.memory("VmRSS")
        for i in range(50):
            deaf.send(f"d{i} FETCH 1 BODY.PEEK[]")
        self.good(client.select("Junk"))
        self.assertEqual(len(self.good(client.fetch("1", "(BODY.PEEK[])"))[0][1]), len(big))
        if not SANITIZED:
            self.assertLess(self.server.memory("VmRSS") - before, 40 << 20)


if __name__ == "__main__":
    unittest.main()
