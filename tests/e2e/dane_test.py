"""DANE on the way out (RFC 7672): zones that Knot signs, TLSA records of every kind, mail hosts with and without the right key."""

import hashlib
import pathlib
import subprocess
import tempfile
import unittest

from peer import EXTENSIONS, Peer
from relay_test import ALICE
from server import LISTENERS, SECRET, Server, free_port_everywhere
from wishes_test import WishesCase
from zones import Knot, Meddler, failing, stripping

TLS = EXTENSIONS + ("STARTTLS",)


def openssl(*words, data=None):
    return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, input=data).stdout


class Key:
    """A certificate for a name with its key and chain; of a CA of its own, of another's, or nobody's. `days` may be over."""

    def __init__(self, folder, name, ca=None, authority=False, days=2):
        self.folder = pathlib.Path(folder)
        self.cert, self.key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        kind = "critical,CA:TRUE" if authority else "critical,CA:FALSE"
        request, extensions = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}", "-keyout", self.key,
                "-out", request)
        extensions.write_text(f"basicConstraints={kind}\nsubjectAltName=DNS:{name}\n")
        signer = ["-CA", ca.cert, "-CAkey", ca.key, "-CAcreateserial"] if ca else ["-signkey", self.key]
        self.own = openssl("x509", "-req", "-in", request, "-days", days, "-extfile", extensions, *signer)
        self.cert.write_bytes(self.own + (ca.own if ca else b""))
        self.pair = (str(self.cert), str(self.key))

    def tlsa(self, usage, selector, matching):
        der = openssl("x509", "-outform", "DER", data=self.own)
        if selector == 1:
            der = openssl("pkey", "-pubin", "-outform", "DER", data=openssl("x509", "-pubkey", "-noout", data=self.own))
        data = {0: der.hex(), 1: hashlib.sha256(der).hexdigest(), 2: hashlib.sha512(der).hexdigest()}[matching]
        return f"TLSA {usage} {selector} {matching} {data}"


class DaneCase(WishesCase):
    """The zones and hosts, and a server that validates what it asks."""

    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.port = port = free_port_everywhere()
        ca = Key(folder, "authority.test", authority=True)
        right, other, named = Key(folder, "mx.right.test"), Key(folder, "mx.other.test"), Key(folder, "mx.ta.signed.test", ca)
        cls.peers, records = {}, []

        def host(domain, number, key, *tlsa, extensions=TLS, backup=None):
            address = f"127.0.0.{number}"
            cls.peers[domain] = cls.enterClassContext(Peer(address=address, port=port, extensions=extensions, tls=key.pair if key else None))
            at = f"_{port}._tcp.mx.{domain}"
            records.extend([f"{domain} MX 10 mx.{domain}", f"mx.{domain} A {address}", *(f"{at} {one}" for one in tlsa)])

        host("ee.signed.test", 61, right, right.tlsa(3, 1, 1))
        host("rolled.signed.test", 62, right, other.tlsa(3, 1, 1), right.tlsa(3, 0, 2))
        host("wrong.signed.test", 63, other, right.tlsa(3, 1, 1))
        host("clear.signed.test", 64, None, right.tlsa(3, 1, 1), extensions=EXTENSIONS)
        host("ta.signed.test", 65, named, ca.tlsa(2, 0, 1))
        host("nobody.signed.test", 66, named, ca.tlsa(2, 0, 1))
        host("pkix.signed.test", 67, other, right.tlsa(1, 1, 1), "TLSA 3 1 9 00")
        host("bogus.signed.test", 68, right, right.tlsa(3, 1, 1))
        host("broken.signed.test", 69, right, right.tlsa(3, 1, 1))
        host("none.signed.test", 70, right)
        host("alias.signed.test", 71, right)
        host("under.signed.test", 72, right, right.tlsa(3, 1, 1))  # whose kept connection nobody else shall find
        host("apart.signed.test", 73, other, right.tlsa(3, 1, 1))
        records += [f"_{port}._tcp.mx.alias.signed.test CNAME _dane.signed.test", f"_dane.signed.test {right.tlsa(3, 1, 1)}"]
        records += ["two.signed.test MX 10 mx.wrong.signed.test", "two.signed.test MX 20 mx.ee.signed.test",
                    "shared.signed.test MX 10 mx.ee.signed.test",
                    "plain.signed.test NS ns.plain.signed.test", "ns.plain.signed.test A 127.0.0.1"]
        unsigned = ["hosted.unsigned.test MX 10 mx.under.signed.test", "forged.unsigned.test MX 10 mx.wrong.signed.test",
                    "own.unsigned.test MX 10 mx.own.unsigned.test", "mx.own.unsigned.test A 127.0.0.61",
                    f"_{port}._tcp.mx.own.unsigned.test {other.tlsa(3, 1, 1)}"]
        old = ["old.test MX 10 mx.old.test", "mx.old.test A 127.0.0.61"]
        cls.knot = knot = cls.enterClassContext(Knot({"signed.test": records, "unsigned.test": unsigned, "old.test": old}, signed=["signed.test"], expired=["old.test"]))
        cls.dns = cls.enterClassContext(Meddler(knot))
        cls.anchors = knot.anchors("signed.test", "old.test")
        cls.server = Server(accounts={ALICE: SECRET}, dns=cls.dns, trust_anchor=cls.anchors, delivery={"port": port},
                            listeners={name: LISTENERS[name] for name in ("submission", "pop3-clear")})
        cls.addClassCleanup(cls.server.close)
        cls.server.start()


class DaneTest(DaneCase):
    def last_reply(self, ident):
        return self.server.trace(ident)["recipients"][0]["last_reply"]

    def told(self, ident):
        return str(self.server.trace(ident))

    def relayed(self, recipient, *words, more=""):
        ident = self.submit(recipient, more=more)
        self.wait_state(ident, "relayed")
        for word in words:
            self.assertIn(word, self.told(ident))
        return ident

    def waits(self, recipient, *words):
        ident = self.submit(recipient)
        self.wait_event(ident, "deferred")
        for word in words:
            self.assertIn(word, self.last_reply(ident))
        self.assertIn(self.states(ident)[recipient], ("waiting", "in hand"))
        self.assertFalse([m for peer in self.peers.values() for m in peer.messages if ident.encode() in m.data])

    def test_who_fits_gets_mail_and_the_trail_says_by_what(self):
        self.relayed("a@ee.signed.test", "TLSv1.3, DANE)")
        self.relayed("a@rolled.signed.test", "TLSv1.3, DANE)")
        self.relayed("a@alias.signed.test", "TLSv1.3, DANE)")
        self.relayed("a@ta.signed.test", "TLSv1.3, DANE)")
        self.relayed("a@shared.signed.test", "TLSv1.3, DANE)")

    def test_who_does_not_fit_gets_none(self):
        self.waits("b@wrong.signed.test", "4.7.5", "TLSA records of mx.wrong.signed.test must fit (DANE): the TLS handshake failed: certificate")
        self.waits("b@clear.signed.test", "4.7.10", "TLS is required (DANE)")
        self.waits("b@nobody.signed.test", "4.7.5")  # of the right authority for another name

    def test_another_host_that_fits_is_as_good(self):
        ident = self.relayed("c@two.signed.test", "DANE)")
        self.assertTrue([m for m in self.peers["ee.signed.test"].messages if ident.encode() in m.data])

    def test_records_that_nobody_can_use_ask_for_tls(self):
        self.relayed("d@pkix.signed.test", "none of them usable")

    def test_without_records_it_is_as_before(self):
        self.relayed("e@none.signed.test", "not authenticated")
        self.relayed("e@own.unsigned.test", "not authenticated")
        self.assertNotIn((f"_{self.port}._tcp.mx.own.unsigned.test", "TLSA"), self.dns.asked_for("unsigned.test"))

    def test_an_unsigned_mx_is_said_to_be_one(self):
        self.relayed("f@hosted.unsigned.test", "DANE, unsigned MX")
        self.waits("f@forged.unsigned.test", "4.7.5", "unsigned MX")

    def test_what_the_dns_does_not_say_for_sure_waits(self):
        def stripped(question):
            return question.reply() if question.type == "TLSA" else None
        self.dns.rule(f"_{self.port}._tcp.mx.bogus.signed.test", stripped)
        self.dns.rule(f"_{self.port}._tcp.mx.broken.signed.test", failing(2))
        self.waits("g@bogus.signed.test", "4.4.3", "DANE")
        self.waits("g@broken.signed.test", "4.4.3", "DANE")
        self.waits("g@old.test", "4.4.3")

    def test_the_sender_may_want_it_sent_in_any_case(self):
        """RFC 8689 section 4.1."""
        self.relayed("h@wrong.signed.test", "not authenticated", more="TLS-Required: No\r\n")

    def test_such_mail_waits_behind_nobody(self):
        ordinary = self.submit("i@apart.signed.test")
        self.wait_event(ordinary, "deferred")
        free = self.submit("i@apart.signed.test", more="TLS-Required: No\r\n")
        self.server.must("queue", "retry", "apart.signed.test")
        self.wait_state(free, "relayed")
        self.assertNotIn("relayed", self.states(ordinary).values())


class StrippedTest(WishesCase):
    """Behind resolvers that pass no signatures on nothing is known of TLSA records: mail leaves as it did before."""

    def test_mail_leaves(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        port = free_port_everywhere()
        right, other = Key(folder, "mx.right.test"), Key(folder, "mx.other.test")
        self.enterContext(Peer(address="127.0.0.72", port=port, extensions=TLS, tls=other.pair))
        records = ["a.test MX 10 mx.a.test", "mx.a.test A 127.0.0.72", f"_{port}._tcp.mx.a.test {right.tlsa(3, 1, 1)}"]
        knot = self.enterContext(Knot({".": records}, signed=["."]))
        dns = self.enterContext(Meddler(knot))
        dns.rule("*", stripping)
        self.server = self.enterContext(Server(accounts={ALICE: SECRET}, dns=dns, trust_anchor=knot.anchors("."), delivery={"port": port},
                                               listeners={name: LISTENERS[name] for name in ("submission", "pop3-clear")}))
        ident = self.submit("a@a.test")
        self.wait_state(ident, "relayed")
        self.assertIn("not authenticated", str(self.server.trace(ident)))


if __name__ == "__main__":
    unittest.main()
