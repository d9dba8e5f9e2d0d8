"""Rounds A B A B …: every server once a round, in turn, each with a warm-up that also tells how many messages fill a round."""

import contextlib
import os

import measure


class Plan:
    """How long and how often: the whole bench, or QUICK=1 (fewer cells, shorter and fewer rounds; `rounds` sets how many)."""

    def __init__(self, quick, rounds=0):
        self.quick = quick
        self.rounds = rounds or (2 if quick else 5)
        self.seconds = 0.7 if quick else 2.0

    def __str__(self):
        return f"{self.rounds} rounds of about {self.seconds} s for each server, in turn"


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
def running(results, kinds, jobs):
    """Starts a server of each kind for its job; gives those that started. One that does not is a note."""
    with contextlib.ExitStack() as stack:
        servers = []
        for kind in kinds:
            try:
                servers.append(stack.enter_context(kind(jobs(kind))))
                results.settings.setdefault(f"{kind.name}, job {servers[-1].job.kind}", servers[-1].settings())
            except (RuntimeError, TimeoutError, OSError) as error:
                results.note(f"{kind.name} could not be measured: {str(error)[:300]}")
        yield servers


def measured(results, plan, cell, servers, work, least=1, most=10**6, seconds=None):
    """work(server, count) sends so many messages, waits until all is done, and gives {figure: value}, `seconds` among them. Adds the
    CPU time. A server that fails once is left out from then on, with a note."""
    counts, alive = {}, list(servers)

    def attempt(server, count):
        before = server.group.cpu()
        figures = work(server, count)
        took = figures.pop("seconds")
        return {"cpu": (server.group.cpu() - before) / count * 1e6, "rate": count / took, **figures}

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
            except (RuntimeError, TimeoutError, OSError) as error:
                alive.remove(server)
                results.note(f"{server.name}, {cell}: left out ({str(error)[:200]})")
    if any(cell in cells for cells in results.values.values()):
        results.cell_done(cell)


def both_ways():
    """(name, the servers' CPUs, the generators' CPUs): pinned apart, and everything on all of them."""
    return (("pinned apart", measure.SERVER_CPUS, measure.LOAD_CPUS), ("all CPUs shared", set(measure.CPUS), set(measure.CPUS)))
