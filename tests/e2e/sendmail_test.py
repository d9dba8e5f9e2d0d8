"""The program called as sendmail, mailq and newaliases, as cron, PHP and scripts call them."""

import os
import pathlib
import subprocess
import tempfile
import unittest

from dns import Dns
from peer import Peer
from server import BINARY, SECRET, Server, body_of, free_port_everywhere, wait_until

ALICE, BOB = "alice@example.test", "bob@example.test"
EX_USAGE, EX_DATAERR, EX_NOINPUT, EX_NOUSER, EX_CANTCREAT, EX_TEMPFAIL = 64, 65, 66, 67, 73, 75


class SendmailTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.port = free_port_everywhere()
        cls.dns = cls.enterClassContext(Dns("peer.test MX 1 mx.peer.test", "mx.peer.test A 127.0.0.2"))
        cls.server = Server(accounts={ALICE: SECRET, BOB: SECRET}, dns=cls.dns, delivery={"port": cls.port})
        cls.addClassCleanup(cls.server.close)
        cls.server.start()
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.programs = {}
        for name in ("sendmail", "mailq", "newaliases"):
            cls.programs[name] = folder / name
            cls.programs[name].symlink_to(BINARY)

    def setUp(self):
        for login in (ALICE, BOB):
            client = self.server.pop3(login)
            for number in range(1, client.stat()[0] + 1):
                client.dele(number)
            client.quit()

    def call(self, *words, text="", name="sendmail", code=0):
        done = self.server.cli(*words, text=text, program=self.programs[name])
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def arrives(self, login=ALICE, count=1):
        return self.server.wait_mail(login, count)

    def test_recipients_as_arguments(self):
        self.call("-i", "-f", BOB, ALICE, text="Subject: x\n\nline\n.\nlast\n")
        [message] = self.arrives()
        self.assertTrue(message.startswith(b"Return-Path: <bob@example.test>\r\n"))
        self.assertEqual(body_of(message), b"line\r\n.\r\nlast\r\n")
        for field in (b"\r\nDate: ", b"\r\nMessage-ID: ", b"\r\nFrom: "):
            self.assertIn(field, message)

    def test_a_dot_ends_without_i(self):
        self.call("-f", BOB, ALICE, text="Subject: x\n\nline\n.\nnot this\n")
        [message] = self.arrives()
        self.assertEqual(body_of(message), b"line\r\n")

    def test_recipients_from_the_header(self):
        self.call("-t", "-oi", "-f", "daemon@example.test",
                  text=f"From: Cron <daemon@example.test>\nTo: Alice <{ALICE}>,\n   nobody@example.test\nBcc: {BOB}\nSubject: cron\n\noutput\n")
        [message] = self.arrives()
        self.assertNotIn(b"Bcc", message)
        [blind] = self.arrives(BOB)
        self.assertNotIn(b"Bcc", blind)
        self.assertIn(b"Subject: cron", blind)

    def test_as_subcommand_and_with_a_name(self):
        done = self.server.cli("sendmail", "-F", "The Printer", "-f", BOB, "--", ALICE, text="Subject: x\n\nx\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        [message] = self.arrives()
        self.assertIn(b"From: The Printer <bob@example.test>", message.replace(b'"', b""))

    def test_8bit_and_crlf_input(self):
        self.call("-i", ALICE, text="Subject: Grüße\r\n\r\nschön\r\n")
        [message] = self.arrives()
        self.assertEqual(body_of(message), "schön\r\n".encode())

    def test_while_the_server_is_down(self):
        self.server.stop()
        try:
            for i in range(3):
                self.call("-f", BOB, ALICE, text=f"Subject: down{i}\n\nx\n")
        finally:
            self.server.start()
        self.assertEqual(len(self.arrives(count=3)), 3)
        drops = self.server.data / "drop"
        wait_until(lambda: not list(drops.iterdir()), "the drop directory to be empty")

    def test_to_outside(self):
        with Peer(address="127.0.0.2", port=self.port) as peer:
            self.call("-f", BOB, "ann@peer.test", text="Subject: x\n\nx\n")
            wait_until(lambda: peer.messages, "the message")
            self.assertIn(f"<{BOB}>", peer.messages[0].sender)

    def test_unknown_users_are_reported(self):
        self.call("-f", BOB, "nobody@example.test", text="Subject: x\n\nx\n")
        [report] = self.arrives(BOB)
        self.assertIn(b"5.1.1", report)

    def test_smtp_on_standard_input(self):
        said = self.call("-bs", text=f"EHLO me\r\nMAIL FROM:<{BOB}>\r\nRCPT TO:<{ALICE}>\r\nDATA\r\nSubject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n").stdout
        self.assertRegex(said, r"(?s)^220 .*250 .*354 .*250 .*221 ")
        [message] = self.arrives()
        self.assertEqual(body_of(message), b".dot\r\n")

    def test_queue(self):
        ident = self.server.send(BOB, ["ann@peer.test"], f"From: {BOB}\r\n\r\nx\r\n", login=BOB)
        wait_until(lambda: "ann@peer.test" in self.call(name="mailq").stdout, "the message to wait")
        listed = self.call("-bp").stdout
        self.assertIn(ident, listed)
        self.assertIn("ann@peer.test", listed)
        with Peer(address="127.0.0.2", port=self.port) as peer:
            self.call("-q")
            wait_until(lambda: peer.messages, "the message")
        self.call(name="newaliases")

    def test_cron(self):
        """Names without a domain are completed, the mail is signed, and aliases of root are followed."""
        [domain] = [d for d in self.server.json("dkim", "list")["keys"] if d["domain"] == "example.test"][:1]
        self.assertTrue(domain)
        text = "From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@host> job\nAuto-Submitted: auto-generated\n\noutput\n"
        self.call("-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root", text=text)  # as Debian's cron calls it
        [message] = self.arrives()  # the owner of the domain, since root is nobody
        self.assertIn(b"\r\nFrom: root@mx.example.test (Cron Daemon)\r\n", message)
        self.assertIn(b"\r\nTo: root@mx.example.test\r\n", message)
        self.server.must("alias", "add", "root@example.test", BOB)
        self.addCleanup(self.server.must, "alias", "remove", "root@example.test")
        self.call("-t", "-f", "root", text=text)
        self.arrives(BOB)
        said = self.call("-bv", "root", "ann@peer.test").stdout
        self.assertIn(f"root... deliverable: mailbox {BOB}\n", said)
        self.assertIn("ann@peer.test... deliverable: ann@peer.test at another server\n", said)
        self.call("-bv", "nobody@example.test", code=EX_NOUSER)
        with Peer(address="127.0.0.2", port=self.port) as peer:
            self.call("ann@peer.test", text=text)
            wait_until(lambda: peer.messages, "the message")
            content = peer.messages[0].data
        self.assertIn(b"DKIM-Signature: ", content)
        self.assertIn(b"d=example.test", content)

    def test_one_bad_recipient(self):
        done = self.call("-t", "-f", BOB, text=f"To: {ALICE}, not an address\nSubject: seven\n\nx\n")
        self.assertIn("not an address", done.stderr)
        self.arrives()
        [notice] = self.arrives(BOB)
        self.assertIn(b"    not an address\r\n", notice)
        self.assertIn(b"Return-Path: <>", notice)

    def test_what_goes_round_is_returned(self):
        hops = "".join(f"Received: from a{i}.test by b.test; Mon, 23 Nov 2026 12:00:00 +0000\n" for i in range(101))
        self.call("-f", BOB, ALICE, text=f"{hops}Subject: round\n\nx\n")
        [report] = self.arrives(BOB)
        self.assertIn(b"5.4.6", report)
        self.assertEqual(list((self.server.data / "drop").iterdir()), [])

    def test_a_configuration_that_cant_be_used(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        broken = folder / "broken.toml"
        broken.write_text("[server]\nhostnam = 'x'\n")
        for config in (broken, folder / "missing.toml"):
            for words in (["-i", ALICE], ["-bs"], ["-bv", ALICE]):
                done = subprocess.run([str(self.programs["sendmail"]), *words], input="Subject: x\n\nx\n", capture_output=True, text=True, timeout=60,
                                      env=self.server.environment() | {"PAQUEBOT_CONFIG": str(config)}, check=False)
                self.assertEqual(done.returncode, EX_TEMPFAIL, done.stderr)
                self.assertIn(str(config), done.stderr)

    @unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
    def test_a_configuration_that_the_user_may_not_read(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        hidden = folder / "hidden.toml"
        hidden.write_text(self.server.config.read_text())
        hidden.chmod(0o600)
        words = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--", str(self.programs["sendmail"]), ALICE]
        self.programs["sendmail"].parent.chmod(0o755)
        if subprocess.run(words[:-2] + ["test", "-x", str(BINARY)], check=False).returncode != 0:
            self.skipTest("the program is in a folder that others can't enter")
        done = subprocess.run(words, input="Subject: x\n\nx\n", capture_output=True, text=True, timeout=60,
                              env=self.server.environment() | {"PAQUEBOT_CONFIG": str(hidden)}, check=False)
        self.assertEqual(done.returncode, EX_TEMPFAIL, done.stderr)
        self.assertIn(f"{hidden}", done.stderr)
        self.assertIn("Permission denied", done.stderr)

    @unittest.skipUnless(os.geteuid() == 0, "only root can give files away")
    def test_one_users_junk_holds_up_nobody(self):
        drops = self.server.data / "drop"
        self.server.stop()
        try:
            for number in range(300):
                file = drops / f"{number:026}"
                file.write_text("nonsense")
                file.chmod(0)
                os.chown(file, 65534, 65534)
            self.call("-f", BOB, ALICE, text="Subject: x\n\nx\n")
        finally:
            self.server.start()
        self.arrives()
        wait_until(lambda: not [f for f in drops.iterdir() if not f.name.startswith("bad.")], "the directory to be tidy")
        self.assertLessEqual(len(list(drops.iterdir())), 100)
        lines = [line for line in self.server.log().splitlines() if "event=drop-set-aside" in line]
        self.assertEqual(len(lines), 1, lines)
        for file in drops.iterdir():
            file.unlink()

    def test_exit_codes(self):
        self.call(text="Subject: x\n\nx\n", code=EX_USAGE)  # to whom?
        self.call("-Z", ALICE, code=EX_USAGE)
        self.call("-bd", code=EX_USAGE)
        self.call("-t", text="Subject: nobody\n\nx\n", code=EX_USAGE)
        self.call("not an address", text="Subject: x\n\nx\n", code=EX_DATAERR)
        self.assertIn("sendmail -bv", self.call("--help").stdout)

    def test_larger_than_the_bound(self):
        self.server.limits["message_size"] = "100KiB"
        self.server.write_config()
        self.addCleanup(self.server.write_config)
        self.addCleanup(self.server.limits.clear)
        self.call(ALICE, text="Subject: x\n\n" + "x\n" * 60000, code=EX_DATAERR)
        self.assertEqual(list((self.server.data / "drop").iterdir()), [])

    def test_options_that_mean_nothing_here(self):
        self.call("-v", "-odb", "-oem", "-om", "-B8BITMIME", "-N", "failure", "-R", "hdrs", "-V", "id", "-h", "3", "-Am", ALICE,
                  text="Subject: x\n\nx\n")
        self.arrives()

    @unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
    def test_as_another_user(self):
        words = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--", str(self.programs["sendmail"]), ALICE]
        self.programs["sendmail"].parent.chmod(0o755)
        if subprocess.run(words[:-2] + ["test", "-x", str(BINARY)], check=False).returncode != 0:
            self.skipTest("the program is in a folder that others can't enter")
        done = subprocess.run(words, input="Subject: x\n\nx\n", capture_output=True, text=True, timeout=60, env=self.server.environment(), check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.arrives()


if __name__ == "__main__":
    unittest.main()
