"""SIGKILL every 0.2 to 3 seconds under load, with a peer that fails, hangs and closes as it likes, and a clock that is 400 days ahead
now and then; an operator who adds and removes accounts and reloads; backups under that load, and stores restored from one; then
everything is counted, and at last it all expires.

SOAK_SECONDS (12) is how long; FAULTS_SEED chooses.
"""

import contextlib
import os
import random
import shutil
import sqlite3
import threading
import time
import unittest

from faulty import ANN, BOB, BROKEN, FAR, REFUSED, Run
from ledger import MARK, Ledger, Taken, check, mark_of
from orders import TEMPS, Operator, OrderedServer
from peer import CLOSE, HANG, Peer
from postfix import smtp_source
from server import PEERS, SANITIZED, SECRET, wait_until

SECONDS = float(os.environ.get("SOAK_SECONDS", "12"))
SEED = int(os.environ.get("FAULTS_SEED", str(int(time.time()))))
SENDERS = 4
REST = min(SECONDS / 4, 150)  # between a backup and a restore, and the next backup
BULK = 128 * 1024  # larger bodies are in bulk.db
CHECKED = 5  # the store is checked as every so many kills leave it
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


class Gate:
    """What the load does passes through it. Closed, it lets nobody in, once all have come out."""

    def __init__(self):
        self.changed, self.inside, self.open = threading.Condition(), 0, True

    def __enter__(self):
        with self.changed:
            self.changed.wait_for(lambda: self.open)
            self.inside += 1

    def __exit__(self, *failure):
        with self.changed:
            self.inside -= 1
            self.changed.notify_all()

    @contextlib.contextmanager
    def closed(self):
        with self.changed:
            self.open = False
            self.changed.wait_for(lambda: self.inside == 0)
        try:
            yield
        finally:
            with self.changed:
                self.open = True
                self.changed.notify_all()


class Soak:
    def __init__(self, test):
        self.test, self.ledger, self.end = test, Ledger(), time.monotonic() + SECONDS
        self.mood = Mood()
        self.peer = Peer(script=self.mood, keep=Taken.of).__enter__()
        test.addCleanup(self.peer.__exit__, None, None, None)
        listeners = {"mx": {"role": "mx", "tls": "none"}, "pop3-clear": {"role": "pop3", "tls": "none", "login_in_clear": True},
                     "submission": {"role": "submission", "tls": "none", "login_in_clear": True}}
        route = {"to": "far.test", "host": f"127.0.0.1:{self.peer.port}", "tls": "none"}
        self.server = OrderedServer(accounts={ANN: SECRET, BOB: SECRET, LOAD: SECRET}, listeners=listeners, routes=[route],
                                  queue={"retry_first": "1s", "retry_most": "1s"}, limits={"connections_per_address": 200}, account_limits=UNBOUND,
                                  delivery={"connect_timeout": "2s"}, extra={"takeover": {"enabled": False}, "mailbox": {"expire_days": 365}})
        test.addCleanup(self.server.close)
        self.server.extra_server = {"backup_dirs": [self.server.folder]}
        self.server.start()
        self.server.must("clock", "confirm", "--yes")  # what it compares with from now on
        self.gone, self.seen, self.deleted, self.doubt = set(), set(), set(), set()
        self.threads, self.gate, self.problems, self.backups, self.restores = [], Gate(), [], 0, 0
        self.operator = Operator(self.server, self.ledger, self.gate, self.gone, SEED + 13)

    def running(self):
        return time.monotonic() < self.end

    # --- load ----------------------------------------------------------------------------------

    def sender(self, seed):
        chance = random.Random(seed)
        while self.running():
            kind = chance.random()
            temp = chance.choice(TEMPS)
            if kind < 0.1:
                one, login = self.ledger.write("x@y.test", local=[temp], size=chance.choice((300, 150_000))), None
            elif kind < 0.15:
                one, login = self.ledger.write(ANN, local=[temp], options=(f"HOLDFOR={chance.randint(1, 4)}",)), ANN
            elif kind < 0.2:
                one, login = self.ledger.write(temp, bad=[REFUSED]), temp
            elif kind < 0.4:
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
                with self.gate:
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
                with self.gate:
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
        events, due = (self.back_up_beside_work, self.restore_and_go_on), time.monotonic() + REST
        while self.running():
            time.sleep(chance.uniform(0.2, 3))
            self.server.jump(chance.choice((0, 400)))
            if chance.random() < 0.3:
                continue
            with self.operator.falling():
                self.server.stop(kill=True)
                self.ledger.kills += 1
                if self.ledger.kills % CHECKED == 0:
                    with self.gate.closed():  # an order to the store itself has it to itself
                        self.problems += [f"after kill {self.ledger.kills}: {line}" for line in self.server.findings()]
                self.server.start()
            if time.monotonic() > due:
                events[0]()
                events, due = events[::-1], time.monotonic() + REST

    # --- backups -------------------------------------------------------------------------------

    def back_up(self):
        file = self.server.folder / f"{self.backups}.backup"
        self.server.must("backup", file, seconds=600)
        self.backups += 1
        return file

    def restore(self, file, config):
        """A store of the backup, in the place that the configuration names."""
        done = self.server.cli("restore", file, "--config", config, seconds=600)
        self.test.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        file.unlink()
        self.restores += 1

    def back_up_beside_work(self):
        """All that Bob was to get and was acknowledged before it began, and not deleted since, is in it; and it is sound."""
        before = {one.number for one in list(self.ledger.sent) if one.code == 250 and BOB in one.local}
        file = self.back_up()
        place = self.server.folder / "aside"
        config = self.server.folder / "aside.toml"
        config.write_text(self.server.config.read_text().replace(str(self.server.data), str(place)))
        self.restore(file, config)
        sound = self.server.cli("verify", "--config", config, seconds=600)
        if sound.returncode != 0:
            self.problems.append(f"a restored backup is not sound: {sound.stdout}{sound.stderr}")
        with contextlib.closing(sqlite3.connect(place / "paquebot.db")) as db:
            heads = db.execute("SELECT b.head FROM entry e JOIN body b ON b.id = e.body JOIN mailbox m ON m.id = e.mailbox "
                               "JOIN account a ON a.id = m.account WHERE a.login = ?", (BOB,))
            there = {int(mark[1]) for head, in heads if (mark := MARK.search(head))}
        gone = {number for number, _ in self.gone}
        self.problems += [f"message {number} is missing in a backup" for number in before - there - gone]
        shutil.rmtree(place)

    def restore_and_go_on(self):
        """Nothing comes in between the backup and the restore, which so loses nothing; what waited may go out twice. The newest
        large messages are deleted just before: what they were must not be taken for those that come after."""
        with self.gate.closed():
            self.delete_the_newest_large(5)
            file = self.back_up()
            self.server.stop(kill=True)
            self.ledger.kills += 1
            shutil.rmtree(self.server.data)
            self.restore(file, self.server.config)
            self.server.start()
            self.server.must("queue", "release", "--all")

    def delete_the_newest_large(self, many):
        client = self.server.pop3(BOB)
        sizes = [line.split() for line in client.list()[1]]
        uidls = set()
        for number in [int(number) for number, size in sizes if int(size) > BULK + 2000][-many:]:
            uidls.add(client.uidl(number).split()[2])
            self.gone.add((mark_of(b"\r\n".join(client.top(number, 0)[1])), BOB))
            client.dele(number)
        self.doubt |= uidls
        client.quit()
        self.deleted |= uidls

    # --- the end -------------------------------------------------------------------------------

    def go(self):
        targets = [(self.sender, (SEED + i,)) for i in range(SENDERS)]
        targets += [(self.reader, ()), (self.third_party, ()), (self.operator.run, (self.running,))]
        self.threads = [threading.Thread(target=target, args=args, daemon=True) for target, args in targets]
        for thread in self.threads:
            thread.start()
        self.killer()
        for thread in self.threads:
            thread.join(60)
        self.mood.bad = False
        self.peer.hanging.set()
        self.server.jump(0)
        self.server.restart(kill=True)
        self.ledger.kills += 1
        self.server.must("queue", "retry", "--all")
        self.server.wait_queue_empty(120)
        self.operator.settle()
        self.server.wait_upkeep()
        for login in (ANN, *TEMPS):
            wait_until(lambda login=login: self.reports(login) >= self.owed(login), f"the reports to {login}", 60, 0.2)

    def owed(self, login):
        mine = [one for one in self.ledger.sent if one.bad and one.code == 250 and one.sender == login]
        return sum((one.number, one.bad[0]) not in self.gone for one in mine)

    def reports(self, login):
        return sum(b"report-type=delivery-status" in m and b"refused@" in m for m in self.server.mail_one_by_one(login))

    def whole_mailbox(self, login):
        try:
            yield from self.server.mail_one_by_one(login)
        except BROKEN as broken:
            self.problems.append(f"the mailbox of {login} can't be read to its end: {broken}: {self.server.log()[-1000:]}")

    def judge(self):
        boxes = {login: self.whole_mailbox(login) for login in (ANN, BOB, *TEMPS)}
        problems = check(self.ledger, boxes, list(self.peer.messages), self.gone) + self.problems + self.operator.problems
        for login in TEMPS:
            there = {mark_of(message.partition(b"\r\n\r\n")[0]) for message in self.whole_mailbox(login)}
            problems += self.operator.came_back(login, there)
        client = self.server.pop3(BOB)
        there = {line.split()[1] for line in client.uidl()[1]}
        client.quit()
        given_up = f"Final-Recipient: rfc822; {FAR}".encode()
        problems += [f"mail for {FAR} was given up before its time" for message in boxes[ANN] if given_up in message]
        problems += [f"UIDL {one} came back" for one in self.deleted & there]
        problems += [f"UIDL {one} went away" for one in self.seen - self.doubt - there]
        problems += self.server.findings()
        return problems

    def expire(self):
        """By a clock that is right, all of it is too old, also what came while it was ahead."""
        self.server.jump(800)
        self.server.restart()
        self.server.must("clock", "confirm", "--yes")
        for login in (ANN, BOB, LOAD, *TEMPS):
            wait_until(lambda login=login: self.is_empty(login), f"the mail of {login} to expire", 120, 0.1)
        return [finding["what"] for finding in self.server.json("verify")["findings"]]

    def is_empty(self, login):
        try:
            client = self.server.pop3(login)
        except BROKEN:
            return False  # expiry has it locked
        count = client.stat()[0]
        client.quit()
        return count == 0


@unittest.skipIf(SANITIZED, "a sanitizer has to be loaded first")
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
              f"{len(soak.peer.messages)} relayed, {len(soak.deleted)} deleted, {load.stat()[0]} of smtp-source, {soak.backups} backups, {soak.restores} restored, "
              f"{soak.operator.removed} accounts removed")
        load.close()
        self.assertEqual(soak.expire(), [])


if __name__ == "__main__":
    unittest.main()
