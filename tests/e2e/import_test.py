"""Mail and accounts from another server: what is kept, what is refused, and that nothing is taken twice."""

import os
import pathlib
import poplib
import smtplib
import socket
import subprocess
import tempfile
import unittest

from dovecot import Dovecot, can_run
from server import BINARY, PEERS, SECRET, Server, body_of

ALICE, BOB = "alice@example.test", "bob@example.test"
BAD_DATA, NO_INPUT, TEMPORARY = 65, 66, 75


class ImportCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server(accounts={}, domains=["example.test"]))

    def setUp(self):
        self.tmp = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.tmp.chmod(0o755)
        for login in (ALICE, BOB):
            self.server.cli("account", "remove", login, "--yes")
            self.server.add_account(login)

    def maildir(self, **files):
        """A Maildir; file names have "_" for what Python's names can't have."""
        place = self.tmp / "Maildir"
        for folder in ("cur", "new", "tmp"):
            (place / folder).mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (place / "new" / name).write_text(content)
        return place

    def imports(self, place, *more, code=0, login=ALICE):
        done = self.server.cli("import", "mail", login, place, *more)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def uidls(self, login=ALICE):
        client = self.server.pop3(login)
        try:
            return [line.split()[1].decode() for line in client.uidl()[1]]
        finally:
            client.quit()


class RepeatedTest(ImportCase):
    def test_a_second_run_takes_what_is_new(self):
        large = "Subject: large\n\n" + "0123456789abcde\n" * 20000
        place = self.maildir(a="Subject: a\n\nx\n", b="Subject: same\n\nx\n", c="Subject: same\n\nx\n", d=large)
        self.assertIn("4 messages imported.", self.imports(place).stdout)
        self.assertIn("0 messages imported, 4 there before.", self.imports(place).stdout)
        client = self.server.pop3(ALICE)
        client.dele(1)
        client.quit()
        (place / "new/e").write_text("Subject: e\n\nx\n")
        (place / "new/f").write_text("Subject: same\n\nx\n")
        self.assertIn("2 messages imported, 4 there before.", self.imports(place).stdout)
        self.assertEqual(len(self.server.mail(ALICE)), 5, "what was deleted here does not come back")
        self.assertIn("6 messages imported.", self.imports(place, "--again").stdout)
        self.assertIn("6 messages imported.", self.imports(place, login=BOB).stdout, "another account has its own")
        self.assertEqual(body_of(self.server.mail(BOB)[3]).count(b"0123456789abcde\r\n"), 20000)

    def test_a_broken_off_import_goes_on(self):
        place = self.maildir(**{f"m{i:03}": f"Subject: {i}\n\n{'x' * 70}\n" for i in range(60)})
        process = subprocess.Popen([str(BINARY), "import", "mail", ALICE, str(place)], env=self.server.environment(),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and not self.server.mail(ALICE):
            pass
        process.kill()
        process.wait()
        self.imports(place)
        messages = self.server.mail(ALICE)
        self.assertEqual(len(messages), 60)
        self.assertEqual(len(set(messages)), 60)

    def test_a_quota_holds_and_is_explained(self):
        self.server.must("account", "quota", ALICE, "2000")
        place = self.maildir(**{f"m{i}": f"Subject: {i}\n\n{'x' * 600}\n" for i in range(6)})
        done = self.imports(place, code=TEMPORARY)
        self.assertIn("3 messages imported", done.stdout)
        self.assertIn("paquebot account quota", done.stderr)
        self.server.must("account", "quota", ALICE, "1M")
        self.assertIn("3 messages imported, 3 there before.", self.imports(place).stdout)

    def test_nothing_to_import(self):
        self.assertIn("nothing to import", self.imports(self.maildir(), code=NO_INPUT).stderr)


class HostileTest(ImportCase):
    @unittest.skipUnless(os.geteuid() == 0, "only root can give files away")
    def test_root_is_given_nothing_that_is_not_the_users(self):
        secret = self.tmp / "secret"
        secret.write_text("Subject: root's\n\nsecret\n")
        secret.chmod(0o600)
        place = self.maildir(own="Subject: own\n\nx\n")
        (place / "new/link").symlink_to(secret)
        os.link(secret, place / "new/hard")
        for file in (place, place / "cur", place / "new", place / "new/own"):
            os.chown(file, 65534, 65534)
        os.chown(place / "new/link", 65534, 65534, follow_symlinks=False)
        done = self.imports(place, code=BAD_DATA)
        self.assertIn("1 message imported, 2 not", done.stdout)
        self.assertIn("new/link: it can't be read: it is a link", done.stderr)
        self.assertIn("new/hard: it belongs to user 0", done.stderr)
        self.assertEqual([body_of(m) for m in self.server.mail(ALICE)], [b"x\r\n"])
        (place / "new").rename(place / "old")
        (place / "new").symlink_to("/root")
        self.assertIn("it is a link", self.server.cli("import", "mail", ALICE, place).stderr)
        (self.tmp / "way").symlink_to(place)
        os.chown(self.tmp / "way", 65534, 65534, follow_symlinks=False)
        self.assertIn("a link that user 65534 made", self.server.cli("import", "mail", ALICE, self.tmp / "way").stderr)


class UidlTest(ImportCase):
    def test_of_mbox_and_plain_maildir(self):
        box = self.tmp / "mbox"
        box.write_text("".join(f"From a@b Mon Jan  1 00:00:00 2024\n{uidl}Subject: x{i}\n\nx\n\n"
                               for i, uidl in enumerate(("X-UIDL: old-1\n", "", "X-UIDL: old-1\n", "X-UIDL: has a blank\n"))))
        self.imports(box)
        found = self.uidls()
        self.assertEqual(found[0], "old-1")
        self.assertEqual(len(set(found)), 4)
        self.assertTrue(all(len(uidl) == 26 for uidl in found[1:]), found)
        self.imports(self.maildir(**{"1.x.host": "Subject: y\n\ny\n"}), login=BOB)
        self.assertEqual(self.uidls(BOB), ["1.x.host"])

    @unittest.skipUnless(can_run(PEERS), "needs root and Dovecot unpacked by tools/peers")
    def test_of_dovecot(self):
        """What a program that leaves its mail on the server sees before and after is the same."""
        with Dovecot(PEERS, self.tmp, {"ann@peer.test": "secret"}) as store:
            for number in range(3):
                with smtplib.LMTP("127.0.0.1", store.lmtp, socket.gethostname()) as client:
                    client.sendmail("x@y.test", ["ann@peer.test"], f"Subject: {number}\r\n\r\nx\r\n")
            store.wait_for("ann@peer.test", 3)
            client = poplib.POP3("127.0.0.1", store.pop3, timeout=30)
            client.user("ann@peer.test")
            client.pass_("secret")
            before = [line.split()[1].decode() for line in client.uidl()[1]]
            client.quit()
        self.imports(store.base / "mail/ann@peer.test")
        self.assertEqual(self.uidls(), before)


class AccountsTest(ImportCase):
    def test_hashes_that_no_password_can_have(self):
        good = subprocess.run(["openssl", "passwd", "-6", "-salt", "pepper", "old secret"], capture_output=True, text=True, check=True).stdout.strip()
        file = self.tmp / "accounts"
        file.write_text("\ufeff" + "".join(f"u{i}@example.test:{text}\n" for i, text in
                                           enumerate((good, good[:-1], good + "x", "$6$pepper$", "!", "*", "x", "{PLAIN}old secret"))))
        done = self.server.cli("import", "accounts", file)
        self.assertEqual(done.returncode, BAD_DATA)
        self.assertIn("1 account imported, 7 not", done.stdout)
        self.assertEqual(self.server.mail("u0@example.test", "old secret"), [])


if __name__ == "__main__":
    unittest.main()
