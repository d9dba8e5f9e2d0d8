"""Mail programs that we did not write: swaks, msmtp, mpop, fetchmail and curl send and read."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from server import PEERS, SECRET, Server, accepted_id, body_of, letter

ALICE, BOB = "alice@example.test", "bob@example.test"


class ClientsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(accounts={ALICE: SECRET, BOB: SECRET}).start()
        cls.addClassCleanup(cls.server.close)
        cls.ports = cls.server.ports

    def setUp(self):
        self.tmp = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        client = self.server.pop3(BOB)
        for number in range(1, client.stat()[0] + 1):
            client.dele(number)
        client.quit()

    def run_peer(self, name, *words, text="", ok=(0,)):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PAQUEBOT_")}
        program = [str(PEERS / "bin" / name)] if name != "curl" else ["curl"]
        done = subprocess.run([*program, *map(str, words)], input=text, capture_output=True, text=True, timeout=60, cwd=self.tmp,
                              env=environment | {"HOME": str(self.tmp)}, check=False)
        self.assertIn(done.returncode, ok, f"{name}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def secret_file(self, name, text):
        file = self.tmp / name
        file.write_text(text)
        file.chmod(0o600)
        return file

    def bodies(self):
        return [body_of(message) for message in self.server.mail(BOB)]

    def test_swaks(self):
        for listener, tls in (("submission", "-tls"), ("submissions", "-tlsc")):
            for mechanism in ("PLAIN", "LOGIN"):
                with self.subTest(f"{listener} {mechanism}"):
                    said = self.run_peer("swaks", "--server", f"127.0.0.1:{self.ports[listener]}", tls, "--auth", mechanism, "--auth-user",
                                         ALICE, "--auth-password", SECRET, "--from", ALICE, "--to", BOB, "--body", f"by {mechanism}")
                    accepted_id(re.search(r"250 2\.0\.0 accepted.*", said)[0])
        self.assertEqual(len(self.bodies()), 4)

    def test_swaks_is_told_what_is_wrong(self):
        said = self.run_peer("swaks", "--server", f"127.0.0.1:{self.ports['submission']}", "-tls", "--auth", "PLAIN", "--auth-user", ALICE,
                             "--auth-password", "wrong", "--from", ALICE, "--to", BOB, ok=range(1, 100))
        self.assertIn("535 5.7.8", said)
        said = self.run_peer("swaks", "--server", f"127.0.0.1:{self.ports['mx']}", "--from", ALICE, "--to", "ann@elsewhere.test",
                             ok=range(1, 100))
        self.assertIn("550 5.7.1", said)

    def test_swaks_to_the_mx_with_tls_and_an_attachment(self):
        file = self.tmp / "data.bin"
        file.write_bytes(bytes(range(256)) * 100)
        self.run_peer("swaks", "--server", f"127.0.0.1:{self.ports['mx']}", "-tls", "--from", "x@y.test", "--to", BOB, "--attach",
                      f"@{file}", "--pipeline")
        self.assertEqual(len(self.bodies()), 1)

    def test_msmtp(self):
        for listener, starttls in (("submission", "on"), ("submissions", "off")):
            config = self.secret_file("msmtprc", f"account default\nhost 127.0.0.1\nport {self.ports[listener]}\nfrom {ALICE}\nauth on\n"
                                      f"user {ALICE}\npassword \"{SECRET}\"\ntls on\ntls_starttls {starttls}\ntls_certcheck off\n")
            self.run_peer("msmtp", "-C", config, BOB, text=f"From: {ALICE}\nTo: {BOB}\nSubject: x\n\n.by msmtp\n")
        self.assertEqual(self.bodies(), [b".by msmtp\r\n"] * 2)

    def test_mpop(self):
        self.server.send("x@y.test", [BOB], letter(body=".one\r\n"))
        self.server.send("x@y.test", [BOB], letter(body="two\r\n"))
        for folder in ("cur", "new", "tmp"):
            (self.tmp / "maildir" / folder).mkdir(parents=True)
        config = self.secret_file("mpoprc", f"account default\nhost 127.0.0.1\nport {self.ports['pop3s']}\nuser {BOB}\npassword \"{SECRET}\"\n"
                                  f"tls on\ntls_starttls off\ntls_certcheck off\ndelivery maildir {self.tmp}/maildir\nkeep on\n"
                                  f"uidls_file {self.tmp}/uidls\nreceived_header off\n")
        self.run_peer("mpop", "-C", config)
        files = list((self.tmp / "maildir/new").iterdir())
        self.assertEqual(sorted(file.read_text().split("\n\n", 1)[1].strip() for file in files), [".one", "two"])
        self.run_peer("mpop", "-C", config)  # nothing new: the UIDLs are the same
        self.assertEqual(len(list((self.tmp / "maildir/new").iterdir())), 2)
        self.run_peer("mpop", "-C", config, "--keep=off")
        self.assertEqual(self.bodies(), [])

    def test_fetchmail(self):
        for i in range(3):
            self.server.send("x@y.test", [BOB], letter(body=f"{i}\r\n"))
        sink = self.tmp / "sink"
        sink.write_text(f"#!/bin/sh\ncat >>{self.tmp}/got\nprintf '\\n--end--\\n' >>{self.tmp}/got\n")
        sink.chmod(0o755)
        config = self.secret_file("fetchmailrc", f"poll 127.0.0.1 service {self.ports['pop3']} protocol pop3 auth password user \"{BOB}\" "
                                  f"password \"{SECRET}\" sslproto 'TLS1.2+' no sslcertck mda \"{sink}\" no keep\n")
        self.run_peer("fetchmail", "-f", config, "--idfile", self.tmp / "ids", "--pidfile", self.tmp / "pid", "--nosyslog", "-v")
        self.assertEqual((self.tmp / "got").read_text().count("--end--"), 3)
        self.assertEqual(self.bodies(), [])

    def test_curl(self):
        file = self.tmp / "mail"
        file.write_bytes(letter(ALICE, BOB, body="by curl\r\n").encode())
        for listener, scheme in (("submission", "smtp"), ("submissions", "smtps")):
            self.run_peer("curl", "-sS", "--insecure", "--ssl-reqd", f"{scheme}://127.0.0.1:{self.ports[listener]}/client.test", "--user",
                          f"{ALICE}:{SECRET}", "--mail-from", ALICE, "--mail-rcpt", BOB, "--upload-file", file)
        self.assertEqual(self.bodies(), [b"by curl\r\n"] * 2)
        for listener, scheme in (("pop3", "pop3"), ("pop3s", "pop3s")):
            listed = self.run_peer("curl", "-sS", "--insecure", "--ssl-reqd", f"{scheme}://127.0.0.1:{self.ports[listener]}/", "--user",
                                   f"{BOB}:{SECRET}")
            self.assertEqual(len(listed.split("\n")), 3, listed)

    def test_curl_of_a_unix_file(self):
        file = self.tmp / "mail"
        file.write_bytes(letter(ALICE, BOB, body="one\r\n.\r\n..two\r\n.three\r\n").encode().replace(b"\r\n", b"\n"))
        self.run_peer("curl", "-sS", "--insecure", f"smtps://127.0.0.1:{self.ports['submissions']}/Ann's computer".replace(" ", "%20"), "--user",
                      f"{ALICE}:{SECRET}", "--mail-from", ALICE, "--mail-rcpt", BOB, "-T", file)
        [body] = self.bodies()
        self.assertEqual(body.removesuffix(b"\r\n"), b"one\r\n.\r\n..two\r\n.three\r\n")  # curl ends it with CRLF . CRLF

    def test_certificates_are_checked(self):
        ca = self.server.data / "self-signed.crt"
        words = ["-sS", "--ssl-reqd", "--user", f"{BOB}:{SECRET}", "--resolve", f"mx.example.test:{self.ports['pop3s']}:127.0.0.1",
                 f"pop3s://mx.example.test:{self.ports['pop3s']}/"]
        self.run_peer("curl", "--cacert", ca, *words)
        self.run_peer("curl", *words, ok=(60,))
        self.run_peer("curl", "--tls-max", "1.1", "--cacert", ca, *words, ok=(35,))


if __name__ == "__main__":
    unittest.main()
