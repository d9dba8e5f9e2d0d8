"""Certificates that are ordered: against pebble, an authority that we did not write."""

import json
import os
import pathlib
import random
import re
import socket
import sqlite3
import ssl
import struct
import tempfile
import time
import unittest

from authority import NAME, Authority
from dns import Dns
from server import LISTENERS, Server, free_port_everywhere, wait_until
from setup_test import FINDINGS, Machine
from zones import Knot, ask_udp, wire_name

HOST = "mx.example.test"
SECRET_OF_ANN = "correct horse battery"
SECRET = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
RECORDS = (f"{NAME} A 127.0.0.1", f"{HOST} A 127.0.0.1", "mail.example.test A 127.0.0.1")


class UpdatableKnot(Knot):
    """One that takes updates signed with a key."""

    def _configure(self, signed):
        super()._configure(signed)
        text = self.config.read_text()
        text = text.replace("zone:\n", f"key:\n  - id: acme\n    algorithm: hmac-sha256\n    secret: {SECRET}\n"
                            "acl:\n  - id: acme\n    key: acme\n    action: update\nzone:\n", 1)
        self.config.write_text(text.replace("journal-content: none", "journal-content: changes\n    acl: acme"))


@unittest.skipUnless(os.environ.get("PROGRAMS_ALL") == "1", "make test-programs has pebble")
class CertificatesTest(unittest.TestCase):
    def world(self, authority=None, acme=None, zone=None, **more):
        self.dns = self.enterContext(Dns(*RECORDS, ttl=1))
        self.http, self.https = free_port_everywhere(), free_port_everywhere()
        self.authority = self.enterContext(Authority(zone or self.dns.address, http=self.http, tls=self.https, **(authority or {})))
        listeners = {name: dict(LISTENERS[name]) for name in ("mx", "submissions")}
        listeners["http"] = {"role": "http", "tls": "none", "address": f"127.0.0.1:{self.http}"}
        listeners["https"] = {"role": "http", "tls": "implicit", "address": f"127.0.0.1:{self.https}"}
        self.server = Server(listeners=listeners, dns=self.dns, hostname=HOST,
                             extra={"acme": self.authority.settings(**(acme or {})), "authentication": {"verify": False}}, **more)
        self.addCleanup(self.server.close)
        return self.server

    def status(self, name=HOST):
        for one in self.server.json("tls", "status")["certificates"]:
            if one["name"] == name:
                return one
        return {}

    def valid(self, name=HOST, seconds=60):
        return wait_until(lambda: (one := self.status(name)).get("state") == "valid" and one, lambda: str(self.status(name)), seconds,
                          pause=0.3)

    def connect(self, listener="submissions", name=HOST, verify=True):
        context = ssl.create_default_context(cadata=self.authority.roots() if verify else None)
        raw = socket.create_connection(("127.0.0.1", self.server.ports[listener]), timeout=30)
        return context.wrap_socket(raw, server_hostname=name)

    def serial(self, **how):
        with self.connect(**how) as connection:
            return connection.getpeercert()["serialNumber"]

    def row(self):
        with sqlite3.connect(f"file:{self.server.data}/paquebot.db?mode=ro", uri=True) as db:
            return db.execute("SELECT chain FROM certificate").fetchall()

    def check_secrets(self):
        """Neither log nor commands tell what is secret."""
        told = self.server.output.text() + json.dumps(self.server.json("tls", "status")) + self.server.must("tls", "status")
        self.assertNotIn("PRIVATE KEY", told)
        with sqlite3.connect(f"file:{self.server.data}/paquebot.db?mode=ro", uri=True) as db:
            secrets = [text for (text,) in db.execute("SELECT private_key FROM tls_key UNION SELECT private_key FROM acme_account")]
        self.assertEqual(len(secrets), 3)
        for secret in secrets:
            self.assertNotIn(secret.splitlines()[1], told)


class OrderTest(CertificatesTest):
    def test_by_http_and_renewed_without_a_dropped_connection(self):
        self.world(acme={"challenges": ["http-01"]}).start()
        before = self.valid()
        first = self.serial()
        with self.connect() as kept:
            self.assertTrue(kept.recv(100).startswith(b"220 "))
            self.server.must("tls", "renew", HOST)
            wait_until(lambda: self.serial() != first, "another certificate", pause=0.3)
            kept.sendall(b"NOOP\r\n")
            self.assertTrue(kept.recv(100).startswith(b"250 "), "who was there stays")
        after = self.valid()
        self.assertEqual([key["digest"] for key in after["keys"]], [key["digest"] for key in before["keys"]], "the key stays")
        self.assertEqual(self.authority.count("/order-plz"), 2)
        self.check_secrets()
        with self.connect("https") as browser:
            browser.sendall(f"GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
            self.assertTrue(browser.recv(100).startswith(b"HTTP/1.1 "))

    def test_by_tls(self):
        self.world(acme={"challenges": ["tls-alpn-01"], "names": ["mail.example.test"]}).start()
        self.valid()
        self.valid("mail.example.test")
        self.assertNotEqual(self.serial(), self.serial(name="mail.example.test"), "one each")

    def test_rotation_and_backup(self):
        self.world().start()
        before = self.valid()
        wait_until(lambda: len(self.status()["keys"]) == 2, "the next key")
        active, following = (key["digest"] for key in self.status()["keys"])
        backup = self.server.data / "b.backup"
        self.server.must("backup", backup, "--quiet")
        self.server.must("tls", "rotate", HOST)
        wait_until(lambda: self.status()["keys"][0]["digest"] == following, lambda: str(self.status()), 60, pause=0.3)
        rows = self.row()
        self.server.stop()
        for file in self.server.data.glob("*.db*"):
            file.unlink()
        self.server.must("restore", backup, "--quiet")
        self.server.start()
        self.assertEqual(self.status()["keys"][0]["digest"], active)
        self.assertEqual(self.status()["not_after"], before["not_after"])
        self.assertNotEqual(self.row(), rows)
        self.assertTrue(self.serial())

    def test_by_updates_of_the_zone(self):
        knot = self.enterContext(UpdatableKnot({"test": [f"{HOST} A 127.0.0.1"]}))
        where = f"127.0.0.1:{knot.port}"
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        (folder / "key").write_text(f"key:\n  - id: acme\n    algorithm: hmac-sha256\n    secret: {SECRET}\n")
        folder.chmod(0o755)
        self.world(zone=where, acme={"challenges": ["dns-01"], "dns_server": where, "dns_key_file": folder / "key"}).start()
        self.valid()
        query = struct.pack(">HHHHHH", 1, 0, 1, 0, 0, 0) + wire_name(f"_acme-challenge.{HOST}") + struct.pack(">HH", 16, 1)
        self.assertEqual(ask_udp(query, knot.port)[6:8], b"\0\0", "taken back")

    def test_an_account_that_is_bound(self):
        key = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        (folder / "eab").write_text(key + "\n")
        folder.chmod(0o755)
        self.world(authority={"bind": {"kid-1": key}}, acme={"eab_kid": "kid-1", "eab_key_file": folder / "eab"}).start()
        self.valid()

    def test_nonces_that_are_refused(self):
        self.world(authority={"refuse_nonces": 50}).start()
        self.valid()
        self.assertGreaterEqual(self.authority.count("/order-plz"), 1)


@unittest.skipUnless(os.environ.get("PROGRAMS_ALL") == "1", "make test-programs has pebble")
class SetupTest(unittest.TestCase):
    def test_setup_waits_until_all_that_leads_here_has_one(self):
        """The first look fails, since nothing is in the DNS; with the records there it is made again at once, not after a minute."""
        dns = self.enterContext(Dns(RECORDS[0], ttl=1))
        http, https = free_port_everywhere(), free_port_everywhere()
        authority = self.enterContext(Authority(dns.address, http=http, tls=https))
        machine = Machine(dns, {"http": {"role": "http", "tls": "none", "address": f"127.0.0.1:{http}"},
                                "https": {"role": "http", "tls": "implicit", "address": f"127.0.0.1:{https}"}})
        self.addCleanup(machine.close)
        words = ["--agree-tos", "--acme-directory", authority.url("/dir"), "--acme-ca-file", authority.ca, "--acme-allow", "127.0.0.0/8"]
        machine.set_up("--no-wait", *words, password=SECRET_OF_ANN)
        self.assertIn('allow = ["127.0.0.0/8"]\n', machine.written)
        machine.start()
        machine.output.wait("event=certificate-failed", 30)
        dns.add(*[f'{one["name"]} {one["type"]} ' + (json.dumps(one["value"]) if one["type"] == "TXT" else one["value"])
                  for one in json.loads(machine.set_up("--no-wait", "--json", *words))["records"]])
        said = machine.set_up("--wait", "60s", *words, code=FINDINGS)
        for name in (HOST, "mta-sts.example.test", "autoconfig.example.test"):
            self.assertRegex(said, rf"(?m)^{re.escape(name)}: it is there, good until \d")
        self.assertNotIn("see why there is no certificate", said)

    def test_setup_tells_why_there_is_none(self):
        dns = self.enterContext(Dns(*RECORDS, ttl=1))
        http = free_port_everywhere()
        authority = self.enterContext(Authority(dns.address, http=http))
        machine = Machine(dns, {"http": {"role": "http", "tls": "none", "address": f"127.0.0.1:{http}"}})
        self.addCleanup(machine.close)
        words = ["--agree-tos", "--acme-directory", authority.url("/dir"), "--acme-ca-file", authority.ca]
        machine.set_up("--no-wait", *words, password=SECRET_OF_ANN)
        machine.start()
        said = machine.set_up("--wait", "45s", *words)
        self.assertRegex(said, r"- see why there is no certificate for mx.example.test yet: paquebot tls status \(.*not of the public Internet")


class TroubleTest(CertificatesTest):
    def test_what_fails_for_the_moment(self):
        self.world()
        failed, dice = set(), random.Random(7)

        def meddle(handler, path):
            if (handler.command, path) in failed or path == "/dir":
                return False
            failed.add((handler.command, path))
            if dice.random() < 0.5:
                handler.say(503, b"<html>", [("Retry-After", "1")])
            else:
                handler.close_connection = True  # no answer at all
                handler.connection.close()
            return True

        self.authority.meddle = meddle
        self.server.start()
        self.valid(seconds=120)
        self.assertGreater(len(failed), 5)

    def test_429_and_a_restart_loop(self):
        self.world()

        def meddle(handler, path):
            if "order-plz" not in path:
                return False
            body = json.dumps({"type": "urn:ietf:params:acme:error:rateLimited", "detail": "too many", "status": 429})
            handler.say(429, body.encode(), [("Retry-After", "7200"), ("Content-Type", "application/problem+json")])
            return True

        self.authority.meddle = meddle
        self.server.start()
        wait_until(lambda: "too many" in self.status().get("error", ""), "the word of the authority")
        self.assertGreater(self.status()["again_at"], time.strftime("%Y-%m-%dT%H:%M", time.gmtime(time.time() + 7000)))
        for _ in range(3):
            self.server.restart(kill=True)
            self.server.output.wait("event=ready", 30)
        self.authority.meddle = None
        self.assertEqual(self.authority.count("/order-plz"), 1, "it was told to wait")
        self.server.must("tls", "renew", HOST)
        self.valid()

    def test_killed_at_each_step(self):
        """SIGKILL as soon as the authority has answered its n-th request: the next run comes to the end, with one order for each."""
        self.world()
        self.server.prepare()
        for step in range(1, 16, 2):
            with self.subTest(step=step):
                begun, seen = self.authority.count("/order-plz"), [0]

                def meddle(handler, path):
                    seen[0] += 1
                    if seen[0] == step:
                        self.server.process.kill()
                    return False

                self.authority.meddle = meddle
                self.server.start()
                try:
                    self.server.process.wait(20)
                except Exception:
                    pass  # it needed less requests
                self.authority.meddle = None
                self.server.restart(kill=True)
                self.server.must("tls", "renew", HOST) if self.status().get("state") == "failing" else None
                self.valid()
                self.assertLessEqual(self.authority.count("/order-plz") - begun, 2)
                self.server.must("tls", "renew", HOST)
                self.server.stop(kill=True)

    def test_the_window_of_the_authority(self):
        self.world().start()
        self.valid()
        self.server.stop()
        with sqlite3.connect(self.server.data / "paquebot.db") as db:  # it came the day before yesterday
            db.execute("UPDATE certificate SET issued = issued - 172800000, renew_at = 0, ask_at = 0")
        self.authority.renew_since_yesterday()
        self.server.start()
        wait_until(lambda: self.authority.count("/order-plz") >= 2, "the renewal that it wants", 60, pause=0.3)
        self.assertGreater(self.authority.count("/renewal/"), 0)


if __name__ == "__main__":
    unittest.main()
