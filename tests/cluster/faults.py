#!/usr/bin/python3
"""make faults-cluster: servers, databases and links of a cluster fail, one after the other, while clients send; then the ledger is judged.

    MINUTES=20     how long (6: each kind at least once); SEED=n: the same order again; KIND=a,b: only these

A database is killed only once the one that was killed before has joined again: two of three gone is more than a synchronous copy bears.
What has to come of it: no message that was acknowledged is lost; none is in a mailbox more often than its client sent it; elsewhere at
most 100 come twice for each kill of a server; and every rule of `paquebot verify` holds.
"""

import collections
import os
import pathlib
import random
import signal
import sys
import time

import machines

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "e2e")]

MINUTES = float(os.environ.get("MINUTES") or 20)
SEED = int(os.environ.get("SEED") or time.time())
KIND = os.environ.get("KIND")
CLIENTS = 6
PEACE = 15  # seconds without a fault within which mail must be taken again, beyond what a fail-over takes
FAIL_OVER = 60


class Faults:
    """Each method breaks one thing and mends it. `say`: told of each."""

    def __init__(self, cluster, chance, say):
        self.cluster, self.random, self.say = cluster, chance, say
        self.killed = 0  # servers: each may leave what it had delivered elsewhere and not yet noted
        self.counts = collections.Counter()

    def node(self):
        return self.random.choice(self.cluster.nodes)

    def kill_a_server(self):
        node = self.node()
        node.kill()
        self.killed += 1
        self.say(f"killed {node.machine.name}")
        self.pause(1, 12)
        node.start()

    def stop_a_server(self):
        node = self.node()
        code = node.stop()
        self.say(f"stopped {node.machine.name}")
        if code != 0:
            raise AssertionError(f"{node.machine.name} ended with {code} when it was asked to stop")
        node.start()

    def freeze_a_server(self):
        """For longer than it takes until others think it dead: when it goes on, nothing that it does may count."""
        node = self.node()
        node.machine.signal(signal.SIGSTOP)
        self.killed += 1
        self.say(f"froze {node.machine.name}")
        self.pause(15, 30)
        node.machine.signal(signal.SIGCONT)

    def cut_a_server_off(self):
        node = self.node()
        node.machine.cut()
        self.killed += 1
        self.say(f"cut {node.machine.name} off")
        self.pause(5, 25)
        node.machine.join()

    def end_connections(self):
        """As an administrator may, in the middle of whatever they do."""
        for _ in range(10):
            try:
                ended = self.cluster.databases.sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'paquebot' "
                                                   "AND random() < 0.5")
                self.say(f"ended {ended} connections to the database")
            except RuntimeError as error:
                self.say(f"no connection was ended: {error}")
            self.pause(0.2, 1)

    def cancel_waits(self):
        """Commits that wait for the synchronous copy are told to wait no more: whether they hold is in doubt then."""
        standbys = self.cluster.databases.standbys()
        if not standbys:
            return
        standbys[0].cut()
        self.say(f"cut {standbys[0].name}, the synchronous copy, off, and cancelled what waits for it")
        for _ in range(8):
            try:
                self.cluster.databases.sql("SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
            except RuntimeError as error:
                self.say(f"nothing was cancelled: {error}")
            self.pause(0.5, 1)
        standbys[0].join()
        self.wait_whole()

    def block_the_copy(self):
        standbys = self.cluster.databases.standbys()
        if not standbys:
            return
        standbys[0].signal(signal.SIGSTOP)
        self.say(f"froze {standbys[0].name}, the synchronous copy")
        self.pause(3, 12)
        standbys[0].signal(signal.SIGCONT)
        self.wait_whole()

    def kill_the_primary(self):
        leader = self.cluster.databases.leader()
        if leader is None:
            return
        leader.kill()
        self.say(f"killed {leader.name}, the database that is written to")
        self.pause(5, 15)
        self.cluster.databases.revive(leader)
        self.wait_whole()

    def cut_the_primary_off(self):
        leader = self.cluster.databases.leader()
        if leader is None:
            return
        leader.cut()
        self.say(f"cut {leader.name}, the database that is written to, off")
        self.pause(25, 40)
        leader.join()
        self.wait_whole()

    def pause(self, least, most):
        time.sleep(self.random.uniform(least, most))

    def wait_whole(self):
        from server import wait_until
        databases = self.cluster.databases
        wait_until(databases.whole, lambda: f"all databases to be back: {databases.members()}", 150, 0.5)

    def restart_what_ended(self):
        """What systemd does: a server that found its epoch ended has ended itself."""
        for node in self.cluster.nodes:
            if node.ended():
                self.say(f"{node.machine.name} had ended itself (exit code {node.process.returncode}) and is started anew")
                node.start()

    KINDS = ("kill_a_server", "stop_a_server", "freeze_a_server", "cut_a_server_off", "end_connections", "cancel_waits", "block_the_copy",
             "kill_the_primary", "cut_the_primary_off")

    def next(self):
        """One fault; those that were seen least come first."""
        kinds = KIND.split(",") if KIND else self.KINDS
        least = min(self.counts[kind] for kind in kinds)
        kind = self.random.choice([kind for kind in kinds if self.counts[kind] == least])
        self.counts[kind] += 1
        getattr(self, kind)()
        self.restart_what_ended()


def main():
    if (code := machines.enter(sys.argv)) is not None:
        return code
    from cluster import Cluster
    from nodes import Client, Ledger, mail_of_all
    from server import wait_until

    say = machines.teller()

    say(f"seed {SEED}, {MINUTES:g} minutes")
    with Cluster(say=say) as cluster:
        ledger = Ledger()
        clients = [Client(number + SEED, cluster.nodes, ledger, pause=0.05) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        faults = Faults(cluster, random.Random(SEED), say)
        until = time.monotonic() + 60 * MINUTES
        while time.monotonic() < until:
            wanted = len(ledger.acknowledged) + 20
            wait_until(lambda: len(ledger.acknowledged) >= wanted, "mail to be taken again", FAIL_OVER + PEACE + 60, 0.1)
            faults.next()
        say("peace")
        wanted = len(ledger.acknowledged) + 20
        wait_until(lambda: len(ledger.acknowledged) >= wanted, "mail to be taken again", FAIL_OVER + PEACE, 0.1)
        for client in clients:
            client.stop()
        for client in clients:
            client.join()
        node = cluster.wait_queue_empty()
        say(f"the queue is empty; {len(ledger.acknowledged)} messages were acknowledged")
        taken, again, far = ledger.judge(mail_of_all(node, cluster.far), far_surplus=100 * faults.killed)
        findings = node.json("verify")["findings"]
        if findings:
            raise AssertionError(f"verify: {findings[:10]}")
        say(f"nothing lost of {taken}; {again} there once more, as often as their clients sent them; {far} delivered elsewhere twice after "
            f"{faults.killed} servers had died; verify finds nothing")
        print("faults: " + ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in faults.counts.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
