"""SIGKILL every 0.2 to 3 seconds under load, with a peer that fails, hangs and closes as it likes; then everything is counted.

SOAK_SECONDS (12) is how long; FAULTS_SEED chooses.
"""

import os
import random
import threading
import time
import unittest

from faulty import ANN, BOB, BROKEN, FAR, REFUSED, Run
from ledger import Ledger, Taken, check, mark_of
from peer import CLOSE, HANG, Peer
from postfix import smtp_source
from server import PEERS, SECRET, Server, wait_until

SECONDS = float(os.environ.get("SOAK_SECONDS", "12"))
SEED = int(os.environ.get("FAULTS_SEED", str(int(time.time()))))
SENDERS = 4
LOAD = "load@example.test"
UNBOUND = dict.fromkeys(("messages_per_hour", "messages_per_day", "recipients_per_day", "new_recipients_per_day"), 0) | {"bytes_per_day": "0"}


class Mood:
    """What the peer does to a command while it is in a mood."""

    def __init__(self):
        self.bad, self.chance, self.lock = True, random.Random(SEED), threading.Lock()

    def __call__(self, session, verb, line):
        if verb == "RCPT" and REFUSED in line:
            return "550 5.1.1 nobody of that name"
        if not self.bad or verb in ("CONNECT", "EHLO", "QUIT", "RSET"):
            return None
        with self.lock:
            throw = self.chance.random()
        if throw < 0.04:
            return CLOSE
        if throw < 0.05:
            return HANG
        return "451 4.3.0 not now" if throw < 0.12 else None


class Soak:
    def __init__(self, test):
        self.test, self.ledger, self.end = test, Ledger(), time.monotonic() + SECONDS
        self.mood = Mood()
        self.peer = Peer(script=self.mood, keep=Taken.of).__enter__()
        test.addCleanup(self.peer.__exit__, None, None, None)
        listeners = {"mx": {"role": "mx", "tls": "none"}, "pop3-clear": {"role": "pop3", "tls": "none", "login_in_clear": True},
                     "submission": {"role": "submission", "tls": "none", "login_in_clear": True}}
        route = {"to": "far.test", "host": f"127.0.0.1:{self.peer.port}", "tls": "none"}
        self.server = Server(accounts={ANN: SECRET, BOB: SECRET, LOAD: SECRET}, listeners=listeners, routes=[route],
                             queue={"retry_first": "1s", "retry_most": "1s"}, limits={"connections_per_address": 200}, account_limits=UNBOUND,
                             delivery={"connect_timeout": "2s"}, extra={"takeover": {"enabled": False}})
        test.addCleanup(self.server.close)
        self.server.start()
        self.gone, self.seen, self.deleted, self.doubt = set(), set(), set(), set()
        self.threads = []

    def running(self):
        return time.monotonic() < self.end

    # --- load ----------------------------------------------------------------------------------

    def sender(self, seed):
        chance = random.Random(seed)
        while self.running():
            kind = chance.random()
            if kind < 0.4:
                one, login = self.ledger.write("x@y.test", local=[BOB], size=chance.choice((300, 3000, 150_000))), None
            elif kind < 0.8:
                one, login = self.ledger.write(ANN, local=[BOB], remote=[FAR], size=chance.choice((300, 90_000))), ANN
            else:
                one, login = self.ledger.write(ANN, bad=[REFUSED]), ANN
            self.hand_over(one, login)

    def hand_over(self, one, login):
        """As a server of the internet would: again and again, until there is a final answer."""
        while one.code is None or 400 <= one.code < 500:
            if one.begun:
                one.attempts += 1
            one.code = None
            try:
                self.send(one, login)
            except BROKEN:
                pass
            if not self.running() and one.code is None:
                return
            time.sleep(0.02)

    def send(self, one, login):
        client = self.server.smtp("submission" if login else "mx", timeout=5)
        try:
            if login:
                client.login(login, SECRET)
            Run.transact(client, one)
        finally:
            client.close()

    def reader(self):
        """Reads and deletes in Bob's mailbox, often without saying goodbye."""
        chance = random.Random(SEED + 99)
        while self.running():
            try:
                self.read_some(chance)
            except BROKEN:
                pass
            time.sleep(0.1)

    def read_some(self, chance):
        client = self.server.pop3(BOB, timeout=5)
        try:
            uidls = [line.split()[1] for line in client.uidl()[1]]
            self.seen.update(uidls)
            marked = {}
            for number in chance.sample(range(1, len(uidls) + 1), min(3, len(uidls))):
                head = b"\r\n".join(client.top(number, 0)[1])
                client.dele(number)
                marked[uidls[number - 1]] = mark_of(head)
            if chance.random() < 0.5:
                return
            self.doubt.update(marked)
            self.gone.update((number, BOB) for number in marked.values())
            client.quit()
            self.deleted.update(marked)
        finally:
            client.close()

    def third_party(self):
        """smtp-source has no memory for replies: it is load."""
        while self.running() and (PEERS / "root/usr/sbin/smtp-source").exists():
            try:
                smtp_source(PEERS, f"127.0.0.1:{self.server.ports['mx']}", "-s", 4, "-m", 200, "-l", 2000, "-f", "x@y.test", "-t", LOAD)
            except RuntimeError:
                time.sleep(0.05)  # the server was killed meanwhile

    def killer(self):
        chance = random.Random(SEED + 7)
        while self.running():
            time.sleep(chance.uniform(0.2, 3))
            self.server.stop(kill=True)
            self.ledger.kills += 1
            self.server.start()

    # --- the end -------------------------------------------------------------------------------

    def go(self):
        targets = [(self.sender, (SEED + i,)) for i in range(SENDERS)] + [(self.reader, ()), (self.third_party, ())]
        self.threads = [threading.Thread(target=target, args=args, daemon=True) for target, args in targets]
        for thread in self.threads:
            thread.start()
        self.killer()
        for thread in self.threads:
            thread.join(60)
        self.mood.bad = False
        self.peer.hanging.set()
        self.server.restart(kill=True)
        self.ledger.kills += 1
        self.server.must("queue", "retry", "--all")
        self.server.wait_queue_empty(120)
        owed = sum(1 for one in self.ledger.sent if one.bad and one.code == 250)
        wait_until(lambda: sum(b"report-type=delivery-status" in m for m in self.server.mail_one_by_one(ANN)) >= owed, "the reports", 60, 0.2)

    def judge(self):
        boxes = {login: self.server.mail_one_by_one(login) for login in (ANN, BOB)}
        problems = check(self.ledger, boxes, list(self.peer.messages), self.gone)
        client = self.server.pop3(BOB)
        there = {line.split()[1] for line in client.uidl()[1]}
        client.quit()
        problems += [f"UIDL {one} came back" for one in self.deleted & there]
        problems += [f"UIDL {one} went away" for one in self.seen - self.doubt - there]
        problems += [finding["what"] for finding in self.server.json("verify")["findings"]]
        return problems


class SoakTest(unittest.TestCase):
    def test_random_kills_under_load(self):
        soak = Soak(self)
        print(f"seed {SEED}")
        soak.go()
        self.assertEqual(soak.judge(), [])
        taken = sum(one.code == 250 for one in soak.ledger.sent)
        again = sum(one.attempts - 1 for one in soak.ledger.sent)
        load = soak.server.pop3(LOAD)
        print(f"{SECONDS:.0f} s, {soak.ledger.kills} kills, {taken} of {len(soak.ledger.sent)} messages acknowledged, {again} sent again, "
              f"{len(soak.peer.messages)} relayed, {len(soak.deleted)} deleted, {load.stat()[0]} of smtp-source")
        load.close()


if __name__ == "__main__":
    unittest.main()
