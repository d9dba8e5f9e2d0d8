"""Ten clients at random over IMAP under random kills, with a book of their own: flags, uids, modseqs and counts equal the model, and
who asks for what is new by QRESYNC has what a whole listing gives.

IMAP_STEPS (60): steps of each client; IMAP_SOAK_SECONDS: so long instead. FAULTS_SEED chooses.
"""

import os
import random
import threading
import time
import unittest

from imap_ledger import BROKEN, Book, ImapClient, Listing, Message, Refused
from server import SECRET, Server

SECONDS = float(os.environ.get("IMAP_SOAK_SECONDS", "0"))
STEPS = int(os.environ.get("IMAP_STEPS", "60"))
SEED = int(os.environ.get("FAULTS_SEED", str(int(time.time()))))
CLIENTS = 10
KILLS = 3            # of the form that counts steps: at places that the seed chooses
OWN = 40             # messages that a client keeps at most
COPIES = 8           # and copies of them, about
ANN = "ann@example.test"
BOXES = ("INBOX", "Archive", "Trash", "Work/2026")
FLAGS = (r"\Seen", r"\Answered", r"\Flagged", r"\Draft", "$Label1", "$Label2")
COMMON = [f"common{number}" for number in range(12)]
CHECKED = 5          # the store is checked as every so many kills leave it


class Counter:
    """Steps of all clients; somebody may wait for one."""

    def __init__(self):
        self.changed, self.steps, self.ended = threading.Condition(), 0, False

    def step(self):
        with self.changed:
            self.steps += 1
            self.changed.notify_all()

    def end(self):
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait_for(self, number):
        """False: all clients have ended."""
        with self.changed:
            self.changed.wait_for(lambda: self.ended or self.steps >= number)
            return not self.ended


class Worker:
    """One client: its own messages in all mailboxes, and its own keyword at the common ones."""

    def __init__(self, soak, number):
        self.soak, self.book, self.name, self.keyword = soak, soak.book, f"client{number}", f"k{number}"
        self.chance, self.made, self.client, self.seen = random.Random(SEED * 100 + number), 0, None, {}
        self.steps, self.problems = 0, []

    def run(self):
        try:
            while self.soak.running(self.steps):
                try:
                    self.step()
                except BROKEN:
                    self.leave()
                    time.sleep(0.02)  # the server was killed
                    continue
                self.steps += 1
                self.soak.counter.step()
        except Refused as refused:
            self.problems.append(f"{self.name}: {refused}")
        finally:
            self.leave()

    def leave(self):
        if self.client is not None:
            self.client.close()
        self.client = None

    def step(self):
        if self.client is None:
            self.client = ImapClient(self.soak.server.ports["imap"], ANN, SECRET)
            self.find_out()
        elif self.chance.random() < 0.05:
            self.leave()
            return
        box = self.chance.choice(BOXES)
        if self.client.box != box or self.chance.random() < 0.2:
            self.client.select(box)
        deeds = (self.append, self.append, self.store, self.store, self.store, self.move, self.move, self.expunge, self.mark_common, self.look,
                 self.copy, self.replace)
        self.chance.choice(deeds)(box)

    def mine(self):
        with self.book.lock:
            return [mark for mark in self.book.states if mark.startswith(self.name + ".")]

    def find_out(self):
        """What became of that of which nobody knew: it must be one of what may be, and is that from now on."""
        doubt = [mark for mark in self.mine() if len(self.book.states[mark]) > 1 or next(iter(self.book.states[mark]), None) and
                 next(iter(self.book.states[mark]))[1] is None or any(copy.lost for copy in self.book.copies.get(mark, ()))]
        if not doubt:
            return
        found = {}
        for box in BOXES:
            for uid, one in self.client.listing(box).messages.items():
                if one.mark in doubt:
                    found.setdefault(one.mark, []).append((box, uid, one.flags, one.modseq))
        for mark in doubt:
            explained = self.book.explain(mark, found.get(mark, []))
            if explained is None:
                self.problems.append(f"{mark} is {found.get(mark)}, and may only be {self.book.states[mark]}, "
                                     f"copies {[vars(copy) for copy in self.book.copies.get(mark, ())]}")
            there, copies = explained or (None, {})
            self.book.sure(mark, there and there[:3], there and there[3])
            for copy in list(self.book.copies.get(mark, ())):
                copy.flags = copies[copy][2] if copy in copies else None
                self.book.sure_copy(mark, copy, copies[copy][1] if copy in copies else None)

    def some(self, box, most=5):
        states = self.book.known(self.mine(), box)
        return {mark: states[mark] for mark in self.chance.sample(sorted(states), min(len(states), self.chance.randint(1, most)))}

    # --- deeds ---------------------------------------------------------------------------------

    def append(self, box):
        if sum(len(self.book.known(self.mine(), one)) for one in BOXES) >= OWN:
            return self.expunge(box)
        self.made += 1
        flags = self.chance.sample(FLAGS, self.chance.randint(0, 3))
        self.client.append(self.book, box, f"{self.name}.{self.made}", flags, self.chance.choice((100, 3000, 3000, 150_000)))

    def store(self, box):
        if states := self.some(box):
            self.client.store(self.book, states, self.chance.choice("+-") if self.chance.random() < 0.8 else "",
                              self.chance.sample(FLAGS, self.chance.randint(1, 3)))

    def move(self, box):
        if states := self.some(box):
            self.client.move(self.book, states, self.chance.choice([one for one in BOXES if one != box]))

    def copy(self, box):
        """One of a message at most, of which nothing changes but that it is deleted."""
        copies = [(mark, copy) for mark in self.mine() for copy in self.book.copies.get(mark, ()) if not copy.lost]
        if copies and (len(copies) >= COPIES or self.chance.random() < 0.4):
            mark, copy = self.chance.choice(copies)
            self.client.select(copy.box)
            self.client.drop_copy(self.book, mark, copy)
        elif states := {mark: state for mark, state in self.some(box).items() if not self.book.copies.get(mark)}:
            self.client.copy(self.book, states, self.chance.choice(BOXES))

    def replace(self, box):
        if states := self.some(box, 1):
            (old, state), = states.items()
            self.made += 1
            self.client.replace(self.book, old, state, f"{self.name}.{self.made}", self.chance.choice(BOXES),
                                self.chance.sample(FLAGS, self.chance.randint(0, 3)), self.chance.choice((100, 3000, 150_000)))

    def expunge(self, box):
        if states := self.some(box, 3):
            self.client.delete(self.book, states)

    def mark_common(self, box):
        self.client.select("INBOX")
        marks = self.chance.sample(COMMON, 3)
        self.client.set_keyword(self.book, {mark: self.soak.common[mark] for mark in marks}, self.keyword, self.chance.random() < 0.5)

    def look(self, box):
        """What it asks for since it saw a mailbox is right for its own messages; those of others change meanwhile."""
        if box not in self.seen or self.chance.random() < 0.3:
            self.seen[box] = self.client.listing(box)
            return
        known = self.client.resync(box, self.seen[box])
        for mark, (_, uid, flags) in self.book.known(self.mine(), box).items():
            if known.get(uid) != flags:
                self.problems.append(f"by QRESYNC {mark} in {box} is {known.get(uid)}, not {flags}")


class Soak:
    def __init__(self, test):
        self.server = Server(accounts={ANN: SECRET}, listeners={"imap": {"role": "imap", "tls": "none", "login_in_clear": True}},
                             limits={"connections_per_address": 200}, extra_server={"threads": 2}).start()
        test.addCleanup(self.server.close)
        self.book, self.counter, self.kills, self.problems, self.common = Book(), Counter(), 0, [], {}
        self.end = time.monotonic() + SECONDS
        with self.client() as client:
            client.must("CREATE Work/2026")
            for mark in COMMON:
                client.append(self.book, "INBOX", mark)
                (_, self.common[mark], _), = self.book.states.pop(mark)
                self.book.keywords.update({(mark, f"k{number}"): {False} for number in range(CLIENTS)})
        self.workers = [Worker(self, number) for number in range(CLIENTS)]

    def client(self):
        return ImapClient(self.server.ports["imap"], ANN, SECRET, timeout=60)

    def running(self, steps):
        return time.monotonic() < self.end if SECONDS else steps < STEPS

    def kill(self):
        self.server.stop(kill=True)
        self.kills += 1
        if self.kills % CHECKED == 0:
            self.problems += [f"after kill {self.kills}: {line}" for line in self.server.findings()]
        self.server.start()

    def killer(self):
        chance = random.Random(SEED)
        if SECONDS:
            while time.monotonic() < self.end:
                time.sleep(chance.uniform(0.3, 4))
                self.kill()
            return
        for number in sorted(chance.sample(range(STEPS * CLIENTS // 10, STEPS * CLIENTS * 9 // 10), KILLS)):
            if self.counter.wait_for(number):
                self.kill()

    def go(self):
        threads = [threading.Thread(target=worker.run, daemon=True) for worker in self.workers]
        for thread in threads:
            thread.start()
        ender = threading.Thread(target=lambda: ([thread.join() for thread in threads], self.counter.end()), daemon=True)
        ender.start()
        self.killer()
        ender.join(300)
        if ender.is_alive():
            self.problems.append("clients have not ended")
        self.server.restart(kill=True)
        self.kills += 1

    def judge(self):
        problems = self.problems + [problem for worker in self.workers for problem in worker.problems]
        with self.client() as client:
            listings = {box: client.listing(box) for box in BOXES}
            problems += self.book.check(BOXES, listings)
            for worker in self.workers:
                for box, seen in worker.seen.items():
                    if (known := client.resync(box, seen)) != listings[box].flags():
                        problems.append(f"{box} as {worker.name} has it by QRESYNC is {known}, and listed {listings[box].flags()}")
            for box, listing in listings.items():
                said = b"".join(client.must(f"STATUS {box} (MESSAGES UNSEEN DELETED)")[0]).decode()
                unseen = sum(r"\Seen" not in flags for flags in listing.flags().values())
                deleted = sum(r"\Deleted" in flags for flags in listing.flags().values())
                if f"(MESSAGES {len(listing.messages)} UNSEEN {unseen} DELETED {deleted})" not in said:
                    problems.append(f"{said}: it has {len(listing.messages)}, {unseen} unseen, {deleted} deleted")
            problems += self.watch(client)
        problems += self.server.findings()
        self.server.stop()
        return problems + self.server.findings()

    def watch(self, client):
        """A session that is told of what others change has, by that alone, what a listing gives."""
        with self.client() as watcher:
            listing = watcher.listing("INBOX")
            client.select("INBOX")
            client.append(self.book, "INBOX", "last.1", [r"\Seen"])
            client.delete(self.book, self.book.known(["last.1"], "INBOX"))
            client.append(self.book, "INBOX", "last.2")
            watcher.must("NOOP")
            watcher.must("UID FETCH 1:* (FLAGS)")
            expected = set(listing.messages) | {state[1] for state in self.book.known(["last.2"], "INBOX").values()}
            return [] if watcher.uids == expected else [f"a watcher has {sorted(watcher.uids)}, not {sorted(expected)}"]


class BookTest(unittest.TestCase):
    def test_broken_promises_are_seen(self):
        book = Book()
        book.may("a", ("INBOX", None, frozenset()))
        book.sure("a", ("INBOX", 1, frozenset()), 5)
        book.may("b", ("INBOX", None, frozenset()))
        book.keywords["c", "k0"] = {True}

        def listed(highest=9, **messages):
            listing = Listing(1, 10, highest)
            listing.messages = {uid: Message(mark, flags, modseq) for mark, (uid, flags, modseq) in messages.items()}
            return book.check(["INBOX"], {"INBOX": listing})

        none, common = frozenset(), (3, frozenset({"k0"}), 1)
        self.assertEqual(listed(a=(1, none, 5), c=common), [])
        self.assertEqual(listed(a=(1, none, 5), b=(2, none, 7), c=common), [], "what was not acknowledged may be")
        copy = book.copied("a", "INBOX", none)
        self.assertEqual(listed(a=(1, none, 5), c=common), [], "it may be, or not")
        book.sure_copy("a", copy, 4)
        self.assertNotEqual(listed(a=(1, none, 5), c=common), [], "it must be")
        both = {"a": (1, none, 5), "c": common}
        listing = Listing(1, 10, 9)
        listing.messages = {uid: Message(mark, flags, modseq) for mark, (uid, flags, modseq) in both.items()}
        listing.messages[4] = Message("a", none, 7)
        self.assertEqual(book.check(["INBOX"], {"INBOX": listing}), [])
        listing.messages[5] = Message("a", none, 8)
        self.assertNotEqual(book.check(["INBOX"], {"INBOX": listing}), [], "a second one")
        book.sure_copy("a", copy, None)
        book.given.pop(("INBOX", 4))
        for wrong in ({"a": (1, none, 6)}, {"a": (2, none, 5)}, {"a": (1, frozenset({r"\Seen"}), 5)}, {}, {"a": (1, none, 5), "x": (4, none, 1)},
                      {"a": (1, none, 5), "b": (2, frozenset({r"\Seen"}), 7)}, {"a": (1, none, 5), "highest": 4},
                      {"a": (1, none, 5), "c": (3, none, 1)}):
            self.assertNotEqual(listed(**({"c": common} | wrong)), [], wrong)


class ImapSoakTest(unittest.TestCase):
    def test_ten_clients(self):
        print(f"FAULTS_SEED={SEED}")
        soak = Soak(self)
        soak.go()
        self.assertEqual(soak.judge(), [], f"FAULTS_SEED={SEED}")
        done = sum(worker.steps for worker in soak.workers)
        gone = sum(next(iter(states)) is None for states in soak.book.states.values())
        self.assertGreater(gone, 0)
        print(f"{done} steps, {soak.kills} kills, {len(soak.book.states)} messages, {gone} of them deleted, "
              f"{sum(soak.book.highest.values())} modseqs in all")


if __name__ == "__main__":
    unittest.main()
