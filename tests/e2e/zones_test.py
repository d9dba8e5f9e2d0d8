"""Mail out through a DNS in all states of trouble: zones served by Knot, with a meddler in front that delays, breaks and forges. Nothing
of it may change where mail goes, and what is only temporary must not become final."""

import pathlib
import socket
import struct
import tempfile
import unittest

from peer import Peer
from relay_test import ALICE, RelayCase
from server import LISTENERS, SECRET, Server, free_port_everywhere, letter, wait_until
from zones import REFUSED, TYPES, Knot, Meddler, failing, late, record, silent, truncated, wire_name

THIEF = "127.0.0.66"
LONG = "a-mail-host-with-quite-a-long-name"
CHAIN = 20  # more aliases than a resolver follows


def host(domain, number):
    return [f"{domain} MX 10 mx.{domain}", f"mx.{domain} A 127.0.0.{number}"]


def zone():
    plain = [one for domain, number in (("h11", 11), ("h12", 12), ("h13", 13), ("good1", 21), ("good2", 22), ("good3", 23), ("good4", 24),
                                        ("spoofed1", 31), ("spoofed2", 32), ("spoofed3", 33), ("spoofed4", 34), ("recovers", 41), ("late", 42),
                                        ("calm", 43), ("ttl", 44), ("other", 45)) for one in host(f"{domain}.test", number)]
    return plain + [
        "alias.test CNAME h12.test", "cname-mx.test MX 10 alias-mx.test", "alias-mx.test CNAME mx.h13.test",
        *[f"large.test MX {20 + i} {LONG}-{i}.large.test" for i in range(60)], "large.test MX 10 mx.h11.test",
        "loop.test CNAME pool.test", "pool.test CNAME loop.test", "self.test CNAME self.test",
        *[f"chain{i}.test CNAME chain{i + 1}.test" for i in range(CHAIN)], f"chain{CHAIN}.test MX 10 mx.h11.test",
        "hostless.test MX 10 mx.hostless.test", "mx.hostless.test TXT nothing", "lost.test MX 10 mx.broken.test",
        "home.test MX 10 mx.example.test", "home2.test MX 10 MX.Example.TEST", "home2.test MX 20 mx.h11.test", "null.test MX 0 .",
        "mirror.test MX 10 mx.mirror.test", "mx.mirror.test A 127.0.0.77", "pair.test MX 10 mx.mirror.test", "pair.test MX 10 thief.test",
        "behind.test MX 5 mx.h11.test", "behind.test MX 10 mx.mirror.test", "behind.test MX 20 thief.test",
        # Names that are no names of hosts.
        "number.test MX 10 127.0.0.66", "colons.test MX 10 \\:\\:1",
        "two.test MX 10 mx.good3.test", "two.test MX 10 mx.good4.test", "glued.test MX 10 mx.good3.test\\:mx.good4.test",
        f"mx.good3.test\\:mx.good4.test A {THIEF}", "backed.test MX 10 mx.other.test", "backed.test MX 20 thief.test", f"thief.test A {THIEF}"]


class ZonesCase(unittest.TestCase):
    """A server whose MX hosts all listen on one port of different loopback addresses, and a thief who listens too."""
    trust_anchor = "none"
    states, wait_state, events, wait_event, wait_messages = (RelayCase.states, RelayCase.wait_state, RelayCase.events, RelayCase.wait_event,
                                                             RelayCase.wait_messages)

    @classmethod
    def setUpClass(cls):
        cls.port = free_port_everywhere()
        cls.knot = cls.enterClassContext(Knot({"test": zone()}))
        cls.dns = cls.enterClassContext(Meddler(cls.knot))
        cls.thief = cls.enterClassContext(Peer(address=THIEF, port=cls.port, name="thief.test"))
        listeners = {"submission": LISTENERS["submission"], "pop3-clear": LISTENERS["pop3-clear"],
                     "mx": LISTENERS["mx"] | {"address": f"127.0.0.77:{cls.port}"}}
        cls.server = Server(accounts={ALICE: SECRET}, dns=cls.dns, listeners=listeners, delivery={"port": cls.port},
                            trust_anchor=cls.trust_anchor, extra={"authentication": {"verify": False}})
        cls.addClassCleanup(cls.server.close)
        cls.server.start()

    def setUp(self):
        self.thief.sessions.clear()
        self.addCleanup(lambda: self.assertEqual(self.thief.sessions, [], "mail went to the thief"))

    def host(self, number, name):
        return self.enterContext(Peer(address=f"127.0.0.{number}", port=self.port, name=name))

    def submit(self, domain):
        return self.server.send(ALICE, [f"ann@{domain}"], letter(ALICE, f"ann@{domain}"), login=ALICE)

    def arrives(self, domain, number):
        """That mail for the domain reaches its host, and is the first there."""
        peer = self.host(number, f"mx.{domain}")
        ident = self.submit(domain)
        self.wait_state(ident, "relayed")
        self.assertEqual([ident.encode() in message.data for message in peer.messages], [True])
        return ident

    def last_reply(self, ident):
        return self.server.trace(ident)["recipients"][0]["last_reply"]

    def learn(self, domain):
        """Makes the server take in what is said about a domain: mail for it has its attempt."""
        ident = self.submit(domain)
        wait_until(lambda: self.last_reply(ident) or self.states(ident) != {f"ann@{domain}": "waiting"}, "an attempt", pause=0.05)
        self.server.cli("queue", "cancel", ident)  # if it waits for another one


class WaysTest(ZonesCase):
    def test_aliases_and_large_answers(self):
        self.arrives("alias.test", 12)
        self.arrives("cname-mx.test", 13)
        self.arrives("large.test", 11)
        self.assertIn(("large.test", "MX", "tcp"), self.dns.asked)

    def test_final_answers(self):
        for domain, code in (("home.test", "5.4.6"), ("home2.test", "5.4.6"), ("null.test", "5.1.10"), ("none.test", "5.1.2"),
                             ("hostless.test", "5.4.4"), ("mirror.test", "5.4.6"), ("pair.test", "5.4.6")):
            with self.subTest(domain):
                ident = self.submit(domain)
                self.wait_state(ident, "failed")
                self.assertIn(code, self.last_reply(ident))

    def test_hosts_that_are_ourselves_by_address(self):
        """RFC 5321 section 5.1: those that are no better are left out, and no copy comes back to us first."""
        before = self.server.log().count("event=accepted")
        for domain in ("mirror.test", "pair.test"):
            self.wait_state(self.submit(domain), "failed")
        ident = self.submit("behind.test")  # its better host is away
        self.wait_event(ident, "deferred")
        self.assertIn("4.4.1", self.last_reply(ident))
        self.host(11, "mx.behind.test")
        self.wait_state(ident, "relayed")
        self.assertEqual(self.server.log().count("event=accepted"), before + 3)


def malformed(question):
    """Each name below broken.test is answered in a wrong way of its own."""
    name, pointer = wire_name(question.name), lambda at: struct.pack(">H", 0xC000 | at)
    def mx(owner, target, length=None):
        data = b"\0\x0a" + target
        return owner + struct.pack(">HHIH", TYPES["MX"], 1, 60, len(data) if length is None else length) + data
    odd = {"self-pointer": mx(pointer(12 + len(question.section)), wire_name("thief.test")),
           "pointer-loop": mx(name, pointer(12 + len(question.section) + len(name) + 12)),
           "beyond": mx(name, pointer(0x3FF0)), "short": mx(name, b"\x05ab", 5), "long": mx(name, wire_name("thief.test"), 4000),
           "label": mx(name, b"\x50" + b"a" * 80 + b"\0"), "oversize": mx(name, (b"\x3f" + b"a" * 63) * 5 + b"\0"), "empty": b""}
    kind = question.name.split(".")[0]
    if kind == "cut":
        return question.truth()[:13]
    if kind == "noise":
        return question.query[:2] + b"\xff" * 300
    return question.packet(odd[kind], (1, 0, 0)) if kind in odd else None


class TroubleTest(ZonesCase):
    MALFORMED = ("self-pointer", "pointer-loop", "beyond", "short", "long", "label", "oversize", "empty", "cut", "noise")

    def test_what_may_be_temporary_waits(self):
        for name, rule in {"recovers.test": failing(2), "refused.test": failing(REFUSED), "notimp.test": failing(4), "silent.test": silent,
                           "truncated.test": truncated, "mx.broken.test": failing(2), "malformed.test": malformed}.items():
            self.dns.rule(name, rule)
        domains = ["recovers.test", "refused.test", "notimp.test", "silent.test", "truncated.test", "loop.test", "self.test", "chain0.test",
                   "lost.test", *[f"{kind}.malformed.test" for kind in self.MALFORMED]]
        sent = {domain: self.submit(domain) for domain in domains}
        for domain, ident in sent.items():
            with self.subTest(domain):
                self.wait_event(ident, "deferred")
                self.assertEqual(self.states(ident)[f"ann@{domain}"] in ("waiting", "in hand"), True)
                self.assertIn("4.4.3", self.last_reply(ident))
        self.dns.rule("recovers.test", lambda question: None)
        peer = self.host(41, "mx.recovers.test")
        self.wait_messages(peer, 1)
        self.arrives("calm.test", 43)

    def test_late_answers_are_taken(self):
        self.dns.rule("late.test", late(0.8))
        self.arrives("late.test", 42)


class PoisonTest(ZonesCase):
    """Who answers for one domain must not get the mail of another."""

    def test_records_beside_the_answer(self):
        loot = ["good1.test MX 5 thief.test", f"mx.good1.test A {THIEF}", f"good1.test A {THIEF}"]
        self.dns.rule("evil1.test", lambda q: q.reply(["evil1.test MX 10 mx.good1.test"] if q.type == "MX" else [], [], loot))
        self.dns.rule("evil2.test", lambda q: q.reply(["evil2.test MX 10 mx.evil2.test", *loot]))
        self.dns.rule("evil3.test", lambda q: q.reply([], ["test NS ns.thief.test", "good1.test NS thief.test"],
                                                      [f"ns.thief.test A {THIEF}", f"thief.test A {THIEF}", *loot]))
        for domain in ("evil1.test", "evil2.test", "evil3.test"):
            self.learn(domain)
        self.arrives("good1.test", 21)

    def test_aliases_with_the_records_of_others(self):
        self.dns.rule("evil4.test", lambda q: q.reply(["evil4.test CNAME good2.test", "good2.test MX 5 thief.test", f"thief.test A {THIEF}"]))
        self.dns.rule("evil5.test", lambda q: q.reply(["evil5.test MX 10 www.evil5.test"] if q.type == "MX" else
                                                      ["www.evil5.test CNAME mx.good2.test", f"mx.good2.test A {THIEF}"]))
        for domain in ("evil4.test", "evil5.test"):
            self.learn(domain)
        self.thief.sessions.clear()  # their own mail may go anywhere
        self.arrives("good2.test", 22)

    def test_nothing_for_others(self):
        """That there is no such name is said with the SOA of a parent, or of somebody else."""
        self.dns.rule("evil6.test", lambda q: q.reply([], ["test SOA test"], code=3))
        self.dns.rule("evil7.test", lambda q: q.reply(["evil7.test CNAME good3.test"], ["good3.test SOA good3.test"], code=3))
        for domain in ("evil6.test", "evil7.test"):
            self.learn(domain)
        self.arrives("good3.test", 23)

    def test_forged_replies_are_passed_over(self):
        """Whoever is not on the way has to guess: the number of the question, its text, its way back."""
        elsewhere = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(elsewhere.close)
        self.addCleanup(far.close)
        elsewhere.bind(("127.0.0.1", 0))
        far.bind(("127.0.0.9", self.dns.port))

        def forged(question):
            lie = f"{question.name} MX 5 thief.test" if question.type == "MX" else f"{question.name} A {THIEF}"
            return question.reply([lie])

        def wrong_number(question):
            for step in range(1, 200):
                lie = forged(question)
                question.send(struct.pack(">H", (struct.unpack(">H", lie[:2])[0] + step) & 0xFFFF) + lie[2:])

        def wrong_question(question):
            lie = forged(question)
            question.send(lie.replace(question.section, wire_name("s" + question.name[1:][::-1]) + question.section[-4:], 1))
            question.send(lie.replace(question.section, question.section[:-4] + b"\0\x10\0\1", 1))
            question.send(lie[:4] + b"\0\0" + lie[6:12] + lie[12 + len(question.section):])  # none

        def wrong_sender(question):
            for source in (elsewhere, far):
                question.send(forged(question), source)

        def no_reply(question):
            lie = forged(question)
            question.send(lie[:2] + bytes([lie[2] & 0x7F]) + lie[3:])  # a question with records

        # libunbound goes on waiting for the true reply; what has the right number and way but is no reply it takes for a failure.
        for number, act in enumerate((wrong_number, wrong_sender, wrong_question, no_reply), 1):
            with self.subTest(act.__name__):
                domain = f"spoofed{number}.test"
                self.dns.rule(domain, act)
                if number < 3:
                    self.arrives(domain, 30 + number)
                else:
                    ident = self.submit(domain)
                    self.wait_event(ident, "deferred")
                    self.assertIn("4.4.3", self.last_reply(ident))

    def test_a_time_to_live_without_end(self):
        """RFC 2181 section 8: with the highest bit set it is none."""
        self.dns.rule("ttl.test", lambda q: q.reply(["ttl.test MX 5 mx.other.test"] if q.type == "MX" else [], ttl=0x80000000))
        other = self.host(45, "mx.other.test")
        self.submit("ttl.test")
        self.wait_messages(other, 1)
        self.dns.rule("ttl.test", lambda q: None)
        self.arrives("ttl.test", 44)


class NameTest(ZonesCase):
    """What stands for a mail host is a stranger's choice of octets."""

    def refused(self, domain):
        ident = self.submit(domain)
        self.wait_state(ident, "failed")
        self.assertIn("5.4.4", self.last_reply(ident))

    def test_a_path_is_no_host(self):
        with tempfile.TemporaryDirectory(dir="/tmp") as folder, socket.socket(socket.AF_UNIX) as local:
            path = pathlib.Path(folder) / "socket"
            path.parent.chmod(0o755)
            local.bind(str(path))
            path.chmod(0o777)
            local.listen()
            target = bytes([len(str(path))]) + str(path).encode() + b"\0"
            self.dns.rule("path.test", lambda q: q.reply([record("path.test", TYPES["MX"], 60, b"\0\x0a" + target)] if q.type == "MX" else []))
            self.refused("path.test")
            local.setblocking(False)
            self.assertRaises(BlockingIOError, local.accept)

    def test_addresses_are_no_hosts(self):
        for domain in ("number.test", "colons.test"):
            with self.subTest(domain):
                self.refused(domain)

    def test_octets_that_are_no_text(self):
        for i, label in enumerate((b"\xc3\xbc", b"\xff\xfe", b"a\0b", b"a b", b"a\r\nb", b"<x>", b"a;b", b"(")):
            with self.subTest(label):
                target = bytes([len(label)]) + label + wire_name("test")
                self.dns.rule(f"odd{i}.test", lambda q, i=i, target=target: q.reply([record(f"odd{i}.test", TYPES["MX"], 60, b"\0\x0a" + target)]))
                ident = self.submit(f"odd{i}.test")
                wait_until(lambda ident=ident: self.last_reply(ident), "an attempt", pause=0.05)
                self.assertIn(self.last_reply(ident)[4:9], ("4.4.3", "5.4.4"))


class SharingTest(ZonesCase):
    """Domains with the same best hosts share connections, but not with what one of them calls a backup."""

    def test_a_backup_is_not_shared(self):
        busy = self.host(45, "mx.other.test")
        busy.replies["CONNECT"] = "421 4.3.2 busy"
        self.wait_state(self.submit("backed.test"), "relayed")
        self.assertEqual(len(self.thief.messages), 1)
        del busy.replies["CONNECT"]
        ident = self.submit("other.test")
        self.wait_state(ident, "relayed")
        self.assertEqual((len(busy.messages), len(self.thief.messages)), (1, 1))
        self.thief.sessions.clear()

    def test_names_that_look_like_two(self):
        pair = [self.host(number, f"mx.good{number - 20}.test") for number in (23, 24)]
        self.submit("glued.test")
        self.wait_state(self.submit("two.test"), "relayed")
        self.assertEqual(sum(len(peer.messages) for peer in pair), 1)


if __name__ == "__main__":
    unittest.main()
