"""Machines of a small network: each a network namespace, joined by a bridge at which this program sits itself.

    if (code := enter(sys.argv)) is not None: sys.exit(code)      # first thing of a program
    network = Network()
    db1 = network.machine("db1", 11)                              # 10.77.0.11, known by its name
    process = db1.run(["postgres", ...], user="postgres", log=path)
    db1.cut(); db1.join(); db1.kill()

All lies in mount, network and process namespaces of this program: nothing is seen outside, and nothing stays. It needs root.
"""

import atexit
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import page  # noqa: E402
from namespaces import be_init, raise_loopback, run_inside  # noqa: E402

MARK = "PAQUEBOT_CLUSTER_WORLD"
DOMAIN = "cluster.test"
HERE = "10.77.0.254"


def enter(arguments):
    """Runs this program again inside; gives its exit code, or None when we are inside already."""
    if MARK in os.environ:
        if os.getpid() == 1:
            return be_init(arguments)
        return None
    if os.geteuid() != 0:
        print("cluster: needs root, for network namespaces", file=sys.stderr)
        return 2
    base = pathlib.Path(tempfile.mkdtemp(prefix="paquebot-cluster-", dir="/var/tmp"))
    base.chmod(0o755)
    try:
        return run_inside(arguments, {MARK: str(base)})
    finally:
        shutil.rmtree(base, ignore_errors=True)


def base():
    """The folder for everything that a run leaves on the disk."""
    return pathlib.Path(os.environ[MARK])


def teller():
    """What tells people who wait: say(text), with the seconds since now."""
    begun = time.monotonic()
    return lambda text: print(f"{time.monotonic() - begun:6.1f} s  {text}", flush=True)


def ip(*words):
    subprocess.run(["ip", *map(str, words)], check=True, capture_output=True, text=True)


class Network:
    def __init__(self):
        raise_loopback()
        names = pathlib.Path("/run/netns")
        names.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "none", names], check=True)
        ip("link", "add", "switch", "type", "bridge")
        ip("address", "add", f"{HERE}/24", "dev", "switch")
        ip("link", "set", "switch", "up")
        self.machines, self.hosts = {}, base() / "hosts"
        self.hosts.write_text(f"127.0.0.1 localhost\n{HERE} switch.{DOMAIN}\n")
        subprocess.run(["mount", "--bind", self.hosts, "/etc/hosts"], check=True)
        atexit.register(self.kill_all)

    def machine(self, name, number):
        machine = Machine(name, f"10.77.0.{number}")
        self.machines[name] = machine
        with open(self.hosts, "a") as file:
            file.write(f"{machine.address} {name} {machine.full_name}\n")
        return machine

    def kill_all(self):
        for machine in self.machines.values():
            machine.kill()


class Machine:
    """`name`: a host name without dots. Processes are started by run(), and end with kill()."""

    def __init__(self, name, address):
        self.name, self.address, self.full_name = name, address, f"{name}.{DOMAIN}"
        self.folder = base() / name
        self.folder.mkdir()
        self.folder.chmod(0o755)
        ip("netns", "add", name)
        ip("link", "add", f"v-{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("link", "set", f"v-{name}", "master", "switch", "up")
        self.inside("ip", "address", "add", f"{address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            self.inside("ip", "link", "set", device, "up")
        # A copy that lost its primary in the middle of a handshake would else wait for two hours (docs/cluster.md).
        patience = page.settings(page.block("net.ipv4.tcp_keepalive_time"))
        self.inside("sysctl", "-q", "-w", "net.ipv4.ip_unprivileged_port_start=0", *(f"{name}={value}" for name, value in patience.items()))

    def enter_words(self):
        return ["ip", "netns", "exec", self.name]

    def inside(self, *words):
        subprocess.run([*self.enter_words(), *map(str, words)], check=True, capture_output=True, text=True)

    def run(self, words, user=None, log=None, environment=None):
        """Starts a program there; what it says goes to the file `log`."""
        change = ["setpriv", "--reuid", user, "--regid", user, "--init-groups"] if user else []
        with open(log or os.devnull, "ab") as output:
            return subprocess.Popen([*self.enter_words(), *change, *map(str, words)], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                    env=os.environ | {"HOME": str(self.folder)} | (environment or {}), cwd=self.folder)

    def processes(self):
        done = subprocess.run(["ip", "netns", "pids", self.name], capture_output=True, text=True, check=False)
        return [int(word) for word in done.stdout.split()]

    def signal(self, number):
        for process in self.processes():
            try:
                os.kill(process, number)
            except ProcessLookupError:
                pass

    def kill(self):
        """As when the power goes: all processes at once, and again for those that were just made."""
        while self.processes():
            self.signal(signal.SIGKILL)

    def cut(self):
        """Nothing comes to it or from it."""
        ip("link", "set", f"v-{self.name}", "down")

    def join(self):
        ip("link", "set", f"v-{self.name}", "up")
