"""Sources: whose mail leaves from which address of this machine, by which name, and that what is said to one is not said to the other."""

import unittest

from dns import Dns
from peer import Peer
from relay_test import ALICE, RelayCase
from server import SECRET, Server, free_port_everywhere, letter, wait_until

CAROL = "carol@bulk.test"


class SourcesTest(RelayCase):
    queue = {"retry_first": "1h", "retry_most": "1h"}

    @classmethod
    def setUpClass(cls):
        cls.port = free_port_everywhere()
        cls.dns = cls.enterClassContext(Dns())
        cls.server = Server(accounts={ALICE: SECRET, CAROL: SECRET}, dns=cls.dns, delivery={"port": cls.port}, queue=cls.queue)
        write = cls.server.write_config

        def with_sources():
            write()
            with cls.server.config.open("a") as out:
                out.write('\n[[source]]\nname = "main"\nipv4 = "127.0.0.2"\nehlo = "out1.example.test"\n'
                          '[[source]]\nname = "bulk"\nipv4 = "127.0.0.3"\nehlo = "out2.example.test"\n'
                          '[[pool]]\nname = "people"\nfrom = ["example.test"]\nsources = { main = 1 }\n'
                          '[[pool]]\nname = "news"\nfrom = ["bulk.test"]\nsources = { bulk = 1 }\n'
                          '[[provider]]\nname = "big"\nmx = [".big.test"]\n'
                          '[[provider.when]]\nname = "big-stop"\ncode = 421\ntext = "banned"\ndo = { pause = true }\n'
                          'example = ["421 4.7.0 banned"]\n')
        cls.server.write_config = with_sources
        cls.addClassCleanup(cls.server.close)
        cls.server.start()

    def from_carol(self, address):
        return self.server.send(CAROL, [address], letter(CAROL, address), login=CAROL)

    def test_each_leaves_from_its_own_address(self):
        seen = []
        peer = self.host(41, script=lambda session, verb, line: seen.append((session.source, line)) if verb == "EHLO" else None)
        idents = [self.submit("a@h41.test"), self.from_carol("b@h41.test")]
        for ident in idents:
            self.wait_state(ident, "relayed")
        self.wait_messages(peer, 2)
        self.assertEqual({one[0] for one in seen}, {"127.0.0.2", "127.0.0.3"})
        for source, line in seen:
            self.assertIn("out1" if source == "127.0.0.2" else "out2", line)
        self.assertIn("from main", str(self.server.trace(idents[0])))
        self.assertIn("from bulk", str(self.server.trace(idents[1])))

    def test_what_is_said_to_one_source_does_not_stop_the_other(self):
        self.dns.add("far.test MX 10 mx42.big.test", "mx42.big.test A 127.0.0.42")
        says = {"127.0.0.3": "421 4.7.0 banned"}
        peer = Peer(address="127.0.0.42", port=self.port, name="mx42.big.test",
                    script=lambda session, verb, line: says.get(session.source) if verb == "MAIL" else None)
        self.enterContext(peer)
        self.from_carol("a@far.test")
        wait_until(lambda: self.server.json("provider", "show", "big")["effects"], "the rule")
        [effect] = self.server.json("provider", "show", "big")["effects"]
        self.assertEqual(effect["source"], "bulk")
        self.wait_state(self.submit("b@far.test"), "relayed")
        says.clear()
        waits = self.from_carol("c@far.test")
        reason = lambda: self.server.json("queue", "why", waits)["reasons"][0]
        wait_until(lambda: "big-stop" in reason()["words"], lambda: f"why it waits: {reason()}")
        self.assertIn("big, source bulk, a pause until", reason()["words"])
        self.assertEqual(reason()["site"], "mx:mx42.big.test@bulk")
        self.assertEqual(len(peer.messages), 1)
        self.server.must("queue", "rebind", waits, "--to", "main")
        self.wait_state(waits, "relayed")
        self.assertIn("from main", str(self.server.trace(waits)))
        self.assertIn("moved to another source", str(self.server.trace(waits)))
        self.server.must("provider", "forget", "big")


if __name__ == "__main__":
    unittest.main()
