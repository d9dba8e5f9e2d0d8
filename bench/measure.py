"""What a run costs: CPU time of a whole process tree (a control group, so that children that have ended count), memory, load."""

import contextlib
import os
import pathlib
import statistics
import threading
import time

import world

CPUS = sorted(os.sched_getaffinity(0))
SERVER_CPUS, LOAD_CPUS = ({CPUS[0]}, set(CPUS[1:])) if len(CPUS) > 1 else (set(CPUS), set(CPUS))
V1 = pathlib.Path("/sys/fs/cgroup/cpuacct")
V2 = pathlib.Path("/sys/fs/cgroup")


class Group:
    """A control group for one server's processes."""

    def __init__(self, name):
        self.v1 = (V1 / "cpuacct.usage").exists()
        self.top = V1 if self.v1 else V2
        self.folder = self.top / f"{world.base().name}-{name}"
        self.folder.mkdir()

    @contextlib.contextmanager
    def inside(self, cpus):
        """What is started inside belongs to the group and runs on these CPUs; so do its children."""
        before = os.sched_getaffinity(0)
        self._move(self.folder)
        os.sched_setaffinity(0, cpus)
        try:
            yield
        finally:
            os.sched_setaffinity(0, before)
            self._move(self.top)

    def _move(self, folder):
        file, number = ("tasks", threading.get_native_id()) if self.v1 else ("cgroup.procs", os.getpid())
        (folder / file).write_text(str(number))

    def cpu(self):
        """Seconds of user and system time of all that ever ran in it."""
        if self.v1:
            return int((self.folder / "cpuacct.usage").read_text()) / 1e9
        line = (self.folder / "cpu.stat").read_text().split()
        return int(line[line.index("usage_usec") + 1]) / 1e6

    def processes(self):
        return [int(line) for line in (self.folder / "cgroup.procs").read_text().split()]

    def memory(self):
        """Octets that its processes hold now (proportional set size: what is shared counts once)."""
        total = 0
        for process in self.processes():
            with contextlib.suppress(OSError, IndexError):
                text = pathlib.Path(f"/proc/{process}/smaps_rollup").read_text()
                total += int(text.split("\nPss:")[1].split()[0]) * 1024
        return total

    def remove(self):
        with contextlib.suppress(OSError):
            self.folder.rmdir()


def settle():
    """Before a server's turn: what others wrote is on the disk."""
    os.sync()


def warm(octets=2 << 30, rest=3):
    """Before a cell: has the machine give out memory for that much of page cache, and take it back, so that what the servers write next
    lies in memory that is there. A virtual machine's host provides memory when it is touched for the first time: that cost 7 to 10 us for
    each 4 KiB here, charged to whoever writes a file. The guest tells its host within two seconds what it has given back, and the disk
    stands still meanwhile, for a tenth of a second here: hence the `rest`. WARM=0 in the environment leaves all this out."""
    if os.environ.get("WARM") == "0":
        return
    block, path = bytes(1 << 20), world.base() / "warm"
    with open(path, "wb") as file:
        for _ in range(octets // len(block)):
            file.write(block)
    path.unlink()
    time.sleep(rest)


def load_average():
    return os.getloadavg()[0]


def median(values):
    return statistics.median(values) if values else float("nan")


def spread(values):
    """Half the distance between the outer values, in parts of the median: how noisy the rounds were."""
    middle = median(values)
    return (max(values) - min(values)) / 2 / middle if values and middle else 0.0
