"""Postfix's posttls-finger behind unbound looks at the same hosts as `paquebot tls`: both must come to the same about DANE.

It asks whom /etc/resolv.conf names, at port 53, so all runs in a network and mount namespace of this test, which needs root."""

import ctypes
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import unittest

import dane_test
from server import PEERS, SOURCE, wait_until

sys.path.append(str(SOURCE / "tests/support"))
from namespaces import raise_loopback  # noqa: E402

CLONE_NEWNS, CLONE_NEWNET, MS_BIND, MS_REC, MS_PRIVATE = 0x20000, 0x40000000, 0x1000, 0x4000, 0x40000
UNBOUND = """\
server:
  directory: "{folder}"
  pidfile: ""
  chroot: ""
  username: ""
  interface: 127.0.0.1@53
  do-daemonize: no
  use-syslog: no
  do-not-query-localhost: no
  domain-insecure: "unsigned.test"
  module-config: "validator iterator"
  local-zone: "test." nodefault
{anchors}
remote-control:
  control-enable: no
"""
STUB = 'stub-zone:\n  name: "{zone}"\n  stub-addr: 127.0.0.1@{port}\n'
# Which of the hosts proves to be who the TLSA records say, as RFC 7672 has it.
FIT = {"ee.signed.test": True, "rolled.signed.test": True, "ta.signed.test": True, "alias.signed.test": True, "wrong.signed.test": False,
       "clear.signed.test": False, "nobody.signed.test": False, "none.signed.test": None, "pkix.signed.test": None, "own.unsigned.test": None,
       "hosted.unsigned.test": True, "forged.unsigned.test": False}


def checked(result, *what):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), *what)


def own_namespaces(folder):
    """For this process and all that it starts: a loopback of its own, and a resolv.conf that names the resolver there."""
    libc = ctypes.CDLL(None, use_errno=True)
    checked(libc.unshare(CLONE_NEWNS | CLONE_NEWNET), "unshare")
    checked(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "private mounts")
    raise_loopback()
    file = pathlib.Path(folder) / "resolv.conf"
    file.write_text("nameserver 127.0.0.1\n")
    checked(libc.mount(os.fsencode(file), os.path.realpath(b"/etc/resolv.conf"), None, MS_BIND, None), "resolv.conf")


@unittest.skipUnless(os.geteuid() == 0, "needs root for namespaces of its own")
class SecondOpinion(dane_test.DaneCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        own_namespaces(folder)
        super().setUpClass()
        cls.postfix = pathlib.Path(folder) / "postfix"
        cls.postfix.mkdir()
        (cls.postfix / "main.cf").write_text("compatibility_level = 3.6\nmail_owner = mail\nsetgid_group = daemon\nsmtp_dns_support_level = dnssec\nmyhostname = finger.test\n")
        zones = "".join(STUB.format(zone=zone, port=cls.knot.port) for zone in ("signed.test", "unsigned.test", "old.test"))
        anchors = "".join(f'  trust-anchor: "{line}"\n' for line in cls.anchors.splitlines())
        config = pathlib.Path(folder) / "unbound.conf"
        config.write_text(UNBOUND.format(folder=folder, anchors=anchors) + zones)
        log = cls.enterClassContext(open(pathlib.Path(folder) / "unbound.log", "w+"))
        process = subprocess.Popen([PEERS / "bin/unbound", "-d", "-c", config], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        cls.addClassCleanup(process.wait)
        cls.addClassCleanup(process.terminate)
        wait_until(lambda: process.poll() is not None or cls.answers(), lambda: "unbound: " + pathlib.Path(log.name).read_text())

    @staticmethod
    def answers():
        try:
            with socket.create_connection(("127.0.0.1", 53), 1):
                return True
        except OSError:
            return False

    def finger(self, domain):
        """What Postfix makes of the host: True: it fits its TLSA records; None: there are none that count; False: not believed."""
        words = [PEERS / "bin/posttls-finger", "-c", "-l", "dane", "-t", "10", "-T", "10", f"{domain}:{self.port}"]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
                              env=os.environ | {"MAIL_CONFIG": str(self.postfix)})
        said = done.stdout + done.stderr
        if "Matched DANE" in said and "server certificate verification failed" not in said:
            return True, said
        encrypted = "TLS connection established" in said
        return (None if encrypted and "server certificate verification failed" not in said else False), said

    def ours(self, domain):
        """The same of `paquebot tls`."""
        [host] = self.server.json("tls", domain)["hosts"]
        fits = host["works"] and host["told"].split(", ")[1].startswith("DANE")
        return (True if fits else None if host["works"] else False), host["told"]

    def test_both_believe_the_same_hosts(self):
        for domain, fits in FIT.items():
            with self.subTest(domain):
                verdict, told = self.ours(domain)
                self.assertEqual(verdict, fits, told)
                verdict, said = self.finger(domain)
                self.assertEqual(verdict, fits, said)

    def test_both_say_that_the_mx_is_not_signed(self):
        self.assertIn("unsigned MX", self.ours("hosted.unsigned.test")[1])
        self.assertIn("MX RRset insecure", self.finger("hosted.unsigned.test")[1])


if __name__ == "__main__":
    unittest.main()
