"""A bare Debian root of its own for a test, with the package installed as people do it and the server started by its unit's words. As
root; Debian's packages come from where apt gets them on this machine. What the server listens on is in a network namespace of its own.

PAQUEBOT_BINARY      the program to pack
"""

import os
import pathlib
import re
import shlex
import shutil
import socket
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ.get("PAQUEBOT_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
BINARY = pathlib.Path(os.environ.get("PAQUEBOT_BINARY", SOURCE / "build/release/paquebot")).resolve()
BARE = SOURCE / "build/peers/bare-root.tar"
CONFIG, DATA = "etc/paquebot/paquebot.toml", "var/lib/paquebot"
READY_SECONDS = 120
# Keeps a fresh network namespace, with its loopback up (SIOCSIFFLAGS, IFF_UP): iproute2 need not be there.
LOOPBACK = """
import fcntl, signal, socket, struct
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh22x", b"lo", 1))
print("up", flush=True)
signal.pause()
"""
# In front of what runs in the root: its own mounts and the root's, which go with the process.
ENTER = ('mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && mount --bind /sys "$0/sys" && exec chroot "$0" "$@"')



def make_package(*words):
    done = subprocess.run([SOURCE / "tools/deb", *words, BINARY], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"tools/deb ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return pathlib.Path(done.stdout.splitlines()[-1])


@unittest.skipUnless(os.geteuid() == 0, "only root may make roots")
class BareRoot(unittest.TestCase):
    """A case with a root of its own and a network for what listens in it. `outside`: in front of what needs the machine's network."""

    outside = []

    @classmethod
    def setUpClass(cls):
        cls.new = make_package()  # lintian has looked at it
        if not BARE.exists():
            BARE.parent.mkdir(parents=True, exist_ok=True)
            release = re.search(r"^VERSION_CODENAME=(\S+)$", pathlib.Path("/etc/os-release").read_text(encoding="utf-8"), re.M)[1]
            made = BARE.with_suffix(f".{os.getpid()}")
            subprocess.run(["mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", "--format=tar", release, made], check=True)
            made.rename(BARE)

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="paquebot-package-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.root = self.folder / "root"
        self.root.mkdir()
        subprocess.run(["tar", "-xpf", BARE, "-C", self.root, "--exclude=./dev/*"], check=True)
        (self.root / "debs").mkdir()
        # As this machine finds its mirrors.
        for name in ("etc/resolv.conf", "etc/hosts"):
            if (pathlib.Path("/") / name).exists():
                shutil.copy(pathlib.Path("/") / name, self.root / name)
        for part in pathlib.Path("/etc/apt/apt.conf.d").iterdir():
            if re.search("proxy", part.read_text(encoding="utf-8", errors="replace"), re.I):
                shutil.copy(part, self.root / "etc/apt/apt.conf.d" / part.name)
        self.network = subprocess.Popen(["unshare", "--net", "/usr/bin/python3", "-c", LOOPBACK], stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.end, self.network)
        self.assertEqual(self.network.stdout.readline(), "up\n")

    def end(self, process):
        process.kill()
        process.communicate()

    # --- the root ------------------------------------------------------------------------------

    def entering(self, *words, inside=False):
        """The words that run these ones in the root; `inside`: and in the network of the server."""
        network = ["nsenter", "-t", str(self.network.pid), "--net"] if inside else self.outside
        return [*network, "unshare", "--mount", "sh", "-c", ENTER, str(self.root), *map(str, words)]

    def run_in(self, *words, inside=False, code=0, **variables):
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"} | variables
        done = subprocess.run(self.entering(*words, inside=inside), check=False, capture_output=True, text=True, errors="replace",
                              env=environment, timeout=600)
        self.assertEqual(done.returncode, code, f"{words}:\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def apt(self, *words, **variables):
        return self.run_in("apt-get", "-y", "-q", "--no-install-recommends", *words, **variables)

    def install(self, package):
        shutil.copy(package, self.root / "debs" / package.name)
        return self.apt("install", f"/debs/{package.name}")

    def configure(self):
        (self.root / CONFIG).write_text('[server]\nhostname = "mx.example.test"\n[dns]\nresolvers = ["127.0.0.1:9"]\n', encoding="utf-8")

    # --- the service ---------------------------------------------------------------------------

    def unit(self, key):
        text = (self.root / "lib/systemd/system/paquebot.service").read_text(encoding="utf-8")
        return re.search(rf"^{key}=(.*)$", text, re.M)[1]

    def start(self):
        """What systemd does with the unit, as far as it can be had without it: the rights, the words, and waiting for READY=1."""
        rights = "-all" + "".join(",+" + one.removeprefix("CAP_").lower() for one in self.unit("CapabilityBoundingSet").split())
        self.assertEqual(self.unit("Type"), "notify")
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(manager.close)
        path = self.root / "run/notify"
        path.unlink(missing_ok=True)
        manager.bind(str(path))
        path.chmod(0o777)  # the server has become its user when it says that it is ready; systemd's is open to all, too
        manager.settimeout(READY_SECONDS)
        log = open(self.folder / "log", "a+", encoding="utf-8", errors="replace")
        self.addCleanup(log.close)
        words = self.entering("setpriv", "--bounding-set", rights, "--no-new-privs", *shlex.split(self.unit("ExecStart")), inside=True)
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=log, stdout=log,
                                   env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "NOTIFY_SOCKET": "/run/notify"})
        self.addCleanup(self.end, process)
        said = ""
        while "READY=1" not in said:
            try:
                said = manager.recv(4096).decode()
            except TimeoutError:
                log.seek(0)
                self.fail("the server did not say that it is ready:\n" + log.read())
        return process

    def stop(self, process):
        process.terminate()
        self.assertEqual(process.wait(60), 0)
