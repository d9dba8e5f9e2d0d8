"""SIGKILL at places of a run in which sites pause by what they say, policies and proofs of TLS are in use, and mail is suspended.

FAULTS_FULL=1: at every place; otherwise at a sample (FAULTS_SEED).
"""

import random
import unittest

import sweep
from kill_test import FULL, SEED
from server import SANITIZED
from site_run import DANE, SiteRun, SiteWorld

SAMPLE = 8


def count_places(world):
    run = SiteRun(world)
    try:
        assert run.server.start_with({"FAULT_AT": 0}), run.server.output.text()
        run.walk()
        run.settle_down()
        codes = [one.code for one in run.ledger.sent]
        assert codes == [250] * len(codes) and len(codes) == 9, codes
        assert world.said == {"paced.test", "blocked.test"}, world.said
        for host in (world.hosts[0], world.hosts[-1]):
            assert host.messages and all(message.tls for message in host.messages), f"{host.name} got mail in clear, or none"
        for line in run.server.must("trace", DANE).splitlines()[1:]:
            told = run.server.must("trace", line.split()[0])
            assert "DANE)" in told, told
        places = run.server.count()
        run.server.stop()
        places = max(places, run.server.count())
        # Of the site that says "too fast" something is learnt in nine runs of ten: not where another connection to it works.
        policies, sites, orders = run.learnt()
        assert policies == 1 and sites <= 2 and orders == 2, (policies, sites, orders)
        problems = run.judge()
        assert problems == [], problems
        return places
    finally:
        run.close()


def chosen(places):
    if FULL:
        return list(range(1, places + 1))
    return sorted({1, places, *random.Random(SEED).sample(range(1, places + 1), min(SAMPLE, places))})


@unittest.skipIf(SANITIZED, "a sanitizer has to be loaded first")
class SiteKillTest(unittest.TestCase):
    def test_every_place(self):
        world = SiteWorld()
        self.addCleanup(world.close)
        places = count_places(world)
        chosen_places = chosen(places)

        def kill_at(own_world, place):
            run = SiteRun(own_world)
            try:
                if run.server.start_with({"FAULT_AT": place, "FAULT_DO": "kill"}):
                    run.walk()
                    run.settle_down(5)
                    if run.server.alive():
                        run.server.stop()
                killed = run.server.count() >= place
                run.ledger.kills = 1
                self.assertEqual(run.judge(), [])
                return killed
            finally:
                run.close()

        killed = sum(sweep.sweep(self, "kill", chosen_places, kill_at, lambda place: {"place": place}, world=SiteWorld))
        self.assertGreater(killed, len(chosen_places) * 0.7)
        print(f"killed at {killed} of {places} places")


if __name__ == "__main__":
    unittest.main()
