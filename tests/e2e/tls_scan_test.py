"""TLS scanners that we did not write find nothing weak: sslscan in every run, testssl.sh too when PAQUEBOT_SCAN=long (`make scan`)."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as xml

from server import PEERS, Server

LONG = os.environ.get("PAQUEBOT_SCAN") == "long"
PORTS = {"mx": "smtp", "submission": "smtp", "submissions": "", "pop3": "pop3", "pop3s": ""}
KEYS = {"rsa": ["rsa:2048"], "ecdsa": ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]}
WEAKEST_BITS = 112  # what NIST SP 800-57 takes as the floor; finite fields are not offered at all in TLS 1.3
# What testssl.sh says of the test's own authority and of itself, not of the server.
NOT_OURS = ("cert_", "engine_problem", "DNS_CAArecord")
BAD = ("LOW", "MEDIUM", "HIGH", "CRITICAL", "FATAL")


def make_certificate(folder, kind):
    """A certificate for localhost, signed by itself, in `folder`; gives the paths of certificate and key."""
    certificate, key = folder / f"{kind}.pem", folder / f"{kind}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", *KEYS[kind], "-nodes", "-days", "90", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


class TlsScanTest(unittest.TestCase):
    def setUp(self):
        self.tmp = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.targets = []  # (certificate, listener, protocol for STARTTLS, address)
        for kind in KEYS:
            certificate, key = make_certificate(self.tmp, kind)
            server = self.enterContext(Server(tls={"certificate": certificate, "key": key}))
            self.targets += [(kind, name, protocol, f"localhost:{server.ports[name]}") for name, protocol in PORTS.items()]

    def test_sslscan(self):
        for kind, name, protocol, address in self.targets:
            with self.subTest(certificate=kind, listener=name):
                self.check_sslscan(protocol, address)

    def check_sslscan(self, protocol, address):
        words = [f"--starttls-{protocol}"] if protocol else []
        done = subprocess.run([PEERS / "bin/sslscan", "--no-colour", "--ipv4", *words, "--xml=-", address], capture_output=True,
                              text=True, timeout=120, check=True)
        scan = xml.fromstring(done.stdout).find("ssltest")
        self.assertIsNotNone(scan, done.stdout + done.stderr)
        versions = {one.get("type") + one.get("version") for one in scan.iter("protocol") if one.get("enabled") == "1"}
        self.assertEqual(versions, {"tls1.2", "tls1.3"})
        self.assertFalse([one for one in scan.iter("heartbleed") if one.get("vulnerable") != "0"])
        self.assertEqual([one.get("supported") for one in scan.iter("compression")], ["0"] * len(scan.findall("compression")))
        ciphers = list(scan.iter("cipher"))
        self.assertGreaterEqual(len(ciphers), 6)
        for cipher in ciphers:
            name = cipher.get("cipher")
            self.assertIn(cipher.get("strength"), ("strong", "acceptable"), name)
            self.assertTrue("GCM" in name or "POLY1305" in name, name)
            self.assertTrue(name.startswith(("TLS_", "ECDHE-", "DHE-")), name)
        groups = {one.get("name"): int(one.get("bits")) for one in scan.iter("group")}
        self.assertIn("x25519", groups)
        self.assertFalse([name for name, bits in groups.items() if bits < WEAKEST_BITS or name.startswith("ffdhe")])

    @unittest.skipUnless(LONG, "make scan")
    def test_testssl(self):
        for kind, name, protocol, address in self.targets:
            with self.subTest(certificate=kind, listener=name):
                self.check_testssl(protocol, address, self.tmp / f"{kind}-{name}.json")

    def check_testssl(self, protocol, address, report):
        environment = os.environ | {"TESTSSL_INSTALL_DIR": str(PEERS / "root/etc/testssl"),
                                    "PATH": f"{PEERS / 'bin'}:{os.environ['PATH']}"}
        words = ["--starttls", protocol] if protocol else []
        done = subprocess.run([PEERS / "bin/testssl", "--quiet", "--color", "0", "--warnings", "batch", "--openssl",
                               "/usr/bin/openssl", "--nodns", "min", "--ip", "127.0.0.1", "--severity", "LOW", "--jsonfile", report,
                               *words, address], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900,
                              env=environment, check=False)
        self.assertIn("Testing vulnerabilities", done.stdout, done.stderr)
        found = [one for one in json.loads(report.read_text()) if one["severity"] in BAD and not one["id"].startswith(NOT_OURS)]
        self.assertEqual(found, [])


if __name__ == "__main__":
    unittest.main()
