"""The live program in tests: a server of its own in a folder of its own, on free ports of the loopback.

    with Server(accounts={"ann@example.test": "secret of ann"}) as server:
        with server.smtp("mx") as client:
            client.sendmail("x@y.test", ["ann@example.test"], MESSAGE)
        [message] = server.mail("ann@example.test")
        done = server.cli("queue", "list", "--json")

PAQUEBOT_BINARY names the program. No name is looked up outside: without `dns` the resolver is a port where nobody answers.
"""

import contextlib
import json
import os
import pathlib
import poplib
import random
import re
import shutil
import signal
import smtplib
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

poplib._MAXLINE = 1 << 20  # lines of any length are passed

BINARY = pathlib.Path(os.environ.get("PAQUEBOT_BINARY", "build/release/paquebot")).resolve()
SOURCE = pathlib.Path(os.environ.get("PAQUEBOT_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
PEERS = pathlib.Path(os.environ.get("PAQUEBOT_PEERS", SOURCE / "build/peers"))
SANITIZED = BINARY.exists() and re.search(rb"__[at]san_init", BINARY.read_bytes()) is not None
READY_SECONDS = 60
STOP_SECONDS = 30
SECRET = "correct horse battery"

LISTENERS = {
    "mx": {"role": "mx", "tls": "starttls"},
    "submission": {"role": "submission", "tls": "starttls"},
    "submissions": {"role": "submission", "tls": "implicit"},
    "pop3": {"role": "pop3", "tls": "starttls"},
    "pop3s": {"role": "pop3", "tls": "implicit"},
    "pop3-clear": {"role": "pop3", "tls": "none", "login_in_clear": True},
}


def toml(value):
    """One value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml(one) for one in value) + "]"
    return json.dumps(str(value))


def table(name, values, double=False):
    head = f"[[{name}]]" if double else f"[{name}]"
    return head + "\n" + "".join(f"{key} = {toml(value)}\n" for key, value in values.items())


def free_port_everywhere():
    """A port below the ephemeral range that is free on every address of the machine: for peers on several 127.0.0.x."""
    for _ in range(200):
        port = random.randint(10000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("0.0.0.0", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no free port")


def wait_until(condition, what, seconds=30, pause=0.02):
    """Looks again and again until `condition()` gives something true, which is returned. `what`: words, or a function that gives them."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds} s for {what() if callable(what) else what}")
        time.sleep(pause)
    return value


def trusting():
    """TLS towards a certificate that nobody knows."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Output:
    """Collects the lines of a pipe, and lets one wait for a line."""

    def __init__(self, pipe):
        self.lines, self.ended = [], False
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self.thread.start()

    def _read(self, pipe):
        for line in pipe:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def text(self):
        with self.changed:
            return "\n".join(self.lines)

    def wait(self, pattern, seconds, start=0):
        """The match of the first line (from number `start`) that the pattern is found in; None when the pipe ended without."""
        expression, deadline, at = re.compile(pattern), time.monotonic() + seconds, start
        with self.changed:
            while True:
                while at < len(self.lines):
                    if found := expression.search(self.lines[at]):
                        return found
                    at += 1
                if self.ended:
                    return None
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"waited {seconds} s for a line with {pattern!r}; the last lines are:\n" +
                                       "\n".join(self.lines[-30:]))
                self.changed.wait(left)


class Pop3(poplib.POP3):
    """poplib's, but what is open is closed when there is no greeting."""

    def __init__(self, *arguments, **options):
        try:
            super().__init__(*arguments, **options)
        except BaseException:
            for end in filter(None, (getattr(self, "file", None), getattr(self, "sock", None))):
                end.close()
            raise


class Server:
    """One running server.

    accounts   {login: password or None}; their domains are added too, beside `domains`
    listeners  names out of LISTENERS, or {name: settings}
    dns        "address:port" of a name server, or an object with .address; trust_anchor: what is signed there
    routes     list of [[route]] tables; filters, dns_lists, certificates likewise; limits, queue, delivery, tls, extensions, login, oauth, extra_server: further keys of those sections
    account_limits  keys of [limits.account]
    extra      further sections: {name: keys}
    folder     where its files are; a temporary folder of its own when None
    """

    def __init__(self, accounts=None, domains=(), listeners=None, dns=None, routes=(), limits=None, queue=None,
                 delivery=None, tls=None, account_limits=None, login=None, oauth=None, hostname="mx.example.test", folder=None,
                 extra_server=None, extra=None, extensions=None, filters=(), dns_lists=(), trust_anchor="none",
                 certificates=()):
        self.accounts = {"alice@example.test": SECRET, "bob@example.test": SECRET} if accounts is None else dict(accounts)
        self.domains = list(domains)
        self.hostname = hostname
        names = LISTENERS if listeners is None else listeners
        self.listeners = {name: dict(LISTENERS[name]) if not isinstance(names, dict) else dict(names[name]) for name in names}
        self.dns, self.trust_anchor = getattr(dns, "address", dns) or "127.0.0.1:9", trust_anchor
        self.routes, self.limits, self.tls = list(routes), dict(limits or {}), dict(tls or {})
        self.queue = {"retry_first": "1s", "retry_most": "2s", "lifetime": "1h", "delay_notice": "0s"} | dict(queue or {})
        self.extra, self.dns_lists, self.certificates = dict(extra or {}), list(dns_lists), list(certificates)
        if dns is None:  # there is nobody to ask where mail is from
            self.extra.setdefault("authentication", {"verify": False})
        self.delivery, self.extra_server = {"connect_timeout": "5s"} | dict(delivery or {}), dict(extra_server or {})
        self.account_limits, self.extensions = dict(account_limits or {}), dict(extensions or {})
        self.login, self.oauth, self.filters = dict(login or {}), dict(oauth or {}), list(filters)
        self.own_folder = folder is None
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="paquebot-e2e-"))
        self.folder.mkdir(exist_ok=True)
        self.folder.chmod(0o755)
        self.data = self.folder / "data"
        self.config = self.folder / "paquebot.toml"
        self.ports, self.process, self.output, self.prepared = {}, None, None, False

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, failure, trace):
        if failure is not None and self.output is not None and not isinstance(failure, unittest.SkipTest):
            print("--- the server's last lines:\n" + "\n".join(self.output.lines[-40:]), file=sys.stderr)
        self.close()

    # --- configuration -------------------------------------------------------------------------

    def write_config(self):
        # The domains are new: an address that nobody has is to be refused all the same.
        server = {"hostname": self.hostname, "data_dir": self.data, "new_domain_grace": "0s"} | self.extra_server
        parts = [table("server", server)]
        for name, settings in self.listeners.items():
            address = settings.get("address", "127.0.0.1:0")
            parts.append(table("listener", settings | {"address": address}, double=True))
        parts.append(table("dns", {"resolvers": [self.dns], "trust_anchor": self.trust_anchor}))
        parts += [table("route", route, double=True) for route in self.routes]
        parts += [table("filter", one, double=True) for one in self.filters]
        parts += [table("dns_list", one, double=True) for one in self.dns_lists]
        parts += [table("certificate", one, double=True) for one in self.certificates]
        parts += [table(name, values) for name, values in
                  (("tls", self.tls), ("queue", self.queue), ("delivery", self.delivery), ("limits", self.limits),
                   ("limits.account", self.account_limits), ("extensions", self.extensions), ("login", self.login),
                   ("oauth", self.oauth), *self.extra.items()) if values]
        self.config.write_text("\n".join(parts))

    def prepare(self):
        """Domains and accounts, made by the command line while the server is down."""
        self.write_config()
        domains = {login.split("@")[1]: None for login in self.accounts} | dict.fromkeys(self.domains)
        for domain in domains:
            self.must("domain", "add", domain)
        for login, password in self.accounts.items():
            self.add_account(login, password)
        self.prepared = True

    # --- life ----------------------------------------------------------------------------------

    def start(self, command=None, descriptors=()):
        """Starts it and waits until it is ready. `command`: words in front, such as those that enter a namespace; `descriptors`:
        what they get of ours."""
        if not self.prepared and command is None:
            self.prepare()
        self.write_config()
        words = [*(command or []), str(BINARY), "serve", "--config", str(self.config)]
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        text=True, errors="replace", env=self.environment(), pass_fds=descriptors)
        self.output = Output(self.process.stderr)
        ready = self.output.wait(r"event=ready.* pid=(\d+)", READY_SECONDS)
        if ready is None:
            self.process.wait()
            raise RuntimeError(f"the server did not start (exit code {self.process.returncode}):\n" + self.output.text())
        self.pid = int(ready[1])
        bound = re.findall(r"event=listening role=(\w+) address=(\S+)$", self.output.text(), re.M)
        bound = [address if address.startswith("/") else int(address.rsplit(":", 1)[1])
                 for role, address in bound if role != "control"]  # of a local socket the path
        self.ports = dict(zip(self.listeners, bound))
        if len(bound) != len(self.listeners):
            raise RuntimeError("not every listener was announced:\n" + self.output.text())
        return self

    def stop(self, kill=False):
        """SIGTERM and what it ends with; SIGKILL when that takes too long or `kill` is wished. Gives the exit code."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            os.kill(self.pid, signal.SIGKILL if kill else signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise RuntimeError("the server did not end after SIGTERM:\n" + "\n".join(self.output.lines[-30:])) from None
        self.output.thread.join(10)
        self.process.stderr.close()
        code, self.process = self.process.returncode, None
        return code

    def restart(self, kill=False):
        self.stop(kill)
        return self.start()

    def close(self):
        """Ends it and removes its folder."""
        try:
            self.stop()
        finally:
            if self.own_folder:
                shutil.rmtree(self.folder, ignore_errors=True)

    def signal(self, number):
        os.kill(self.pid, number)

    # --- the command line ----------------------------------------------------------------------

    def environment(self, **more):
        keep = {key: value for key, value in os.environ.items() if not key.startswith("PAQUEBOT_")}
        return keep | {"PAQUEBOT_CONFIG": str(self.config), "NO_COLOR": "1"} | more

    def cli(self, *words, text="", password=None, seconds=60, program=None):
        """Runs the program with these words; gives the CompletedProcess with text output."""
        more = {"PAQUEBOT_PASSWORD": password} if password is not None else {}
        data = text if isinstance(text, bytes) else text.encode()
        done = subprocess.run([str(program or BINARY), *map(str, words)], input=data, capture_output=True, timeout=seconds,
                              env=self.environment(**more))
        done.stdout, done.stderr = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        return done

    def must(self, *words, **options):
        """The same, and it has to succeed. Gives its output."""
        done = self.cli(*words, **options)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, words))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def json(self, *words):
        return json.loads(self.must(*words, "--json"))

    def findings(self):
        """What `verify` finds wrong, as lines."""
        done = self.cli("verify", "--json", seconds=600)
        if done.returncode not in (0, 1):
            raise AssertionError(f"verify ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return [finding["what"] for finding in json.loads(done.stdout)["findings"]]

    def add_account(self, login, password=SECRET):
        self.must("account", "add", login, password=password)

    def queued(self):
        """The messages in the queue, as `queue list --json` tells."""
        return self.json("queue", "list")["messages"]

    def trace(self, ident):
        return self.json("trace", ident)

    def wait_queue_empty(self, seconds=30):
        wait_until(lambda: not self.queued(), "the queue to be empty", seconds, pause=0.1)

    # --- clients -------------------------------------------------------------------------------

    def smtp(self, listener="mx", login=None, password=SECRET, timeout=60):
        """An smtplib client, after EHLO, with TLS and a login where the listener is one for submission."""
        implicit = self.listeners[listener]["tls"] == "implicit"
        if implicit:
            client = smtplib.SMTP_SSL("127.0.0.1", self.ports[listener], "client.test", timeout=timeout, context=trusting())
        else:
            client = smtplib.SMTP("127.0.0.1", self.ports[listener], "client.test", timeout=timeout)
        try:
            if login:
                if not implicit:
                    client.starttls(context=trusting())
                client.login(login, password)
            client.ehlo_or_helo_if_needed()
        except smtplib.SMTPException:
            client.close()
            raise
        return client

    def send(self, sender, recipients, message, login=None, **options):
        """Sends one message, to mx or (with a login) through submission; gives the final reply's id. Raises when it isn't taken."""
        with self.smtp("submission" if login else "mx", login) as client:
            return transact(client, sender, recipients, message, **options)

    def pop3(self, login, password=SECRET, timeout=60, utf8=True):
        """A poplib client, logged in. With `utf8` it gets messages as they are, otherwise surrogates of international ones."""
        client = Pop3("127.0.0.1", self.ports["pop3-clear"], timeout=timeout)
        try:
            if utf8:
                client.utf8()
            client.user(login)
            client.pass_(password)
        except (poplib.error_proto, OSError):
            client.close()
            raise
        return client

    def mail(self, login, password=SECRET):
        """All messages of a mailbox, as bytes with CRLF line ends."""
        return list(self.mail_one_by_one(login, password))

    def mail_one_by_one(self, login, password=SECRET):
        """The same, for mailboxes that do not fit into memory."""
        client = self.pop3(login, password)
        try:
            count, _ = client.stat()
            for number in range(1, count + 1):
                yield b"\r\n".join(client.retr(number)[1]) + b"\r\n"
        finally:
            client.quit()

    def wait_mail(self, login, count=1, seconds=30):
        """The same, once there are at least `count`."""
        def enough():
            found = self.mail(login)
            return found if len(found) >= count else None
        return wait_until(enough, f"{count} messages for {login}", seconds, pause=0.1)

    def wait_upkeep(self, seconds=60):
        """Until a round of the store's upkeep has deleted what was to be deleted: a mark of ours on that list is gone with it."""
        with contextlib.closing(sqlite3.connect(self.data / "paquebot.db", timeout=30)) as db:
            db.execute("INSERT INTO bulk_garbage SELECT 1000000 + max(ifnull((SELECT max(bulk) FROM bulk_garbage), 0), "
                       "ifnull((SELECT max(bulk) FROM body), 0))")
            db.commit()
            wait_until(lambda: db.execute("SELECT count(*) FROM bulk_garbage").fetchone() == (0,), "a round of upkeep", seconds, pause=0.1)

    # --- figures -------------------------------------------------------------------------------

    def memory(self, field="VmHWM"):
        """A line of /proc/PID/status, in octets: VmHWM is the most it ever had, VmRSS what it has now."""
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(rf"^{field}:\s+(\d+) kB", status, re.M)[1]) * 1024

    def log(self):
        return self.output.text()


def accepted_id(reply):
    """The id in a final reply."""
    text = reply.decode() if isinstance(reply, bytes) else reply
    found = re.search(r"\bid=([0-9A-Z]{26})\b", text)
    if not found:
        raise AssertionError(f"no id in the reply: {text}")
    return found[1]


def transact(client, sender, recipients, message, mail_options=(), rcpt_options=()):
    """One transaction in which everything has to be accepted; the message's id."""
    check(client.mail(sender, list(mail_options)), 250)
    for recipient in recipients:
        check(client.rcpt(recipient, list(rcpt_options)), 250)
    code, text = client.data(message)
    check((code, text), 250)
    return accepted_id(text)


def check(reply, code, *words):
    """That a reply has this code and holds these words."""
    text = reply[1].decode(errors="replace") if isinstance(reply[1], bytes) else str(reply[1])
    if reply[0] != code or any(word not in text for word in words):
        raise AssertionError(f"expected {code} with {words}, not {reply[0]} {text}")


def letter(sender="x@y.test", to="alice@example.test", subject="hi", body="hello\r\n", more=""):
    """A small whole message."""
    return (f"From: <{sender}>\r\nTo: <{to}>\r\nSubject: {subject}\r\nDate: Mon, 23 Nov 2026 12:00:00 +0000\r\n"
            f"Message-ID: <{subject.replace(' ', '.')}@y.test>\r\n{more}\r\n{body}")


def body_of(message):
    """What is behind the header block."""
    return message.split(b"\r\n\r\n", 1)[1]
