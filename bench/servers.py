"""The servers that are measured, all started the same way. Ours and the two simplest here, the peers in peers.py.

A server is made for a job:

    accept      takes mail durably and keeps it, without delivering (ours: into a mailbox, which is more)
    local       takes mail and puts it into mailboxes that POP3 reads
    relay       passes everything on to `sinks`, {domain: port}
    submission  takes mail over TLS after a login, and keeps it
    pop3        only mailboxes
"""

import contextlib
import crypt
import dataclasses
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys

import measure
import world
from loads import SENDER

sys.path.insert(0, str(world.SOURCE / "tests/e2e"))
os.environ.setdefault("PAQUEBOT_SOURCE_DIR", str(world.SOURCE))
os.environ.setdefault("PAQUEBOT_BINARY", str(world.SOURCE / "build/release/paquebot"))

from postfix import free_port, greets, wait_until  # noqa: E402 (the tests' helpers)
from server import BINARY, table  # noqa: E402

DOMAIN, FAR = "bench.test", "far.test"
PASSWORD = "bench"
HASH = crypt.crypt(PASSWORD, "$6$benchbenchbench$")
MAILBOXES = 10
UNLIMITED = ("messages_per_hour", "messages_per_day", "recipients_per_day", "new_recipients_per_day", "bytes_per_day")
PARALLEL = 20  # connections to one destination, in every server that has such a setting


@dataclasses.dataclass
class Job:
    kind: str
    cpus: set = dataclasses.field(default_factory=lambda: measure.SERVER_CPUS)
    sinks: dict = dataclasses.field(default_factory=dict)
    keys: tuple = None  # relay: what comes from the senders of our domain is signed with these; (): unsigned, but else the same


class Served:
    """What all servers share: a folder, a control group, a port. Subclasses say how to start and what is pending."""
    name = ""
    stop_seconds = 30

    def __init__(self, job):
        self.job = job
        self.folder = world.base() / f"server-{self.name}"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        self.folder.chmod(0o755)
        self.group = measure.Group(self.name)
        self.port, self.pop3_port, self.process = free_port(), free_port(), None

    def __enter__(self):
        try:
            with self.group.inside(self.job.cpus):
                self.start()
            self.wait_ready()
            return self
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *failure):
        try:
            self.stop()
        finally:
            for process in self.group.processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            wait_until(lambda: not self.group.processes(), 10, f"{self.name} to be gone")
            self.group.remove()
            shutil.rmtree(self.folder, ignore_errors=True)

    def wait_ready(self):
        wait_until(lambda: self.gone() or greets("127.0.0.1", self.port), 30, f"{self.name} to greet")
        if self.gone():
            raise RuntimeError(f"{self.name} did not start:\n" + self.last_words())

    def gone(self):
        return self.process is not None and self.process.poll() is not None

    def last_words(self):
        texts = [file.read_text(errors="replace")[-2000:] for file in self.folder.glob("*.log")]
        return "\n".join(texts)

    def run(self, *words, **options):
        """Starts its main process, which stays in the foreground."""
        with open(self.folder / "output.log", "ab") as output:
            self.process = subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=output, stderr=output, **options)

    def stop(self):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(self.stop_seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def recipient(self, number=0):
        """Whom to send to."""
        return f"out{number}@{list(self.job.sinks)[number]}" if self.job.kind == "relay" else f"u{number}@{DOMAIN}"

    def sender(self):
        """Who sends it: somebody elsewhere, but one of ours where signing is measured."""
        return SENDER if self.job.keys is None else f"u0@{DOMAIN}"

    def undelivered(self, count):
        """How many of `count` messages have not come to their mailboxes yet. Only asked of job "local"; ours says 250 after that."""
        return 0

    def settings(self):
        """Its settings, for the report."""
        return ""


class Paquebot(Served):
    name = "paquebot"
    binary, tools = BINARY, world.TOOLS

    def __init__(self, job):
        super().__init__(job)
        self.data = self.folder / "data"
        self.config = self.folder / "paquebot.toml"
        self.prepared = False

    def toml(self):
        submission = self.job.kind == "submission"
        smtp = {"role": "submission" if submission else "mx", "address": f"127.0.0.1:{self.port}", "tls": "starttls" if submission else "none"}
        pop3 = {"role": "pop3", "address": f"127.0.0.1:{self.pop3_port}", "tls": "none", "login_in_clear": True}
        parts = [table("server", {"hostname": "mx.bench.test", "data_dir": self.data, "user": "vmail", "log_file": self.folder / "paquebot.log"}),
                 table("listener", smtp, double=True), table("listener", pop3, double=True),
                 table("dns", {"resolvers": ["127.0.0.1:53"], "trust_anchor": "none"}),
                 table("limits", {"connections_per_address": 5000, "message_size": "200MiB", "commands": 1000000}),
                 table("limits.account", dict.fromkeys(UNLIMITED, 0)),
                 table("takeover", {"enabled": False}), *self.delivery_tables()]
        if self.job.keys is not None:
            parts += [table("relay", {"networks": ["127.0.0.1/32"]})]
        parts += [table("route", {"to": domain, "host": f"127.0.0.1:{port}", "tls": "none"}, double=True)
                  for domain, port in self.job.sinks.items()]
        return "\n".join(parts)

    def delivery_tables(self):
        return [table("queue", {"deliveries_per_destination": PARALLEL})]

    def environment(self):
        return {**os.environ, "PAQUEBOT_CONFIG": str(self.config)}

    def cli(self, *words):
        return subprocess.run([self.binary, *words], env=self.environment(), check=True, capture_output=True, text=True).stdout

    def fill(self, *words):
        """Runs its fill_store; gives what that printed."""
        done = subprocess.run([self.tools / "fill_store", *map(str, words)], check=True, capture_output=True, text=True)
        return done.stdout

    def prepare(self):
        self.config.write_text(self.toml())
        self.data.mkdir(exist_ok=True)
        for number in range(MAILBOXES if self.job.kind != "accept" else 1):
            self.fill("--directory", self.data, "--mode", "account", "--login", f"u{number}@{DOMAIN}", "--password", HASH)
        self.hand_over()
        for number, domain in enumerate(self.job.sinks):
            self.cli("alias", "add", f"out{number}@{DOMAIN}", f"out{number}@{domain}")
        if self.job.keys:
            self.make_keys()
        self.prepared = True

    def make_keys(self):
        """It makes an RSA and an Ed25519 key for each domain; those that the job does not want go away again."""
        self.cli("dkim", "create", DOMAIN)
        for key in json.loads(self.cli("dkim", "list", DOMAIN, "--json"))["keys"]:
            if key["algorithm"] not in self.job.keys:
                self.cli("dkim", "retire", DOMAIN, key["selector"], "--force")

    def key_records(self):
        """{name: the TXT record there}, of the keys that sign."""
        if not self.job.keys:
            return {}
        records = json.loads(self.cli("dkim", "dns", DOMAIN, "--json"))["records"]
        return {record["name"].rstrip("."): record["value"] for record in records}

    def hand_over(self):
        """Commands and the server work as its user: what fill_store made as root becomes that user's, and the folder of the log."""
        shutil.chown(self.folder, "vmail")
        subprocess.run(["chown", "-R", "vmail:", self.data], check=True)

    def start(self):
        if not self.prepared:
            self.prepare()
        self.hand_over()
        self.run(self.binary, "serve", "--config", self.config, env=self.environment())

    def recipient(self, number=0):
        # By default it relays for nobody without a login: mail leaves it through an alias.
        through_alias = self.job.kind == "relay" and self.job.keys is None
        return f"out{number}@{DOMAIN}" if through_alias else super().recipient(number)

    def settings(self):
        return self.toml()


class EarlierBuild:
    """Mixed into a kind of ours: the build of an earlier commit, made by `make bench` there; BASELINE names its build folder."""
    name = "baseline"
    binary, tools = (pathlib.Path(os.environ.get("BASELINE", "")) / part for part in ("paquebot", "bench"))


class Baseline(EarlierBuild, Paquebot):
    pass


def beside(kinds):
    """Those that a case compares: the kinds themselves, or, where BASELINE asks for it, ours and the earlier build of it."""
    return (Paquebot, Baseline) if os.environ.get("BASELINE") and Paquebot in kinds else kinds


class SmtpSink(Served):
    """Postfix's sink as a server: one thread that stores nothing. The bound of what a generator can get rid of."""
    name = "smtp-sink"

    def start(self):
        self.run("/usr/sbin/smtp-sink", "-u", "root", "-m", "2000", f"127.0.0.1:{self.port}", "1024")

    def settings(self):
        return "smtp-sink -m 2000 (stores nothing)"


class CountingSink:
    """A sink for relayed mail that knows how many messages it got. `more`: its fault options."""

    def __init__(self, *more, port=0):
        self.port, self.seen, self.text = port or free_port(), 0, ""
        words = ["/usr/sbin/smtp-sink", "-c", "-u", "root", "-m", "2000", *more, f"127.0.0.1:{self.port}", "1024"]
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        os.set_blocking(self.process.stdout.fileno(), False)

    def __enter__(self):
        wait_until(lambda: greets("127.0.0.1", self.port), 10, "smtp-sink to greet")
        return self

    def __exit__(self, *failure):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def count(self):
        """Messages so far."""
        while piece := self.process.stdout.read(1 << 16):
            self.text = (self.text + piece.decode())[-400:]
        if found := re.findall(r"mesg=(\d+)", self.text[:self.text.rfind("\r") + 1] or self.text):
            self.seen = int(found[-1])
        return self.seen


def submission_certificate():
    """A self-signed certificate that all servers use for TLS: (certificate file, key file)."""
    folder = pathlib.Path("/etc/paquebot-bench")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    if not key.exists():
        folder.mkdir(exist_ok=True)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
                        "-subj", "/CN=mx.bench.test", "-keyout", key, "-out", certificate], check=True, capture_output=True)
        key.chmod(0o600)
    return certificate, key


def lines_of(port):
    """Whether anybody listens on the port; for those that do not greet like SMTP."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
        return bool(connection.recv(4))
    return False
