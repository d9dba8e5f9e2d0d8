"""The same places give errors instead: once, and from then on for ever. The server may refuse, or end; it may not lie.

FAULTS_FULL=1: every place with every error; otherwise a sample (FAULTS_SEED).
"""

import os
import random
import unittest

from faulty import Run, World
from kill_test import FULL, SEED, count_places
from server import SANITIZED
from sweep import sweep

ERRORS = ("EIO", "ENOSPC", "EDQUOT", "EMFILE", "ENOMEM", "short", "EINTR")
LASTING = ERRORS[:-1]  # a call that is interrupted is made again: for ever is no error then
SAMPLE = 8
STRIDE = int(os.environ.get("FAULTS_STRIDE", "1"))  # of the full form: every n-th place for each error


@unittest.skipIf(SANITIZED, "a sanitizer has to be loaded first")
class ErrorsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        world = World()
        cls.addClassCleanup(world.close)
        cls.places = count_places(world)

    def choose(self, ever):
        """Pairs of a place and an error."""
        errors = LASTING if ever else ERRORS
        if FULL:
            return [(place, error) for at, error in enumerate(errors) for place in range(1 + at % STRIDE, self.places + 1, STRIDE)]
        chance = random.Random(SEED + ever)
        return [(chance.randrange(1, self.places + 1), chance.choice(errors)) for _ in range(SAMPLE)]

    def fail_at(self, world, place, error, ever):
        run = Run(world)
        try:
            if run.server.start_with({"FAULT_AT": place, "FAULT_DO": error, "FAULT_EVER": int(ever)}):
                run.walk()
                run.settle_down(3 if ever else 20)
            run.server.reap()
            run.ledger.kills = 1  # a failed record of a delivery, and the kill at the end
            self.assertEqual(run.judge(), [])
        finally:
            run.close()

    def fail_at_all(self, what, ever):
        pairs = self.choose(ever)
        sweep(self, what, pairs, lambda world, pair: self.fail_at(world, *pair, ever), lambda pair: {"place": pair[0], "error": pair[1]})
        return len(pairs)

    def test_once(self):
        print(f"{self.fail_at_all('errors, once', False)} errors, once each, at {self.places} places")

    def test_for_ever_after(self):
        print(f"{self.fail_at_all('errors that last', True)} errors that last, at {self.places} places")


if __name__ == "__main__":
    unittest.main()
