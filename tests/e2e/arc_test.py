"""What an alias hands on to another server is sealed (RFC 8617): python3-dkim believes the chain, after one server and after two."""

import smtplib
import unittest

import dkim

from dns import Dns
from peer import Peer
from server import SECRET, Server, free_port_everywhere, letter, wait_until

SPF_ME = '"v=spf1 ip4:127.0.0.0/8 -all"'


class ArcTest(unittest.TestCase):
    def setUp(self):
        self.port = free_port_everywhere()
        self.dns = self.enterContext(Dns(f"author.test TXT {SPF_ME}", '_dmarc.author.test TXT "v=DMARC1; p=reject"', ttl=0))
        self.far = self.enterContext(Peer(address="127.0.0.9", port=self.port, name="mx.far.test"))
        self.dns.add("far.test MX 10 mx.far.test", "mx.far.test A 127.0.0.9")
        self.keys = {}
        self.one = self.start("one.test", 2, {})

    def start(self, domain, number, settings):
        """A server for a domain, whose DKIM records are in the DNS."""
        listeners = {"mx": {"role": "mx", "tls": "none", "address": f"127.0.0.{number}:{self.port}"}}
        server = Server(accounts={f"ann@{domain}": SECRET}, dns=self.dns, hostname=f"mx.{domain}", listeners=listeners,
                        delivery={"port": self.port}, extra={"authentication": {"skip_networks": [], "timeout": "5s"} | settings})
        self.addCleanup(server.close)
        server.start()
        self.dns.add(f"{domain} MX 10 mx.{domain}", f"mx.{domain} A 127.0.0.{number}")
        for record in server.json("dkim", "dns", domain)["records"]:
            text = record["value"]
            self.keys[record["name"].rstrip(".")] = text
            self.dns.add(f"{record['name'].rstrip('.')} TXT " + " ".join(f'"{text[i:i + 200]}"' for i in range(0, len(text), 200)))
        return server

    def offer(self, to, number, message):
        with smtplib.SMTP(f"127.0.0.{number}", self.port, "mx.author.test", timeout=60) as client:
            client.sendmail("a@author.test", [to], message)

    def chain(self, data):
        """What python3-dkim says of the chain, and its number of sets."""
        result, sets, reason = dkim.arc_verify(data, dnsfunc=lambda name, timeout=5: self.keys.get(name.decode().rstrip("."), "").encode() or None)
        return result, len(sets), reason

    def arrived(self):
        wait_until(lambda: self.far.messages, "the message at far.test")
        return self.far.messages[-1].data

    def test_one_server(self):
        self.one.must("alias", "add", "team@one.test", "bob@far.test")
        self.offer("team@one.test", 2, letter("a@author.test", "team@one.test"))
        data = self.arrived()
        self.assertEqual(self.chain(data)[:2], (dkim.CV_Pass, 1), self.chain(data))
        self.assertRegex(data, rb"(?s)ARC-Authentication-Results: i=1; mx\.one\.test;.*dmarc=pass")
        self.assertNotEqual(self.chain(data.replace(b"hello", b"jello"))[0], dkim.CV_Pass)

    def test_two_servers(self):
        two = self.start("two.test", 3, {"trusted_forwarders": ["one.test"]})  # the return address is rewritten: SPF says nothing of the author
        self.one.must("alias", "add", "team@one.test", "team@two.test")
        two.must("alias", "add", "team@two.test", "bob@far.test")
        self.offer("team@one.test", 2, letter("a@author.test", "team@one.test"))
        data = self.arrived()
        self.assertEqual(self.chain(data)[:2], (dkim.CV_Pass, 2), self.chain(data))
        self.assertRegex(data, rb"(?s)ARC-Authentication-Results: i=2; mx\.two\.test;.*arc=pass")

    def test_a_broken_chain_is_not_sealed_on(self):
        two = self.start("two.test", 3, {})
        two.must("alias", "add", "team@two.test", "bob@far.test")
        self.one.must("alias", "add", "team@one.test", "bob@far.test")
        self.offer("team@one.test", 2, letter("a@author.test", "team@one.test"))
        broken = self.arrived().replace(b"hello", b"jello")
        self.offer("team@two.test", 3, broken)
        wait_until(lambda: len(self.far.messages) == 2, "the second message")
        self.assertNotIn(b"i=2", self.far.messages[-1].data)


if __name__ == "__main__":
    unittest.main()
