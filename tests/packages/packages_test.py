"""The Debian package in a bare root of its own: installed, upgraded, removed and purged as people do it, with the server started by
its unit's words.

PAQUEBOT_BINARY      the program to pack
PAQUEBOT_BEFORE      a package to upgrade from; unset: the newest older one in build/deb, or one made of the same program
"""

import json
import os
import pathlib
import re
import signal
import subprocess
import tarfile
import time
import unittest

from bare_root import CONFIG, DATA, READY_SECONDS, SOURCE, BareRoot, make_package

ANN, PASSWORD = "ann@example.test", "correct horse battery"
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


def version_of(package):
    return subprocess.run(["dpkg-deb", "-f", package, "Version"], check=True, capture_output=True, text=True).stdout.strip()


def is_older(one, other):
    return subprocess.run(["dpkg", "--compare-versions", one, "lt", other], check=False).returncode == 0


def package_before(new, folder):
    """What people have who get this one."""
    if "PAQUEBOT_BEFORE" in os.environ:
        return pathlib.Path(os.environ["PAQUEBOT_BEFORE"])
    older = [one for one in (SOURCE / "build/deb").glob("*.deb") if is_older(version_of(one), version_of(new))]
    if older:
        return max(older, key=lambda one: one.stat().st_mtime)
    return make_package("--no-lint", "--version", "0.0.1-1", "--output", folder)


class PackagesTest(BareRoot):
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
