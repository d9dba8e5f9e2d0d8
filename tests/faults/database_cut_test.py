"""The connection to the database is cut before and after each message that a server sends to it.

FAULTS_FULL=1: at every place of every step (`make faults-database`); otherwise at a sample (FAULTS_SEED), which has both sides of every
commit in it. STEPS=a,b: only these steps of the dialogue.
"""

import contextlib
import os
import random
import sys
import time
import unittest

from database_dialogue import BOB, Dialogue
from database_wire import Cut, Place, Wire
from postgres import Postgres
from server import SANITIZED, wait_until

FULL = os.environ.get("FAULTS_FULL") == "1"
SEED = int(os.environ.get("FAULTS_SEED", "4"))
SAMPLE = 14  # of each step, beside its commits
STEPS = os.environ.get("STEPS", ",".join(Dialogue.STEPS)).split(",")
# What a node asks that does not know whether its commit happened, on a new connection.
MARKER = "UPDATE writer SET seq = seq WHERE…"
QUESTIONS = [Cut(Place("writer", MARKER, "Bind", 0), False), Cut(Place("writer", MARKER, "Execute", 0), True),
             Cut(Place("writer", "COMMIT", "Execute", 0), False), Cut(Place("writer", "COMMIT", "Sync", 0), True)]


@unittest.skipIf(SANITIZED, "it takes many minutes there")
class DatabaseCutTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stack = cls.enterClassContext(contextlib.ExitStack())
        postgres = stack.enter_context(Postgres())
        cls.wire = stack.enter_context(Wire(postgres.folder, postgres.port))
        cls.dialogue = Dialogue(stack, postgres, cls.wire)
        cls.random, cls.pid = random.Random(SEED), cls.dialogue.server.pid

    def test_every_message(self):
        made = {step: self.cut_all_of(step) for step in STEPS}
        self.assertEqual(self.dialogue.server.pid, self.pid)
        self.assertNotIn("event=node-taken-over", self.dialogue.server.log())
        print("cut: " + ", ".join(f"{count} in {step}" for step, count in made.items()) +
              f"; {sum(self.dialogue.refusals.values())} refusals, and each was followed by a success")

    def test_a_piece_that_is_lost_is_noticed(self):
        """Nobody waits for the pieces of a large body to be durable: when another database takes over, one may be missing."""
        dialogue = self.dialogue
        mark = dialogue.mark(BOB)
        with dialogue.server.smtp() as client:
            for reply in (client.mail("x@y.test"), client.rcpt(BOB)):
                self.assertEqual(reply[0], 250)
            self.assertEqual(client.docmd("DATA")[0], 354)
            before = int(dialogue.sql.ask("SELECT coalesce(max(bulk), 0) FROM chunk"))
            client.send(f"X-Ledger: {mark}\r\n\r\n" + ("0123456789" * 7 + "\r\n") * 10_000)
            there = f"SELECT count(*) FROM chunk WHERE bulk > {before}"
            wait_until(lambda: dialogue.sql.ask(there) != "0", "a piece in the database")
            dialogue.sql.ask(f"DELETE FROM chunk WHERE bulk > {before} AND start = 0")
            client.send("\r\n.\r\n")
            self.assertEqual(client.getreply()[0], 451)
        dialogue.smtp(mark, BOB, size=200_000)
        self.assertEqual(dialogue.judge(), [])

    def test_without_the_marker_it_breaks(self):
        """The negative control: with a database that forgets the number of the last commit, a message is there more than once."""
        forget = ("CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN new.seq := -2; RETURN new; END';"
                  "CREATE TRIGGER forget BEFORE UPDATE ON writer FOR EACH ROW EXECUTE FUNCTION forget()")
        self.dialogue.cut = None
        with self.wire.counted() as places:
            self.dialogue.accept()
        self.assertEqual(self.dialogue.judge(), [])
        self.dialogue.sql.ask(forget)
        self.addCleanup(self.dialogue.sql.ask, "DROP TRIGGER forget ON writer")
        for place in places:
            if (place.role, place.statement, place.kind) == ("writer", "COMMIT", "Sync"):
                with self.wire.cut([Cut(place, True)]):
                    self.dialogue.accept()
        self.assertNotEqual(self.dialogue.judge(), [], "if this fails, the other test would pass without the marker")

    def cut_all_of(self, step):
        walk = getattr(self.dialogue, step)
        self.dialogue.cut = None
        walk()
        with self.wire.counted() as places:
            walk()
        self.assertEqual(self.dialogue.judge(), [], f"{step} without a fault")
        made, reached, began = 0, 0, time.monotonic()
        sequences = self.chosen(places)
        for number, cuts in enumerate(sequences):
            if FULL and number % 200 == 0:
                print(f"{step}: {number} of {len(sequences)}, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
            self.dialogue.cut = ", then ".join(map(str, cuts))
            with self.wire.cut(cuts) as done:
                walk()
            made += done.done
            reached += done.done > 0
        self.assertEqual(self.dialogue.judge(), [], step)
        # What the node does beside it is not the same each time.
        self.assertGreater(reached, len(sequences) * 0.5, step)
        return made

    def chosen(self, places):
        """Sequences of cuts: one at each place; and behind a commit in doubt, the question whether it happened is cut, too."""
        commits = [place for place in places if place.statement == "COMMIT" and place.kind in ("Execute", "Sync") and place.role == "writer"]
        self.assertTrue(commits)
        others = [place for place in places if place not in commits]
        if not FULL:
            commits = self.random.sample(commits, min(4, len(commits)))
            others = self.random.sample(others, min(SAMPLE, len(others)))
        single = [[Cut(place, after)] for place in commits + others for after in ((False, True) if FULL or place in commits
                                                                                  else (self.random.random() < 0.5,))]
        doubted = [Cut(place, True) for place in commits if FULL or place.kind == "Sync"]
        return single + [[doubt, question] for doubt in doubted for question in QUESTIONS]


if __name__ == "__main__":
    unittest.main()
