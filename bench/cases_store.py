"""Cases 5 and 6 of the bench: many waiting messages, and large mailboxes."""

import contextlib
import functools
import os
import pathlib
import re
import shutil
import time

import loads
import measure
from peers import Dovecot
from rounds import in_turn, measured, running
from servers import DOMAIN, FAR, PASSWORD, CountingSink, EarlierBuild, Job, Paquebot, Served, wait_until

KIB, MIB = 1 << 10, 1 << 20
DUE = 2000  # messages due at once, of all that wait
WAITING_SIZE = 1 * KIB


def peak_memory(server):
    text = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", text)[1]) / 1024


def fill_waiting(server, count, **which):
    words = [str(word) for key, value in which.items() for word in (f"--{key.replace('_', '-')}", value)]
    server.fill("--directory", server.data, "--mode", "waiting", "--destination", f"route:{FAR}", "--domain", FAR, "--count", count,
                "--size", WAITING_SIZE, *words)


def start_and_drain(results, cell, server, sink):
    """From the start of the process to the first message at the sink, then the rate and the cost of what is due."""
    measure.settle()
    before = sink.count()
    started = time.monotonic()
    with server.group.inside(server.job.cpus):
        server.start()
    wait_until(lambda: sink.count() > before, 120, "the first delivery")
    first = time.monotonic()
    results.add("start", cell, server.name, first - started)
    spent = server.group.cpu()
    seen = sink.count()
    wait_until(lambda: sink.count() >= before + DUE, 120, lambda: f"what is due ({sink.count() - before} of {DUE})")
    rest = before + DUE - seen
    if rest > DUE // 4:  # else most of it had gone before the first look
        results.add("rate", f"{cell}: delivery of what is due", server.name, rest / (time.monotonic() - first))
        results.add("cpu", f"{cell}: delivery of what is due", server.name, (server.group.cpu() - spent) / rest * 1e6)


def accept_beside(server, count):
    return {"seconds": loads.smtp_source(server.port, [f"u0@{DOMAIN}"], 4 * KIB, 100, count)}


def growth(results, plan, count, scattered):
    cell = f"{count:,} waiting" + (", retries scattered" if scattered else "")
    with CountingSink() as sink, contextlib.ExitStack() as stack:
        server = Paquebot(Job("relay", sinks={FAR: sink.port}))
        stack.callback(server.__exit__)
        server.prepare()
        results.settings.setdefault("paquebot", server.settings())
        began = time.monotonic()
        fill_waiting(server, count, **({"due_every": count // DUE} if scattered else {"due_first": DUE}))
        filled = time.monotonic() - began
        rounds = 1 if scattered else plan.rounds
        for number in range(rounds):
            if number:
                fill_waiting(server, DUE, due_first=DUE)
            start_and_drain(results, cell, server, sink)
            if number == 0 and not scattered:
                measured(results, plan, f"{cell}: acceptance", [server], accept_beside, least=100)
            results.add("memory", cell, server.name, peak_memory(server))
            if number + 1 < rounds:
                server.stop()
        size = sum(file.stat().st_size for file in server.data.glob("*.db*")) / MIB
        results.note(f"{cell}: filled in {filled:.0f} s, {size:.0f} MiB on the disk")
    results.cell_done(cell)


def queue(results, plan):
    """Ours only. Messages of 1 KiB wait for one destination; 2000 of them are due when the server starts, the others in an hour. `scattered`: the
    due ones lie evenly among the others (one round, as each needs a queue of its own), else they are the oldest."""
    for count in (10_000, 100_000) if plan.quick else (10_000, 100_000, 1_000_000):
        growth(results, plan, count, scattered=False)
        growth(results, plan, count, scattered=True)


class DovecotPop3(Served):
    """Dovecot alone, with a Maildir of `count` messages for u0."""
    name = "dovecot"

    def __init__(self, job, count=0, size=4 * KIB):
        super().__init__(job)
        self.dovecot = Dovecot(self.folder, self.pop3_port)
        new = self.folder / f"mail/u0@{DOMAIN}/cur"
        new.mkdir(parents=True)
        for other in ("new", "tmp"):
            (new.parent / other).mkdir()
        content = b"From: <a@b.test>\nSubject: x\n\n" + (b"x" * 76 + b"\n") * (size // 78)
        for number in range(count):
            (new / f"{1700000000 + number}.M{number}.bench,S={len(content)}:2,").write_bytes(content)
        self.own_by_vmail()

    def own_by_vmail(self):
        for folder, _, files in os.walk(self.folder / "mail"):
            shutil.chown(folder, "vmail", "vmail")
            for file in files:
                shutil.chown(os.path.join(folder, file), "vmail", "vmail")

    def start(self):
        self.dovecot.start()
        self.process = self.dovecot.process

    def wait_ready(self):
        """Dovecot.start has waited."""

    def settings(self):
        return self.dovecot.text


class FilledPaquebot(Paquebot):
    """Ours, with as many messages in u0's mailbox."""

    def __init__(self, job, count=0, size=4 * KIB):
        super().__init__(job)
        self.prepare()
        self.fill("--directory", self.data, "--mode", "mailbox", "--login", f"u0@{DOMAIN}", "--count", count, "--size", size)


class FilledBaseline(EarlierBuild, FilledPaquebot):
    pass


def read(server, count, mode):
    done = loads.pop3(server.pop3_port, f"u0@{DOMAIN}", PASSWORD, mode, most=count)
    return {"seconds": done["read"]}


def pop3(results, plan):
    """Login and STAT on mailboxes of growing size, and RETR of 4 KiB messages, one by one and 100 commands ahead. Dovecot reads Maildir;
    its first login, which builds its index, is a row of its own. A million messages: ours only, of 512 octets."""
    for count in (10, 10_000) if plan.quick else (10, 10_000, 1_000_000):
        large = count > 100_000
        other = FilledBaseline if os.environ.get("BASELINE") else DovecotPop3
        kinds = (FilledPaquebot,) if large else (FilledPaquebot, other)
        made = [functools.partial(kind, count=count, size=512 if large else 4 * KIB) for kind in kinds]
        for kind, maker in zip(kinds, made):
            maker.name = kind.name
        with running(results, made, lambda kind: Job("pop3")) as started:
            cell = f"{count:,} messages"
            login = lambda server: {"login": loads.pop3(server.pop3_port, f"u0@{DOMAIN}", PASSWORD, "stat")["login"] * 1000}
            in_turn(results, f"{cell}, first login", 1, started, login)
            in_turn(results, f"{cell}, warm", plan.rounds * 2, started, login)
            if count == 10_000:
                for mode, name in (("retr", "RETR one by one"), ("pipeline", "RETR pipelined")):
                    measured(results, plan, name, started, functools.partial(read, mode=mode), least=1000, most=count)
