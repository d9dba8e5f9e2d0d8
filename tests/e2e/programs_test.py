"""Programs that people have, as Debian ships them and with nothing set but server, name and password, against a server with its
default settings: what they send arrives here and elsewhere.

PROGRAMS_ALL=1 (`make test-programs`) asks for those too that are large: without it they are skipped where they are not unpacked.
"""

import email.policy
import os
import pathlib
import subprocess
import tempfile
import unittest

from dns import Dns
from peer import Peer
from server import BINARY, PEERS, SECRET, SOURCE, Server, body_of, free_port_everywhere, wait_until
from terminal import at_terminal

ALICE, BOB, FAR = "alice@example.test", "bob@example.test", "ann@peer.test"
UNIX_FILE = "From: Alice <alice@example.test>\nTo: bob@example.test\nSubject: a file\n\none\n.\n..two\n\nlast\n"
SASL = f"{PEERS}/root/usr/lib/x86_64-linux-gnu/sasl2:/usr/lib/x86_64-linux-gnu/sasl2"


class ProgramsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="paquebot-programs-")))
        cls.certificate, key = cls.folder / "cert.pem", cls.folder / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "90",
                        "-subj", "/CN=mx.example.test", "-addext", "subjectAltName=DNS:mx.example.test,DNS:localhost,IP:127.0.0.1",
                        "-keyout", key, "-out", cls.certificate], check=True, capture_output=True)
        cls.port = free_port_everywhere()
        cls.dns = cls.enterClassContext(Dns("peer.test MX 1 mx.peer.test", "mx.peer.test A 127.0.0.2"))
        cls.peer = cls.enterClassContext(Peer(address="127.0.0.2", port=cls.port, name="mx.peer.test"))
        cls.server = Server(accounts={ALICE: SECRET, BOB: SECRET}, dns=cls.dns, trust_anchor="", delivery={"port": cls.port},
                            tls={"certificate": cls.certificate, "key": key})
        cls.addClassCleanup(cls.server.close)
        cls.server.start()
        cls.sendmail = cls.folder / "sendmail"
        cls.sendmail.symlink_to(BINARY)

    def setUp(self):
        self.home = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        client = self.server.pop3(BOB)
        for number in range(1, client.stat()[0] + 1):
            client.dele(number)
        client.quit()
        self.before = len(self.peer.messages)

    def run_program(self, *words, text="", **more):
        done = subprocess.run(list(map(str, words)), input=text, capture_output=True, text=True, timeout=120, cwd=self.home,
                              env=self.server.environment(HOME=str(self.home), SASL_PATH=SASL, **more), check=False)
        self.assertEqual(done.returncode, 0, f"{words[0]}: {done.stdout}{done.stderr}\n" + "\n".join(self.server.output.lines[-5:]))
        return done.stdout + done.stderr

    def arrives(self):
        """The one message for Bob, and the one that went elsewhere."""
        wait_until(lambda: len(self.peer.messages) > self.before, "the message elsewhere")
        away = self.peer.messages[self.before:]
        [here] = self.server.wait_mail(BOB)
        self.assertEqual(len(away), 1)
        for message in (here, away[0].data):
            parsed = email.message_from_bytes(message, policy=email.policy.default)
            for field in ("From", "Date", "Message-ID", "Subject"):
                self.assertEqual(len(parsed.get_all(field, [])), 1, f"{field}: {message}")
        self.assertIn(b"DKIM-Signature:", away[0].data)
        return here, away[0].data

    def mutt(self, name):
        (self.home / "rc").write_text(
            f'set from="{ALICE}" realname="Alice" copy=no ssl_ca_certificates_file="{self.certificate}"\n'
            f'set smtp_url="smtp://alice%40example.test@localhost:{self.server.ports["submission"]}/" smtp_pass="{SECRET}"\n')
        self.run_program(PEERS / "bin" / name, "-n", "-F", self.home / "rc", "-s", "from the shell", "--", BOB, FAR,
                         text="hällo\n.\nend\n", LC_ALL="C.UTF-8")
        for message in self.arrives():
            self.assertIn(b"\r\n.\r\nend\r\n", body_of(message))

    def test_mutt(self):
        self.mutt("mutt")

    def test_neomutt(self):
        self.mutt("neomutt")

    def test_neomutt_reads(self):
        self.pop("neomutt")

    def pop(self, name):
        """Over a terminal, as such programs want one: the one message is copied to a file."""
        self.server.send("x@y.test", [BOB], "From: <x@y.test>\r\nSubject: for mutt\r\n\r\nread me\r\n")
        keys = "<tag-pattern>~A<enter><tag-prefix><copy-message>" + str(self.home / "out") + "<enter><quit>n<enter>"
        (self.home / "rc").write_text(
            f'set pop_user="{BOB}" pop_pass="{SECRET}" ssl_ca_certificates_file="{self.certificate}" confirmappend=no confirmcreate=no\n'
            f'set quit=yes delete=no pop_delete=no mark_old=no\npush "{keys}"\n')
        words = [PEERS / "bin" / name, "-n", "-F", self.home / "rc", "-f", f"pop://localhost:{self.server.ports['pop3']}/"]
        screen = at_terminal(words, self.home, self.server.environment(HOME=str(self.home), SASL_PATH=SASL, TERM="vt100", LC_ALL="C.UTF-8"), 60)
        self.assertTrue((self.home / "out").exists(), screen)
        self.assertIn("read me", (self.home / "out").read_text(), screen)

    def test_curl(self):
        """A file with the line ends of Unix."""
        (self.home / "file").write_text(UNIX_FILE)
        self.run_program("curl", "-sS", "--ssl-reqd", "--cacert", self.certificate, "--url", f"smtp://localhost:{self.server.ports['submission']}",
                         "--mail-from", ALICE, "--mail-rcpt", BOB, "--mail-rcpt", FAR, "--user", f"{ALICE}:{SECRET}", "-T", "file")
        for message in self.arrives():
            self.assertEqual(body_of(message).rstrip(), b"one\r\n.\r\n..two\r\n\r\nlast")  # curl ends the last line once more

    def test_go(self):
        go = PEERS / "root/usr/lib/go-1.19/bin/go"
        if not go.exists():
            self.assertFalse(os.environ.get("PROGRAMS_ALL"), "Go is not unpacked: tools/peers golang-1.19-go golang-1.19-src")
            self.skipTest("Go is not unpacked")
        program = self.home / "send_mail"
        self.run_program(go, "build", "-o", program, SOURCE / "tests/support/send_mail.go", GOROOT=str(go.parents[1]), GOFLAGS="-mod=mod",
                         GOCACHE=str(self.home / "cache"), GOPATH=str(self.home / "path"), CGO_ENABLED="0", GO111MODULE="off")
        for recipient in (BOB, FAR):
            self.run_program(program, f"localhost:{self.server.ports['submission']}", "localhost", ALICE, SECRET, ALICE, recipient,
                             SSL_CERT_FILE=str(self.certificate))
        for message in self.arrives():
            self.assertEqual(body_of(message), b"This is the email body.\r\n")
            self.assertIn(ALICE.encode(), dict(email.message_from_bytes(message).items())["From"].encode())

    def php(self, author, subject="from PHP"):
        script = (f"exit(mail('{BOB}, {FAR}', {subject!r}, \"Hello,\\n.\\nbye\\n\", \"From: {author}\\r\\nReply-To: {ALICE}\") ? 0 : 1);")
        self.run_program(PEERS / "bin/php8.2", "-n", "-d", f"sendmail_path={self.sendmail} -t -i", "-r", script)
        return self.arrives()

    def test_php(self):
        for message in self.php(ALICE):
            self.assertEqual(body_of(message).rstrip(), b"Hello,\r\n.\r\nbye")

    def untidy(self, author):
        for message in self.php(author):
            self.assertIn(ALICE.encode(), message.split(b"\r\nFrom:")[1].split(b"\r\n")[0])

    def test_php_an_address_as_name(self):
        self.untidy(f"{ALICE} <{ALICE}>")

    def test_php_brackets(self):
        self.untidy(f"Alice [Support] <{ALICE}>")

    def test_php_a_comma(self):
        self.untidy(f"Smith, Alice <{ALICE}>")

    @unittest.skipUnless(os.geteuid() == 0, "only root can start cron and give it directories of its own")
    def test_cron(self):
        """Debian's cron, in a namespace where it finds its own directories and our sendmail."""
        self.server.must("alias", "add", "root@example.test", BOB, FAR)
        (self.home / "sendmail").write_text(f'#!/bin/sh\nPAQUEBOT_CONFIG={self.server.config} exec {self.sendmail} "$@"\n')
        (self.home / "root").write_text("@reboot echo it is done\n")
        (self.home / "pam").write_text("auth required pam_permit.so\naccount required pam_permit.so\nsession required pam_permit.so\n")
        script = """set -e
            mount --make-rprivate /
            mkdir -p /var/spool/cron
            for place in /var/spool/cron /run /etc/pam.d /usr/sbin; do mount -t tmpfs none $place; done
            mkdir -p /var/spool/cron/crontabs
            cp "$1/root" /var/spool/cron/crontabs/root && chmod 600 /var/spool/cron/crontabs/root
            cp "$1/pam" /etc/pam.d/cron
            cp "$1/sendmail" /usr/sbin/sendmail && chmod 755 /usr/sbin/sendmail
            exec "$2" -f"""
        cron = subprocess.Popen(["unshare", "-m", "sh", "-c", script, "sh", str(self.home), str(PEERS / "bin/cron")],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        try:
            here, _ = self.arrives()
        finally:
            cron.terminate()
            said = cron.communicate(timeout=30)[0]
            print(said) if said else None
        self.assertIn(b"it is done", body_of(here))
        self.assertIn(b"Subject: Cron <root@", here)


if __name__ == "__main__":
    unittest.main()
