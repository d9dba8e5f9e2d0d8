"""Logins of every form, by clients that we did not write: gsasl, msmtp, mpop, swaks and curl; and what an attacker meets."""

import base64
import json
import pathlib
import shutil
import smtplib
import subprocess
import tempfile
import time
import unittest

from server import PEERS, SECRET, Server, trusting

ALICE, BOB = "alice@example.test", "bob@example.test"
ISSUER, AUDIENCE = "https://id.example.test", "mail"


def openssl(folder, *words, text=None):
    return subprocess.run(["openssl", *map(str, words)], cwd=folder, input=text, capture_output=True, check=True).stdout


def make_certificates(folder):
    """An authority of clients, a client that is alice, and one of another authority that says so too."""
    for name in ("ca", "other"):
        openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out",
                f"{name}.crt", "-days", "30", "-subj", f"/CN={name}")
    for name, authority in (("alice", "ca"), ("false", "other")):
        openssl(folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out", "x.csr",
                "-subj", "/CN=a client")
        (folder / "x.ext").write_text(f"subjectAltName=email:{ALICE}\nextendedKeyUsage=clientAuth\n")
        openssl(folder, "x509", "-req", "-in", "x.csr", "-CA", f"{authority}.crt", "-CAkey", f"{authority}.key", "-CAcreateserial", "-out",
                f"{name}.crt", "-days", "30", "-extfile", "x.ext")
        (folder / f"{name}.key").chmod(0o600)


def url64(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def make_issuer(folder):
    """An RSA key of an issuer, and its key set."""
    openssl(folder, "genrsa", "-out", "issuer.key", "2048")
    modulus = openssl(folder, "rsa", "-in", "issuer.key", "-noout", "-modulus").decode().strip().split("=")[1]
    key = {"kty": "RSA", "kid": "one", "use": "sig", "n": url64(bytes.fromhex(modulus)), "e": "AQAB"}
    (folder / "jwks.json").write_text(json.dumps({"keys": [key]}))


def token(folder, **claims):
    claims = {"iss": ISSUER, "aud": AUDIENCE, "email": ALICE, "exp": int(time.time()) + 600} | claims
    head = url64(json.dumps({"alg": "RS256", "kid": "one"}).encode())
    text = head + "." + url64(json.dumps(claims).encode())
    return text + "." + url64(openssl(folder, "dgst", "-sha256", "-sign", "issuer.key", text=text.encode()))


class SaslTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        make_certificates(cls.folder)
        make_issuer(cls.folder)
        listeners = {
            "submission": {"role": "submission", "tls": "starttls"},
            "submissions": {"role": "submission", "tls": "implicit"},
            "pop3": {"role": "pop3", "tls": "starttls"},
            "pop3s": {"role": "pop3", "tls": "implicit"},
            "pop3-clear": {"role": "pop3", "tls": "none", "login_in_clear": True},
            "certified": {"role": "submission", "tls": "implicit", "client_ca": cls.folder / "ca.crt"},
            "pop3-certified": {"role": "pop3", "tls": "implicit", "client_ca": cls.folder / "ca.crt"},
        }
        cls.server = Server(accounts={ALICE: SECRET, BOB: SECRET}, listeners=listeners,
                            login={"failures_per_address": 100000, "failures_per_account": 100000, "channel_binding": True},
                            oauth={"issuer": ISSUER, "audience": AUDIENCE, "jwks_file": cls.folder / "jwks.json"}).start()
        cls.addClassCleanup(cls.server.close)
        cls.ports = cls.server.ports

    def run_peer(self, name, *words, text="", ok=True):
        program = [str(PEERS / "bin" / name)] if name != "curl" else ["curl"]
        done = subprocess.run([*program, *map(str, words)], input=text, capture_output=True, text=True, timeout=60, cwd=self.folder,
                              env={"PATH": "/usr/bin:/bin", "HOME": str(self.folder)}, check=False)
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode == 0, ok, f"{name}: {said}")
        return said

    # --- SCRAM ---

    def gsasl(self, mechanism, *more, password=SECRET, ok=True):
        return self.run_peer("gsasl", "--smtp", "--connect", f"127.0.0.1:{self.ports['submission']}", "--x509-ca-file=", "-m",
                             mechanism, "-a", ALICE, "-z", ALICE, "-p", password, *more, ok=ok)

    @unittest.skipUnless((PEERS / "bin/gsasl").exists(), "tools/peers gsasl")
    def test_gsasl(self):
        old = "--priority=NORMAL:-VERS-TLS1.3"  # tls-unique instead of tls-exporter
        for mechanism, *more in (("PLAIN",), ("LOGIN",), ("SCRAM-SHA-1", "--no-cb"), ("SCRAM-SHA-256", "--no-cb"), ("SCRAM-SHA-1-PLUS",),
                                 ("SCRAM-SHA-256-PLUS",), ("SCRAM-SHA-1-PLUS", old), ("SCRAM-SHA-256-PLUS", old)):
            with self.subTest(f"{mechanism} {more}"):
                self.gsasl(mechanism, *more)
                self.gsasl(mechanism, *more, password="not the password", ok=False)
        self.gsasl("SCRAM-SHA-256", ok=False)  # it could bind and says so: somebody took -PLUS out of our list

    def msmtp(self, mechanism, password=SECRET, ok=True, listener="submission"):
        return self.run_peer("msmtp", "--host=127.0.0.1", f"--port={self.ports[listener]}", "--tls=on",
                             f"--tls-starttls={'on' if listener == 'submission' else 'off'}", "--tls-certcheck=off", f"--auth={mechanism}",
                             f"--user={ALICE}", f"--passwordeval=printf '%s' '{password}'", f"--from={ALICE}", "--", BOB,
                             text=f"Subject: by {mechanism}\n\nx\n", ok=ok)

    def test_msmtp(self):
        for mechanism in ("plain", "scram-sha-1", "scram-sha-256"):
            with self.subTest(mechanism):
                self.msmtp(mechanism)
                self.msmtp(mechanism, "not the password", False)

    def test_mpop(self):
        for mechanism in ("plain", "scram-sha-1", "scram-sha-256"):
            with self.subTest(mechanism):
                words = ["--host=127.0.0.1", f"--port={self.ports['pop3s']}", "--tls=on", "--tls-starttls=off", "--tls-certcheck=off",
                         f"--auth={mechanism}", f"--user={ALICE}", "--delivery=mbox,fetched", "--keep=on", "--uidls-file=uidls"]
                self.run_peer("mpop", *words, f"--passwordeval=printf '%s' '{SECRET}'")
                self.run_peer("mpop", *words, "--passwordeval=printf wrong", ok=False)

    def test_curl(self):
        for mechanism in ("PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256"):
            with self.subTest(mechanism):
                if mechanism.startswith("SCRAM") and "GSASL" not in self.run_peer("curl", "--version"):
                    continue
                self.run_peer("curl", "-ksS", f"pop3s://127.0.0.1:{self.ports['pop3s']}/", "--user", f"{ALICE}:{SECRET}", "--login-options",
                              f"AUTH={mechanism}")

    def test_our_own_client(self):
        for port in ("submission", "submissions"):
            said = self.server.cli("send", "--server", f"127.0.0.1:{self.ports[port]}", "--insecure", "--tls",
                                   "starttls" if port == "submission" else "implicit", "--user", ALICE, "--to", BOB, "--subject", "own",
                                   "--text", "x", password=SECRET)
            self.assertEqual(said.returncode, 0, said.stderr)
        for port in ("pop3", "pop3s"):
            said = self.server.cli("fetch", "list", "--server", f"127.0.0.1:{self.ports[port]}", "--insecure", "--tls",
                                   "starttls" if port == "pop3" else "implicit", "--user", BOB, password=SECRET)
            self.assertEqual(said.returncode, 0, said.stderr)
            said = self.server.cli("fetch", "list", "--server", f"127.0.0.1:{self.ports[port]}", "--insecure", "--tls",
                                   "starttls" if port == "pop3" else "implicit", "--user", BOB, password="not the password")
            self.assertNotEqual(said.returncode, 0)

    def test_mechanisms_are_offered_where_they_work(self):
        with smtplib.SMTP("127.0.0.1", self.ports["submission"]) as client:
            client.ehlo()
            self.assertNotIn("auth", client.esmtp_features)
            client.starttls(context=trusting())
            client.ehlo()
            offered = client.esmtp_features["auth"].split()
        self.assertEqual(offered[:4], ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1"])
        self.assertNotIn("EXTERNAL", offered)
        self.assertIn("OAUTHBEARER", offered)

    # --- tokens ---

    def test_tokens(self):
        for name in ("submissions", "pop3s"):
            for mechanism in ("OAUTHBEARER", "XOAUTH2"):
                for good, bearer in ((True, token(self.folder)), (False, token(self.folder, exp=1)), (False, token(self.folder, email=BOB)),
                                     (False, token(self.folder, aud="other")), (False, token(self.folder)[:-8] + "AAAAAAAA")):
                    with self.subTest(f"{name} {mechanism} {good}"):
                        target = (["smtps://127.0.0.1:%d" % self.ports[name], "--mail-from", ALICE, "--mail-rcpt", BOB, "-T", self.letter()]
                                  if name == "submissions" else ["pop3s://127.0.0.1:%d/" % self.ports[name]])
                        self.run_peer("curl", "-ksS", *target, "--user", ALICE, "--oauth2-bearer", bearer, "--login-options",
                                      f"AUTH={mechanism}", ok=good)

    def letter(self):
        file = self.folder / "letter"
        file.write_bytes(f"From: {ALICE}\r\nSubject: by curl\r\n\r\nx\r\n".encode())
        return file

    # --- certificates ---

    def test_external(self):
        def send(who, ok, name="alice"):
            return self.run_peer("curl", "-ksS", f"smtps://127.0.0.1:{self.ports['certified']}", "--cert", f"{name}.crt", "--key", f"{name}.key",
                                 "--user", f"{who}:", "--login-options", "AUTH=EXTERNAL", "--mail-from", ALICE, "--mail-rcpt", BOB, "-T",
                                 self.letter(), ok=ok)
        send(ALICE, True)
        send(BOB, False)
        send(ALICE, False, "false")
        self.run_peer("curl", "-ksS", f"pop3s://127.0.0.1:{self.ports['pop3-certified']}/", "--cert", "alice.crt", "--key", "alice.key", "--user",
                      f"{ALICE}:", "--login-options", "AUTH=EXTERNAL")
        self.msmtp("external", listener="certified", ok=False)  # shows no certificate
        with smtplib.SMTP_SSL("127.0.0.1", self.ports["certified"], context=trusting()) as client:
            client.login(ALICE, SECRET)  # comes in without

    # --- app passwords ---

    def test_app_passwords(self):
        said = self.server.must("account", "app-password", "add", BOB, "phone")
        password = said.strip().split("\n")[-1]
        self.assertGreaterEqual(len(password.replace("-", "")) * 5, 128)
        client = self.server.pop3(BOB, password)
        [listed] = self.server.json("account", "app-password", "list", BOB)["app_passwords"]
        self.assertEqual((listed["label"], listed["used_from"]), ("phone", "127.0.0.1"))
        self.assertIn("phone", self.server.must("account", "app-password", "list", BOB))
        said = self.server.cli("fetch", "list", "--server", f"127.0.0.1:{self.ports['pop3s']}", "--insecure", "--tls", "implicit", "--user", ALICE,
                               password=password)
        self.assertNotEqual(said.returncode, 0, "it is bob's")
        self.server.must("account", "app-password", "revoke", BOB, "phone")
        with self.assertRaises(Exception):
            client.stat()  # its session has ended
            client.stat()
        with self.assertRaises(Exception):
            self.server.pop3(BOB, password)
        self.assertNotEqual(self.server.cli("account", "app-password", "revoke", BOB, "phone").returncode, 0)
        self.assertNotEqual(self.server.cli("account", "app-password", "forget", BOB).returncode, 0)


class BackOffTest(unittest.TestCase):
    def test_guessing_ends_in_a_pause_that_the_owner_can_see(self):
        with Server(accounts={ALICE: SECRET, BOB: SECRET}, login={"failures_per_address": 5, "failures_per_account": 50}) as server:
            with server.smtp("submission", ALICE):
                pass
            replies = []
            wrong = base64.b64encode(f"\0{BOB}\0not the password".encode()).decode()
            for _ in range(8):
                with server.smtp("submission") as client:
                    client.starttls(context=trusting())
                    client.ehlo()
                    replies.append(client.docmd("AUTH", "PLAIN " + wrong)[0])
            self.assertEqual(replies[:5], [535] * 5)
            self.assertEqual(replies[-1], 454)
            with server.smtp("submission", ALICE):
                pass  # logged in from here before
            facts = server.json("account", "show", BOB)["logins"]
            self.assertGreater(facts["failures"], 0)
            self.assertEqual(facts["failed"][0]["address"], "127.0.0.1")
            self.assertIn("succeeded", server.json("account", "show", ALICE)["logins"])
            self.assertIn("failed", server.must("account", "show", BOB))

    def test_the_usual_address_stays_one_after_a_restart(self):
        with Server(accounts={ALICE: SECRET, BOB: SECRET}, login={"failures_per_address": 100000, "failures_per_account": 5}) as server:
            with server.smtp("submission", ALICE):
                pass
            server.restart()
            codes = {ALICE: [], BOB: []}
            for name, said in codes.items():
                for number in range(8):
                    with server.smtp("submission") as client:
                        client.starttls(context=trusting())
                        client.ehlo()
                        wrong = base64.b64encode(f"\0{name}\0wrong {number}".encode()).decode()
                        said.append(client.docmd("AUTH", "PLAIN " + wrong)[0])
            self.assertEqual(codes[BOB][-1], 454)
            self.assertEqual(codes[ALICE], [535] * 8, "counted for the address that she is known from")


class ImportedTest(unittest.TestCase):
    """An account whose password came as a hash from another server, which can't do SCRAM before its first login."""

    def serve(self, **login):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="paquebot-e2e-"))
        self.addCleanup(shutil.rmtree, folder)
        openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "s.key", "-out", "s.crt",
                "-days", "30", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
        hashed = openssl(folder, "passwd", "-6", SECRET).decode().strip()
        (folder / "accounts").write_text(f"{BOB}:{hashed}\n")
        server = Server(accounts={ALICE: SECRET}, login=login, tls={"certificate": folder / "s.crt", "key": folder / "s.key"})
        self.addCleanup(server.close)
        server.prepare()
        server.must("import", "accounts", folder / "accounts")
        return server.start(), folder / "s.crt"

    def offered(self, server):
        with server.smtp("submission") as client:
            client.starttls(context=trusting())
            client.ehlo()
            return [name for name in client.esmtp_features["auth"].split() if name.startswith("SCRAM")]

    def test_scram_is_offered_once_everybody_can_do_it(self):
        server, _ = self.serve()
        self.assertEqual(self.offered(server), [])
        self.assertIn(f"event=scram-withheld account={BOB} accounts=1", server.log())
        self.assertRegex(server.must("account", "list"), rf"{BOB} +active, no SCRAM yet")
        self.assertRegex(server.must("account", "list"), rf"{ALICE} +active  ")
        self.assertIn(BOB, server.cli("check").stderr)
        with server.smtp("submission", BOB):
            pass
        self.assertEqual(self.offered(server), ["SCRAM-SHA-256", "SCRAM-SHA-1"])
        self.assertIn(f"event=scram-offered account={BOB}", server.log())
        self.assertNotIn("no SCRAM yet", server.must("account", "list"))
        self.assertNotIn("login.scram", server.cli("check").stderr)

    def send(self, server, *more):
        return server.cli("send", "--server", f"localhost:{server.ports['submission']}", "--tls", "starttls", "--user", BOB, "--to", ALICE,
                          "--subject", "x", "--text", "x", *more, password=SECRET)

    def test_the_password_itself_is_only_said_to_a_server_that_is_known(self):
        server, authority = self.serve(scram="on")
        self.assertNotEqual(self.offered(server), [])
        self.assertNotEqual(self.send(server, "--insecure").returncode, 0)
        self.assertRegex(server.log(), rf"event=login-refused .*account={BOB} .*mechanism=SCRAM-SHA-256 .*hash")
        self.assertNotIn("mechanism=PLAIN", server.log())
        sent = self.send(server, "--ca-file", authority)
        self.assertEqual(sent.returncode, 0, sent.stderr)
        self.assertIn("mechanism=PLAIN", server.log())

    def test_a_refused_login_says_mechanism_and_cause(self):
        server, _ = self.serve(scram="off")
        self.assertEqual(self.offered(server), [])
        with server.smtp("submission") as client:
            client.starttls(context=trusting())
            client.ehlo()
            client.docmd("AUTH", "SCRAM-SHA-256-PLUS")
            client.docmd("AUTH", "PLAIN !")
            client.docmd("AUTH", "PLAIN " + base64.b64encode(b"\0nobody@example.test\0x").decode())
        for mechanism, why in (("SCRAM-SHA-256-PLUS", "not offered"), ("PLAIN", "base 64"), ("PLAIN", "no such account")):
            self.assertRegex(server.log(), rf"event=login-refused .*protocol=smtp mechanism={mechanism} why=.*{why}")


if __name__ == "__main__":
    unittest.main()
