"""Cases 1 to 4 of the bench: accepting, local delivery with POP3, relaying, submission; and latency, postal, delayed syncs."""

import contextlib
import functools
import subprocess
import time

import loads
import measure
import servers
from peers import Exim, OpenSmtpd, Postfix
from rounds import FAILURES, both_ways, in_turn, measured, on_cpus, running
from servers import DOMAIN, FAR, PASSWORD, CountingSink, Job, Paquebot, SmtpSink, beside, wait_until
from signing import ProofSink, prove
from syncs import Syncs

KIB, MIB = 1 << 10, 1 << 20
STORING = (Paquebot, Postfix, Exim, OpenSmtpd)
SLOW = "slow.test"


def size_name(size):
    return f"{size // MIB} MiB" if size >= MIB else f"{size // KIB} KiB"


def send(server, count, size, sessions, kept):
    return {"seconds": loads.smtp_source(server.port, [server.recipient()], size, sessions, count, kept)}


def few(sessions):
    """OpenSMTPD takes only some dozens of new connections a second: a round with a hundred would measure just that, for minutes."""
    return (OpenSmtpd,) if sessions <= 20 else ()


def accept_cells(quick):
    """(size, connections, kept)"""
    if quick:
        return [(4 * KIB, 100, True), (4 * KIB, 100, False), (4 * KIB, 1, True), (100 * KIB, 20, True)]
    small = [(size, sessions, kept) for size in (4 * KIB, 100 * KIB) for sessions in (1, 20, 100, 500) for kept in (True, False)]
    return small + [(10 * MIB, sessions, kept) for sessions in (1, 20) for kept in (True, False)]


def accept_name(size, sessions, kept):
    return f"{size_name(size)}, {sessions} {'kept' if kept else 'one message each'}"


def accept_names(quick):
    return [accept_name(*cell) for cell in accept_cells(quick)]


def accept(results, plan):
    """Durable acceptance. Ours puts each message into a mailbox; the peers queue it and deliver nothing; smtp-sink stores nothing."""
    for size, sessions, kept in accept_cells(plan.quick):
        cell = accept_name(size, sessions, kept)
        if not plan.wants(cell):
            continue
        with running(results, beside((Paquebot, SmtpSink, Postfix, Exim, *few(sessions))), lambda kind: Job("accept")) as started:
            measured(results, plan, cell, started, functools.partial(send, size=size, sessions=sessions, kept=kept),
                     least=max(sessions, 4 if size >= MIB else 50), most=200 if size >= MIB else 60000)
    for name, server_cpus, load_cpus in both_ways()[1:]:
        if not plan.wants("4 KiB, 100 kept"):
            continue
        with on_cpus(load_cpus), running(results, beside((Paquebot, SmtpSink, Postfix)), lambda kind: Job("accept", server_cpus)) as started:
            measured(results, plan, f"4 KiB, 100 kept, {name}", started, functools.partial(send, size=4 * KIB, sessions=100, kept=True), least=100)


def deliver_and_drain(server, count):
    """Ten generators for ten mailboxes; the clock stops when all is read and deleted."""
    count -= count % servers.MAILBOXES
    took = loads.smtp_source(server.port, [server.recipient(number) for number in range(servers.MAILBOXES)], 4 * KIB, 20, count)
    started = time.monotonic()
    wait_until(lambda: server.undelivered(count) <= 0, 120, "the local deliveries")
    took += time.monotonic() - started
    read = loads.pop3(server.pop3_port, f"u%@{DOMAIN}", PASSWORD, "drain", mailboxes=servers.MAILBOXES)
    if read["messages"] != count:
        raise RuntimeError(f"{read['messages']} of {count} messages were in the mailboxes")
    return {"seconds": took + read["all"], "drain": count / read["all"]}


def local(results, plan):
    """Accepted over 20 connections for ten mailboxes, delivered (peers: LMTP to Dovecot, Maildir), then read by POP3 and deleted."""
    with running(results, beside(STORING), lambda kind: Job("local")) as started:
        measured(results, plan, "4 KiB, 20 kept", started, deliver_and_drain, least=100, most=60000, seconds=plan.seconds * 2)


class RelayWork:
    """Sends through a server and waits until its sink has all of it. The sinks know how many they had before."""

    def __init__(self, size, sinks, sessions=100):
        self.size, self.sinks, self.sessions = size, sinks, sessions

    def __call__(self, server, count):
        fast = self.sinks[server.name][0]
        before = fast.count()
        started = time.monotonic()
        loads.smtp_source(server.port, [server.recipient()], self.size, self.sessions, count, sender=server.sender())
        wait_until(lambda: fast.count() >= before + count, 300, lambda: f"the sink ({fast.count() - before} of {count})")
        return {"seconds": time.monotonic() - started}

    def beside_slow(self, server, count):
        """As many again to a destination that takes two seconds for each message: how fast is the fast one?"""
        fast = self.sinks[server.name][0]
        before, count = fast.count(), count - count % 2
        started = time.monotonic()
        loads.smtp_source(server.port, [server.recipient(0), server.recipient(1)], self.size, self.sessions, count)
        wait_until(lambda: fast.count() >= before + count // 2, 300, lambda: f"the sink ({fast.count() - before} of {count // 2})")
        took = time.monotonic() - started
        return {"seconds": took, "fast": count / 2 / took}


@contextlib.contextmanager
def relaying(results, kinds, slow=False):
    """Servers with a sink each, and {server's name: its sinks}."""
    with contextlib.ExitStack() as stack:
        kinds = beside(kinds)
        sinks = {kind.name: [stack.enter_context(CountingSink())] for kind in kinds}
        if slow:
            for kind in kinds:
                sinks[kind.name].append(stack.enter_context(CountingSink("-w", "2")))
        job = lambda kind: Job("relay", sinks=dict(zip((FAR, SLOW), (sink.port for sink in sinks[kind.name]))))
        yield stack.enter_context(running(results, kinds, job)), sinks


def relay(results, plan):
    """End to end into smtp-sink: the clock stops when the sink has counted the last message."""
    for size, sessions in ((4 * KIB, 20), (4 * KIB, 100), (100 * KIB, 100)):
        with relaying(results, (Paquebot, Postfix, Exim, *few(sessions))) as (started, sinks):
            measured(results, plan, f"{size_name(size)}, {sessions} kept", started, RelayWork(size, sinks, sessions), least=sessions, most=40000)
    with relaying(results, (Paquebot, Postfix), slow=True) as (started, sinks):
        measured(results, plan, "4 KiB, half to a slow destination", started, RelayWork(4 * KIB, sinks).beside_slow, least=200, most=4000)
        results.note("beside a slow destination: the slow one takes 2 s for each message; what waits for it grows from round to round")


PROOF = "proof.test"  # what goes there is looked at
ALGORITHMS = {"rsa": "rsa-sha256", "ed25519": "ed25519-sha256"}
SIGNED_CELLS = (("4 KiB, 100 kept, unsigned", 4 * KIB, 100, ()), ("4 KiB, 100 kept, RSA-2048", 4 * KIB, 100, ("rsa",)),
                ("4 KiB, 100 kept, RSA-2048; ours with Ed25519 as well", 4 * KIB, 100, ("rsa", "ed25519")),
                ("100 KiB, 20 kept, RSA-2048", 100 * KIB, 20, ("rsa",)))


def keys_of(kind, keys):
    """OpenDKIM signs with RSA only."""
    return keys if kind is Paquebot else tuple(key for key in keys if key == "rsa")


def signed(results, plan):
    """Relayed for a network that may, end to end into smtp-sink, and signed (RSA-2048, relaxed/relaxed): ours by itself, Postfix by
    OpenDKIM as its milter. Before each cell, five messages of each server are verified with python3-dkim."""
    for cell, size, sessions, keys in SIGNED_CELLS:
        with contextlib.ExitStack() as stack:
            sinks = {kind.name: [stack.enter_context(CountingSink())] for kind in (Paquebot, Postfix)}
            proof = stack.enter_context(ProofSink())
            job = lambda kind: Job("relay", sinks={FAR: sinks[kind.name][0].port, PROOF: proof.port}, keys=keys_of(kind, keys))
            started = stack.enter_context(running(results, (Paquebot, Postfix), job, note=cell))
            for server in list(started):
                try:
                    prove(server, proof, [ALGORITHMS[key] for key in server.job.keys])
                except FAILURES as error:
                    started.remove(server)
                    results.note(f"{server.name}, {cell}: left out ({str(error)[:300]})")
            measured(results, plan, cell, started, RelayWork(size, sinks, sessions), least=sessions, most=40000)


def submit(server, count, resume):
    done = loads.submit(server.port, f"u0@{DOMAIN}", PASSWORD, f"u1@{DOMAIN}", resume, count)
    return {"seconds": done["seconds"], "resumed": 100 * done["resumed"] / count}


def submission(results, plan):
    """STARTTLS, AUTH PLAIN, one message, QUIT for each connection; ten at a time. Passwords are SHA-512-crypt everywhere."""
    results.note("OpenSMTPD is left out: Debian 12's (6.8.0p2 with OpenSSL 3) breaks each TLS session off with an internal error")
    for resume in (False, True):
        with running(results, beside((Paquebot, Postfix, Exim)), lambda kind: Job("submission")) as started:
            measured(results, plan, f"session resumption {'on' if resume else 'off'}", started, functools.partial(submit, resume=resume), least=20)


def latency_of(server, rate, seconds):
    found = loads.open_loop(server.port, server.recipient(), rate, seconds)
    return {"p50": found["p50"], "p99": found["p99"]}


def latency(results, plan):
    """At half of Postfix's peak: quiet, and with two messages of 100 MB streaming in all the time."""
    seconds = 4 if plan.quick else 10
    kinds = (Paquebot, Postfix)
    with running(results, kinds, lambda kind: Job("accept")) as started:
        rate = 200
        for server in started:
            if server.name == Postfix.name:
                loads.smtp_source(server.port, [server.recipient()], 4 * KIB, 100, 300)
                rate = int(1500 / loads.smtp_source(server.port, [server.recipient()], 4 * KIB, 100, 1500) / 2)
        results.note(f"half of Postfix's peak in this run: {rate} messages a second, 4 KiB, 20 kept connections, open loop")
        in_turn(results, "quiet", plan.rounds, started, lambda server: latency_of(server, rate, seconds))

    def beside_streams(server):
        loads.smtp_source(server.port, [server.recipient()], 4 * KIB, 100, 1500)  # what is made once is made now
        with streams(server):
            return latency_of(server, rate, seconds)

    for number in range(plan.rounds):  # each with servers that have nothing yet: a round brings gigabytes
        with running(results, kinds, lambda kind: Job("accept")) as started:
            in_turn(results, "two 100 MB messages beside", 1, started, beside_streams, first=number)


@contextlib.contextmanager
def streams(server):
    """Two connections that send one message of 100 MB after the other."""
    words = loads.smtp_source_words(server.port, server.recipient(), 100_000_000, 2, 100000)
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
        if process.poll() is not None:
            raise RuntimeError("the streams of 100 MB ended before the measurement")
    finally:
        process.kill()
        process.wait()


def postal(results, plan):
    """The second third-party generator: 20 threads, 4 KiB, up to ten messages a connection, ten recipients at random. A minute each."""
    users = servers.world.base() / "postal-users"
    users.write_text("".join(f"u{number}@{DOMAIN}\n" for number in range(servers.MAILBOXES)))
    for kind in (Paquebot, SmtpSink, Postfix, Exim, OpenSmtpd):
        with running(results, (kind,), lambda kind: Job("local" if kind is Paquebot else "accept")) as started:
            for server in started:
                before = server.group.cpu()
                rate = loads.postal(server.port, users, 1, 20)
                results.add("rate", "4 KiB, 20 threads", server.name, rate)
                if rate:
                    results.add("cpu", "4 KiB, 20 threads", server.name, (server.group.cpu() - before) / (rate * 62) * 1e6)
    results.note("postal itself sends only some hundreds of messages a second on one CPU, as smtp-sink's figure shows")
    results.cell_done("4 KiB, 20 threads")


def sync_calls(work, shim):
    """The same work, which also tells how many sync calls it made for each message."""
    def counting(server, count):
        with shim.counted() as calls:
            figures = work(server, count)
        return {**figures, "syncs": sum(calls.values()) / count}
    return counting


def syncs(results, plan):
    """Which calls each server makes for a message, and the main cases with each sync call delayed by 0, 1 and 5 ms, by one shim for all.
    OpenSMTPD makes no sync call at all, so it has no row beyond the count. Each server's calls are counted while it alone has work."""
    for delay in (0, 1, 5):
        with Syncs() as shim:
            shim.delay(delay)
            with running(results, STORING[:3], lambda kind: Job("accept")) as started:
                for name, sessions in (("accept, 100 connections", 100), ("accept, 1 connection", 1)):
                    cell = f"{name}, sync +{delay} ms"
                    work = sync_calls(functools.partial(send, size=4 * KIB, sessions=sessions, kept=True), shim)
                    measured(results, plan, cell, started, work, least=max(sessions, 50))
            with relaying(results, STORING[:3]) as (started, sinks):
                cell = f"relay, sync +{delay} ms"
                measured(results, plan, cell, started, sync_calls(RelayWork(4 * KIB, sinks), shim), least=100, most=40000)
            with running(results, STORING[:3], lambda kind: Job("local")) as started:
                cell = f"local and POP3, sync +{delay} ms"
                measured(results, plan, cell, started, sync_calls(deliver_and_drain, shim), least=100, most=40000)
    which_calls(results)


def which_calls(results):
    """The calls by name, for 200 messages over 20 connections."""
    for kind in STORING:
        with Syncs() as shim, running(results, (kind,), lambda kind: Job("accept")) as started:
            for server in started:
                with shim.counted() as calls:
                    loads.smtp_source(server.port, [server.recipient()], 4 * KIB, 20, 200)
                words = ", ".join(f"{count} {name}" for name, count in calls.items() if count) or "no sync call at all"
                results.note(f"{server.name} accepts 200 messages of 4 KiB over 20 connections with {words}")
