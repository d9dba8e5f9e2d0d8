"""The Debian package in a bare root of its own: installed, upgraded, removed and purged as people do it, with the server started by
its unit's words. As root; Debian's packages come from where apt gets them on this machine. What the server listens on is in a network
namespace of its own.

PAQUEBOT_BINARY      the program to pack
PAQUEBOT_BEFORE      a package to upgrade from; unset: the newest older one in build/deb, or one made of the same program
"""

import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import subprocess
import tarfile
import tempfile
import time
import unittest

SOURCE = pathlib.Path(os.environ.get("PAQUEBOT_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
BINARY = pathlib.Path(os.environ.get("PAQUEBOT_BINARY", SOURCE / "build/release/paquebot")).resolve()
BARE = SOURCE / "build/peers/bare-root.tar"
CONFIG, DATA = "etc/paquebot/paquebot.toml", "var/lib/paquebot"
ANN, PASSWORD = "ann@example.test", "correct horse battery"
READY_SECONDS = 120
# A client of the server's, run in its network.
TALK = """
import poplib, smtplib, ssl, sys
trusting = ssl.create_default_context()
trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
if sys.argv[1] == "send":
    with smtplib.SMTP("127.0.0.1", 25, local_hostname="[127.0.0.1]") as client:
        client.sendmail("someone@other.test", ["ann@example.test"], "Subject: " + sys.argv[2] + "\\r\\n\\r\\nHello\\r\\n")
else:
    client = poplib.POP3_SSL("127.0.0.1", context=trusting)
    client.user("ann@example.test"), client.pass_(sys.argv[2])
    for number in range(client.stat()[0]):
        print(*[line.decode() for line in client.retr(number + 1)[1] if line.startswith(b"Subject:")])
    client.quit()
"""
# Keeps a fresh network namespace, with its loopback up (SIOCSIFFLAGS, IFF_UP): iproute2 need not be there.
LOOPBACK = """
import fcntl, signal, socket, struct
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh22x", b"lo", 1))
print("up", flush=True)
signal.pause()
"""
# In front of what runs in the root: its own mounts and the root's, which go with the process.
ENTER = ('mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && mount --bind /sys "$0/sys" && exec chroot "$0" "$@"')


def version_of(package):
    return subprocess.run(["dpkg-deb", "-f", package, "Version"], check=True, capture_output=True, text=True).stdout.strip()


def is_older(one, other):
    return subprocess.run(["dpkg", "--compare-versions", one, "lt", other], check=False).returncode == 0


def make_package(*words):
    done = subprocess.run([SOURCE / "tools/deb", *words, BINARY], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"tools/deb ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return pathlib.Path(done.stdout.splitlines()[-1])


def package_before(new, folder):
    """What people have who get this one."""
    if "PAQUEBOT_BEFORE" in os.environ:
        return pathlib.Path(os.environ["PAQUEBOT_BEFORE"])
    older = [one for one in (SOURCE / "build/deb").glob("*.deb") if is_older(version_of(one), version_of(new))]
    if older:
        return max(older, key=lambda one: one.stat().st_mtime)
    return make_package("--no-lint", "--version", "0.0.1-1", "--output", folder)


@unittest.skipUnless(os.geteuid() == 0, "only root may make roots")
class PackagesTest(unittest.TestCase):
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
        network = ["nsenter", "-t", str(self.network.pid), "--net"] if inside else []
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

    def talk(self, *words):
        done = subprocess.run(["nsenter", "-t", str(self.network.pid), "--net", "/usr/bin/python3", "-c", TALK, *words], check=False,
                              capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.split("\n")[:-1]

    # --- what people do ------------------------------------------------------------------------

    def test_installed_upgraded_removed_purged(self):
        before = package_before(self.new, self.folder)
        self.apt("update")
        self.apt("install", "msmtp-mta")  # another one that has the name sendmail
        said = self.install(before)
        self.assertIn("paquebot setup", said)
        self.assertIn("\nRemoving msmtp-mta", said)
        for name in ("usr/sbin/sendmail", "usr/lib/sendmail", "usr/bin/mailq", "usr/bin/newaliases"):
            self.assertEqual((self.root / name).readlink().name, "paquebot", name)
        self.assertFalse((self.root / CONFIG).exists(), "nothing runs before somebody says for which domain")
        self.configure()
        self.run_in("paquebot", "domain", "add", "example.test")
        self.run_in("paquebot", "account", "add", ANN, PAQUEBOT_PASSWORD=PASSWORD)
        process = self.start()
        status = (pathlib.Path("/proc") / str(process.pid) / "status").read_text(encoding="ascii")
        owner = (self.root / DATA).stat().st_uid
        self.assertNotEqual(owner, 0)
        self.assertEqual(re.search(r"^Uid:\t(\d+)\t(\d+)\t(\d+)", status, re.M).groups(), (str(owner),) * 3)
        self.talk("send", "before the upgrade")

        # The server runs on while its program is exchanged under it.
        self.install(self.new)
        self.talk("send", "during the upgrade")
        self.stop(process)
        process = self.start()
        self.talk("send", "after the upgrade")
        expected = [f"Subject: {when} the upgrade" for when in ("before", "during", "after")]
        self.assertEqual(self.talk("read", PASSWORD), expected)
        self.stop(process)

        self.apt("remove", "paquebot")
        self.assertFalse((self.root / "usr/sbin/paquebot").exists())
        self.assertFalse((self.root / "usr/sbin/sendmail").is_symlink())
        self.assertTrue((self.root / CONFIG).exists(), "a removed package keeps its configuration")
        said = self.apt("purge", "paquebot")
        self.assertIn("The mail stays in /var/lib/paquebot", said)
        self.assertFalse((self.root / "etc/paquebot").exists())
        self.assertTrue((self.root / DATA / "paquebot.db").exists(), "mail was thrown away")

        # Whoever comes back finds it again.
        self.install(self.new)
        self.configure()
        process = self.start()
        self.assertEqual(self.talk("read", PASSWORD), expected)
        self.stop(process)
        self.apt("purge", "paquebot", PAQUEBOT_PURGE_MAIL="yes")
        self.assertFalse((self.root / DATA).exists())

    def test_it_starts_with_a_valid_configuration_only(self):
        """With the folder by which packages know that systemd runs, and a systemctl that writes down what it is asked for."""
        self.apt("update")
        self.install(self.new)
        calls = self.root / "calls"
        (self.root / "run/systemd/system").mkdir(parents=True)
        tool = self.root / "usr/bin/systemctl"
        tool.unlink(missing_ok=True)
        tool.write_text('#!/bin/sh\necho "$@" >>/calls\n', encoding="ascii")
        tool.chmod(0o755)
        for text, starts in ((None, False), ('[server]\nhostname = "not a name"\n', False),
                             ('[server]\nhostname = "mx.example.test"\n[dns]\nresolvers = ["127.0.0.1:9"]\n', True)):
            calls.write_text("", encoding="ascii")
            if text is not None:
                (self.root / CONFIG).write_text(text, encoding="utf-8")
            said = self.run_in("dpkg-reconfigure", "paquebot", inside=True)
            started = re.search(r"restart.*paquebot\.service", calls.read_text(encoding="ascii")) is not None
            self.assertEqual(started, starts, f"{text}\n{said}\n{calls.read_text(encoding='ascii')}")
            if text is not None and not starts:
                self.assertIn("not (re)started", said)
                self.assertIn("hostname", said)
        self.assertLess(calls.read_text(encoding="ascii").index("daemon-reload"), calls.read_text(encoding="ascii").index("restart"))
        calls.write_text("", encoding="ascii")
        self.apt("remove", "paquebot")
        self.assertRegex(calls.read_text(encoding="ascii"), r"stop.*paquebot\.service")

    def test_the_image_sets_itself_up_and_serves(self):
        """As its own user, who is not root, with all that it keeps in the volume."""
        archive, volume = self.folder / "image.tar", self.folder / "volume"
        done = subprocess.run([SOURCE / "tools/image", self.new, archive], check=False, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        with tarfile.open(archive) as files:
            blob = lambda digest: json.load(files.extractfile("blobs/" + digest.replace(":", "/")))
            [entry] = json.load(files.extractfile("index.json"))["manifests"]
            config = blob(blob(entry["digest"])["config"]["digest"])["config"]
        self.assertEqual((config["User"], config["Volumes"]), ("paquebot", {"/var/lib/paquebot": {}}))
        volume.mkdir(mode=0o711)
        os.chown(volume, 525, 525)
        buildah = ["buildah", "--root", self.folder / "storage", "--runroot", self.folder / "run", "--storage-driver", "vfs"]
        image = subprocess.run([*buildah, "pull", "--quiet", f"oci-archive:{archive}"], check=True, capture_output=True, text=True).stdout.strip()
        container = subprocess.run([*buildah, "from", image], check=True, capture_output=True, text=True).stdout.strip()

        def command(*words):
            network = ["nsenter", "-t", str(self.network.pid), "--net"]
            return [*network, *buildah, "run", "--isolation", "chroot", "--volume", f"{volume}:/var/lib/paquebot", container, "--",
                    *config["Entrypoint"], *words]

        setup = subprocess.run(command("setup", ANN, "--yes", "--no-start", "--no-wait", "--address", "192.0.2.10", "--resolver", "127.0.0.1:9",
                                       "--json"), check=False, capture_output=True, text=True, timeout=300)
        self.assertIn('"password"', setup.stdout, setup.stderr)
        password = json.loads(setup.stdout)["password"]
        subprocess.run(["nsenter", "-t", str(self.network.pid), "--net", "sh", "-c", "echo 25 >/proc/sys/net/ipv4/ip_unprivileged_port_start"],
                       check=True)
        with open(self.folder / "log", "w", encoding="utf-8") as log:
            server = subprocess.Popen(command(*config["Cmd"]), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(self.end, server)
        health = config["Healthcheck"]["Test"]
        self.assertEqual(health[:2], ["CMD", config["Entrypoint"][0]])
        deadline = time.monotonic() + READY_SECONDS
        while (state := subprocess.run(command(*health[2:]), check=False, capture_output=True, text=True)).returncode != 0:
            self.assertIsNone(server.poll(), (self.folder / "log").read_text(encoding="utf-8"))
            self.assertLess(time.monotonic(), deadline, (self.folder / "log").read_text(encoding="utf-8"))
        self.talk("send", "to the container")
        self.assertIn("Subject: to the container", self.talk("read", password))
        os.kill(json.loads(state.stdout)["pid"], signal.SIGTERM)
        self.assertEqual(server.wait(60), 0)

    def test_the_root_has_what_systemd_and_people_look_for(self):
        self.apt("update")
        self.install(self.new)
        self.run_in("sh", "-c", "paquebot --version && id paquebot")
        for path, mode in ((DATA, 0o711), (f"{DATA}/drop", 0o1733), ("var/log/paquebot", 0o750), ("var/backups/paquebot", 0o700)):
            self.assertEqual((self.root / path).stat().st_mode & 0o7777, mode, path)
        # A mail that a program of this machine sends waits until there is a server.
        (self.root / CONFIG).write_text('[server]\nhostname = "mx.example.test"\n', encoding="utf-8")
        self.run_in("sh", "-c", "echo Hello | sendmail root@example.test")
        self.assertEqual(len(list((self.root / DATA / "drop").iterdir())), 1)


if __name__ == "__main__":
    unittest.main()
