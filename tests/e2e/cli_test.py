"""The command line with the server up and down, the configuration, signals, and what must be refused."""

import json
import pathlib
import re
import signal
import smtplib
import sqlite3
import subprocess
import tempfile
import threading
import unittest

from server import BINARY, SECRET, Server, body_of, letter, transact

ALICE, BOB = "alice@example.test", "bob@example.test"
REFUSED, USAGE, BAD_DATA, NO_INPUT, UNAVAILABLE, CANT_CREATE, OS_ERROR, CONFIGURATION = 1, 64, 65, 66, 69, 73, 71, 78


class CliCase(unittest.TestCase):
    def fails(self, code, *words, says="", server=None, **options):
        done = (server or self.server).cli(*words, **options)
        self.assertEqual(done.returncode, code, f"{words}: {done.stdout}{done.stderr}")
        self.assertIn(says, done.stderr)
        self.assertEqual(done.stdout, "", "errors go to standard error")
        return done.stderr


class VerbsTest(CliCase):
    """The same verbs with the server up and with it down."""

    def walk(self, server):
        server.must("domain", "add", "One.Test")
        self.assertIn("one.test", server.must("domain", "list"))
        self.assertIn("one.test", [d["name"] for d in server.json("domain", "list")["domains"]])
        self.fails(REFUSED, "domain", "add", "one.test", server=server, says="already")
        self.fails(BAD_DATA, "domain", "add", "no domain", server=server)
        self.fails(REFUSED, "account", "add", "ann@two.test", password=SECRET, server=server, says="paquebot domain add two.test")
        self.fails(BAD_DATA, "account", "add", "ann@one.test", password="short", server=server, says="8 characters")
        server.must("account", "add", "Ann@one.test", "--quota", "10M", password=SECRET)
        self.fails(REFUSED, "account", "add", "ann@one.test", password=SECRET, server=server)
        made = server.must("account", "add", "ben@one.test", "--generate")
        self.assertRegex(made, r"Password: \S{12,}")
        account = server.json("account", "show", "ann@one.test")
        self.assertEqual((account["login"], account["quota"], account["disabled"]), ("ann@one.test", 10 << 20, False))
        server.must("account", "quota", "ann@one.test", "unlimited")
        self.assertEqual(server.json("account", "show", "ann@one.test")["quota"], 0)
        server.must("account", "disable", "ann@one.test")
        self.assertTrue(server.json("account", "show", "ann@one.test")["disabled"])
        server.must("account", "enable", "ann@one.test")
        server.must("account", "passwd", "ann@one.test", password="another secret")
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("from a file\nsecond line\n")
            file.flush()
            server.must("account", "passwd", "ann@one.test", "--password-file", file.name)
        server.must("alias", "add", "team@one.test", "ann@one.test", "ben@one.test", "out@elsewhere.test")
        [alias] = [a for a in server.json("alias", "list", "one.test")["aliases"] if a["address"] == "team@one.test"]
        self.assertEqual(sorted(alias["targets"]), ["ann@one.test", "ben@one.test", "out@elsewhere.test"])
        self.fails(REFUSED, "alias", "add", "x@one.test", "typo@one.test", server=server, says="typo@one.test")
        server.must("alias", "remove", "team@one.test", "out@elsewhere.test")
        server.must("alias", "add", "annie@one.test", "--account", "ann@one.test")
        self.assertIn("annie@one.test", server.must("account", "addresses", "ann@one.test"))
        server.must("domain", "owner", "one.test", "ann@one.test")
        self.fails(REFUSED, "domain", "remove", "one.test", server=server)
        self.assertIn("ann@one.test", server.must("account", "list", "one.test"))
        self.fails(REFUSED, "account", "remove", "ben@one.test", server=server, says="--yes")
        server.must("alias", "remove", "team@one.test")
        server.must("alias", "remove", "annie@one.test")
        server.must("account", "remove", "ben@one.test", "--yes")
        self.fails(REFUSED, "account", "show", "ben@one.test", server=server)
        self.fails(REFUSED, "trace", "01J9ZQ3V5W8XKD2M6N7P4R1STB", server=server)
        self.fails(BAD_DATA, "queue", "show", "what", server=server)
        self.assertEqual(server.queued(), [])
        server.must("account", "remove", "ann@one.test", "--yes")
        server.must("domain", "remove", "one.test")

    def test_up_and_down(self):
        server = Server()
        self.addCleanup(server.close)
        server.write_config()
        self.walk(server)
        server.start()
        self.walk(server)
        status = server.json("status")
        self.assertEqual(status["pid"], server.pid)
        self.assertRegex(server.must("version"), r"\d+\.\d+")
        server.stop()
        self.walk(server)
        done = server.cli("status")
        self.assertEqual(done.returncode, REFUSED)
        self.assertIn("does not run", done.stdout)


class ProgramTest(CliCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(accounts={ALICE: SECRET, BOB: SECRET}).start()
        cls.addClassCleanup(cls.server.close)

    def setUp(self):
        self.tmp = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def empty(self, login):
        client = self.server.pop3(login)
        for number in range(1, client.stat()[0] + 1):
            client.dele(number)
        client.quit()

    def client(self, role, login):
        tls = "implicit" if role.endswith("s") else "starttls"
        return ["--server", f"127.0.0.1:{self.server.ports[role]}", "--tls", tls, "--user", login, "--insecure"]

    def test_help_and_misspelt_verbs(self):
        for words in (["--help"], ["account", "--help"], ["account", "add", "--help"], ["send", "--help"], ["queue", "list", "--help"]):
            self.assertIn("paquebot", self.server.must(*words))
        self.assertIn("Examples:", self.server.must("send", "--help"))
        self.fails(USAGE, "acount", "list", says="account")
        self.fails(USAGE, "account", "ad", says="add")
        self.fails(USAGE, "account", "add")
        self.fails(USAGE, "account", "list", "--nonsense")
        self.fails(USAGE)
        for shell in ("bash", "zsh", "fish"):
            self.assertIn("paquebot", self.server.must("completion", shell))

    def test_no_password_on_the_command_line(self):
        self.fails(USAGE, "account", "add", "eve@example.test", "--password", "secret one")

    def test_send_and_fetch(self):
        self.empty(BOB)
        data = bytes(range(256)) * 5000
        (self.tmp / "grüße.bin").write_bytes(data)
        said = self.server.must("send", *self.client("submissions", ALICE), "--to", f"Bob Böse <{BOB}>", "--cc", ALICE, "--subject", "Schöne Grüße",
                                "--text", "Plain ✉ text", "--html", "<p>rich</p>", "--attach", self.tmp / "grüße.bin", password=SECRET)
        ident = re.search(r"id=([0-9A-Z]{26})", said)[1]
        self.assertEqual({r["state"] for r in self.server.trace(ident)["recipients"]}, {"in mailbox"})
        listed = json.loads(self.server.must("fetch", "list", *self.client("pop3s", BOB), "--json", password=SECRET))
        self.assertIn("Schöne Grüße", str(listed))
        shown = self.server.must("fetch", "show", "1", *self.client("pop3", BOB), password=SECRET)
        self.assertIn("Plain ✉ text", shown)
        self.assertIn("grüße.bin", shown)
        (self.tmp / "saved").mkdir()
        self.server.must("fetch", "save", *self.client("pop3s", BOB), "--folder", self.tmp / "saved", "--delete", password=SECRET)
        [saved] = [file for file in (self.tmp / "saved").rglob("*.bin")]
        self.assertEqual(saved.read_bytes(), data)
        self.assertEqual(self.server.mail(BOB), [])
        text = self.server.must("send", *self.client("submission", ALICE), "--to", BOB, "--bcc", ALICE, "--subject", "from stdin", text="typed\n",
                                password=SECRET)
        self.assertIn("250", text)
        self.assertIn(b"typed\r\n", body_of(self.server.mail(BOB)[0]))
        self.server.must("fetch", "delete", "1", *self.client("pop3s", BOB), password=SECRET)

    def test_what_was_not_shown_is_not_done(self):
        """With its output closed a command neither deletes mail nor makes a password that nobody has seen."""
        self.server.must("send", *self.client("submissions", ALICE), "--to", BOB, "--text", "stay", password=SECRET)
        before = len(self.server.mail(BOB))
        carol = "carol@example.test"
        self.server.must("account", "add", carol, "--no-password")
        for words in (["fetch", "show", "1", *self.client("pop3s", BOB), "--delete"], ["account", "passwd", carol, "--generate"],
                      ["account", "app-password", "add", carol, "phone"]):
            closed = ["sh", "-c", 'exec "$@" >&-', "sh", str(BINARY), *map(str, words)]
            done = subprocess.run(closed, env=self.server.environment(PAQUEBOT_PASSWORD=SECRET), stdin=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True, timeout=60)
            self.assertNotEqual(done.returncode, 0, words)
            self.assertTrue(done.stderr, words)
        self.assertEqual(len(self.server.mail(BOB)), before)

    def test_send_and_fetch_that_fail(self):
        self.fails(REFUSED, "send", *self.client("submissions", ALICE), "--to", "nobody@example.test", "--text", "x", password=SECRET, says="5.1.1")
        self.fails(REFUSED, "send", *self.client("submissions", ALICE), "--from", BOB, "--to", BOB, "--text", "x", password=SECRET, says="5.7.1")
        done = self.server.cli("send", *self.client("submissions", ALICE), "--to", BOB, "--text", "x", password="wrong one")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("5.7.8", done.stderr)
        done = self.server.cli("send", "--server", "127.0.0.1:9", "--user", ALICE, "--to", BOB, "--text", "x", password=SECRET)
        self.assertEqual(done.returncode, UNAVAILABLE, done.stderr)
        done = self.server.cli("send", *self.client("submissions", ALICE)[:-1], "--to", BOB, "--text", "x", password=SECRET)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("certificate", done.stderr)
        done = self.server.cli("send", *self.client("submissions", ALICE), "--to", BOB, "--text", "x", "--attach", "/nowhere", password=SECRET)
        self.assertIn(done.returncode, (NO_INPUT, REFUSED, BAD_DATA))
        done = self.server.cli("fetch", "show", "999", *self.client("pop3s", BOB), password=SECRET)
        self.assertNotEqual(done.returncode, 0)

    def test_import(self):
        self.empty(ALICE)
        for folder in ("cur", "new", "tmp"):
            (self.tmp / "Maildir" / folder).mkdir(parents=True)
        (self.tmp / "Maildir/cur/1:2,S").write_bytes(b"Subject: one\n\nfirst\n")
        (self.tmp / "Maildir/new/2").write_bytes(b"Subject: two\n\n" + b"x" * 70 + b"\n" + b"long\n" * 50000)
        self.assertIn("2 messages", self.server.must("import", "mail", ALICE, self.tmp / "Maildir"))
        (self.tmp / "mbox").write_bytes(b"From a@b Mon Jan  1 00:00:00 2024\nSubject: three\n\n>From quoted\n\nFrom c@d Mon Jan  1 00:00:00 2024\nSubject: four\n\nx\n")
        self.assertIn("2 messages", self.server.must("import", "mail", ALICE, self.tmp / "mbox"))
        messages = self.server.mail(ALICE)
        self.assertEqual([re.search(rb"Subject: (\w+)", m)[1] for m in messages], [b"one", b"two", b"three", b"four"])
        self.assertEqual(body_of(messages[2]).strip(), b"From quoted")
        self.assertEqual(body_of(messages[1]).count(b"long\r\n"), 50000)
        hashed = subprocess.run(["openssl", "passwd", "-6", "-salt", "pepper", "old secret"], capture_output=True, text=True, check=True).stdout
        (self.tmp / "accounts").write_text(f"# from elsewhere\nold@example.test:{hashed.strip()}:1G\nbad line\n")
        done = self.server.cli("import", "accounts", self.tmp / "accounts")
        self.assertEqual(done.returncode, BAD_DATA)
        self.assertIn("accounts:3:", done.stderr)
        self.assertEqual(self.server.mail("old@example.test", "old secret"), [])
        self.fails(NO_INPUT, "import", "accounts", "/nowhere/at/all")

    def test_a_second_server_is_refused(self):
        done = self.server.cli("serve", "--config", self.second_config())
        self.assertEqual(done.returncode, OS_ERROR, done.stderr)
        self.assertIn(str(self.server.data), done.stderr)

    def second_config(self):
        text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:0", self.server.config.read_text().replace("127.0.0.1:9", "127.0.0.9:9"))
        file = self.tmp / "second.toml"
        file.write_text(text)
        return file


class ConfigurationTest(CliCase):
    def test_errors_name_file_line_and_mend(self):
        server = Server()
        self.addCleanup(server.close)
        server.write_config()
        done = server.cli("check")
        self.assertEqual(done.returncode, 0, done.stderr)
        for text, says in (("[server]\nhostnam = \"x.test\"\n", "paquebot.toml:2:"), ("[server]\nhostname = \"mx.test\"\n[limits]\nrecipients = \"many\"\n",
                           "paquebot.toml:4:"), ("[server\n", "paquebot.toml:1:")):
            server.config.write_text(text)
            for verb in ("check", "serve"):
                self.fails(CONFIGURATION, verb, server=server, says=says)
        server.config.unlink()
        self.fails(CONFIGURATION, "check", server=server, says="paquebot.toml")
        self.fails(CONFIGURATION, "serve", server=server, says="paquebot.toml")

    def test_what_holds_without_a_file_can_be_printed_and_used(self):
        server = Server()
        self.addCleanup(server.close)
        text = server.must("check", "--print-defaults", "--config", "/nowhere.toml")
        text = re.sub(r'^address = "\[::\]:\d+"$', 'address = "127.0.0.1:0"', text, flags=re.M)
        server.config.write_text(text.replace('data_dir = "/var/lib/paquebot"', f'data_dir = "{server.data}"'))
        self.assertIn(f"7 listeners, data in {server.data}", server.must("check"))
        told = json.loads(server.must("check", "--print-reference", "--json"))
        tables = server.must("check", "--print-reference")
        for section in told["sections"]:
            self.assertIn(f"[{section['name']}]", text)
            for setting in section["settings"]:
                self.assertIn(f"| `{setting['key']}`", tables)

    def test_ports_that_are_taken(self):
        with Server() as one:
            two = Server(listeners={"mx": {"role": "mx", "address": f"127.0.0.1:{one.ports['mx']}"}})
            self.addCleanup(two.close)
            two.write_config()
            self.fails(OS_ERROR, "serve", server=two, says=str(one.ports["mx"]))

    def test_reload(self):
        with Server(accounts={ALICE: SECRET}) as server, server.smtp() as staying:
            self.assertEqual(staying.esmtp_features["size"], str(50 << 20))
            good = server.config.read_text()
            server.config.write_text(good + "\n[limits]\nmessage_size = \"1MiB\"\n")
            server.signal(signal.SIGHUP)
            server.output.wait("event=reloaded", 30)
            with server.smtp() as client:
                self.assertEqual(client.esmtp_features["size"], str(1 << 20))
            transact(staying, "x@y.test", [ALICE], letter())  # connections stay
            server.config.write_text(good + "\n[limits]\nmessage_size = \"much\"\n")
            server.signal(signal.SIGHUP)
            self.assertIn("paquebot.toml:", server.output.wait("event=reload-refused.*", 30)[0])
            done = server.cli("reload")
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("message_size", done.stderr)
            with server.smtp() as client:
                self.assertEqual(client.esmtp_features["size"], str(1 << 20))
            server.config.write_text(good.replace("mx.example.test", "other.example.test"))
            server.must("reload")
            self.assertIn("server.hostname", server.output.wait("event=needs-restart.*", 30)[0])

    def test_certificates_are_reloaded(self):
        with Server(accounts={ALICE: SECRET}) as server:
            def fingerprint():
                with server.smtp("submissions") as client:
                    return client.sock.getpeercert(binary_form=True)
            before = fingerprint()
            pair = (server.folder / "cert.pem", server.folder / "key.pem")
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=mx.example.test",
                            "-days", "2", "-out", pair[0], "-keyout", pair[1]], check=True, capture_output=True)
            server.tls = {"certificate": pair[0], "key": pair[1]}
            server.write_config()
            server.must("reload")
            after = fingerprint()
            self.assertNotEqual(before, after)
            pair[1].write_text("no key\n")
            self.assertNotEqual(server.cli("reload").returncode, 0)
            self.assertEqual(fingerprint(), after)


class StoreTest(CliCase):
    def broken(self, server, words):
        for verb in (["serve"], ["account", "list"]):
            done = server.cli(*verb)
            self.assertNotEqual(done.returncode, 0, done.stdout)
            self.assertIn(words, done.stderr)

    def database(self, server):
        [file] = [f for f in server.data.glob("*.db") if f.name != "bulk.db"]
        return file

    def test_newer_database(self):
        server = Server(accounts={ALICE: SECRET})
        self.addCleanup(server.close)
        server.prepare()
        file = self.database(server)
        base = sqlite3.connect(file)
        [(version,)] = base.execute("PRAGMA user_version").fetchall()
        self.assertGreater(version, 0)
        base.execute(f"PRAGMA user_version = {version + 1000}")
        base.commit()
        base.close()
        before = file.read_bytes()
        self.broken(server, "newer")
        self.assertEqual(file.read_bytes(), before)

    def test_damaged_database(self):
        server = Server(accounts={ALICE: SECRET})
        self.addCleanup(server.close)
        server.prepare()
        file = self.database(server)
        with open(file, "r+b") as out:
            out.write(b"this is not a database" * 500)
        before = file.read_bytes()
        self.broken(server, str(server.data))
        self.assertEqual(file.read_bytes(), before)


class ShutdownTest(unittest.TestCase):
    def test_sigterm_with_open_sessions_loses_nothing(self):
        with Server(accounts={ALICE: SECRET}) as server:
            accepted, lock, begun = [], threading.Lock(), threading.Event()
            def send(number):
                try:
                    with server.smtp() as client:
                        for i in range(10000):
                            ident = transact(client, "x@y.test", [ALICE], letter(subject=f"s{number}-{i}"))
                            with lock:
                                accepted.append(ident)
                                if len(accepted) >= 50:
                                    begun.set()
                except (OSError, smtplib.SMTPException, AssertionError):
                    pass
            threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
            idle = server.pop3(ALICE)
            for thread in threads:
                thread.start()
            self.assertTrue(begun.wait(60))
            self.assertEqual(server.stop(), 0)
            for thread in threads:
                thread.join(60)
            idle.close()
            server.start()
            mail = b"".join(server.mail(ALICE))
            self.assertEqual([ident for ident in accepted if ident.encode() not in mail], [])

    def test_kill_loses_nothing(self):
        with Server(accounts={ALICE: SECRET}) as server:
            accepted, begun = [], threading.Event()
            def send(number):
                try:
                    with server.smtp() as client:
                        for i in range(10000):
                            accepted.append(transact(client, "x@y.test", [ALICE], letter(subject=f"k{number}-{i}", body="y" * 140000 + "\r\n" if i % 5 == 0 else "x\r\n")))
                            if len(accepted) >= 50:
                                begun.set()
                except (OSError, smtplib.SMTPException, AssertionError):
                    pass
            threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
            for thread in threads:
                thread.start()
            self.assertTrue(begun.wait(60))
            server.stop(kill=True)
            for thread in threads:
                thread.join(60)
            server.start()
            mail = b"".join(server.mail(ALICE))
            self.assertEqual([ident for ident in accepted if ident.encode() not in mail], [])

    def test_sigint_ends_it_too(self):
        server = Server(accounts={ALICE: SECRET})
        self.addCleanup(server.close)
        server.start()
        server.signal(signal.SIGINT)
        self.assertEqual(server.process.wait(30), 0)


if __name__ == "__main__":
    unittest.main()
