"""Runs the cases of a sweep beside each other: most of a case is waiting for a server's start and its queue.

FAULTS_JOBS=n: how many at once, each in a world of its own.
"""

import os
import queue
import sys
import threading
import time

from faulty import World

JOBS = int(os.environ.get("FAULTS_JOBS", "4"))
REPORT_SECONDS = 30


class Progress:
    """A line now and then, for sweeps that take long."""

    def __init__(self, what, total):
        self.what, self.total, self.done = what, total, 0
        self.began = self.told = time.monotonic()

    def step(self):
        self.done += 1
        now = time.monotonic()
        if now - self.told < REPORT_SECONDS or self.done == self.total:
            return
        self.told = now
        left = (now - self.began) / self.done * (self.total - self.done)
        print(f"{self.what}: {self.done} of {self.total}, about {left / 60:.0f} min left", file=sys.stderr, flush=True)


def sweep(test, what, cases, run, describe, world=World):
    """run(world, case) for every case, by several threads; what a case raises fails `test` under its description. `world` makes one.
    Gives the results of the cases that ran through."""
    waiting = queue.SimpleQueue()
    for case in cases:
        waiting.put(case)
    lock, results, broken = threading.Lock(), [], []
    progress = Progress(what, len(cases))

    def work():
        own = world()
        try:
            while True:
                try:
                    case = waiting.get_nowait()
                except queue.Empty:
                    return
                try:
                    result, problem = run(own, case), None
                except Exception as error:  # one broken case must not hide the others
                    result, problem = None, error
                with lock:
                    results.append(result) if problem is None else broken.append((case, problem))
                    progress.step()
        finally:
            own.close()

    threads = [threading.Thread(target=work) for _ in range(max(1, min(JOBS, len(cases))))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for case, problem in broken:
        with test.subTest(**describe(case)):
            raise problem
    test.assertEqual(len(results) + len(broken), len(cases))
    return results
