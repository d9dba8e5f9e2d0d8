"""A small Internet in namespaces, for a server that is set up as people do it: name servers with a signed root, a resolver that
validates, an authority for certificates, and a network that leads to the server.

    with SmallWorld(folder, network) as world:      # `network`: the id of a process in the network namespace of the server
        world.zone("example.test").append(lines)    # and the name servers know them

From then on this process, and what it starts, is in that Internet; world.outside is in front of what needs the machine's network. The
addresses are of a network that is public by all rules, and that nobody has mail in: that of AS112 (RFC 7534). Nothing leaves the namespaces.
"""

import ctypes
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ.get("PAQUEBOT_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
sys.path.append(str(SOURCE / "tests/e2e"))
from authority import NAME as AUTHORITY_NAME, Authority  # noqa: E402
from postfix import peers_environment  # noqa: E402
from server import PEERS, wait_until  # noqa: E402
from zones import CONFIG as KNOT_CONFIG  # noqa: E402

NET = "192.175.48"
HERE, SERVER, PEER, OTHER_PEER, RESOLVER, NAMES, AUTHORITY = (f"{NET}.{n}" for n in (1, 10, 20, 21, 53, 54, 80))
CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
TTL = 60

# What is there before anybody sets anything up. Three large providers, for who looks whether he may send, are the peer.
ROOT_ZONE = f"""
{AUTHORITY_NAME}. A {AUTHORITY}
peer.test. MX 10 mx.peer.test.
peer.test. TXT "v=spf1 ip4:{NET}.0/24 -all"
mx.peer.test. A {PEER}
mx.peer.test. TXT "v=spf1 a -all"
20.48.175.192.in-addr.arpa. PTR mx.peer.test.
mx2.peer.test. A {OTHER_PEER}
21.48.175.192.in-addr.arpa. PTR mx2.peer.test.
""" + "".join(f"{name}. MX 10 mx.{name}.\nmx.{name}. A {PEER}\n" for name in ("gmail.com", "outlook.com", "yahoo.com"))

UNBOUND = """server:
  interface: {resolver}
  outgoing-interface: {resolver}
  access-control: {net}.0/24 allow
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  verbosity: 1
  num-threads: 1
  do-ip6: no
  trust-anchor-file: "{folder}/root.key"
  local-zone: "test." nodefault
  cache-max-negative-ttl: 1
  target-fetch-policy: "0 0 0 0 0"
remote-control:
  control-enable: no
stub-zone:
  name: "."
  stub-addr: {names}
"""


def run(*words, **options):
    done = subprocess.run([*map(str, words)], check=False, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{words} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def ip(*words):
    program = shutil.which("ip") or PEERS / "root/bin/ip"
    return run(program, *words, env=peers_environment(PEERS))


class Zone:
    """The file of one, which grows: as somebody edits it by hand."""

    def __init__(self, world, name, lines=""):
        self.world, self.name, self.serial = world, name, 1
        self.path = world.folder / f"{name}.zone"
        self.lines = lines
        self.write()

    def write(self):
        below = "" if self.name == "." else "." + self.name
        self.path.write_text(f"$ORIGIN .\n$TTL {TTL}\n{self.name} SOA ns{below}. hostmaster{below}. {self.serial} 3600 600 86400 1\n"
                             f"{self.name} NS ns{below}.\nns{below}. A {NAMES}\n{self.lines}\n".replace("\n. SOA", "\n. IN SOA"))

    def append(self, lines):
        """`lines` as they are; the name server has read them when this ends, or says what it does not like."""
        self.lines += lines.rstrip("\n") + "\n"
        self.serial += 1000
        self.write()
        self.world.check(self)
        self.world.knotc("-b", "zone-reload", self.name)


class SmallWorld:
    def __init__(self, folder, network, domains):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="world-", dir=folder))
        self.network, self.domains, self.ended = network, domains, []

    # --- the network ---------------------------------------------------------------------------

    def __enter__(self):
        self.machine = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.outside = ["nsenter", f"--net=/proc/{os.getpid()}/fd/{self.machine}"]
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNS | CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "no namespaces of our own")
        try:
            self.connect()
            self.start_names()
            self.start_resolver()
            self.authority = Authority(f"{RESOLVER}:53", http=80, tls=443, address=AUTHORITY)
            self.authority.__enter__()
            self.ended.append(lambda: self.authority.__exit__(None, None, None))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        while self.ended:
            self.ended.pop()()
        os.close(self.machine)

    def connect(self):
        run("mount", "--make-rprivate", "/")
        ip("link", "set", "lo", "up")
        ip("link", "add", "world", "type", "veth", "peer", "name", "eth0", "netns", self.network)
        for address in (HERE, PEER, OTHER_PEER, RESOLVER, NAMES, AUTHORITY):
            ip("addr", "add", f"{address}/24", "dev", "world")
        ip("link", "set", "world", "up")
        for words in (("addr", "add", f"{SERVER}/24", "dev", "eth0"), ("link", "set", "eth0", "up"), ("link", "set", "lo", "up")):
            run("nsenter", "-t", self.network, "--net", shutil.which("ip") or PEERS / "root/bin/ip", *words, env=peers_environment(PEERS))
        conf = self.folder / "resolv.conf"
        conf.write_text(f"nameserver {RESOLVER}\noptions edns0 trust-ad\n")
        run("mount", "--bind", conf, "/etc/resolv.conf")

    # --- names ---------------------------------------------------------------------------------

    def spawn(self, *words):
        log = open(self.folder / (pathlib.Path(words[0]).name + ".log"), "w+", encoding="utf-8")
        process = subprocess.Popen([*map(str, words)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        def end():
            process.terminate()
            process.wait()
            log.close()

        self.ended.append(end)
        return process

    def start_names(self):
        self.zones = {name: Zone(self, name) for name in self.domains}
        self.zones["."] = Zone(self, ".", ROOT_ZONE)
        text = KNOT_CONFIG.format(folder=self.folder, port=53).replace("127.0.0.1@53", f"{NAMES}@53")
        for name in self.zones:
            text += (f'  - domain: "{name}"\n    file: "{self.folder}/{name}.zone"\n    zonefile-sync: -1\n    zonefile-load: whole\n'
                     "    journal-content: none\n    dnssec-signing: on\n    dnssec-policy: one-key\n")
        self.knot_conf = self.folder / "knot.conf"
        self.knot_conf.write_text(text)
        for zone in self.zones.values():
            self.check(zone)
        self.spawn(PEERS / "bin/knotd", "-c", self.knot_conf)
        wait_until(lambda: (self.folder / "knot.sock").exists(), "knotd")
        for name in self.domains:  # as who sells domains does it
            self.zones["."].append(f"{name}. NS ns.{name}.\nns.{name}. A {NAMES}\n" + self.keymgr(name))
        self.anchor = self.folder / "root.key"
        self.anchor.write_text(self.keymgr("."))

    def keymgr(self, name):
        """The DS records of its keys."""
        text = wait_until(lambda: run(PEERS / "bin/keymgr", "-c", self.knot_conf, name, "ds"), f"the keys of {name}")
        return "".join(line.replace(" DS ", " IN DS ", 1) + "\n" for line in text.splitlines() if line.split()[4:5] == ["2"]
                       or " 2 " in line)

    def knotc(self, *words):
        return run(PEERS / "bin/knotc", "-s", self.folder / "knot.sock", *words)

    def check(self, zone):
        run(PEERS / "bin/kzonecheck", "-o", zone.name, zone.path)

    def zone(self, name):
        return self.zones[name]

    def start_resolver(self):
        conf = self.folder / "unbound.conf"
        conf.write_text(UNBOUND.format(folder=self.folder, resolver=RESOLVER, names=NAMES, net=NET))
        self.spawn(PEERS / "bin/unbound", "-c", conf)
        wait_until(lambda: self.resolves(AUTHORITY_NAME), lambda: "the resolver: " + (self.folder / "unbound.log").read_text())

    @staticmethod
    def resolves(name):
        return subprocess.run(["getent", "ahostsv4", name], capture_output=True, check=False).returncode == 0
