"""Commands that fail, each with the exit code that the manual gives it (EXIT STATUS in docs/paquebot.1)."""

import contextlib
import os
import pathlib
import re
import sqlite3
import subprocess
import tempfile
import unittest

from server import BINARY, SECRET, SOURCE, Server

ALICE, BOB = "alice@example.test", "bob@example.test"
NOT_DONE, USAGE, BAD_DATA, NO_INPUT, NO_USER, UNAVAILABLE, OS_ERROR = 1, 64, 65, 66, 67, 69, 71
CANT_CREATE, IO, TEMPORARY, PERMISSION, CONFIGURATION = 73, 74, 75, 77, 78
NOWHERE = "/nowhere/at/all"


class ExitCodesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server(accounts={ALICE: SECRET, BOB: SECRET}))
        cls.down = Server(accounts={ALICE: SECRET})
        cls.addClassCleanup(cls.down.close)
        cls.down.start()
        cls.down.stop()
        cls.tmp = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        for folder in ("Maildir/cur", "Maildir/new", "Maildir/tmp"):
            (cls.tmp / folder).mkdir(parents=True)
        (cls.tmp / "accounts").write_text("this is no line of it\n")
        (cls.tmp / "no-accounts").write_text("# nobody\n\n")
        with contextlib.closing(sqlite3.connect(cls.tmp / "no-backup")) as other:
            other.execute("CREATE TABLE note(text)")
        (cls.tmp / "mbox").write_text("this is no mbox\n")
        (cls.tmp / "broken.toml").write_text("[server]\nhostnam = 'x'\n")
        (cls.tmp / "letter").write_text("From: x@y.test\n\nx\n")
        for name in ("sendmail", "mailq"):
            (cls.tmp / name).symlink_to(BINARY)

    def client(self, role="pop3s"):
        return ["--server", f"127.0.0.1:{self.server.ports[role]}", "--tls", "implicit", "--insecure", "--user", ALICE]

    def letter(self, *more):
        return ["send", *self.client("submissions"), "--to", BOB, *more]

    def rows(self):
        """Words, exit code, and what is said; then what else the call needs."""
        pop3, text, tmp = self.client(), ("--text", "x"), self.tmp
        yield [], USAGE, "--help"
        yield ["acount", "list"], USAGE, "did you mean"
        yield ["account", "add"], USAGE, "LOGIN"
        yield ["account", "list", "--nonsense"], USAGE, "--nonsense"
        yield ["account", "app-password", "add", ALICE], USAGE, "LABEL"
        yield ["completion", "tcsh"], USAGE, "bash"
        yield ["fetch", "list"], USAGE, "--user"
        yield ["fetch", "list", *pop3, "--tls", "what"], USAGE, "--tls"
        yield ["import", "imap", ALICE], USAGE, "--server"
        yield ["send", "--to", BOB, *text], USAGE, "--from"
        yield self.letter(*text, "--tls", "none", "--require-tls"), USAGE, "--require-tls"
        yield ["domain", "add", "no domain"], BAD_DATA, "no domain"
        yield ["account", "add", "what@@example.test", "--no-password"], BAD_DATA, "not an address"
        yield ["account", "quota", ALICE, "lots"], BAD_DATA, "size"
        yield ["account", "passwd", ALICE], BAD_DATA, "8 characters", {"password": "short"}
        yield ["queue", "show", "what"], BAD_DATA, "id"
        yield ["queue", "why", "what"], BAD_DATA, "id"
        yield ["site", "pause", "mx:mx.far.test", "--until", "never"], BAD_DATA, "until"
        yield ["provider", "test", "too fast"], BAD_DATA, "no reply"
        yield ["queue", "suspend", "far.test", "--until", "never"], BAD_DATA, "until"
        yield ["queue", "suspend", "no domain"], BAD_DATA, "far.example"
        yield ["tls", "explain", "no domain"], BAD_DATA, "no domain"
        yield ["report", "tls", "--days", "0"], BAD_DATA, "--days"
        yield ["block", "add", "what ever"], BAD_DATA, "what ever"
        yield ["fetch", "show", "first", *pop3], BAD_DATA, "first"
        yield self.letter(*text, "--priority", "99"), BAD_DATA, "priority"
        yield self.letter(*text, "--to", "not an address"), BAD_DATA, "not an address"
        yield ["message", "check", "--ip", "192.0.2.300", tmp / "letter"], BAD_DATA, "192.0.2.300"
        yield ["import", "accounts", tmp / "accounts"], BAD_DATA, "accounts:1:"
        yield ["import", "mail", ALICE, tmp / "mbox"], BAD_DATA, "mbox"
        yield ["restore", tmp / "no-backup"], BAD_DATA, "backup", {"server": self.down, "fresh": True}
        yield ["token", "add", "backup", "no.scope"], BAD_DATA, "accounts.read"
        yield ["right", "add", ALICE], BAD_DATA, "operator"
        yield ["hook", "add", "https://127.0.0.1/"], BAD_DATA, "public Internet"
        yield ["events", "--after", "what"], BAD_DATA, "after"
        yield ["api", "account.change", f"login={ALICE}", "quota=-5"], BAD_DATA, "quota"
        yield ["export", ALICE, tmp / "Maildir"], CANT_CREATE, "not empty"
        yield ["export", "nobody@example.test", tmp / "exported"], NOT_DONE, "nobody@example.test"
        yield ["export", ALICE, tmp / "exported", "--format", "zip"], USAGE, "--format"
        yield ["import", "accounts", NOWHERE], NO_INPUT, NOWHERE
        yield ["import", "accounts", tmp / "no-accounts"], NO_INPUT, "nothing to import"
        yield ["import", "mail", ALICE, NOWHERE], NO_INPUT, NOWHERE
        yield ["import", "mail", ALICE, tmp / "Maildir"], NO_INPUT, "nothing to import"
        yield self.letter(*text, "--attach", NOWHERE), NO_INPUT, NOWHERE
        yield self.letter("--text-file", NOWHERE), NO_INPUT, NOWHERE
        yield ["account", "passwd", ALICE, "--password-file", NOWHERE], NO_INPUT, NOWHERE
        yield ["fetch", "list", *pop3, "--ca-file", NOWHERE], NO_INPUT, NOWHERE
        yield ["message", "check", NOWHERE], NO_INPUT, NOWHERE
        yield ["message", "check", "--list", NOWHERE], NO_INPUT, NOWHERE
        yield ["restore", NOWHERE], NO_INPUT, NOWHERE, {"server": self.down, "fresh": True}
        yield ["send", "--server", "127.0.0.1:9", "--user", ALICE, "--to", BOB, *text], UNAVAILABLE, "127.0.0.1:9"
        yield ["fetch", "list", "--server", "127.0.0.1:9", "--user", ALICE], UNAVAILABLE, "127.0.0.1:9"
        yield ["reload"], UNAVAILABLE, "", {"server": self.down}
        yield ["search", "rebuild", "--no-wait"], USAGE, "no server runs", {"server": self.down}
        yield ["metrics"], UNAVAILABLE, "", {"server": self.down}
        yield ["site", "list"], UNAVAILABLE, "", {"server": self.down}
        yield ["provider", "list"], UNAVAILABLE, "", {"server": self.down}
        yield ["backup", "/proc/nothing/here"], CANT_CREATE, "/proc/nothing"
        yield ["fetch", "save", *pop3, "--folder", "/proc/nothing/here"], CANT_CREATE, "/proc/nothing"
        yield ["account", "list"], IO, "", {"stdout": "/dev/full"}
        yield ["sendmail", ALICE], TEMPORARY, "broken.toml", {"config": tmp / "broken.toml", "text": "x\n"}
        yield ["sendmail", "-bv", "nobody@example.test"], NO_USER, "", {}
        yield ["fetch", "list", *pop3], PERMISSION, "", {"password": "wrong password"}
        yield ["check"], CONFIGURATION, "broken.toml:2", {"config": tmp / "broken.toml"}
        yield ["account", "list"], CONFIGURATION, NOWHERE, {"config": NOWHERE}
        yield ["serve"], CONFIGURATION, "broken.toml:2", {"config": tmp / "broken.toml"}
        yield ["serve"], OS_ERROR, str(self.server.data), {"config": self.second_config()}
        yield ["domain", "add", "example.test"], NOT_DONE, "already"
        yield ["account", "add", "x@unknown.test", "--no-password"], NOT_DONE, "paquebot domain add unknown.test"
        yield ["account", "show", "nobody@example.test"], NOT_DONE, "nobody@example.test"
        yield ["account", "mobileconfig", "nobody@example.test"], NOT_DONE, "nobody@example.test"
        yield ["account", "remove", BOB], NOT_DONE, "--yes"
        yield ["token", "remove", "4711"], NOT_DONE, "4711"
        for verb in ("show", "pause", "resume", "test", "remove"):
            yield ["hook", verb, "4711"], NOT_DONE, "4711"
        for verb in ("show", "remove"):
            yield ["suppression", verb, "4711"], NOT_DONE, "4711"
        yield ["queue", "why", "01J9ZQ3V5W8XKD2M6N7P4R1STB"], NOT_DONE, ""
        yield ["queue", "suspend", "nobody@example.test"], NOT_DONE, "nobody@example.test"
        yield ["queue", "resume", "far.test"], NOT_DONE, "far.test"
        for verb in ("show", "resume", "forget"):
            yield ["site", verb, "mx:nowhere"], NOT_DONE, "mx:nowhere"
        for verb in ("show", "forget"):
            yield ["provider", verb, "nobody"], NOT_DONE, "nobody"
        yield ["provider", "forget", "google"], NOT_DONE, "google"
        yield ["queue", "rebind", "--all", "--to", "nowhere"], NOT_DONE, "nowhere"
        yield ["right", "remove", ALICE, "--operator"], NOT_DONE, "operator"
        yield ["api", "account.show", "login=nobody@example.test"], NOT_DONE, "nobody@example.test"
        yield ["alias", "add", "x@example.test", "typo@example.test"], NOT_DONE, "typo@example.test"
        yield ["trace", "01J9ZQ3V5W8XKD2M6N7P4R1STB"], NOT_DONE, ""
        yield self.letter(*text, "--to", "nobody@example.test"), NOT_DONE, "5.1.1"
        yield ["fetch", "show", "999", *pop3], NOT_DONE, ""
        yield ["restore", tmp / "no-backup"], NOT_DONE, "the server runs"
        yield ["status"], NOT_DONE, "", {"server": self.down}

    def second_config(self):
        text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:0", self.server.config.read_text().replace("127.0.0.1:9", "127.0.0.9:9"))
        file = self.tmp / "second.toml"
        file.write_text(text)
        return file

    def call(self, words, server=None, text="", password=SECRET, config=None, stdout=None, fresh=False):
        server = server or self.server
        environment = server.environment() | {"PAQUEBOT_PASSWORD": password}
        if config:
            environment["PAQUEBOT_CONFIG"] = str(config)
        if fresh:  # an empty data directory
            place = pathlib.Path(tempfile.mkdtemp(dir=self.tmp))
            (place / "paquebot.toml").write_text(f"[server]\nhostname = 'x.test'\ndata_dir = '{place}/data'\n")
            environment["PAQUEBOT_CONFIG"] = str(place / "paquebot.toml")
        with open(stdout or os.devnull, "w") as out:
            return subprocess.run([str(BINARY), *map(str, words)], input=text, text=True, timeout=120, env=environment,
                                  stdout=out if stdout else subprocess.PIPE, stderr=subprocess.PIPE, check=False)

    def test_every_failure_has_the_code_of_the_manual(self):
        manual = (SOURCE / "docs/paquebot.1").read_text()
        status = manual[manual.index(".Sh EXIT STATUS"):manual.index(".Sh EXAMPLES")]
        known = {int(number) for number in re.findall(r"^\.It (\d+)$", status, re.M)}
        count = 0
        for words, code, says, *options in self.rows():
            with self.subTest(words=" ".join(map(str, words)), **(options[0] if options else {})):
                done = self.call(words, **(options[0] if options else {}))
                self.assertEqual(done.returncode, code, f"{done.stdout}{done.stderr}")
                self.assertIn(code, known)
                self.assertIn(says, done.stderr + (done.stdout or ""))
            count += 1
        self.assertGreaterEqual(count, 40)

    def test_errors_of_json_are_no_json(self):
        """What goes to standard output is JSON, or nothing."""
        for words in (["account", "show", "nobody@example.test"], ["queue", "show", "what"]):
            done = self.call([*words, "--json"])
            self.assertEqual(done.stdout, "")
            self.assertNotEqual(done.returncode, 0)


if __name__ == "__main__":
    unittest.main()
