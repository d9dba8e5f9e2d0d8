"""The server under faults, and the fixed scenario that the sweeps run through it."""

import contextlib
import os
import pathlib
import shutil
import smtplib
import sqlite3
import struct
import tempfile

import poplib

from hook_ledger import check_hooks
from hook_receiver import Receiver
from imap_ledger import Book, ImapClient, Refused
from ledger import Ledger, check
from peer import Peer
from server import SECRET, Server, wait_until

ANN, BOB = "ann@example.test", "bob@example.test"
CREW = "crew@example.test"
FAR, REFUSED = "rita@far.test", "refused@far.test"
SHIM = pathlib.Path(os.environ.get("PAQUEBOT_SHIM", "build/release/tests/faults/fault_shim.so")).resolve()
LARGE = 200_000
STEP_SECONDS = 6
BROKEN = (OSError, EOFError, smtplib.SMTPException, poplib.error_proto)
LISTENERS = ("mx", "pop3-clear")
BOXES = ("Archive", "Trash")


def refuse_some(session, verb, line):
    return "550 5.1.1 nobody of that name" if verb == "RCPT" and REFUSED in line else None


class FaultyServer(Server):
    """A server that can be started with the shim loaded."""

    def __init__(self, **options):
        self.faults = {}
        super().__init__(**options)

    def environment(self, **more):
        return super().environment(**self.faults, **more)

    def start_with(self, faults):
        """Starts it under the faults; False when it did not come up."""
        counter = self.folder / "counter"
        counter.write_bytes(bytes(8))
        self.faults = {"LD_PRELOAD": str(SHIM), "FAULT_PATH": f"{self.data}/", "FAULT_SENDS": "1", "FAULT_COUNT": str(counter)}
        self.faults |= {key: str(value) for key, value in faults.items()}
        try:
            self.start()
            return True
        except RuntimeError:
            if self.process is not None:
                self.process.stderr.close()
            self.process = None
            return False
        finally:
            self.faults = {}

    def count(self):
        return struct.unpack("<Q", (self.folder / "counter").read_bytes())[0]

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def reap(self):
        """After it was killed, or to kill it."""
        if self.process is None:
            return None
        if self.alive():
            self.process.kill()
        code = self.process.wait()
        self.output.thread.join(10)
        self.process.stderr.close()
        self.process = None
        return code


def ids_in(server):
    """Of all messages that a server's store knows, also while it runs."""
    letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    with contextlib.closing(sqlite3.connect(f"file:{server.data}/paquebot.db?mode=ro", uri=True, timeout=30)) as db:
        numbers = [int.from_bytes(row[0], "big") for row in db.execute("SELECT id FROM message ORDER BY id")]
    return ["".join(letters[number >> shift & 31] for shift in range(125, -1, -5)) for number in numbers]


class World:
    """A peer, a server with a template of its data, and the ledger of one run after the other."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="paquebot-faults-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
        self.peer = Peer(script=refuse_some).__enter__()
        self.receiver = Receiver().__enter__()
        self.runs = 0
        template = self.server("template")
        template.prepare()
        template.start()
        for subject in ("one", "two", "three"):
            with template.smtp() as client:
                client.sendmail("x@y.test", [ANN], f"X-Ledger: {9_000_000 + len(subject)}\r\nSubject: {subject}\r\n\r\nkept\r\n")
        client = template.pop3(ANN)
        self.kept = [line.split()[1].decode() for line in client.uidl()[1]]
        client.quit()
        template.json("hook", "add", self.receiver.url)
        template.stop()
        self.template = template.data
        self.old = ids_in(template)

    def close(self):
        self.peer.__exit__(None, None, None)
        self.receiver.__exit__(None, None, None)
        shutil.rmtree(self.folder, ignore_errors=True)

    def server(self, name):
        listeners = {"mx": {"role": "mx", "tls": "none"}, "pop3-clear": {"role": "pop3", "tls": "none", "login_in_clear": True},
                     "submission": {"role": "submission", "tls": "none", "login_in_clear": True},
                     "imap": {"role": "imap", "tls": "none", "login_in_clear": True}}
        route = {"to": "far.test", "host": f"127.0.0.1:{self.peer.port}", "tls": "none"}
        return FaultyServer(accounts={ANN: SECRET, BOB: SECRET}, listeners=listeners, routes=[route], folder=self.folder / name,
                            queue={"retry_first": "1s", "retry_most": "1s"}, extra_server={"threads": 2},
                            extra={"hooks": {"private_networks": ["127.0.0.0/8"], "plain_http": True}})

    def taken(self):
        """By hosts of others."""
        return list(self.peer.messages)

    def fresh(self):
        """A server whose store is as it was in the beginning."""
        self.runs += 1
        server = self.server(f"run{self.runs}")
        shutil.copytree(self.template, server.data, ignore=shutil.ignore_patterns("*.sock"))
        server.prepared = True
        with self.peer.lock:
            self.peer.messages.clear()
        with self.receiver.changed:
            self.receiver.taken.clear()
        return server


class Run:
    """One walk through the scenario."""

    def __init__(self, world):
        self.world, self.ledger, self.server = world, Ledger(), world.fresh()
        self.book, self.seen = Book(), {}  # seen: {box: Listing} of before the changes

    def close(self):
        self.server.reap()
        shutil.rmtree(self.server.folder, ignore_errors=True)

    # --- the scenario --------------------------------------------------------------------------

    def walk(self):
        """All steps; what breaks off is in the ledger. Ends early when the server has died."""
        for step in (self.send_mixed, self.order, self.send_bounce, self.send_large, self.delete_one, self.put_away, self.mark_some, self.move_some,
                     self.expunge_some, self.copy_some, self.replace_some):
            if not self.server.alive():
                return
            try:
                step()
            except (*BROKEN, Refused):
                continue

    def send(self, one, login=None):
        client = self.server.smtp("submission" if login else "mx", timeout=STEP_SECONDS)
        try:
            if login:
                client.login(login, SECRET)
            self.transact(client, one)
            client.quit()
        finally:
            client.close()  # smtplib forgets its socket after some errors: the garbage collector closes it

    @staticmethod
    def transact(client, one):
        reply = client.mail(one.sender, one.options)
        replies = [client.rcpt(recipient) for recipient in one.recipients()] if reply[0] == 250 else [reply]
        bad = [code for code, _ in replies if code != 250]
        if bad:
            one.code = bad[0]
            return
        code, _ = client.docmd("DATA")
        if code != 354:
            one.code = code
            return
        one.begun = True
        client.send(one.data() + b".\r\n")
        code, _ = client.getreply()
        one.code = code if code > 0 else None

    def send_mixed(self):
        self.send(self.ledger.write(ANN, local=[BOB], remote=[FAR]), ANN)

    def order(self):
        """It may fail, as the server does."""
        self.server.cli("alias", "add", CREW, BOB)

    def send_bounce(self):
        self.send(self.ledger.write(ANN, bad=[REFUSED]), ANN)

    def send_large(self):
        self.send(self.ledger.write("x@y.test", local=[BOB], size=LARGE))

    def delete_one(self):
        """The first old message goes; a session that is dropped deletes nothing."""
        first = self.world.kept[0]
        client = self.server.pop3(ANN, timeout=STEP_SECONDS)
        client.dele(2)
        client.close()
        client = self.server.pop3(ANN, timeout=STEP_SECONDS)
        client.dele(1)
        self.ledger.in_doubt[ANN] = [first]
        client.quit()
        self.ledger.deleted[ANN] = [first]

    # Bob's folders: a and b are changed, c is moved, d is deleted, e and f are copied, g is replaced by h elsewhere.

    def imap(self):
        return ImapClient(self.server.ports["imap"], BOB, SECRET, STEP_SECONDS)

    def put_away(self):
        with self.imap() as client:
            for mark, size in (("a", 200), ("b", LARGE), ("c", LARGE), ("d", 200), ("e", 200), ("f", LARGE), ("g", 200)):
                client.append(self.book, "Archive", mark, [r"\Seen"] if mark == "a" else [], size)
            self.seen = {box: client.listing(box) for box in BOXES}

    def change(self, marks, deed):
        with self.imap() as client:
            client.select("Archive")
            if states := self.book.known(marks, "Archive"):
                deed(client, states)

    def mark_some(self):
        self.change("ab", lambda client, states: client.store(self.book, states, "+", [r"\Flagged", "$Label1"]))
        self.change("a", lambda client, states: client.store(self.book, states, "-", [r"\Seen"]))

    def move_some(self):
        self.change("c", lambda client, states: client.move(self.book, states, "Trash"))

    def expunge_some(self):
        self.change("d", lambda client, states: client.delete(self.book, states))

    def copy_some(self):
        self.change("ef", lambda client, states: client.copy(self.book, states, "Trash"))

    def replace_some(self):
        self.change("g", lambda client, states: client.replace(self.book, "g", states["g"], "h", "Trash", [r"\Flagged"], LARGE))

    def settle_down(self, seconds=20):
        """Until the queue is empty, or the server has died, or the faults keep it from getting there."""
        try:
            wait_until(lambda: not self.server.alive() or self.drained(), "the queue to drain", seconds, 0.05)
        except TimeoutError:
            pass

    def drained(self):
        done = self.server.cli("queue", "list", "--json")
        return done.returncode == 0 and '"messages": []' in done.stdout

    # --- afterwards ----------------------------------------------------------------------------

    def judge(self):
        """Brings the server up without faults, lets everything end, and gives the broken promises."""
        self.server.reap()
        server = self.server.start()
        try:
            wait_until(self.drained, "the queue to drain after the restart", 60, 0.05)
            expected = sum(len(one.bad) for one in self.ledger.sent if one.code == 250)
            self.wait_reports(expected)
        except TimeoutError as late:
            return [f"{late}: {server.queued()}"]
        boxes = {login: server.mail(login) for login in (ANN, BOB)}
        problems = check(self.ledger, {login: [m for m in box if b"X-Ledger: 9000" not in m.split(b"\r\n\r\n", 1)[0]]
                                       for login, box in boxes.items()}, self.world.taken())
        problems += self.judge_mailbox(server)
        problems += self.judge_folders()
        problems += self.judge_hook(server)
        problems += self.judge_order(server)
        problems += [f"verify: {line}" for line in server.findings()]
        server.stop()
        problems += [f"verify (down): {line}" for line in server.findings()]
        return problems

    def judge_folders(self):
        """What was acknowledged over IMAP is so, and who asks for what is new has what a whole listing gives."""
        with self.imap() as client:
            listings = {box: client.listing(box) for box in BOXES}
            problems = self.book.check(BOXES, listings)
            for box, seen in self.seen.items():
                if (known := client.resync(box, seen)) != listings[box].flags():
                    problems.append(f"resynchronised, {box} is {known}, and listed {listings[box].flags()}")
        return problems

    def judge_hook(self, server):
        """What the trails tell has come to the receiver; a post that was under way at the end of a run comes again."""
        try:
            wait_until(lambda: not server.json("hook", "show", "1")["waiting"], "the hook to be told all", 60, 0.1)
        except TimeoutError as late:
            return [f"{late}: {server.json('hook', 'show', '1')}"]
        traces = [server.trace(one) for one in ids_in(server) if one not in self.world.old]
        with self.world.receiver.changed:
            return check_hooks(traces, list(self.world.receiver.taken))

    @staticmethod
    def judge_order(server):
        """What an operator ordered is done and in the audit log, or neither."""
        there = CREW in server.cli("alias", "list").stdout
        entries = server.json("audit", "--action", "alias.add")["entries"]
        done = [one for one in entries if one["result"] in ("done", "begun")]
        return [] if len(done) == int(there) else [f"{CREW} {'is' if there else 'is not'} there, the audit log has {entries}"]

    def wait_reports(self, expected):
        def there():
            return sum(b"report-type=delivery-status" in m for m in self.server.mail(ANN)) >= expected
        wait_until(there, f"{expected} reports", 30, 0.05)

    def judge_mailbox(self, server):
        """The three old messages keep their UIDLs and their order; what QUIT has acknowledged stays deleted, and nothing else goes."""
        client = server.pop3(ANN)
        there = [line.split()[1].decode() for line in client.uidl()[1]]
        client.quit()
        gone = self.ledger.deleted.get(ANN, [])
        doubt = self.ledger.in_doubt.get(ANN, [])
        problems = [f"UIDL {one} came back" for one in gone if one in there]
        must = [one for one in self.world.kept if one not in doubt]
        problems += [f"UIDL {one} is gone" for one in must if one not in there]
        old = [one for one in there if one in self.world.kept]
        if old != [one for one in self.world.kept if one in old] or there[:len(old)] != old:
            problems.append(f"the order has changed: {there}")
        if len(set(there)) != len(there):
            problems.append(f"a UIDL twice: {there}")
        return problems
