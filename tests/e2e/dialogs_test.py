"""Plays tests/dialogs/*.dialog against the live server: the same conversations that the engines' test plays in memory.

What the live server can't show is left out and counted: dialogs marked "engine only", time-outs, and bounds that the
configuration doesn't take. DIALOG=smtp-minimal in the environment plays that one only.
"""

import os
import poplib
import re
import socket
import subprocess
import unittest

from server import SOURCE, Server, letter, trusting, wait_until

FOLDER = SOURCE / "tests/dialogs"
PASSWORDS = {"alice": "wonderland", "bob": "builder", "full": "brimful", "gone": "departed"}
ACCOUNTS = {f"{name}@example.test": password for name, password in PASSWORDS.items()}
READ_SECONDS = 20
DEFAULTS = {"protocol": "smtp", "role": "mx", "tls": "none", "auth_in_clear": "no", "xclient": "no"}
ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\"}


def unescape(text):
    octets = text.encode()
    return re.sub(rb"\\(x([0-9a-fA-F]{2})|.)", lambda m: bytes([int(m[2], 16)]) if m[2] else ESCAPES[m[1].decode()], octets)


def matches(pattern, text):
    """`*` stands for anything."""
    return re.fullmatch(b".*".join(re.escape(part) for part in pattern.split(b"*")), text, re.S) is not None


class Dialog:
    """A file, read: its options and its steps as (line number, kind, octets)."""

    def __init__(self, path):
        self.name, self.options, self.steps, self.unplayable = path.stem, dict(DEFAULTS), [], None
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            if not line or line.startswith("#"):
                continue
            if not self.steps and line.startswith(("protocol ", "option ", "engine only")):
                self._heading(line)
            else:
                self.steps.append((number, *self._step(line)))
        if any(kind in ("timeout", "?") for _, kind, _ in self.steps):
            self.unplayable = "the outside's answers"

    def _heading(self, line):
        if line == "engine only":
            self.unplayable = "engine only"
        elif line.startswith("protocol "):
            self.options["protocol"] = line[9:]
            if line[9:] == "http":
                self.unplayable = "no listener speaks it"
        else:
            name, value = line[7:].split("=", 1)
            self.options[name] = value

    @staticmethod
    def _step(line):
        if line in ("tls", "eof", "timeout", "closed", "no content"):
            return line, b""
        if line.startswith("C<< "):
            text, times = line[4:], 1
            if repeated := re.match(r"\*(\d+) ?", text):
                times, text = int(repeated[1]), text[repeated.end():]
            return "C", unescape(text) * times
        if line.startswith("S<< "):
            return "S<<", unescape(line[4:])
        for word in ("S*: ", "S: ", "? "):
            if line.startswith(word):
                return word.strip(": "), line[len(word):].encode()
        if line.startswith("C:"):
            return "C", line[3:].encode() + b"\r\n"
        if line.startswith("content"):
            return "content", unescape(line[8:])
        raise ValueError(f"what is this line? {line}")

    def listener(self):
        """The settings of the [[listener]] that it needs, or None when there can't be one."""
        want = self.options
        role = "pop3" if want["protocol"] == "pop3" else want["role"]
        tls = "starttls" if (role, want["tls"]) == ("submission", "required") else want["tls"]  # there it always is
        if tls == "required":
            return None
        if role not in ("mx", "lmtp") and tls == "none" and want["auth_in_clear"] != "yes":
            return None  # nobody could ever log in: the configuration refuses it
        settings = (("role", role), ("tls", tls), ("login_in_clear", want["auth_in_clear"] == "yes"))
        return settings + ((("xclient_from", ("127.0.0.1",)),) if want["xclient"] == "yes" else ())

    def limits(self):
        """The [limits] that it needs, or None when the configuration does not take them."""
        limits = {"message_size": 50000000}
        for name, value in self.options.items():
            if name == "max_errors":
                limits["errors"] = int(value)
            elif name.startswith("max_") and (name, value) != ("max_message_size", "50000000"):
                return None
        return tuple(sorted(limits.items()))


class Wrong(Exception):
    """What the server did and the dialog did not expect."""


class Player:
    """One conversation."""

    def __init__(self, server, port, dialog):
        self.server, self.dialog, self.buffer, self.idents, self.last = server, dialog, b"", [], None
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=READ_SECONDS)
        self.block, self.closed = b"", False
        if dialog.options["tls"] == "implicit":
            self.start_tls()

    def start_tls(self):
        self.socket = trusting().wrap_socket(self.socket)

    def play(self):
        for number, kind, text in self.dialog.steps:
            try:
                if kind == "C":
                    if self.buffer and not self.block:
                        raise Wrong(f"the server said more: {self.buffer!r}")
                    self.block += text
                    continue
                self.send_block()
                self.step(kind, text)
            except Wrong as wrong:
                raise Wrong(f"{self.dialog.name}.dialog:{number}: {wrong}") from None
        self.send_block()

    def send_block(self):
        try:
            self.socket.sendall(self.block)
        except OSError:
            pass  # it has closed: what is read next shows whether it should have
        self.block = b""

    def step(self, kind, text):
        if kind == "S":
            line = self.line()
            if not matches(text, line):
                raise Wrong(f"expected {text.decode()}, the server says {line!r}")
        elif kind == "S*":
            self.reply(text)
        elif kind == "tls":
            self.start_tls()
        elif kind == "eof":
            socket.socket.shutdown(self.socket, socket.SHUT_WR)  # under TLS too, without ending TLS for what comes back
        elif kind == "closed":
            if self.buffer or self.receive():
                raise Wrong(f"the server has not closed: {self.buffer!r}")
        elif kind == "content":
            self.content(text)
        elif kind == "no content" and self.idents:
            raise Wrong(f"a message was accepted: {self.idents}")

    def receive(self):
        """More octets, or b"" when the server has closed."""
        try:
            octets = self.socket.recv(65536)
        except TimeoutError:
            raise Wrong("the server says nothing and has not closed") from None
        except OSError:
            octets = b""
        self.buffer += octets
        return octets

    def line(self):
        while b"\r\n" not in self.buffer:
            if not self.receive():
                raise Wrong(f"the server has closed; the rest is {self.buffer!r}")
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        accepted = re.match(rb"250 .*\bid=([0-9A-Z]{26})", line)
        if accepted and accepted[1] != self.last:  # in LMTP it comes once for each recipient
            self.last = accepted[1]
            self.idents.append(accepted[1])
        return line

    def reply(self, code):
        while True:
            line = self.line()
            if code == b".":
                if line == b".":
                    return
                continue
            if not line.startswith(code):
                raise Wrong(f"expected a reply {code.decode()}, the server says {line!r}")
            if line[3:4] in (b" ", b""):
                return

    def content(self, pattern):
        """The oldest accepted message that was not looked at yet, without what the live server adds to its head."""
        if not self.idents:
            raise Wrong("no message was accepted")
        ident = self.idents.pop(0)
        found = [m for login in ("alice@example.test", "bob@example.test") for m in self.server.mail(login, ACCOUNTS[login]) if ident in m]
        if not found:
            raise Wrong(f"message {ident} is in no mailbox")
        head, rest = (found[0] + b"\r\n").split(b"\r\n\r\n", 1) if b"\r\n\r\n" in found[0] else (found[0], b"")
        added = rb"\r\n(Date: [^\r]*|Message-ID: <[0-9A-Z]{26}@mx\.example\.test>)(?=\r\n|$)"
        texts = (found[0], re.sub(added, b"", head) + b"\r\n\r\n" + rest[:-2])
        if not any(matches(b"*" + pattern, text) for text in texts):
            raise Wrong(f"the content is {found[0]!r}")


def hashed_accounts():
    """What `import accounts` reads."""
    lines = []
    for login, password in ACCOUNTS.items():
        done = subprocess.run(["openssl", "passwd", "-5", "-stdin"], input=password, capture_output=True, text=True, check=True)
        lines.append(f"{login}:{done.stdout.strip()}\n")
    return "".join(lines)


class DialogsTest(unittest.TestCase):
    def start(self, limits, listeners):
        """A server as tests/dialogs/README.md describes it; ports by settings."""
        names = {str(number): settings for number, settings in enumerate(sorted(listeners))}
        others = {"mail": {"role": "mx", "tls": "none"}, "pop3-clear": {"role": "pop3", "tls": "none", "login_in_clear": True}}
        server = Server(accounts={}, domains=["example.test"], listeners={name: dict(settings) for name, settings in names.items()} | others,
                        limits=dict(limits) | {"connections_per_address": 1000},
                        login={"failures_per_address": 100000, "failures_per_account": 100000, "scram": "on"})
        self.addCleanup(server.close)
        server.prepare()
        server.must("import", "accounts", "-", text=hashed_accounts())  # passwords shorter than those that `account add` takes
        server.start()
        server.must("alias", "add", "team@example.test", "alice@example.test", "bob@example.test")
        server.must("domain", "owner", "example.test", "alice@example.test")
        with server.smtp("mail") as client:
            client.sendmail("x@y.test", ["full@example.test"], letter())
        server.must("account", "quota", "full@example.test", "1")
        server.must("account", "disable", "gone@example.test")
        return server, {settings: server.ports[name] for name, settings in names.items()}

    def fill(self, server, protocol):
        """Mailboxes as the dialogs expect them: empty, or alice's with three messages for POP3."""
        def empty(login):
            try:
                client = server.pop3(login, ACCOUNTS[login])
            except poplib.error_proto:  # the session before is still being noticed
                return False
            for number in range(1, client.stat()[0] + 1):
                client.dele(number)
            return client.quit()
        for login in ("alice@example.test", "bob@example.test"):
            wait_until(lambda: empty(login), f"the mailbox of {login} to be free")
        if protocol == "pop3":
            with server.smtp("mail") as client:
                for subject, body in (("one", "hello\r\n"), ("dots", ".\r\n..two\r\nend\r\n"), ("empty", "")):
                    client.sendmail("x@y.test", ["alice@example.test"], f"Subject: {subject}\r\n\r\n{body}")

    def test_dialogs(self):
        only = os.environ.get("DIALOG", "")
        dialogs = [Dialog(path) for path in sorted(FOLDER.glob("*.dialog")) if not only or path.stem == only]
        self.assertTrue(dialogs, f"no dialogs in {FOLDER}")
        playable = [d for d in dialogs if not d.unplayable and d.listener() and d.limits()]
        print(f"{len(playable)} of {len(dialogs)} dialogs can be played against the live server")
        for limits in sorted({d.limits() for d in playable}):
            group = [d for d in playable if d.limits() == limits]
            server, ports = self.start(limits, {d.listener() for d in group})
            for dialog in group:
                with self.subTest(dialog.name):
                    self.fill(server, dialog.options["protocol"])
                    player = Player(server, ports[dialog.listener()], dialog)
                    try:
                        player.play()
                    except Wrong as wrong:
                        self.fail(str(wrong))
                    finally:
                        player.socket.close()
            self.assertEqual(server.stop(), 0)
        self.assertGreater(len(playable), 0 if only else 80)


if __name__ == "__main__":
    unittest.main()
