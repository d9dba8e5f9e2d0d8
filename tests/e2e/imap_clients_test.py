"""Mail programs as Debian ships them read, move, flag and delete over IMAP: mutt, neomutt, offlineimap3, s-nail, aerc; and npm's imapflow."""

import contextlib
import imaplib
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import tempfile
import unittest
import urllib.parse

from server import PEERS, SECRET, SOURCE, Server, letter, transact, wait_until
from terminal import Terminal, at_terminal

ALICE = "alice@example.test"
LISTENERS = {"mx": {"role": "mx", "tls": "starttls"}, "imap": {"role": "imap", "tls": "starttls"},
             "imaps": {"role": "imap", "tls": "implicit"}}
SASL = f"{PEERS}/root/usr/lib/x86_64-linux-gnu/sasl2:/usr/lib/x86_64-linux-gnu/sasl2"
PYTHON = f"{PEERS}/root/usr/lib/python3/dist-packages"


class ImapClientsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="paquebot-imap-")))
        cls.certificate, key = cls.folder / "cert.pem", cls.folder / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "90",
                        "-subj", "/CN=mx.example.test", "-addext", "subjectAltName=DNS:mx.example.test,DNS:localhost,IP:127.0.0.1",
                        "-keyout", key, "-out", cls.certificate], check=True, capture_output=True)
        cls.server = Server(accounts={ALICE: SECRET}, listeners=LISTENERS, tls={"certificate": cls.certificate, "key": key}).start()
        cls.addClassCleanup(cls.server.close)

    def setUp(self):
        self.home = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.client = imaplib.IMAP4_SSL("localhost", self.server.ports["imaps"], timeout=60,
                                        ssl_context=ssl.create_default_context(cafile=self.certificate))
        self.addCleanup(self.end)
        self.client.login(ALICE, SECRET)
        for box in ("INBOX", "Archive", "Trash"):
            self.client.select(box)
            self.client.uid("STORE", "1:*", "+FLAGS.SILENT", r"(\Deleted)")
            self.client.close()

    def end(self):
        with contextlib.suppress(imaplib.IMAP4.error, OSError):
            self.client.logout()

    def deliver(self, *subjects):
        with self.server.smtp() as smtp:
            for subject in subjects:
                transact(smtp, "x@y.test", [ALICE], letter(subject=subject, body=f"the text of {subject}\r\n"))

    def subjects(self, box):
        """What is there, with its flags."""
        self.assertEqual(self.client.select(box, readonly=True)[0], "OK")
        found = self.client.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
        self.client.unselect()
        return sorted((one[1].decode().split(":")[1].strip(), b"\\Seen" in one[0], b"\\Flagged" in one[0])
                      for one in found if isinstance(one, tuple))

    # --- mutt and neomutt: programs of a terminal --------------------------------------------------

    def at_terminal(self, *words):
        return at_terminal(words, self.home, self.server.environment(HOME=str(self.home), SASL_PATH=SASL, TERM="vt100", LC_ALL="C.UTF-8"))

    def mutt(self, name):
        """The first is flagged and read into a file, the second moved, the third deleted."""
        self.deliver("one", "two", "three")
        url = f"imap://localhost:{self.server.ports['imap']}/"
        keys = (f"<first-entry><flag-message><first-entry><pipe-message>cat>{self.home}/out<enter><first-entry><next-entry>"
                "<save-message>=Archive<enter><last-entry><delete-message><sync-mailbox><quit>")
        (self.home / "rc").write_text(
            f'set imap_user="{ALICE}" imap_pass="{SECRET}" ssl_ca_certificates_file="{self.certificate}" ssl_force_tls=yes\n'
            f'set folder="{url}" spoolfile="{url}INBOX" confirmappend=no confirmcreate=no quit=yes delete=yes wait_key=no sort=mailbox-order\n'
            f'push "{keys}"\n')
        screen = self.at_terminal(PEERS / "bin" / name, "-n", "-F", self.home / "rc", "-f", url + "INBOX")
        self.assertEqual([(subject, flagged) for subject, _, flagged in self.subjects("INBOX")], [("one", True)], screen)
        self.assertEqual([one[0] for one in self.subjects("Archive")], ["two"], screen)
        self.assertIn("the text of one", (self.home / "out").read_text(), screen)

    def test_mutt(self):
        self.mutt("mutt")

    def test_neomutt(self):
        self.mutt("neomutt")

    # --- aerc --------------------------------------------------------------------------------------

    def aerc_home(self):
        shipped, own = PEERS / "root/usr/share/aerc", self.home / ".config/aerc"
        own.mkdir(parents=True)
        shutil.copy(shipped / "binds.conf", own)
        (own / "aerc.conf").write_text(f"[ui]\nstylesets-dirs={shipped}/stylesets\n[templates]\ntemplate-dirs={shipped}/templates\n")
        user, secret = (urllib.parse.quote(one, safe="") for one in (ALICE, SECRET))
        accounts = own / "accounts.conf"
        accounts.write_text(f"[test]\nsource = imaps://{user}:{secret}@localhost:{self.server.ports['imaps']}\nfrom = {ALICE}\ndefault = INBOX\n")
        accounts.chmod(0o600)

    def test_aerc(self):
        if not (PEERS / "bin/aerc").exists():
            self.skipTest("aerc is not unpacked (tools/peers)")
        self.deliver("one", "two", "three")
        self.addCleanup(self.client.delete, "Aerc")
        self.aerc_home()
        environment = self.server.environment(HOME=str(self.home), XDG_CONFIG_HOME=str(self.home / ".config"), TERM="xterm", LC_ALL="C.UTF-8",
                                              SSL_CERT_FILE=str(self.certificate))
        with Terminal([PEERS / "bin/aerc"], self.home, environment) as aerc:
            def until(condition, what):
                wait_until(condition, lambda: f"{what}: {aerc.text()[-6000:]}", 60, 0.2)

            until(lambda: all(word in aerc.text() for word in ("one", "two", "three", "Archive", "Junk")), "the list")
            aerc.type(":select 2\r:flag\r")  # the newest stands first
            until(lambda: ("one", False, True) in self.subjects("INBOX"), "the flag")
            aerc.type(":select 1\r:move Archive\r")
            until(lambda: [one[0] for one in self.subjects("Archive")] == ["two"], "the move")
            until(lambda: [one[0] for one in self.subjects("INBOX")] == ["one", "three"], "the move")
            aerc.type(":select 0\r:delete\r")
            until(lambda: [one[0] for one in self.subjects("INBOX")] == ["one"], "the deletion")
            aerc.type(":mkdir Aerc\r")
            until(lambda: b"Aerc" in b"".join(self.client.list()[1]), "the folder")
            # It has opened the new one. Each step waits for what the one before shows: what comes late belongs to another folder.
            def typed(keys, word, what):
                before = len(aerc.text())
                aerc.type(keys)
                until(lambda: word in aerc.text()[before:], what)
            typed(":cf Archive\r", "two", "the other folder")
            typed(":filter -b nothing\r", "(no messages)", "that none is found")
            typed(":clear\r", "two", "all of them")
            typed(":cf INBOX\r", "one", "the first folder")
            self.deliver("arrived")
            until(lambda: "arrived" in aerc.text(), "new mail in IDLE")
            aerc.type(":quit\r")
            until(lambda: aerc.program.poll() is not None, "the end")

    # --- imapflow: npm's, in `make test-programs` only ----------------------------------------------

    def test_imapflow(self):
        module = PEERS.resolve() / "npm/node_modules/imapflow"
        if not module.exists() or shutil.which("node") is None:
            if os.environ.get("PROGRAMS_ALL"):
                self.fail("imapflow is not there (tools/modules)")
            self.skipTest("imapflow is npm's: make test-programs has it")
        self.deliver("one", "two", "three")
        program = subprocess.Popen(["node", SOURCE / "tests/support/imap_client.mjs", module, str(self.server.ports["imaps"]), self.certificate, ALICE],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        with program:
            self.addCleanup(program.kill)
            program.stdin.write(SECRET + "\n")
            program.stdin.close()
            if program.stdout.readline() != "idle\n":
                self.fail(program.stderr.read())
            self.deliver("four")
            said = program.stdout.read()
            self.assertEqual(program.wait(60), 0, program.stderr.read())
        told = json.loads(said)
        self.assertEqual(told["boxes"], {"INBOX": "\\Inbox", "Archive": "\\Archive", "Drafts": "\\Drafts", "Junk": "\\Junk", "Sent": "\\Sent", "Trash": "\\Trash"})
        self.assertEqual(told["subjects"], [[name, "text/plain", True] for name in ("one", "two", "three")])
        self.assertEqual({name: told[name] for name in ("made", "exists", "flagged", "deleted", "status", "more", "appended", "octets")},
                         {"made": True, "exists": 3, "flagged": True, "deleted": True, "status": 1, "more": 2, "appended": True, "octets": True})
        self.assertEqual(told["moved"], told["found"])
        self.assertEqual(self.subjects("INBOX"), [("four", False, False), ("one", False, True)])
        self.assertEqual([one[0] for one in self.subjects("Archive")], ["from here", "two"])

    # --- offlineimap3: both ways -------------------------------------------------------------------

    def offlineimap(self):
        program = PEERS / "root/usr/bin/offlineimap"
        if not program.exists():
            self.skipTest("offlineimap3 is not unpacked (tools/peers)")
        done = subprocess.run(["/usr/bin/python3", program, "-c", self.home / "rc", "-o", "-u", "basic"], capture_output=True, text=True,
                              timeout=120, cwd=self.home, check=False, env=self.server.environment(HOME=str(self.home), PYTHONPATH=PYTHON))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def local(self, box):
        return sorted(path for part in ("cur", "new") for path in (self.home / "mail" / box / part).iterdir())

    def test_offlineimap(self):
        self.deliver(*(f"n{i}" for i in range(10)))
        (self.home / "rc").write_text(
            f"[general]\naccounts = test\nmetadata = {self.home}/meta\n[Account test]\nlocalrepository = local\nremoterepository = remote\n"
            f"[Repository local]\ntype = Maildir\nlocalfolders = {self.home}/mail\n[Repository remote]\ntype = IMAP\nremotehost = localhost\n"
            f"remoteport = {self.server.ports['imaps']}\nssl = yes\nsslcacertfile = {self.certificate}\nremoteuser = {ALICE}\n"
            f"remotepass = {SECRET}\n")
        said = self.offlineimap()
        self.assertEqual(len(self.local("INBOX")), 10, said)
        # Here one is flagged, one deleted, one new; there another is flagged.
        first, second, *_ = self.local("INBOX")
        first.rename(self.home / "mail/INBOX/cur" / (first.name.split(":")[0] + ":2,FS"))
        second.unlink()
        (self.home / "mail/INBOX/new/1.1.here").write_bytes(b"Subject: from here\nMessage-ID: <here@x.test>\n\nx\n")
        self.client.select("INBOX")
        self.client.store("10", "+FLAGS.SILENT", r"(\Flagged)")
        self.client.unselect()
        said = self.offlineimap()
        there = self.subjects("INBOX")
        self.assertEqual(len(there), 10, said)
        self.assertIn("from here", [one[0] for one in there])
        self.assertEqual(sum(one[2] for one in there), 2)
        self.assertEqual(len(self.local("INBOX")), 10)
        self.assertEqual(sum("F" in path.name.rsplit(",", 1)[-1] for path in self.local("INBOX")), 2)

    # --- s-nail ------------------------------------------------------------------------------------

    def test_s_nail(self):
        program = PEERS / "bin/s-nail"
        if not program.exists():
            self.skipTest("s-nail is not unpacked (tools/peers)")
        self.deliver("one", "two", "three")
        user, secret = (urllib.parse.quote(one, safe="") for one in (ALICE, SECRET))
        url = f"imaps://{user}:{secret}@localhost:{self.server.ports['imaps']}/INBOX"
        commands = f"from *\ncopy 1 {self.home}/out\ncopy 2 +Archive\ndelete 3\nquit\n"
        done = subprocess.run([program, "-:/", "-#", "-S", "v15-compat=yes", "-S", f"tls-ca-file={self.certificate}", "-S", "tls-verify=strict",
                               "-S", f"folder={url.removesuffix('INBOX')}", "-f", url], input=commands, capture_output=True, text=True,
                              timeout=120, cwd=self.home, check=False, env=self.server.environment(HOME=str(self.home), TERM="vt100", LC_ALL="C.UTF-8"))
        said = done.stdout + done.stderr
        self.assertEqual([one[0] for one in self.subjects("INBOX")], ["one", "two"], said)
        self.assertEqual([one[0] for one in self.subjects("Archive")], ["two"], said)
        self.assertIn("the text of one", (self.home / "out").read_text(), said)


if __name__ == "__main__":
    unittest.main()
