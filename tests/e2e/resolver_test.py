"""The resolvers that we ask: what strangers make us ask, resolvers that strip DNSSEC signatures, and those that are not there. None
of it may stop our own mail, and no domain is to blame for it."""

import itertools
import tempfile
import threading
import unittest

from dns import Dns
from peer import EXTENSIONS, Peer
from relay_test import ALICE
from server import LISTENERS, SECRET, Server, free_port_everywhere, letter, transact, wait_until
from wishes_test import WishesCase, certificate
from zones import Knot, Meddler, silent, stripping, validated
import zones_test

OUT = {name: LISTENERS[name] for name in ("submission", "pop3-clear")}


class StrangersTest(unittest.TestCase):
    SESSIONS, SIGNATURES, DELIVERIES = 80, 8, 60

    def test_silent_domains_in_signatures(self):
        """80 sessions, each with mail after mail whose signatures name servers that are silent: of what we deliver meanwhile, how much is
        deferred?"""
        far = [f"far{i}.test" for i in range(self.DELIVERIES)]
        zone = [f"*.silent{j}.test TIMEOUT" for j in range(self.SIGNATURES)]
        zone += [record for name in far for record in (f"{name} MX 10 mx.{name}", f"mx.{name} A 127.0.0.1")]
        self.enough = threading.Event()
        with Peer() as peer, Dns(*zone) as dns, \
                Server(dns=dns, delivery={"port": peer.port}, limits={"connections_per_address": 1000},
                       extra={"authentication": {"timeout": "6s", "skip_networks": []}}) as server:
            strangers = [threading.Thread(target=self.stranger, args=(server, i)) for i in range(self.SESSIONS)]
            for stranger in strangers:
                stranger.start()
            try:
                wait_until(lambda: sum("_domainkey.silent" in line for line in dns.asked()) >= 2 * self.SESSIONS, "their questions")
                sent = self.send(server, far)
                wait_until(lambda: len(peer.messages) == len(far), lambda: f"{len(far)} messages, not {len(peer.messages)}", 120)
            finally:
                self.enough.set()
                for stranger in strangers:
                    stranger.join()
            late = [ident for ident in sent if any(event["kind"] == "deferred" for event in server.trace(ident)["events"])]
            self.assertEqual((len(late), len(sent)), (0, len(far)))

    @staticmethod
    def send(server, domains):
        with server.smtp("submission", ALICE) as client:
            return [transact(client, ALICE, [f"x@{domain}"], letter(ALICE, f"x@{domain}")) for domain in domains]

    def stranger(self, server, number):
        signature = ("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=silent{j}.test; s=key{number}-{i}; h=from:to:subject;\r\n"
                     " bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n")
        with server.smtp("mx") as client:
            for i in itertools.count():
                signed = "".join(signature.format(number=number, i=i, j=j) for j in range(self.SIGNATURES))
                client.sendmail("x@y.test", ["bob@example.test"], signed + letter(to="bob@example.test"))
                if self.enough.is_set():
                    return


class StrippedTest(WishesCase):
    """The default settings behind a forwarder that hands no signatures on."""

    @classmethod
    def setUpClass(cls):
        pair = certificate(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.peer = cls.enterClassContext(Peer(extensions=EXTENSIONS + ("STARTTLS", "REQUIRETLS"), tls=pair))
        cls.dns = cls.enterClassContext(Dns("far.test MX 10 mx.far.test", "mx.far.test A 127.0.0.1"))
        cls.server = Server(accounts={ALICE: SECRET}, dns=cls.dns, trust_anchor="", delivery={"port": cls.peer.port}, listeners=OUT)
        cls.addClassCleanup(cls.server.close)
        cls.server.start()

    def test_mail_leaves(self):
        self.wait_state(self.submit("a@far.test"), "relayed")
        self.assertEqual(self.server.log().count("event=dnssec-off"), 1)
        status = self.server.json("status")["dns"]
        self.assertEqual((status["dnssec"], status["resolvers"]), ("without", [{"address": self.dns.address, "signatures": "stripped"}]))
        self.assertTrue(self.server.must("status").startswith("WARNING: answers of the DNS are not validated"))

    def test_nothing_is_secure(self):
        ident = self.submit("b@far.test", "REQUIRETLS")
        self.wait_state(ident, "failed")
        self.assertIn("5.7.30", self.server.trace(ident)["recipients"][0]["last_reply"])

    def test_check_tells(self):
        done = self.server.cli("check")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("can be used", done.stdout)
        self.assertIn(f"the resolver {self.dns.address} does not pass DNSSEC signatures on", done.stderr)


class DefaultZonesTest(zones_test.WaysTest):
    """All that the DNS can say about a domain, with the default settings in front of servers that know no signatures."""
    trust_anchor = ""


class RootTest(WishesCase):
    """A signed root of our own with a resolver in front that begins to strip."""

    def setUp(self):
        pair = certificate(self.enterContext(tempfile.TemporaryDirectory()))
        port = free_port_everywhere()
        records = [record for name in ("near", "far") for record in (f"{name}.test MX 10 localhost", f"mx.{name}.test A 127.0.0.1")]
        self.knot = self.enterContext(Knot({".": records + ["localhost A 127.0.0.1"]}, signed=["."]))
        self.dns = self.enterContext(Meddler(self.knot))
        self.peer = self.enterContext(Peer(address="127.0.0.1", port=port, extensions=EXTENSIONS + ("STARTTLS", "REQUIRETLS"), tls=pair))
        self.server = Server(accounts={ALICE: SECRET}, dns=self.dns, trust_anchor=self.knot.anchors("."), delivery={"port": port},
                             listeners=OUT)
        self.addCleanup(self.server.close)

    def stand(self):
        return self.server.json("status")["dns"]["dnssec"]

    def last_reply(self, ident):
        return self.server.trace(ident)["recipients"][0]["last_reply"]

    def test_a_forwarder_of_our_own_machine_may_come_to_strip(self):
        self.server.start()
        wait_until(lambda: self.stand() == "validating", "validation")
        self.assertEqual(self.server.must("check").count("WARNING"), 0)
        ident = self.submit("a@near.test", "REQUIRETLS")  # its host is sure, its certificate is not
        self.wait_state(ident, "failed")
        self.assertIn("5.7.10", self.last_reply(ident))
        self.dns.rule("*", stripping)
        self.server.restart()
        self.wait_state(self.submit("b@far.test"), "relayed")
        self.assertEqual(self.stand(), "without")
        self.assertEqual(self.server.json("dns", "forget"), {"forgotten": []})

    def test_one_that_validated_may_not(self):
        self.dns.rule("*", validated)
        self.server.start()
        wait_until(lambda: self.stand() == "validating", "validation")
        self.wait_state(self.submit("a@near.test"), "relayed")
        self.dns.rule("*", stripping)
        self.server.restart()
        ident = self.submit("b@far.test")
        wait_until(lambda: self.stand() == "failing", "its failure")
        self.server.output.wait("event=dnssec-failing", 10)
        wait_until(lambda: "do not come through" in self.last_reply(ident), "the reason")
        [waiting] = self.server.trace(ident)["recipients"]
        self.assertEqual((waiting["state"], waiting["attempts"]), ("waiting", 0))
        self.assertIn("WARNING", self.server.must("status"))
        self.assertEqual(self.server.json("dns", "forget"), {"forgotten": ["127.0.0.1"]})
        self.wait_state(ident, "relayed")
        self.assertEqual(self.stand(), "without")


class AwayTest(WishesCase):
    """A resolver that does not answer for a while."""

    def test_nothing_is_charged(self):
        port = free_port_everywhere()
        with Knot({"test": ["far.test MX 10 mx.far.test", "mx.far.test A 127.0.0.1"]}) as knot, Meddler(knot) as dns, \
                Peer(port=port) as peer, \
                Server(accounts={ALICE: SECRET}, dns=dns, delivery={"port": port}, listeners=OUT) as self.server:
            dns.rule("*", silent)
            ident = self.submit("a@far.test")
            self.server.output.wait("event=put-off", 60)
            wait_until(lambda: self.server.trace(ident)["recipients"][0]["last_reply"], "the reason")
            [waiting] = self.server.trace(ident)["recipients"]
            self.assertEqual((waiting["state"], waiting["attempts"]), ("waiting", 0))
            self.assertIn("the resolver does not answer", waiting["last_reply"])
            self.assertNotIn("event=destination-failed", self.server.log())
            del dns.rules["*"]
            self.wait_state(ident, "relayed")
            self.assertEqual(len(peer.messages), 1)


if __name__ == "__main__":
    unittest.main()
