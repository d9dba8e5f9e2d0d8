"""Servers of ours on machines of their own, all on one database; and what is sent through them, kept in a ledger."""

import collections
import json
import os
import poplib
import pwd
import random
import re
import shutil
import smtplib
import subprocess
import threading

from server import BINARY, SECRET, table, wait_until

DOMAIN = "example.test"
LOGINS = [f"user{number}@{DOMAIN}" for number in range(4)]
USER = "mail"  # a user that every Debian has
ROLES = (("mx", 25), ("submission", 587), ("pop3", 110))


class Node:
    """One server. start() waits until it takes mail; kill() is as hard as it gets."""

    def __init__(self, machine, store, dns):
        self.machine, self.store, self.dns = machine, store, dns
        self.data, self.config, self.log = machine.folder / "data", machine.folder / "paquebot.toml", machine.folder / "paquebot.log"
        self.process = None
        self.data.mkdir()
        self.passwords()

    def passwords(self):
        """A file of its own: only the server's user may read it."""
        mine = self.machine.folder / "database-password"
        theirs = re.search(r"passfile=([^&]+)", self.store)[1]
        shutil.copy(theirs, mine)
        mine.chmod(0o600)
        self.store = self.store.replace(theirs, str(mine))
        user = pwd.getpwnam(USER)
        for path in (self.machine.folder, self.data, mine):
            shutil.chown(path, user.pw_uid, user.pw_gid)

    def configure(self):
        parts = [table("server", {"hostname": self.machine.full_name, "node": self.machine.name, "data_dir": self.data, "store": self.store,
                                  "user": USER, "new_domain_grace": "0s"})]
        for role, port in ROLES:
            clear = {} if role == "mx" else {"login_in_clear": True}
            parts.append(table("listener", {"role": role, "address": f"{self.machine.address}:{port}", "tls": "none", **clear}, double=True))
        parts += [table("dns", {"resolvers": [self.dns], "trust_anchor": "none"}), table("authentication", {"verify": False}),
                  table("queue", {"retry_first": "2s", "retry_most": "5s"}), table("takeover", {"enabled": False}),
                  table("limits", {"connections_per_address": 500}),
                  table("limits.account", dict.fromkeys(("messages_per_hour", "messages_per_day", "recipients_per_day", "new_recipients_per_day",
                                                         "bytes_per_day"), 0))]
        self.config.write_text("\n".join(parts))

    def start(self, wait=True):
        self.configure()
        # As root, from root's shell: it becomes its user itself.
        self.process = self.machine.run([BINARY, "serve", "--config", self.config], log=self.log, environment={"HOME": "/root"})
        if wait:
            wait_until(self.greets, lambda: f"{self.machine.name} to greet: {self.log.read_text(errors='replace')[-2000:]}", 90, 0.2)

    def stop(self):
        """In order; gives the exit code."""
        self.process.terminate()
        return self.process.wait(60)

    def kill(self):
        self.machine.kill()
        self.process.wait()

    def ended(self):
        """Whether its process has ended by itself, as one does that finds its epoch ended; systemd would start it again."""
        return self.process is not None and self.process.poll() is not None

    def greets(self):
        if self.ended():
            raise RuntimeError(f"{self.machine.name} ended with {self.process.returncode}: {self.log.read_text(errors='replace')[-2000:]}")
        try:
            with smtplib.SMTP(self.machine.address, 25, "client.test", timeout=3):
                return True
        except (OSError, smtplib.SMTPException):
            return False

    def cli(self, *words, password=None, seconds=120):
        more = {"PAQUEBOT_CONFIG": str(self.config), "NO_COLOR": "1"} | ({"PAQUEBOT_PASSWORD": password} if password else {})
        change = ["setpriv", "--reuid", USER, "--regid", USER, "--init-groups"]
        done = subprocess.run([*self.machine.enter_words(), *change, str(BINARY), *words], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              timeout=seconds, env=os.environ | more, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(words)} at {self.machine.name} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def json(self, *words):
        return json.loads(self.cli(*words, "--json"))


class Ledger:
    """What clients sent and what they were told, by the number of a message: it is acknowledged once any server said 250. One that was
    never acknowledged may have come all the same, and one that was sent again may be there as often as it was sent."""

    def __init__(self):
        self.lock = threading.Lock()
        self.tries, self.acknowledged, self.numbers = collections.Counter(), {}, iter(range(1, 10**9))

    def begin(self, recipient):
        with self.lock:
            return next(self.numbers), recipient

    def tried(self, number):
        with self.lock:
            self.tries[number] += 1

    def took(self, number, recipient):
        with self.lock:
            self.acknowledged[number] = recipient

    def judge(self, arrived, far_surplus):
        """`arrived`: {recipient: [number, …]}. Gives (lost, copies in mailboxes, copies elsewhere); raises when a promise is broken."""
        counts = {recipient: collections.Counter(numbers) for recipient, numbers in arrived.items()}
        lost = [(number, recipient) for number, recipient in self.acknowledged.items() if not counts.get(recipient, {}).get(number)]
        local, far = [], 0
        for recipient, numbers in counts.items():
            for number, count in numbers.items():
                if recipient in LOGINS and count > self.tries[number]:
                    local.append((number, recipient, count, self.tries[number]))
                elif recipient not in LOGINS:
                    far += max(0, count - self.tries[number])
        if lost or local or far > far_surplus:
            raise AssertionError(f"lost {lost[:20]} ({len(lost)} of {len(self.acknowledged)}); surplus in mailboxes {local[:20]}; "
                                 f"surplus elsewhere {far}, where {far_surplus} may be")
        again = sum(count - 1 for recipient in LOGINS for count in counts.get(recipient, {}).values())
        return len(self.acknowledged), again, far


class Client(threading.Thread):
    """Sends one message after the other to whichever node answers, each until it is acknowledged, until stop() is called. Some go to
    mailboxes, some to elsewhere by a login; every tenth is large."""

    def __init__(self, number, nodes, ledger, pause=0.0):
        super().__init__(daemon=True)
        self.random, self.nodes, self.ledger, self.pause = random.Random(number), nodes, ledger, pause
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.is_set():
            far = self.random.random() < 0.3
            number, recipient = self.ledger.begin("somebody@far.test" if far else self.random.choice(LOGINS))
            text = letter(number, recipient, 200_000 if self.random.random() < 0.1 else 500)
            while not self.stopping.is_set() and not self.send(number, recipient, text, far):
                self.stopping.wait(0.5)
            self.stopping.wait(self.pause)

    def send(self, number, recipient, text, far):
        node = self.random.choice(self.nodes)
        try:
            # Longer than the four minutes after which a server gives an answer by itself.
            with smtplib.SMTP(node.machine.address, 587 if far else 25, "client.test", timeout=300 if far else 30) as client:
                if far:
                    client.login(LOGINS[0], SECRET)
                self.ledger.tried(number)
                client.sendmail(LOGINS[0] if far else "sender@elsewhere.test", [recipient], text)
                self.ledger.took(number, recipient)
                return True
        except (OSError, smtplib.SMTPException):
            return False

    def stop(self):
        self.stopping.set()


def letter(number, recipient, size):
    lines = f"{number:08d} " + "x" * 60 + "\r\n"
    return (f"From: {LOGINS[0]}\r\nTo: {recipient}\r\nSubject: message\r\nX-Number: {number}\r\nMessage-ID: <{number}@client.test>\r\n"
            f"Date: Mon, 30 Nov 2026 12:00:00 +0000\r\n\r\n" + lines * (size // len(lines) + 1))


NUMBER = re.compile(rb"^X-Number: (\d+)\r?$", re.M | re.I)


def number_of(message):
    return int(NUMBER.search(message)[1])


def mail_of(node, login):
    """The numbers of all messages in a mailbox, by POP3. Whole ones only: a message that was cut would show in its lines."""
    client = poplib.POP3(node.machine.address, 110, timeout=60)
    try:
        client.user(login)
        client.pass_(SECRET)
        numbers = []
        for one in range(1, client.stat()[0] + 1):
            lines = client.retr(one)[1]
            number = number_of(b"\n".join(lines))
            broken = [line for line in lines[lines.index(b"") + 1:] if line and not line.startswith(b"%08d x" % number)]
            if broken:
                raise AssertionError(f"message {number} holds {broken[:3]}")
            numbers.append(number)
        return numbers
    finally:
        client.close()


def mail_of_all(node, far):
    """{recipient: numbers}: what is in the mailboxes, and what the peer `far` took."""
    return {**{login: mail_of(node, login) for login in LOGINS}, "somebody@far.test": [number_of(message.data) for message in list(far.messages)]}
