"""Case internet: a thousand far hosts, an internet that limits, and a lone message beside a flood; settings as they come."""

import contextlib
import json
import os
import subprocess
import threading
import time

import loads
import measure
import world
from peers import Postfix
from rounds import in_turn, running
from servers import DOMAIN, PASSWORD, Job, Paquebot, free_port, table, wait_until

KIB = 1 << 10
HOSTS = 1000
FAR_MS = 50
LONE_A_SECOND = 5
PATIENCE = 60  # seconds for a lone message; one that has not come by then counts with these
# Share of the domains, hosts that these share (0: one each), and the habits of each host. The large providers' shares are of the kind that
# surveys of MX records show; their limits are none that anybody publishes, but of the kinds that senders meet.
PROVIDERS = (("big", 0.30, 2, "connections=20 messages=100 rate=6000 block=200 pause=60"),
             ("office", 0.20, 2, "connections=10 messages=50 rate=3000 block=100 pause=60"),
             ("hoster", 0.15, 4, "connections=5 messages=20 rate=1200 block=50 pause=120 reject=2"),
             ("grey", 0.15, 0, "greylist=60"),
             ("slow", 0.05, 0, "tarpit=500"),
             ("silent", 0.01, 0, "silent=1"),
             ("plain", 0.14, 0, "reject=1"))


class Shore:
    """The servers of this machine that the case sends from: their address is what the internet knows them by."""
    addresses = {Paquebot.name: "127.0.0.2", Postfix.name: "127.0.0.3"}


def address(network, number):
    return f"127.{network}.{number // 250}.{number % 250 + 1}"


class Zone:
    """What the world's name server tells. Adding is cheap; `write` makes it known at once."""

    def __init__(self):
        self.lines, self.file = [], world.base() / "zone"
        self.before = self.file.read_text()

    def host(self, name, where):
        self.lines.append(f"{name} A {where}")

    def domain(self, name, host):
        self.lines.append(f"{name} MX 10 {host}")

    def write(self):
        self.file.write_text(self.before + "\n".join(self.lines) + "\n")

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.file.write_text(self.before)


class Internet:
    """Our tool `internet` on port 25 of all of 127.0.0.0/8."""

    def __init__(self, profiles="", delay=0):
        file = world.base() / "profiles"
        file.write_text(profiles)
        words = [world.TOOLS / "internet", "--port", "25", "--delay", str(delay), "--profiles", str(file)]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.lock = threading.Lock()
        if self.process.stdout.readline().strip() != "ready":
            raise RuntimeError("the internet did not start: is port 25 taken?")

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()

    def ledger(self, server):
        """What came from a server so far: counts by name, and `lone`, microseconds."""
        with self.lock:
            self.process.stdin.write("\n")
            self.process.stdin.flush()
            all_of_them = json.loads(self.process.stdout.readline())
        nothing = dict.fromkeys(("connections", "messages", "blocks", "crowded", "used_up", "rate", "blocked", "greylisted", "rejected"), 0) | {"lone": []}
        return all_of_them.get(Shore.addresses[server.name], nothing)


class FarPaquebot(Paquebot):
    """With the settings that it has of itself: its networks, addresses and name server have to be told, nothing of how it delivers."""

    def __init__(self, job):
        super().__init__(job)
        self.submission_port = free_port()

    def delivery_tables(self):
        submission = {"role": "submission", "address": f"127.0.0.1:{self.submission_port}", "tls": "none", "login_in_clear": True}
        return [table("delivery", {"source_address": Shore.addresses[self.name]}), table("listener", submission, double=True)]


class FarPostfix(Postfix):
    """As Debian installs it but for what the tests' instance needs to run at all: no setting of how it delivers is touched."""
    touched = ("in_flow_delay", "qmgr_message_active_limit", "queue_run_delay", "qmgr_message_recipient_limit", "minimal_backoff_time",
               "maximal_backoff_time", "default_destination_concurrency_limit", "initial_destination_concurrency")

    def own_main(self):
        main = {key: value for key, value in super().own_main().items() if key not in self.touched}
        stock = {"minimal_backoff_time": "300s", "maximal_backoff_time": "4000s", "queue_run_delay": "300s"}  # the tests' are shorter
        return main | stock | {"default_transport": "smtp", "smtp_dns_support_level": "enabled", "smtp_host_lookup": "dns",
                               "smtp_bind_address": Shore.addresses[self.name]}


def way_in(server, sender):
    """Ours is told by a login whose mail it is: it shares what it sends between accounts. Postfix knows no such thing."""
    if isinstance(server, Paquebot):
        return {"to": f"127.0.0.1:{server.submission_port}", "user": sender, "password": PASSWORD, "from": sender}
    return {"to": f"127.0.0.1:{server.port}", "from": sender}


def hand_in(server, count, spread, rcpt, sender=f"u0@{DOMAIN}"):
    """As fast as 50 connections are taken."""
    loads.tool("open_loop", rate=0, messages=count, connections=50, size=4 * KIB, spread=spread, rcpt=rcpt, **way_in(server, sender))


def hand_in_lone(server, domain, seconds):
    """A few a second, each stamped with its moment."""
    loads.tool("open_loop", rate=LONE_A_SECOND, seconds=seconds, connections=2, size=4 * KIB, rcpt=f"lone-$@{domain}",
               **way_in(server, f"u2@{DOMAIN}"))


def job(kind):
    return Job("internet", keys=())


def far_hosts(results, plan):
    """The same messages a second to hosts that are far away as to near ones?"""
    count = 5 * HOSTS if plan.quick else 20 * HOSTS
    for delay in (0, FAR_MS):
        cell = f"{HOSTS} hosts, {delay} ms of round trip"
        with Zone() as zone, Internet(delay=delay) as internet:
            for number in range(HOSTS):
                zone.host(f"mx{number}.far.test", address(20, number))
                zone.domain(f"d{number}.far.test", f"mx{number}.far.test")
            zone.write()

            def work(server):
                before, cpu, started = internet.ledger(server)["messages"], server.group.cpu(), time.monotonic()
                hand_in(server, count, HOSTS, "u@d%.far.test")
                wait_until(lambda: internet.ledger(server)["messages"] >= before + count, 300,
                           lambda: f"the internet ({internet.ledger(server)['messages'] - before} of {count})")
                return {"rate": count / (time.monotonic() - started), "cpu": (server.group.cpu() - cpu) / count * 1e6}

            with running(results, (FarPaquebot, FarPostfix), job, note=cell) as started:
                for server in started:  # what is made and asked once
                    work(server)
                in_turn(results, cell, plan.rounds, started, work)


def limited(results, plan):
    """Both at the same time, each from an address of its own: the time is spent on waiting, as it is out there."""
    domains, a_domain = (1000, 2) if plan.quick else (10000, 3)
    minutes = float(os.environ.get("MINUTES") or (6 if plan.quick else 20))
    cell = f"{domains} domains, {domains * a_domain} messages, limits, {FAR_MS} ms"
    with Zone() as zone, Internet(provide(zone, domains), FAR_MS) as internet, running(results, (FarPaquebot, FarPostfix), job, note=cell) as started:
        threads, figures = [], {}
        for server in started:
            words = (server, internet, domains, domains * a_domain, minutes * 60)
            threads.append(threading.Thread(target=lambda words: figures.update({words[0].name: drain(*words)}), args=(words,)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for server in started:
            for figure, value in figures.get(server.name, {}).items():
                results.add(figure, cell, server.name, value)
        results.cell_done(cell)


def provide(zone, domains):
    """Writes the zone; gives the profiles."""
    profiles, number = [], 0
    for index, (name, share, hosts, habits) in enumerate(PROVIDERS):
        network = 30 + index
        profiles.append(f"127.{network}.0.0/16 {habits}")
        count = round(domains * share)
        for host in range(hosts or count):
            zone.host(f"mx{host}.{name}.test", address(network, host))
        for one in range(count):
            zone.domain(f"d{number}.many.test", f"mx{one % (hosts or count)}.{name}.test")
            number += 1
    zone.host("mx.quiet.test", address(60, 0))
    zone.domain("quiet.test", "mx.quiet.test")
    zone.write()
    return "\n".join(profiles) + "\n"


def drain(server, internet, domains, count, seconds):
    """Hands all in, and five lone messages a second beside while it drains."""
    silent = round(domains * next(share for name, share, *_ in PROVIDERS if name == "silent"))
    wanted = count - count // domains * silent
    started, cpu = time.monotonic(), server.group.cpu()
    hand_in(server, count, domains, "u$@d%.many.test")
    reached = None

    def arrived():
        ledger = internet.ledger(server)
        return ledger["messages"] - len(ledger["lone"]) + ledger["rejected"]

    while time.monotonic() - started < seconds and arrived() < wanted:
        hand_in_lone(server, "quiet.test", 2)
        if reached is None and arrived() >= 0.99 * wanted:
            reached = time.monotonic() - started
    ledger = internet.ledger(server)
    refused = sum(ledger.get(kind, 0) for kind in ("crowded", "used_up", "rate", "blocked", "greylisted"))
    return {**({"drained": reached} if reached else {}), "missing": 100 * max(0, wanted - arrived()) / wanted,
            "deferred": refused / count, "blocks": ledger["blocks"], "lone": percentile(ledger["lone"], 0.99) / 1000,
            "cpu": (server.group.cpu() - cpu) / count * 1e6}


def percentile(values, part):
    return sorted(values)[int(part * (len(values) - 1))] if values else float("nan")


def beside_a_flood(results, plan):
    """A lone message now and then, of another sender to the same domain, which takes some 150 a second: quiet, then beside a flood."""
    count, seconds = (2000, 8) if plan.quick else (20000, 30)
    with Zone() as zone, Internet(f"{address(20, 0)}/32 connections=20 tarpit=20\n", 0) as internet:
        zone.host("mx.busy.test", address(20, 0))
        zone.domain("busy.test", "mx.busy.test")
        zone.write()

        def lone(server, flood):
            if flood:
                hand_in(server, flood, 1, "u@busy.test", sender=f"u1@{DOMAIN}")
            before = len(internet.ledger(server)["lone"])
            hand_in_lone(server, "busy.test", seconds)
            with contextlib.suppress(TimeoutError):
                wait_until(lambda: len(internet.ledger(server)["lone"]) >= before + LONE_A_SECOND * seconds, PATIENCE, "the lone messages")
            came = internet.ledger(server)["lone"][before:]
            late = [PATIENCE * 1_000_000] * (LONE_A_SECOND * seconds - len(came))  # at least that
            return percentile(came + late, 0.99) / 1000

        for kind in (FarPaquebot, FarPostfix):
            with running(results, (kind,), job, note="beside a flood") as started:
                for server in started:
                    hand_in_lone(server, "busy.test", 1)
                    for cell, flood in (("lone message, quiet", 0), (f"lone message, {count} of another sender before it", count)):
                        results.add("lone", cell, server.name, lone(server, flood))
                        results.cell_done(cell)


def internet(results, plan):
    """Relayed with the settings that each has of itself, to an internet that our tool `internet` plays on 127.0.0.0/8: MX records, round
    trips, limits, greylisting, blocks. Nothing of it is encrypted."""
    measure.settle()
    for name, part in (("hosts", far_hosts), ("flood", beside_a_flood), ("limits", limited)):
        if plan.wants(name):
            part(results, plan)
