"""A second opinion on the kill sweep: strace injects SIGKILL at system calls instead of our own library.

strace counts for each thread by itself, so its places are others. Skipped where strace is missing or may not trace.
"""

import os
import random
import shutil
import subprocess
import unittest

from faulty import Run, World
from kill_test import FULL, SEED
from server import SANITIZED

CALLS = ("pwrite64", "fdatasync", "fsync", "sendmsg", "write", "ftruncate", "unlink")
KILLS = 60 if FULL else 4


def may_trace():
    return shutil.which("strace") and subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode == 0


@unittest.skipIf(SANITIZED, "sanitizers look for leaks by tracing themselves")
@unittest.skipUnless(may_trace(), "needs strace")
class StraceTest(unittest.TestCase):
    def test_sampled_kills(self):
        world = World()
        self.addCleanup(world.close)
        chance = random.Random(SEED)
        killed = sum(self.kill_at(world, chance.choice(CALLS), int(chance.triangular(1, 60, 5))) for _ in range(KILLS))
        self.assertGreater(killed, 0)
        print(f"strace killed {killed} times of {KILLS}")

    def kill_at(self, world, call, number):
        run = Run(world)
        try:
            words = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}"]
            try:
                run.server.start(command=words)
                run.walk()
                run.settle_down(3)
            except RuntimeError:  # it did not live to be ready
                if run.server.process is not None:
                    run.server.process.stderr.close()
                run.server.process = None
            killed = run.server.process is None or not run.server.alive()
            if not killed:
                run.server.stop()
            run.ledger.kills = 1
            with self.subTest(call=call, number=number):
                self.assertEqual(run.judge(), [])
            return killed
        finally:
            run.close()


if __name__ == "__main__":
    unittest.main()
