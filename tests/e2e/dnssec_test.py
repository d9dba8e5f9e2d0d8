"""DNSSEC: zones that Knot signs, their keys as trust anchors of ours. What is signed is believed, what was tampered with is not used."""

import tempfile
import unittest

from peer import EXTENSIONS, Peer
from relay_test import ALICE
from server import LISTENERS, SECRET, Server, free_port_everywhere
from wishes_test import WishesCase, certificate
from zones import AUTHENTIC, Knot, Meddler

THIEF = "127.0.0.66"


def host(domain, number):
    return [f"{domain} MX 10 mx.{domain}", f"mx.{domain} A 127.0.0.{number}"]


ZONES = {"signed.test": host("signed.test", 51) + ["forged.signed.test MX 10 localhost", "bare.signed.test MX 10 mx.signed.test",
                                                   "sure.signed.test MX 10 localhost", "gone.signed.test MX 10 mx.signed.test",
                                                   "plain.signed.test NS ns.plain.signed.test", "ns.plain.signed.test A 127.0.0.1"],
         "plain.signed.test": host("plain.signed.test", 52), "old.test": host("old.test", 53), "unsigned.test": host("unsigned.test", 54)}


def stripped(question):
    """The same records without their signatures."""
    return question.reply([f"{question.name} MX 10 mx.signed.test"]) if question.type == "MX" else None


def tampered(question):
    return question.truth().replace(b"\0\x0a\x09localhost", b"\0\x0a\x09evilthief") if question.type == "MX" else None


class DnssecTest(WishesCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        pair = certificate(folder)
        port = free_port_everywhere()
        knot = cls.enterClassContext(Knot(ZONES, signed=["signed.test"], expired=["old.test"]))
        cls.dns = cls.enterClassContext(Meddler(knot))
        extensions = EXTENSIONS + ("STARTTLS", "REQUIRETLS")
        cls.peers = {address: cls.enterClassContext(Peer(address=address, port=port, extensions=extensions, tls=pair))
                     for address in ("127.0.0.1", "127.0.0.51", "127.0.0.52", "127.0.0.53", "127.0.0.54", THIEF)}
        cls.server = Server(accounts={ALICE: SECRET}, dns=cls.dns, trust_anchor=knot.anchors("signed.test", "old.test"), delivery={"port": port},
                            listeners={name: LISTENERS[name] for name in ("submission", "pop3-clear")})
        cls.addClassCleanup(cls.server.close)
        cls.server.start()

    def last_reply(self, ident):
        return self.server.trace(ident)["recipients"][0]["last_reply"]

    def test_secure_and_insecure_zones(self):
        for domain in ("signed.test", "plain.signed.test", "unsigned.test"):
            with self.subTest(domain):
                self.wait_state(self.submit(f"a@{domain}"), "relayed")

    def test_only_what_is_signed_is_sure(self):
        """REQUIRETLS wants sure names, and then a certificate that somebody vouches for."""
        for name in ("unsigned.test", "plain.signed.test"):
            self.dns.rule(f"{name}", lambda q: (lambda truth: truth[:3] + bytes([truth[3] | AUTHENTIC]) + truth[4:])(q.truth()))
        for domain, code in (("sure.signed.test", "5.7.10"), ("signed.test", "5.7.10"), ("plain.signed.test", "5.7.30"),
                             ("unsigned.test", "5.7.30")):
            with self.subTest(domain):
                ident = self.submit(f"b@{domain}", "REQUIRETLS")
                self.wait_state(ident, "failed")
                self.assertIn(code, self.last_reply(ident))

    def test_what_does_not_validate_is_not_used(self):
        self.dns.rule("forged.signed.test", tampered)
        self.dns.rule("bare.signed.test", stripped)
        self.dns.rule("gone.signed.test", lambda q: q.reply(code=3))  # "no such name" without a proof
        sent = {name: self.submit(f"c@{name}") for name in ("forged.signed.test", "bare.signed.test", "gone.signed.test", "old.test")}
        for name, ident in sent.items():
            with self.subTest(name):
                self.wait_event(ident, "deferred")
                self.assertIn("4.4.3", self.last_reply(ident))
                self.assertEqual(self.states(ident)[f"c@{name}"] in ("waiting", "in hand"), True)
        self.assertFalse([m for peer in self.peers.values() for m in peer.messages if any("c@" in to for to in m.recipients)])


if __name__ == "__main__":
    unittest.main()
