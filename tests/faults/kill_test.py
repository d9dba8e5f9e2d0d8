"""SIGKILL at each place where the server writes, syncs, renames, deletes, truncates or sends.

FAULTS_FULL=1: at every place; otherwise at a sample (FAULTS_SEED).
"""

import os
import random
import unittest

from faulty import Run, World
from server import SANITIZED
from sweep import sweep

FULL = os.environ.get("FAULTS_FULL") == "1"
SEED = int(os.environ.get("FAULTS_SEED", "4"))
SAMPLE = 18


def count_places(world):
    """How many there are when nothing fails, from the start to the drained queue and the stop."""
    run = Run(world)
    try:
        assert run.server.start_with({"FAULT_AT": 0}), run.server.output.text()
        run.walk()
        run.settle_down()
        assert [one.code for one in run.ledger.sent] == [250, 250, 250], [one.code for one in run.ledger.sent]
        there = {mark: box for mark in "abcdefgh" for box in ("Archive", "Trash") if run.book.known([mark], box)}
        assert there == {**dict.fromkeys("abef", "Archive"), **dict.fromkeys("ch", "Trash")}, run.book.states
        assert [(mark, copy.box, copy.lost) for mark, copies in run.book.copies.items() for copy in copies] == [("e", "Trash", False), ("f", "Trash", False)]
        places = run.server.count()
        run.server.stop()
        places = max(places, run.server.count())
        problems = run.judge()
        assert problems == [], problems
        return places
    finally:
        run.close()


def chosen(places):
    """Places to visit, from 1; the quick form's always hold the first and the last."""
    if FULL:
        return range(1, places + 1)
    return sorted({1, places, *random.Random(SEED).sample(range(1, places + 1), min(SAMPLE, places))})


@unittest.skipIf(SANITIZED, "a sanitizer has to be loaded first")
class KillTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        world = World()
        cls.addClassCleanup(world.close)
        cls.places = count_places(world)

    def kill_at(self, world, place, deed):
        """Whether it came to that: threads make the number of places vary a little."""
        run = Run(world)
        try:
            if run.server.start_with({"FAULT_AT": place, "FAULT_DO": deed}):
                run.walk()
                run.settle_down()
                if run.server.alive():
                    run.server.stop()
            killed = run.server.count() >= place
            run.ledger.kills = 1
            self.assertEqual(run.judge(), [])
            return killed
        finally:
            run.close()

    def kill_at_all(self, places, deed):
        killed = sum(sweep(self, deed, places, lambda world, place: self.kill_at(world, place, deed), lambda place: {"place": place}))
        self.assertGreater(killed, len(places) * 0.8)
        return killed

    def test_every_place(self):
        killed = self.kill_at_all(list(chosen(self.places)), "kill")
        print(f"killed at {killed} of {self.places} places")

    def test_in_the_middle_of_a_write(self):
        killed = self.kill_at_all(list(chosen(self.places))[::1 if FULL else 3], "torn")
        print(f"killed in the middle of the operation at {killed} of {self.places} places")


if __name__ == "__main__":
    unittest.main()
