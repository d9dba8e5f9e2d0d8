"""Providers: what one says of much mail is heeded as far as its rules go, shown, and known after a restart."""

import os
import pathlib
import tempfile
import unittest

from dns import Dns
from peer import Peer
from relay_test import ALICE, RelayCase
from server import SECRET, Server, free_port_everywhere, letter, wait_until

SHIPPED = pathlib.Path(os.environ.get("PAQUEBOT_SOURCE_DIR", pathlib.Path(__file__).parents[2])) / "packaging" / "providers.toml"

RULES = """
[[provider]]
name = "big"
mx = [".big.test"]
connections = 1
messages_per_connection = 10

[[provider.when]]
name = "big-rate"
code = 421
text = "from your DKIM domain"
scope = "signing-domain"
do = { rate = "1/h" }
for = "2h"
example = ["421 4.7.28 unusual rate from your DKIM domain"]

[[provider.when]]
name = "big-stop"
code = 421
text = "banned"
scope = "source"
do = { pause = true }
for = "1h"
example = ["421 4.7.0 banned"]

[[provider.when]]
name = "big-hold"
code = 550
text = "ask us first"
scope = "lane"
do = { hold = true }
example = ["550 5.7.1 ask us first"]
"""


class ProvidersTest(RelayCase):
    queue = {"retry_first": "1h", "retry_most": "1h"}

    @classmethod
    def setUpClass(cls):
        cls.port = free_port_everywhere()
        cls.dns = cls.enterClassContext(Dns())
        cls.providers = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory())) / "providers.toml"
        cls.providers.parent.chmod(0o755)
        cls.providers.write_text(SHIPPED.read_text() + RULES)
        cls.server = Server(accounts={ALICE: SECRET}, dns=cls.dns, delivery={"port": cls.port, "providers": str(cls.providers)},
                            queue=cls.queue)
        cls.addClassCleanup(cls.server.close)
        cls.server.start()

    def setUp(self):
        self.says = {}

    def big(self, number, domain):
        """A host of the provider, for a domain of its own."""
        mx = f"mx{number}.big.test"
        self.dns.add(f"{domain} MX 10 {mx}", f"{mx} A 127.0.0.{number}")
        peer = Peer(address=f"127.0.0.{number}", port=self.port, name=mx, script=lambda session, verb, line: self.says.get(verb))
        self.enterContext(peer)
        return peer

    def provider(self):
        return self.server.json("provider", "show", "big")

    def reason(self, ident):
        return self.server.json("queue", "why", ident)["reasons"][0]

    def test_what_it_says_of_a_signing_domain_slows_that_one_down(self):
        self.server.must("domain", "add", "other.test")
        self.server.add_account("bob@other.test")
        peer = self.big(31, "one.test")
        self.says["MAIL"] = "421 4.7.28 unusual rate of mail from your DKIM domain"
        self.submit("a@one.test")
        wait_until(lambda: self.provider()["effects"], "the rule")
        self.says.clear()
        self.wait_state(self.submit("b@one.test"), "relayed")
        waits = self.submit("c@one.test")
        wait_until(lambda: "big-rate" in self.reason(waits)["words"], lambda: f"why it waits: {self.reason(waits)}")
        self.assertIn("big, 1 an hour until", self.reason(waits)["words"])
        self.assertIn("421 4.7.28", self.reason(waits)["words"])
        lone = self.server.send("bob@other.test", ["d@one.test"], letter("bob@other.test", "d@one.test"), login="bob@other.test")
        self.wait_state(lone, "relayed")
        self.server.must("provider", "forget", "big", "--rule", "big-rate")
        self.server.must("queue", "retry", waits)
        self.wait_state(waits, "relayed")
        self.assertTrue(peer.messages)

    def test_what_it_says_of_all_stops_its_sites_and_survives_a_restart(self):
        self.big(32, "two.test")
        self.big(33, "three.test")
        other = self.host(34)
        self.says["MAIL"] = "421 4.7.0 banned"
        self.submit("a@two.test")
        wait_until(lambda: self.provider()["effects"], "the rule")
        self.says.clear()
        waits = self.submit("b@three.test")
        wait_until(lambda: "big-stop" in self.reason(waits)["words"], lambda: f"why it waits: {self.reason(waits)}")
        self.wait_state(self.submit("c@h34.test"), "relayed")
        self.wait_messages(other, 1)
        site = next(one for one in self.server.json("site", "list")["sites"] if one["site"] == "mx:mx33.big.test")
        self.assertEqual(site["provider"], "big")
        self.assertIn("big-stop", site["waits_for"])
        self.assertIn('paquebot_provider_rules{provider="big"} 1', self.server.must("metrics"))
        self.server.restart()
        [effect] = self.provider()["effects"]
        self.assertEqual((effect["rule"], effect["said"]), ("big-stop", "421 4.7.0 banned"))
        self.assertEqual(self.states(waits)["b@three.test"] in ("waiting", "in hand"), True)
        self.assertIn("big-stop", self.server.must("provider", "show", "big"))
        self.assertIn("big-stop", self.server.must("provider", "list"))
        self.server.must("provider", "forget", "big")
        self.wait_state(waits, "relayed")

    def test_a_message_is_held_as_a_rule_says(self):
        peer = self.big(35, "five.test")
        self.says["RCPT"] = "550 5.7.1 ask us first"
        held = self.submit("a@five.test")
        self.wait_state(held, "held")
        self.assertIn("big/big-hold", self.reason(held)["words"])
        self.says.clear()
        self.server.must("queue", "release", held)
        self.wait_state(held, "relayed")
        self.wait_messages(peer, 1)

    def test_its_connections_are_those_of_all_its_sites(self):
        """Each site may have ten; the provider has one."""
        self.big(36, "six.test")
        self.big(37, "seven.test")
        idents = [self.submit(f"n{i}@{domain}") for i in range(5) for domain in ("six.test", "seven.test")]
        for ident in idents:
            self.wait_state(ident, "relayed")
        self.assertEqual(self.provider()["connections"], 1)

    def test_a_reply_is_tried_on_the_rules(self):
        [match] = self.server.json("provider", "test", "421 4.7.28 unusual rate from your DKIM domain", "--provider", "big")["matches"]
        self.assertEqual((match["rule"], match["does"]), ("big-rate", "1 an hour"))
        self.assertIn("google-dkim-rate", self.server.must("provider", "test", "421-4.7.28 of mail originating\n421 4.7.28 from your DKIM domain"))
        self.assertIn("No rule", self.server.must("provider", "test", "450 4.2.1 later"))

    def test_a_rule_without_its_example_is_refused(self):
        good = self.providers.read_text()
        self.addCleanup(self.providers.write_text, good)
        self.providers.write_text(good.replace("421 4.7.0 banned", "421 4.7.0 welcome"))
        done = self.server.cli("check")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("the rule big-stop the example", done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
