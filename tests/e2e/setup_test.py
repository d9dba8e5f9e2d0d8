"""`paquebot setup` from nothing: what it writes and prints, what it leaves alone, and how it sees the records come."""

import contextlib
import json
import os
import pathlib
import pty
import re
import socketserver
import subprocess
import tempfile
import threading
import unittest

from dns import Dns
from server import BINARY, LISTENERS, PEERS, SOURCE, Server, table

ANN, PASSWORD = "ann@example.test", "correct horse battery"
OK, REFUSED, FINDINGS, USAGE, PERMISSION = 0, 1, 2, 64, 77
PROVIDERS = ("gmail.com", "outlook.com", "yahoo.com")


class Machine(Server):
    """A server that setup configures; only its listeners are put in afterwards, on free ports. `more`: others, with their addresses."""

    def __init__(self, dns, more=None):
        own = {name: LISTENERS[name] for name in ("mx", "pop3-clear")}
        super().__init__(accounts={}, dns=dns.address, listeners=own | (more or {}))
        self.config.unlink(missing_ok=True)
        self.written, self.prepared = None, True

    def write_config(self):
        if self.written is None:
            return
        listeners = [table("listener", {"address": "127.0.0.1:0"} | one, double=True) for one in self.listeners.values()]
        self.config.write_text(self.written.split("\n[[listener]]")[0] + "\n" + "".join(listeners), encoding="utf-8")

    def setup_words(self, *more):
        return ["setup", ANN, "--yes", "--no-start", "--data-dir", self.data, "--address", "127.0.0.1", "--resolver", self.dns, *more]

    def set_up(self, *more, code=FINDINGS, **options):
        done = self.cli(*self.setup_words(*more), seconds=120, **options)
        if done.returncode != code:
            raise AssertionError(f"setup ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        if self.written is None and self.config.exists():
            self.written = self.config.read_text(encoding="utf-8")
        return done.stdout


class SetupTest(unittest.TestCase):
    def machine(self, *records):
        self.dns = self.enterContext(Dns(*records))
        machine = Machine(self.dns)
        self.addCleanup(machine.close)
        return machine

    def test_from_nothing_to_a_first_mail_and_all_records(self):
        machine = self.machine()
        said = machine.set_up("--no-wait", password=PASSWORD)
        self.assertIn('hostname = "mx.example.test"\n', machine.written)
        self.assertEqual(os.stat(machine.config).st_mode & 0o777, 0o644)
        self.assertNotIn(PASSWORD, said)
        zone = said[said.index("as lines of a zone file"):said.index("for a form of the web")]
        self.assertIn("example.test. IN MX 10 mx.example.test.\n", zone)
        self.assertIn("mx.example.test. IN A 127.0.0.1\n", zone)
        machine.start()
        records = json.loads(machine.set_up("--no-wait", "--json"))["records"]
        self.assertEqual({one["type"] for one in records} & {"A", "MX", "TXT", "PTR"}, {"A", "MX", "TXT", "PTR"})
        # It waits, and sees them come one after the other.
        watching = subprocess.Popen([str(BINARY), *map(str, machine.setup_words("--wait", "100s"))], stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE, text=True, env=machine.environment())
        self.addCleanup(watching.stdout.close)
        self.addCleanup(watching.kill)
        seen = []
        for line in watching.stdout:
            seen.append(line)
            if re.match(r"0 of \d+ records are there\.", line):
                lines = [f'{one["name"]} {one["type"]} ' + (json.dumps(one["value"]) if one["type"] == "TXT" else one["value"])
                         for one in records]
                self.dns.add(*lines)
        # What the doctor thinks of a test's machine is its own affair.
        self.assertIn(watching.wait(120), (OK, FINDINGS), "".join(seen))
        self.assertIn(f"{len(records)} of {len(records)} records are there.\n", seen)
        [mail] = machine.mail(ANN, PASSWORD)
        self.assertIn(b"Subject: Your mail server carries mail", mail)
        self.assertIn(b"user name  ann@example.test", mail)

    def test_again_changes_nothing(self):
        machine = self.machine()
        password = json.loads(machine.set_up("--no-wait", "--json"))["password"]
        self.assertGreaterEqual(len(password), 12)
        before, database = machine.config.read_bytes(), machine.must("account", "show", ANN, "--json")
        keys = machine.must("dkim", "list", "--json")
        said = machine.set_up("--no-wait", "--generate")
        self.assertIn("is there already, and stays as it is", said)
        self.assertNotIn("shown this once", said)
        self.assertEqual(machine.config.read_bytes(), before)
        self.assertEqual(machine.must("account", "show", ANN, "--json"), database)
        self.assertEqual(machine.must("dkim", "list", "--json"), keys)
        machine.set_up("--no-wait", "--hostname", "other.example.test", code=REFUSED)
        self.assertEqual(machine.config.read_bytes(), before)

    def test_nobody_is_there_to_be_asked(self):
        machine = self.machine()
        done = machine.cli("setup", ANN, "--resolver", machine.dns)
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("--yes", done.stderr)
        self.assertFalse(machine.config.exists())

    def test_a_blocked_port_and_a_providers_server(self):
        """All three providers are where nobody listens; the provider's server is one of ours."""
        silent = [line for name in PROVIDERS for line in (f"{name} MX 1 mx.{name}", f"mx.{name} A 127.9.9.9")]
        provider = Server(accounts={"user@isp.test": PASSWORD}, listeners=["submission"])
        self.addCleanup(provider.close)
        provider.start()
        machine = self.machine(*silent)
        secret = machine.folder / "secret"
        server = f"127.0.0.1:{provider.ports['submission']}"
        words = ["--no-wait", "--smarthost", server, "--smarthost-user", "user@isp.test", "--smarthost-password-file", secret]
        secret.write_text("wrong\n", encoding="utf-8")
        done = machine.cli(*machine.setup_words(*words))
        self.assertEqual(done.returncode, PERMISSION, done.stderr)
        self.assertIn("refused the login", done.stderr)
        self.assertFalse(machine.config.exists(), "what does not work is not written")
        secret.write_text(PASSWORD + "\n", encoding="utf-8")
        said = machine.set_up(*words)
        self.assertIn("it works", said)
        self.assertIn(f'host = "{server}"', machine.written)
        kept = machine.config.parent / "smarthost.password"
        self.assertEqual((kept.read_text(encoding="utf-8"), kept.stat().st_mode & 0o777), (PASSWORD + "\n", 0o600))
        other = Machine(self.dns)
        self.addCleanup(other.close)
        self.assertIn("port 25 is blocked on the way, not here", other.set_up("--no-wait"))

    def test_a_person_at_a_terminal(self):
        """Who is asked for the name, for a provider's server since port 25 is blocked, and for a password, which is not shown."""
        machine = self.machine(*[line for name in PROVIDERS for line in (f"{name} MX 1 mx.{name}", f"mx.{name} A 127.9.9.9")])
        words = ["setup", ANN, "--no-start", "--no-wait", "--data-dir", machine.data, "--address", "127.0.0.1", "--resolver", machine.dns]
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(BINARY, ["paquebot", *map(str, words)], machine.environment())
        self.addCleanup(os.close, terminal)
        seen = ""
        for question, answer in (("Its name in the DNS [mx.example.test]: ", "mail.example.test"), ("decide later): ", ""),
                                 ("Do you agree? (yes or no) [no]: ", "yes"),
                                 ("Password for ann@example.test (nothing: make one): ", PASSWORD), ("The same again: ", PASSWORD)):
            while question not in seen:
                seen += os.read(terminal, 1000).decode()
            seen = seen[seen.index(question) + len(question):]
            os.write(terminal, answer.encode() + b"\n")
        with contextlib.suppress(OSError):  # the other end is closed
            while piece := os.read(terminal, 1000).decode():
                seen += piece
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), FINDINGS, seen)
        self.assertNotIn(PASSWORD, seen)
        machine.written = machine.config.read_text(encoding="utf-8")
        self.assertIn('hostname = "mail.example.test"', machine.written)
        self.assertNotIn("[[route]]", machine.written)
        wrong = json.loads(machine.cli("check", "--json").stdout)["errors"]
        self.assertFalse([one for one in wrong if "[[listener]]: " not in one], "all that is wrong may be that somebody has a port")
        self.assertIn("[acme]\nagree_tos = true\n", machine.written)
        machine.written = machine.written[:machine.written.index("\n[acme]")]  # nobody is to be asked, and the ports are the test's
        machine.start()
        self.assertIn("A first mail is in the mailbox", machine.set_up("--no-wait", "--hostname", "mail.example.test"))
        self.assertEqual(len(machine.mail(ANN, PASSWORD)), 1)

    @unittest.skipUnless(os.geteuid() == 0, "only root may listen on port 25")
    def test_a_provider_that_greets(self):
        class Greeter(socketserver.BaseRequestHandler):
            def handle(self):
                self.request.sendall(b"220 mx.gmail.com ready\r\n")
                self.request.recv(100)

        with socketserver.ThreadingTCPServer(("127.8.7.6", 25), Greeter) as greeter:
            threading.Thread(target=greeter.serve_forever, daemon=True).start()
            machine = self.machine("gmail.com MX 1 mx.gmail.com", "mx.gmail.com A 127.8.7.6")
            self.assertIn("(port 25)? Yes.", machine.set_up("--no-wait"))
            greeter.shutdown()


class DemonstrationTest(unittest.TestCase):
    def test_make_run(self):
        """What it shows to a newcomer, in a copy of the tree's folder of scripts so that it has a build/demo of its own."""
        with tempfile.TemporaryDirectory(prefix="paquebot-demo-") as folder:
            top = pathlib.Path(folder)
            for name in ("tools", "tests"):
                (top / name).symlink_to(SOURCE / name)
            pebble = (PEERS / "bin/pebble").exists()
            if pebble:
                (top / "build").mkdir()
                (top / "build/peers").symlink_to(PEERS.resolve())
            copy = top / "demo"
            copy.write_text((SOURCE / "tools/demo").read_text(encoding="utf-8").replace(
                "ROOT = pathlib.Path(__file__).resolve().parent.parent", f"ROOT = pathlib.Path({str(top)!r})"), encoding="utf-8")
            done = subprocess.run(["/usr/bin/python3", copy], env={**os.environ, "ONCE": "1", "PAQUEBOT_BINARY": str(BINARY), "PEBBLE": "yes" if pebble else "no"}, check=False,
                                  capture_output=True, text=True, timeout=180)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"(\d+) of \1 records are there")
        self.assertIn("mx.example.test: it is there, good until" if pebble else "No certificate that programs trust in this demonstration: PEBBLE=no",
                      done.stdout)
        findings = done.stdout[done.stdout.index("== What the doctor finds"):done.stdout.index("Alice sends Bob")]
        self.assertNotRegex(findings, "WARNING|WRONG")
        self.assertIn("things good", findings)
        self.assertIn("octet for octet the one that was sent", done.stdout)


if __name__ == "__main__":
    unittest.main()
