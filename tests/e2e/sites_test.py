"""Sites: what the hosts of others allow is learnt, kept and shown; nobody's many messages hold up another's single one."""

import time
import unittest

from relay_test import ALICE, RelayCase
from server import letter, wait_until

BLOCKED = "554 5.7.1 Service unavailable; Client host [127.0.0.1] blocked using zen.spamhaus.org"


class SitesTest(RelayCase):
    queue = {"retry_first": "1h", "retry_most": "1h", "deliveries_per_destination": 1}

    def site(self, key):
        return next((one for one in self.server.json("site", "list")["sites"] if one["site"] == key), None)

    def test_a_block_is_waited_out_and_survives_a_restart(self):
        says = [BLOCKED]
        peer = self.host(11, script=lambda session, verb, line: says[0] if verb == "MAIL" and says else None)
        self.wait_state(self.submit("a@h11.test"), "failed")  # what was said of it stands
        key = "mx:mx.h11.test"
        wait_until(lambda: self.site(key), "what was learnt of the site")
        one = self.site(key)
        self.assertEqual((one["window"], one["workers"]), (1, 0))
        self.assertIn("spamhaus", one["why"])
        waits = self.submit("b@h11.test")
        says.clear()

        def reasons():
            return self.server.json("queue", "why", waits)["reasons"]
        wait_until(lambda: "pauses" in reasons()[0]["words"], lambda: f"why it waits: {reasons()}")
        self.assertEqual(reasons()[0]["site"], key)
        self.assertEqual(len(peer.messages), 0)
        self.server.restart()
        self.assertIn("spamhaus", self.site(key)["why"])
        self.assertEqual(len(peer.messages), 0)
        self.server.must("site", "resume", key)
        self.wait_state(waits, "relayed")

    def test_an_operator_pauses_a_site_of_two_domains(self):
        self.host(12, "one.test")
        self.dns.add("two.test MX 10 mx.one.test")
        for domain in ("one.test", "two.test"):
            self.wait_state(self.submit(f"a@{domain}"), "relayed")
        key = "mx:mx.one.test"
        self.server.must("site", "pause", key, "--reason", "asked by phone")
        idents = [self.submit(f"b@{domain}") for domain in ("one.test", "two.test")]
        wait_until(lambda: self.site(key)["waiting"] == 2, lambda: f"both: {self.site(key)}")
        self.assertIn("asked by phone", self.server.must("queue", "why", idents[1]))
        self.assertIn("asked by phone", self.server.must("site", "list"))
        self.assertEqual({state for ident in idents for state in self.states(ident).values()}, {"in hand"})
        self.server.must("site", "forget", key)
        for ident in idents:
            self.wait_state(ident, "relayed")
        self.assertIsNone(self.site(key))

    def test_an_operator_suspends_a_domain_and_an_account(self):
        peer = self.host(14)
        self.host(15)
        self.assertIn("Nothing is suspended", self.server.must("queue", "suspended"))
        told = self.server.must("queue", "suspend", "h14.test", "--until", "2199-01-01T00:00:00Z", "--reason", "they move")
        self.assertIn("Mail to h14.test is held from now on", told)
        both = self.server.send(ALICE, ["a@h14.test", "b@h15.test"], letter(ALICE, "a@h14.test"), login=ALICE)
        wait_until(lambda: sorted(self.states(both).values()) == ["held", "relayed"], lambda: f"one of both: {self.states(both)}")
        self.assertIn("they move", self.server.must("queue", "why", both))
        self.assertIn("they move", self.server.must("queue", "list"))
        self.assertIn("they move", self.server.must("trace", both))
        self.server.restart()
        wait_until(lambda: "1 order of operators" in self.server.must("status"), lambda: self.server.must("status"))
        self.server.must("queue", "suspend", ALICE, "--reason", "a stolen laptop")
        held = self.submit("c@h15.test")
        self.assertEqual(set(self.states(held).values()), {"held"})
        listed = self.server.must("queue", "suspended")
        self.assertIn("stolen laptop", listed)
        self.assertIn("domain h14.test", listed)
        self.assertEqual(self.server.json("queue", "resume", "h14.test")["recipients"], 0, "alice's is suspended as well")
        self.assertEqual(self.server.json("queue", "resume", ALICE)["recipients"], 2)
        self.wait_state(held, "relayed")
        self.wait_messages(peer, 1)
        self.assertEqual({one["action"] for one in self.server.json("audit")["entries"]} & {"queue.suspend", "queue.resume"}, {"queue.suspend", "queue.resume"})

    def test_a_suspension_ends_by_itself(self):
        peer = self.host(16)
        self.server.must("queue", "suspend", "h16.test")
        ident = self.submit("a@h16.test")
        self.assertEqual(set(self.states(ident).values()), {"held"})
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 10))
        self.server.must("queue", "suspend", "h16.test", "--until", until)
        self.wait_messages(peer, 1)
        self.wait_state(ident, "relayed")
        self.assertIn("the suspension of h16.test has ended", self.server.must("trace", ident))
        self.assertEqual(self.server.json("queue", "suspended")["suspensions"], [])

    def test_a_lone_message_passes_another_accounts_many(self):
        self.server.add_account("bob@example.test")
        peer = self.host(13)
        self.dns.add("other.test MX 10 mx.h13.test")
        self.wait_state(self.submit("first@h13.test"), "relayed")
        self.server.must("site", "pause", "mx:mx.h13.test")
        many = [f"n{i}@h13.test" for i in range(60)]
        for address in many:
            self.submit(address)
        lone = [self.server.send("bob@example.test", [f"lone@{domain}"], letter("bob@example.test", f"lone@{domain}"), login="bob@example.test")
                for domain in ("h13.test", "other.test")]
        self.server.must("site", "resume", "mx:mx.h13.test")
        self.wait_messages(peer, 63)
        for ident in lone:
            self.wait_state(ident, "relayed")
        order = [message.recipients[0] for message in peer.messages]
        for domain in ("h13.test", "other.test"):
            place = next(i for i, one in enumerate(order) if one.startswith(f"<lone@{domain}>"))
            self.assertLess(place, 45, order)


if __name__ == "__main__":
    unittest.main()
