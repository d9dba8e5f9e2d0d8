"""Three databases and some servers on them, and what lies around: a name server, another mail server."""

import subprocess
import sys

from machines import HERE, Network, base
from nodes import DOMAIN, LOGINS, Node
from patroni import Databases
from peer import Peer
from server import SECRET, SOURCE, wait_until

ZONE = f"far.test MX 10 mx.far.test\nmx.far.test A {HERE}\n"


class Cluster:
    """`say`: told of each step, for people who wait. `databases`: how many; of two the third member of etcd is on a machine without one."""

    def __init__(self, servers=3, databases=3, say=lambda text: None):
        self.say, self.network = say, Network()
        machines = [self.network.machine(f"db{number}", 10 + number) for number in range(1, databases + 1)]
        self.databases = Databases(machines, witness=self.network.machine("witness", 19) if databases % 2 == 0 else None)
        self.machines = [self.network.machine(f"mx{number}", 20 + number) for number in range(1, servers + 1)]
        self.nodes, self.far, self.dns = [], None, None

    def start(self):
        self.say(f"{len(self.databases.machines)} databases with Patroni, {len(self.databases.members_of_etcd)} members of etcd")
        self.databases.start()
        zone = base() / "zone"
        zone.write_text(ZONE)
        words = [sys.executable, str(SOURCE / "tests/support/dns_server.py"), str(zone), "--address", HERE, "--port", "53"]
        self.dns = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.dns.stdout.readline()
        self.far = Peer(address=HERE, port=25, name="mx.far.test")
        self.far.__enter__()
        self.say(f"{len(self.machines)} servers on them")
        self.nodes = [Node(machine, self.databases.url, f"{HERE}:53") for machine in self.machines]
        first = self.nodes[0]
        first.start()
        first.cli("domain", "add", DOMAIN)
        for login in LOGINS:
            first.cli("account", "add", login, password=SECRET)
        for node in self.nodes[1:]:
            node.start()

    def stop(self):
        self.network.kill_all()
        if self.far is not None:
            self.far.__exit__(None, None, None)
        if self.dns is not None:
            self.dns.kill()
            self.dns.wait()

    def __enter__(self):
        try:
            self.start()
            return self
        except BaseException:
            self.last_words()
            self.stop()
            raise

    def last_words(self):
        for log in sorted(base().glob("*/*.log")):
            print(f"--- {log.relative_to(base())}\n{log.read_text(errors='replace')[-6000:]}", file=sys.stderr)

    def __exit__(self, *failure):
        if failure[0] is not None:
            self.last_words()
        self.stop()

    def wait_queue_empty(self, seconds=240):
        """No work waits and none is in hand, as the living node tells that is asked."""
        node = next(node for node in self.nodes if not node.ended())
        wait_until(lambda: not node.json("queue", "list")["messages"], lambda: f"the queue to be empty: {node.cli('queue', 'list')[:1500]}",
                   seconds, 1)
        return node
