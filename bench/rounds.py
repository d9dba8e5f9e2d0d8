"""Rounds A B A B …: every server once a round, in turn, each with a warm-up that also tells how many messages fill a round."""

import contextlib
import os
import subprocess
import time

import measure

FAILURES = (RuntimeError, OSError, ValueError, subprocess.SubprocessError)  # of a server or a generator: the others go on


class Plan:
    """How long and how often: the whole bench, or QUICK=1 (fewer cells, shorter and fewer rounds; `rounds` sets how many). `cell`: of
    accept only the cells whose name contains it."""

    def __init__(self, quick, rounds=0, cell=""):
        self.quick = quick
        self.cell = cell
        self.rounds = rounds or (2 if quick else 5)
        self.seconds = 0.7 if quick else 2.0

    def wants(self, cell):
        return self.cell in cell

    def __str__(self):
        return f"{self.rounds} rounds of about {self.seconds} s for each server, in turn"


class Progress:
    """How long it may still take: what each case is expected to take, corrected by what those before it took. {case: seconds}"""

    def __init__(self, expected, clock=time.monotonic):
        self.expected, self.clock = dict(expected), clock
        self.start = self.began = clock()
        self.name, self.real, self.planned = None, 0.0, 0.0

    def begin(self, name):
        self.name, self.began = name, self.clock()

    def end(self):
        """Gives the seconds that the case took."""
        took = self.clock() - self.began
        self.real += took
        self.planned += self.expected.pop(self.name)
        self.name = None
        return took

    def left(self):
        factor = self.real / self.planned if self.planned else 1.0
        gone = self.clock() - self.began if self.name else 0.0
        later = sum(seconds for name, seconds in self.expected.items() if name != self.name)
        return max(0.0, self.expected.get(self.name, 0.0) * factor - gone) + later * factor

    def __str__(self):
        return f"{(self.clock() - self.start) / 60:.0f} min, about {max(1.0, self.left() / 60):.0f} left"


@contextlib.contextmanager
def on_cpus(cpus):
    """The harness and the generators that it starts run there."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def running(results, kinds, jobs, note=""):
    """Starts a server of each kind for its job; gives those that started. One that does not is a note. Settings are kept once for each
    server and job, or for each `note`."""
    with contextlib.ExitStack() as stack:
        servers = []
        for kind in kinds:
            try:
                servers.append(stack.enter_context(kind(jobs(kind))))
                results.settings.setdefault(", ".join(filter(None, (f"{kind.name}, job {servers[-1].job.kind}", note))), servers[-1].settings())
            except FAILURES as error:
                results.note(f"{kind.name} could not be measured: {str(error)[:300]}")
        yield servers


def measured(results, plan, cell, servers, work, least=1, most=10**6, seconds=None):
    """work(server, count) sends so many messages, waits until all is done, and gives {figure: value}, `seconds` among them. Adds the
    CPU time. A server that fails once is left out from then on, with a note."""
    counts, alive = {}, list(servers)

    def attempt(server, count):
        measure.settle()
        before = server.group.cpu()
        figures = work(server, count)
        took = figures.pop("seconds")
        return {"cpu": (server.group.cpu() - before) / count * 1e6, "rate": count / took, **figures}

    measure.warm()
    for number in range(-2, plan.rounds):
        order = alive if number % 2 == 0 else alive[::-1]
        for server in list(order):
            try:
                if number < 0:  # twice: the first is slowed by what is made once
                    count = counts.get(server, least)
                    rate = attempt(server, count)["rate"]
                    wanted = int(rate * (seconds or plan.seconds) * (0.3 if number == -2 else 1))
                    counts[server] = max(least, min(most, wanted))
                    continue
                for figure, value in attempt(server, counts[server]).items():
                    results.add(figure, cell, server.name, value)
            except FAILURES as error:
                alive.remove(server)
                results.note(f"{server.name}, {cell}: left out ({str(error)[:200]})")
    if any(cell in cells for cells in results.values.values()):
        results.cell_done(cell)


def in_turn(results, cell, count, servers, work, first=0):
    """`count` rounds of work(server), which gives {figure: value}, every second one in the opposite order (`first`: the number of the
    first one). A server that fails is left out."""
    alive = list(servers)
    for number in range(first, first + count):
        for server in alive[::-1] if number % 2 else list(alive):
            try:
                measure.settle()
                for figure, value in work(server).items():
                    results.add(figure, cell, server.name, value)
            except FAILURES as error:
                alive.remove(server)
                results.note(f"{server.name}, {cell}: left out ({str(error)[:200]})")
    if any(cell in cells for cells in results.values.values()):
        results.cell_done(cell)


def both_ways():
    """(name, the servers' CPUs, the generators' CPUs): pinned apart, and everything on all of them."""
    return (("pinned apart", measure.SERVER_CPUS, measure.LOAD_CPUS), ("all CPUs shared", set(measure.CPUS), set(measure.CPUS)))
