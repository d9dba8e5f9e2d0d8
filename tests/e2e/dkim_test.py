"""What our domains send is signed, and believed by verifiers that we did not write: python3-dkim, python3-spf and python3-authheaders,
once the records that `paquebot domain dns` prints are pasted into the DNS."""

import base64
import re
import subprocess
import sys
import unittest

import dns as own_dns
from peer import Peer
from server import PEERS, SECRET, Server, free_port_everywhere, letter, wait_until

sys.modules.pop("dns")  # from here on dnspython: it has the name of the helper beside this file
sys.path.append(str(PEERS / "root/usr/lib/python3/dist-packages"))
_here = sys.path[0]
_path = list(sys.path)
sys.path[:] = [entry for entry in sys.path if entry != _here]  # PYTHONPATH may name it again
import dns.message  # noqa: E402
import dns.query  # noqa: E402
import dns.rdatatype  # noqa: E402
import dns.zone  # noqa: E402
import dkim  # noqa: E402
import spf  # noqa: E402
import authheaders  # noqa: E402

sys.path[:] = _path
Dns = own_dns.Dns

ALICE = "alice@example.org"  # a public suffix that python3-authheaders knows
TEXT = ("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n")


def zone_lines(text):
    """What stands in a zone file, read by dnspython as a name server would, as lines for the tests' name server."""
    zone = dns.zone.from_text("$TTL 60\n" + text, origin=".", relativize=False, check_origin=False)
    lines = []
    for name, _, data in zone.iterate_rdatas():
        owner = name.to_text(omit_final_dot=True)
        if data.rdtype == dns.rdatatype.TXT:
            assert all(len(part) <= 255 for part in data.strings), text
            lines.append(f"{owner} TXT " + " ".join('"' + part.decode() + '"' for part in data.strings))
        elif data.rdtype == dns.rdatatype.MX:
            lines.append(f"{owner} MX {data.preference} {data.exchange.to_text(omit_final_dot=True)}")
        elif data.rdtype != dns.rdatatype.SRV:  # where mail programs look
            raise AssertionError(f"a record that nobody expected: {owner} {data}")
    return lines


class DkimCase(unittest.TestCase):
    extra = {}

    def routes(self):
        return ()

    def setUp(self):
        self.port = free_port_everywhere()
        self.dns = self.enterContext(Dns("mx.example.org A 127.0.0.1", ttl=0))
        self.server = Server(accounts={ALICE: SECRET}, dns=self.dns, delivery={"port": self.port}, routes=self.routes(), extra=self.extra, hostname="mx.example.org")
        self.addCleanup(self.server.close)
        self.server.start()

    def host(self, number, **options):
        domain = f"h{number}.test"
        self.dns.add(f"{domain} MX 10 mx.{domain}", f"mx.{domain} A 127.0.0.{number}")
        return self.enterContext(Peer(address=f"127.0.0.{number}", port=self.port, name=f"mx.{domain}", **options))

    def paste(self, *words):
        """The records that a command prints go into the DNS."""
        self.dns.add(*zone_lines(self.server.must(*words)))

    def records(self, name, kind):
        """What the DNS says now."""
        host, port = self.dns.address.rsplit(":", 1)
        query = dns.message.make_query(name, kind)
        reply, _ = dns.query.udp_with_fallback(query, host, port=int(port), timeout=20)
        return [data for entry in reply.answer for data in entry if data.rdtype == query.question[0].rdtype]

    def txt(self, name, timeout=5):
        """For python3-dkim, which speaks octets, and for DMARC in python3-authheaders, which speaks text."""
        octets = isinstance(name, bytes)
        found = self.records((name.decode() if octets else name).rstrip("."), "TXT")
        joined = b"".join(found[0].strings) if found else None
        return joined if octets or joined is None else joined.decode()

    def look_up(self, name, kind, strict=True, timeout=None):
        """For python3-spf."""
        values = {"TXT": lambda d: list(d.strings), "A": lambda d: d.address, "MX": lambda d: (d.preference, d.exchange.to_text(True))}
        if kind not in values:
            return []
        return [((name, kind), values[kind](data)) for data in self.records(name, kind)]

    def verify(self, data):
        """Each signature of a message by python3-dkim: {selector: passed}."""
        count = len(re.findall(rb"(?im)^DKIM-Signature:", data.split(b"\r\n\r\n")[0]))
        verifier = dkim.DKIM(data)
        selectors = [found.decode() for found in re.findall(rb"(?i)\bs=([a-z0-9-]+);", data.split(b"\r\n\r\n")[0])]
        passed = {}
        for i in range(count):
            try:
                passed[selectors[i]] = verifier.verify(idx=i, dnsfunc=self.txt)
            except dkim.ValidationError:
                passed[selectors[i]] = False
        return passed

    def submit_raw(self, peer, octets):
        """By DATA, as it is; what arrives at the peer."""
        before = len(peer.messages)
        with self.server.smtp("submission", ALICE) as client:
            client.mail(ALICE)
            client.rcpt("bob@" + peer.name.removeprefix("mx."))
            self.assertEqual(client.docmd("DATA")[0], 354)
            client.sock.sendall(octets + b"\r\n.\r\n")
            code, text = client.getreply()
            self.assertEqual(code, 250, text)
        wait_until(lambda: len(peer.messages) > before, f"a message at {peer.name}")
        return peer.messages[-1].data

    def authenticate(self, message, client="127.0.0.1", sender=ALICE):
        """What python3-authheaders says of SPF, DKIM and DMARC, as one string."""
        spf.DNSLookup = self.look_up
        field = authheaders.authenticate_message(message, "judge.test", ip=client, mail_from=sender, helo="mx.example.org",
                                                 spf=True, dkim=True, dmarc=True, dnsfunc=self.txt)
        return field if isinstance(field, str) else field.decode()

    def send(self, peer, body="hello\r\n", more="", number=1, **options):
        """Submits a letter to the peer; what arrives there."""
        before = len(peer.messages)
        to = "bob@" + peer.name.removeprefix("mx.")
        message = letter(ALICE, to, subject=f"letter {number}", body=body, more=more)
        self.server.send(ALICE, [to], message.encode(), login=ALICE, **options)
        wait_until(lambda: len(peer.messages) > before, f"a message at {peer.name}")
        return peer.messages[-1].data

    def selectors(self, state):
        return [key["selector"] for key in self.server.json("dkim", "list", "example.org")["keys"] if key["state"] == state]


class SignedTest(DkimCase):
    def test_lines_are_mended_before_they_are_signed(self):
        peer = self.host(11)
        self.paste("domain", "dns", "example.org")
        text = letter(ALICE, "bob@h11.test", body="one\r\n.\r\n..two\r\n.three\r\n\r\n").encode()
        for ends in ({b"\r\n": b"\n"}, {b"one\r\n.\r\n": b"one\n.\r\n"}, {b"two\r\n.three\r\n": b"two\n.three\n"}):
            with self.subTest(ends):
                sent = text
                for crlf, other in ends.items():
                    sent = sent.replace(crlf, other)
                if b"\r\n..two" in sent:  # a line behind CRLF that begins with a dot is sent with another one
                    sent = sent.replace(b"\r\n.", b"\r\n..")
                data = self.submit_raw(peer, sent)
                self.assertEqual(data.split(b"\r\n\r\n", 1)[1].rstrip(b"\r\n"), b"one\r\n.\r\n..two\r\n.three")
                self.assertNotRegex(data, rb"[^\r]\n")
                self.assertEqual(set(self.verify(data).values()), {True})

    def test_a_new_domain_passes_spf_dkim_and_dmarc(self):
        peer = self.host(11)
        before = self.send(peer)
        self.assertEqual(set(self.verify(before).values()), {False})  # signed, but nothing is published
        self.paste("domain", "dns", "example.org")
        # Signatures are made at delivery; the records count from when they are there.
        self.assertEqual(list(self.verify(before).values()), [True, True])
        message = self.send(peer, number=2)
        self.assertEqual(self.verify(message), dict.fromkeys(self.selectors("active"), True))
        self.assertEqual(sorted(re.findall(rb"a=([a-z0-9-]+);", message.split(b"\r\n\r\n")[0])), [b"ed25519-sha256", b"rsa-sha256"])
        said = self.authenticate(message)
        self.assertIn("spf=pass", said)
        self.assertGreaterEqual(said.count("dkim=pass"), 1, said)
        self.assertIn("dmarc=pass", said)
        # From another host the path fails, and the signature still carries it through DMARC.
        said = self.authenticate(message, client="192.0.2.7")
        self.assertIn("spf=fail", said)
        self.assertIn("dmarc=pass", said)
        # What is changed on the way, or added, is found out.
        for forged in (message.replace(b"hello", b"hallo"), message.replace(b"Subject: letter", b"Subject: Letter"),
                       message.replace(b"\r\n\r\n", b"\r\nSubject: buy now\r\n\r\n", 1),
                       message.replace(b"\r\n\r\n", b"\r\nReply-To: <eve@evil.test>\r\n\r\n", 1)):
            self.assertEqual(set(self.verify(forged).values()), {False}, forged)

    def test_whatever_the_peer_takes(self):
        self.paste("domain", "dns", "example.org")
        text = "".join(f"Grüße, Zeile {i}: ünd sö weiter   \r\n" for i in range(4000)) + ".\r\n..\r\n\r\n\r\n"
        self.assertGreater(len(text.encode()), 128 << 10)
        eight = self.send(self.host(21), body=text, more=TEXT, mail_options=["BODY=8BITMIME"])
        self.assertIn("Grüße".encode(), eight)
        seven = self.send(self.host(22, extensions=("PIPELINING",)), body=text, more=TEXT, mail_options=["BODY=8BITMIME"])
        self.assertTrue(seven.isascii())
        empty = self.send(self.host(23), body="")
        for message in (eight, seven, empty):
            self.assertEqual(self.verify(message), dict.fromkeys(self.selectors("active"), True))

    def test_perl_agrees(self):
        """Mail::DKIM, by another author, with its own canonicalisation and RSA."""
        self.paste("domain", "dns", "example.org")
        message = self.send(self.host(31), body="one  two \t\r\n\r\n\r\n", more="X-Long: a\r\n\tb\r\n")
        host, port = self.dns.address.rsplit(":", 1)
        script = ("use Net::DNS; use Mail::DKIM::Verifier; use Mail::DKIM::DNS;"
                  "Mail::DKIM::DNS::resolver(Net::DNS::Resolver->new(nameservers => [$ARGV[0]], port => $ARGV[1], recurse => 1));"
                  "my $v = Mail::DKIM::Verifier->new(); local $/; my $m = <STDIN>; $v->PRINT($m); $v->CLOSE;"
                  "print $_->algorithm, ' ', $_->result, qq(\\n) for $v->signatures;")
        paths = ":".join(map(str, [PEERS / "root/usr/share/perl5", *PEERS.glob("root/usr/lib/*/perl5/5.*")]))
        done = subprocess.run(["perl", "-e", script, host, port], input=message, capture_output=True, timeout=60,
                              env={"PERL5LIB": paths, "PATH": "/usr/bin:/bin"})
        self.assertIn("rsa-sha256 pass", done.stdout.decode(), done.stderr.decode())
        self.assertNotIn("fail", done.stdout.decode())

    def test_reports_are_signed(self):
        self.paste("domain", "dns", "example.org")
        peer = self.host(41)
        peer.replies["RCPT"] = "550 5.1.1 nobody"
        away = self.host(42)
        self.server.must("alias", "add", "alice.away@example.org", "alice@h42.test")
        with self.server.smtp("mx") as client:  # a stranger's mail to a forward that is refused comes back to him
            client.sendmail("joe@h42.test", ["alice.away@example.org"], letter("joe@h42.test", "alice.away@example.org").encode())
        wait_until(lambda: away.messages, "the forwarded message")
        self.assertNotIn(b"DKIM-Signature", away.messages[0].data)  # not ours to sign
        self.server.must("alias", "add", "dead@example.org", "nobody@h41.test")
        with self.server.smtp("mx") as client:
            client.sendmail("joe@h42.test", ["dead@example.org"], letter("joe@h42.test", "dead@example.org", subject="two").encode())
        wait_until(lambda: len(away.messages) > 1, "the report")
        report = away.messages[1].data
        self.assertIn(b"multipart/report", report)
        self.assertEqual(self.verify(report), dict.fromkeys(self.selectors("active"), True))
        said = self.authenticate(report, sender="postmaster@mx.example.org")  # what stands for no sender (RFC 7208 section 2.4)
        self.assertIn("spf=pass", said)
        self.assertIn("dmarc=pass", said)


class RotationTest(DkimCase):
    def test_with_overlap(self):
        peer = self.host(11)
        self.paste("domain", "dns", "example.org")
        old = self.selectors("active")
        signed_before = self.send(peer, number=1)
        new_records = zone_lines(self.server.must("dkim", "rotate", "example.org"))
        self.assertEqual(len(new_records), 2)
        self.assertEqual(zone_lines(self.server.must("dkim", "rotate", "example.org")), new_records)  # asked again: the same
        self.assertEqual(list(self.verify(self.send(peer, number=2))), old)  # the new ones sign nothing yet
        refused = self.server.cli("dkim", "rotate", "example.org", "--activate")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("not in the DNS yet", refused.stderr)
        self.dns.add(*new_records)
        new = self.selectors("next")

        def activated():  # the server remembers for a while that the name was not there
            return self.server.cli("dkim", "rotate", "example.org", "--activate").returncode == 0
        wait_until(activated, "the server to see the new records", pause=0.5)
        self.assertEqual((self.selectors("active"), self.selectors("retired")), (new, old))
        signed_after = self.send(peer, number=3)
        self.assertEqual(self.verify(signed_after), dict.fromkeys(new, True))
        self.assertEqual(self.verify(signed_before), dict.fromkeys(old, True))  # still good
        early = self.server.cli("dkim", "retire", "example.org")
        self.assertEqual(early.returncode, 1)
        self.assertIn("7 days", early.stderr)
        gone = self.server.must("dkim", "retire", "example.org", "--force")
        for selector in old:
            self.assertIn(f"{selector}._domainkey.example.org", gone)
        self.assertEqual(self.selectors("retired"), [])
        self.server.restart()
        self.assertEqual(self.verify(self.send(peer, number=4)), dict.fromkeys(new, True))
        self.server.must("verify")

    def test_another_key_in_the_dns(self):
        self.server.must("dkim", "rotate", "example.org")
        selector = self.selectors("next")[0]
        wrong = base64.b64encode(bytes(32)).decode()
        for name in self.selectors("next"):
            self.dns.add(f"{name}._domainkey.example.org TXT \"v=DKIM1; k=ed25519; p={wrong}\"")
        refused = self.server.cli("dkim", "rotate", "example.org", "--activate")
        self.assertEqual(refused.returncode, 1)
        self.assertIn(f"{selector}._domainkey.example.org has another key in the DNS", refused.stderr)
        self.server.must("dkim", "rotate", "example.org", "--activate", "--force")
        self.assertIn(selector, self.selectors("active"))


class RouteTest(DkimCase):
    """Through a smarthost, and by LMTP to another mail store."""

    def routes(self):
        return ({"to": "store.test", "host": f"127.0.0.51:{self.port}", "tls": "none", "protocol": "lmtp"},
                {"to": "*", "host": f"127.0.0.52:{self.port}", "tls": "none"})

    def test_signed_too(self):
        self.paste("domain", "dns", "example.org")
        store = self.enterContext(Peer(address="127.0.0.51", port=self.port, name="mx.store.test", lmtp=True))
        smarthost = self.enterContext(Peer(address="127.0.0.52", port=self.port, name="mx.far.test"))
        for peer in (store, smarthost):
            self.assertEqual(self.verify(self.send(peer)), dict.fromkeys(self.selectors("active"), True))


class OperatorTest(DkimCase):
    def test_commands(self):
        records = self.server.json("domain", "dns", "example.org")["records"]
        self.assertEqual([(one["name"], one["type"]) for one in records][:2], [("example.org", "MX"), ("example.org", "TXT")])
        self.assertIn("v=spf1 mx -all", [one["value"] for one in records])
        self.assertTrue([one for one in records if one["value"].startswith("v=DMARC1; p=quarantine")])
        everything = self.server.must("dkim", "list", "--json") + self.server.must("dkim", "dns", "example.org", "--json")
        self.assertNotIn("PRIVATE", everything)
        self.assertEqual(self.server.cli("dkim", "create", "example.org").returncode, 1)  # it has keys
        self.assertEqual(self.server.cli("dkim", "list", "elsewhere.test").returncode, 1)
        self.assertEqual(self.server.cli("dkim", "rotate", "example.org", "--force").returncode, 64)
        refused = self.server.cli("dkim", "retire", "example.org", self.selectors("active")[0])
        self.assertIn("rotate first", refused.stderr)
        for selector in self.selectors("active"):
            self.server.must("dkim", "retire", "example.org", selector, "--force")
        self.assertIn("dkim create", self.server.must("domain", "dns", "example.org"))
        peer = self.host(11)
        self.assertNotIn(b"DKIM-Signature", self.send(peer))  # an older store: not signed until there are keys
        self.server.must("dkim", "create", "example.org")
        self.paste("domain", "dns", "example.org")
        self.assertEqual(list(self.verify(self.send(peer, number=2)).values()), [True, True])

    def test_while_the_server_is_down(self):
        self.server.stop()
        self.server.must("domain", "add", "second.test")
        self.assertEqual(len(zone_lines(self.server.must("domain", "dns", "second.test"))), 5)
        self.server.must("dkim", "rotate", "second.test")
        self.assertIn("start it", self.server.cli("dkim", "rotate", "second.test", "--activate").stderr)
        self.server.must("dkim", "rotate", "second.test", "--activate", "--force")


class SwitchedOffTest(DkimCase):
    extra = {"dkim": {"sign": False}}

    def test_until_reloaded(self):
        peer = self.host(11)
        self.assertNotIn(b"DKIM-Signature", self.send(peer))
        self.server.extra = {}
        self.server.write_config()
        self.server.must("reload")
        self.assertIn(b"DKIM-Signature", self.send(peer, number=2))


if __name__ == "__main__":
    unittest.main()
