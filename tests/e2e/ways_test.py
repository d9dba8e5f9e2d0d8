"""Mail out, and hosts that don't want it now: what is about a connection or a host is not charged to the message or the destination."""

import threading
import unittest

from dns import Dns
from peer import CLOSE, Peer
from relay_test import ALICE, RelayCase, report_of
from server import SECRET, Server, free_port_everywhere, letter, wait_until


class Gate:
    """Holds the peer's sessions at the end of a message until it is opened; `waiting`: how many are held."""

    def __init__(self):
        self.opened, self.waiting, self.lock = threading.Event(), 0, threading.Lock()

    def hold(self):
        with self.lock:
            self.waiting += 1
        self.opened.wait(60)


class WaysCase(RelayCase):
    queue = {"retry_first": "1h", "retry_most": "1h"}  # what is deferred stays so

    def relayed_at_once(self, *idents):
        for ident in idents:
            self.wait_state(ident, "relayed")
            self.assertNotIn("deferred", self.events(ident))

    def wait_deferred(self, ident, *words):
        self.wait_event(ident, "deferred")
        self.assertEqual(set(self.states(ident).values()), {"waiting"})
        reply = self.server.trace(ident)["recipients"][0]["last_reply"]
        for word in words:
            self.assertIn(word, reply)

    def pair(self, domain, first, bad, second):
        """A domain whose best host does `bad`, and whose second one is fine."""
        best = self.host(first, domain, script=bad)
        self.dns.add(f"{domain} MX 20 b.{domain}", f"b.{domain} A 127.0.0.{second}")
        return best, self.enterContext(Peer(address=f"127.0.0.{second}", port=self.port, name=f"b.{domain}"))


class NextHostTest(WaysCase):
    """RFC 5321 section 5.1: each host has its turn within the attempt, also once a session was ready."""

    def test_drops_and_refusals_in_the_session(self):
        cases = (("MAIL", CLOSE), ("RCPT", CLOSE), ("DATA", CLOSE), ("MAIL", "421 4.3.2 going"), ("RCPT", "421 4.3.2 going"),
                 ("DATA", "421 4.3.2 going"), (".", "421 4.3.2 going"), ("MAIL", "451 4.3.0 database"), ("MAIL", b"nonsense\r\n"))
        for number, (verb, bad) in enumerate(cases):
            with self.subTest(verb=verb, bad=bad):
                best, second = self.pair(f"n{number}.test", 11 + 2 * number, lambda session, what, line: bad if what == verb else None,
                                         12 + 2 * number)
                self.relayed_at_once(self.submit(f"a@n{number}.test"))
                self.assertEqual((len(best.messages), len(second.messages)), (0, 1))

    def test_refusals_of_the_message_stand(self):
        for number, (verb, bad) in enumerate((("RCPT", "450 4.2.1 grey"), ("DATA", "451 4.3.0 later"), (".", "451 4.3.0 later"))):
            with self.subTest(verb):
                best, second = self.pair(f"m{number}.test", 41 + 2 * number, lambda session, what, line: bad if what == verb else None,
                                         42 + 2 * number)
                self.wait_deferred(self.submit(f"a@m{number}.test"), bad)
                self.assertEqual((len(best.sessions), len(second.sessions)), (1, 0))

    def test_another_address_of_the_host(self):
        self.dns.add("two.test MX 1 mx.two.test", "mx.two.test A 127.0.0.51", "mx.two.test A 127.0.0.52")
        bad = [self.enterContext(Peer(address="127.0.0.51", port=self.port, replies={"DATA": CLOSE}))]
        good = self.enterContext(Peer(address="127.0.0.52", port=self.port))
        for i in range(4):  # they are tried in turns
            self.relayed_at_once(self.submit(f"a{i}@two.test"))
        self.assertEqual(len(good.messages), 4)
        self.assertEqual(bad[0].messages, [])

    def test_nobody_is_sent_twice_in_doubt_and_the_next_attempt_begins_elsewhere(self):
        best, second = self.pair("doubt.test", 53, lambda session, what, line: CLOSE if what == "." else None, 54)
        ident = self.submit("a@doubt.test")
        self.wait_deferred(ident, "lost")
        self.assertEqual(len(second.sessions), 0)
        self.server.must("queue", "retry", ident)
        self.wait_state(ident, "relayed")
        self.assertEqual((len(best.sessions), len(second.messages)), (1, 1))

    def test_hosts_without_addresses_do_not_count(self):
        self.dns.add(*[f"long.test MX {i} none{i}.long.test" for i in range(14)], *[f"none{i}.long.test TXT x" for i in range(40)],
                     "long.test MX 90 mx.h55.test")
        self.host(55)
        self.relayed_at_once(self.submit("a@long.test"))
        self.dns.add(*[f"endless.test MX {i} none{i}.long.test" for i in range(40)])
        self.wait_deferred(self.submit("a@endless.test"), "has no address")
        self.dns.add("bare.test MX 1 none0.long.test")  # all of them were looked at
        self.wait_state(self.submit("a@bare.test"), "failed")


class RestTest(WaysCase):
    """Nobody hammers at a host that sends everybody away."""

    def test_421_to_every_mail(self):
        peer = self.host(61, replies={"MAIL": "421 4.7.0 not now"})
        idents = [self.submit(f"a{i}@h61.test") for i in range(8)]
        self.wait_deferred(idents[0], "421 4.7.0 not now")
        for ident in idents:
            self.wait_state(ident, "waiting")
        sessions = len(peer.sessions)
        self.assertLess(sessions, 8)
        late = self.submit("late@h61.test")
        self.assertRegex(str(self.server.trace(late)["events"]), "not tried before its time: .*421 4.7.0 not now")
        self.assertEqual(len(peer.sessions), sessions)
        peer.replies.clear()
        self.server.must("queue", "retry", "--all")  # an operator's wish counts at once
        self.wait_messages(peer, 9)

    def test_421_in_the_greeting_is_for_all_domains_of_the_host(self):
        peer = self.host(62, replies={"CONNECT": "421 4.3.2 too busy"})
        self.dns.add("other62.test MX 10 mx.h62.test")
        self.wait_deferred(self.submit("a@h62.test"), "421 4.3.2", "too busy")
        self.wait_deferred(self.submit("a@other62.test"), "421 4.3.2", "too busy")
        self.assertEqual(len(peer.sessions), 1)

    def test_twice_in_a_row_over_a_used_connection_and_a_new_one(self):
        taken = []
        def script(session, verb, line):
            if verb == ".":
                taken.append(line)
            return "421 4.7.0 enough for today" if verb == "MAIL" and taken else None
        peer = self.host(64, script=script)
        self.relayed_at_once(self.submit("a@h64.test"))
        idents = [self.submit(f"b{i}@h64.test") for i in range(4)]
        for ident in idents:
            self.wait_state(ident, "waiting")
        self.assertIn("enough for today", self.server.trace(idents[0])["recipients"][0]["last_reply"])
        self.assertLessEqual(len(peer.sessions), 3)

    def test_one_message_is_not_all(self):
        peer = self.host(63, script=lambda session, verb, line:
                         "421 4.7.0 bad" if verb == "." and "poison" in session.recipients[0] else None)
        self.wait_deferred(self.submit("poison1@h63.test"), "421 4.7.0 bad")
        self.relayed_at_once(self.submit("a@h63.test"))
        self.wait_deferred(self.submit("poison2@h63.test"), "421 4.7.0 bad")
        self.relayed_at_once(self.submit("b@h63.test"))
        self.assertEqual(len(peer.messages), 2)


class CrowdTest(WaysCase):
    def let_in_three(self, domain, number, verb, reply):
        """A peer that says `reply` to the command `verb` of each session beside the first three; all get through."""
        gate, refused, extra = Gate(), [], set()
        def script(session, what, line):
            if what == "CONNECT" and sum(thread.is_alive() for thread in session.peer.threads) > 3:
                extra.add(session.number)
            if what == verb and session.number in extra:
                refused.append(session.number)
                return reply
            if what == ".":
                gate.hold()
            return None
        peer = self.host(number, domain, script=script)
        idents = [self.submit(f"a{i}@{domain}") for i in range(4)]
        wait_until(lambda: gate.waiting == 3 and refused, "three connections, and one refused", pause=0.05)
        idents += [self.submit(f"b{i}@{domain}") for i in range(8)]
        gate.opened.set()
        self.relayed_at_once(*idents)
        self.assertEqual(len(peer.messages), 12)
        self.assertLess(len(refused), 8)

    def test_a_refused_extra_connection_fails_nothing(self):
        self.let_in_three("h71.test", 71, "CONNECT", "421 4.7.0 too many connections from you")

    def test_nor_does_one_that_is_refused_once_it_is_ready(self):
        cases = (("MAIL", "451 4.7.0 too many connections"), ("MAIL", "421 4.7.0 too many connections"), ("MAIL", CLOSE),
                 ("RCPT", "421 4.7.0 too many connections"), ("RCPT", CLOSE))
        for number, (verb, reply) in enumerate(cases, 73):
            with self.subTest(verb=verb, reply=reply):
                self.let_in_three(f"h{number}.test", number, verb, reply)

    def test_a_sender_that_is_refused_is_not_taken_for_a_crowd(self):
        gate = Gate()
        def script(session, verb, line):
            if verb == ".":
                gate.hold()
            return "451 4.7.1 not you" if verb == "MAIL" and "bob@" in line else None
        peer = self.host(79, script=script)
        self.server.add_account("bob@example.test")
        idents = [self.submit(f"a{i}@h79.test") for i in range(2)]
        wait_until(lambda: gate.waiting == 2, "two connections", pause=0.05)
        ident = self.server.send("bob@example.test", ["b@h79.test"], letter("bob@example.test", "b@h79.test"), login="bob@example.test")
        gate.opened.set()
        self.relayed_at_once(*idents)
        self.wait_deferred(ident, "451 4.7.1 not you")
        self.assertLess(len(peer.sessions), 8)

    def test_a_place_that_is_down_fails_for_all(self):
        self.dns.add("h72.test MX 1 mx.h72.test", "mx.h72.test A 127.0.0.72")
        self.wait_deferred(self.submit("a@h72.test"), "451 4.4.1")
        later = self.submit("b@h72.test")
        self.assertIn("not tried before its time", str(self.server.trace(later)["events"]))


class SessionLimitTest(WaysCase):
    queue = WaysCase.queue | {"deliveries_per_destination": 1}

    def behind_each_other(self, number, reply, most, count):
        """Messages for a peer that says `reply` to what exceeds `most` messages of a session, given one right after the other."""
        gate, said = Gate(), []
        def script(session, verb, line):
            if verb == "." and session.number == 0:
                gate.hold()
            elif verb == "MAIL" and sum(one[:4].upper() == "DATA" for one in session.commands) >= most:
                said.append(session.number)
                return reply
            return None
        peer = self.host(number, script=script)
        idents = [self.submit(f"a{i}@h{number}.test") for i in range(count)]
        gate.opened.set()
        self.relayed_at_once(*idents)
        self.assertEqual(len(peer.messages), count)
        return peer, said

    def test_so_many_messages_over_one_connection(self):
        for number, reply in enumerate(("421 4.7.0 too many messages", "452 4.5.3 too many messages in this session",
                                        "451 4.7.1 too many messages in this session"), 81):
            with self.subTest(reply):
                peer, said = self.behind_each_other(number, reply, 2, 7)
                self.assertEqual(said, [0])  # then the number is known
                self.assertEqual(len(peer.sessions), 4)

    def test_421_elsewhere_in_a_used_session(self):
        for number, verb in enumerate(("RCPT", "DATA", "."), 84):
            with self.subTest(verb):
                gate, seen = Gate(), []
                def script(session, what, line):
                    begun = sum(one[:4].upper() == "MAIL" for one in session.commands)
                    if what == "." and session.number == 0 and begun == 1:
                        gate.hold()
                    elif what == verb and session.number == 0 and begun == 2 and not seen:
                        seen.append(what)
                        return "421 4.3.2 going"
                    return None
                peer = self.host(number, script=script)
                idents = [self.submit(f"a{i}@h{number}.test") for i in range(3)]
                wait_until(lambda: gate.waiting, "the first message")
                gate.opened.set()
                self.relayed_at_once(*idents)
                self.assertEqual((seen, len(peer.messages)), ([verb], 3))

    def test_a_sender_that_is_refused_costs_one_connection_more(self):
        peer = self.host(87, script=lambda session, verb, line: "451 4.7.1 not you" if verb == "MAIL" and "bob@" in line else None)
        self.server.add_account("bob@example.test")
        self.relayed_at_once(self.submit("a@h87.test"))
        for i in range(3):
            ident = self.server.send("bob@example.test", [f"b{i}@h87.test"], letter("bob@example.test", f"b{i}@h87.test"),
                                     login="bob@example.test")
            self.wait_deferred(ident, "451 4.7.1 not you")
        self.relayed_at_once(self.submit("c@h87.test"))
        self.assertLessEqual(len(peer.sessions), 2 + 3 * 2)


class RecipientLimitTest(WaysCase):
    def limited(self, number, reply, most, count):
        def script(session, verb, line):
            return reply if verb == "RCPT" and len(session.recipients) >= most else None
        peer = self.host(number, script=script)
        ident = self.submit(*[f"u{i}@h{number}.test" for i in range(count)])
        return peer, ident

    def test_the_rest_goes_in_the_next_transaction(self):
        for number, reply in enumerate(("452 4.5.3 too many recipients", "452 too many recipients", "552 too many recipients"), 91):
            with self.subTest(reply):
                peer, ident = self.limited(number, reply, 3, 10)
                self.relayed_at_once(ident)
                self.assertEqual([len(m.recipients) for m in peer.messages], [3, 3, 3, 1])
                self.assertEqual(len(peer.sessions), 1)
                commands = [line for line in peer.commands if line.startswith("RCPT")]
                self.assertLessEqual(len(commands), 10 + 7)  # the number is known from the first transaction on

    def test_552_about_the_recipient_is_final(self):
        for number, reply in enumerate(("552 5.2.2 over quota", "552 5.3.4 too large"), 94):
            with self.subTest(reply):
                _, ident = self.limited(number, reply, 1, 3)
                wait_until(lambda: sorted(self.states(ident).values()) == ["failed", "failed", "relayed"], "the ends", pause=0.1)
        _, ident = self.limited(96, "552 no", 0, 2)
        self.wait_state(ident, "failed")

    def test_452_for_everybody_waits(self):
        peer, ident = self.limited(97, "452 4.5.3 too many recipients", 0, 2)
        self.wait_deferred(ident, "452 4.5.3")
        self.assertEqual(len([line for line in peer.commands if line.startswith("RCPT")]), 2)


class TogetherTest(RelayCase):
    queue = {"retry_first": "2s", "retry_most": "2s", "delay_notice": "1s"}
    extra = {"takeover": {"enabled": False}}  # many recipients nobody wrote to before, in an account's first minutes

    def test_recipients_of_one_message_stay_together(self):
        tries = []
        def script(session, verb, line):
            if verb == "RCPT":
                tries.append(session)
                return "450 4.2.1 later" if len(tries) <= 2 * 100 else None
            return None
        peer = self.host(101, script=script)
        ident = self.submit(*[f"u{i}@h101.test" for i in range(100)])
        self.wait_state(ident, "relayed")
        self.assertEqual([len(message.recipients) for message in peer.messages], [100])
        notices = [m for m in self.server.mail(ALICE) if b"multipart/report" in m and ident.encode() in m]
        self.assertEqual([len(report_of(m)[2]) for m in notices], [100])

    def test_one_notice_tells_of_all_jobs_of_a_message(self):
        """Its recipients are at several places, each with jobs of its own."""
        tries = []
        def script(session, verb, line):
            if verb == "RCPT":
                tries.append(line)
                return "450 4.2.1 later" if tries.count(line) <= 2 else None
            return None
        self.host(103, script=script)
        self.host(104, script=script)
        addresses = [f"u{i}@h103.test" for i in range(97)] + [f"u{i}@h104.test" for i in range(3)]
        ident = self.submit(*addresses)
        self.wait_state(ident, "relayed")
        notices = [m for m in self.server.mail(ALICE) if b"multipart/report" in m and ident.encode() in m]
        self.assertEqual([len(report_of(m)[2]) for m in notices], [len(addresses)])

    def test_marks_of_direction_are_escaped(self):
        self.host(102, replies={"RCPT": "550 5.1.1 \u202ereven\u2066 no \u2028 such"})
        ident = self.submit("a@h102.test")
        self.wait_state(ident, "failed")
        shown = self.server.must("trace", ident)
        log = "\n".join(line for line in self.server.output.lines if "event=failed" in line and ident in line)
        for text in (shown, log):
            self.assertIn("\\xe2\\x80\\xaereven\\xe2\\x81\\xa6 no \\xe2\\x80\\xa8 such", text)
            self.assertNotIn("\u202e", text)


class ReloadTest(unittest.TestCase):
    def test_a_tightened_route_is_obeyed_over_an_open_connection(self):
        gate = Gate()
        peer = self.enterContext(Peer(script=lambda session, verb, line: gate.hold() if verb == "." else None))
        route = {"to": "far.test", "host": f"127.0.0.1:{peer.port}", "tls": "none"}
        server = Server(accounts={ALICE: SECRET}, routes=[route], queue={"deliveries_per_destination": 1})
        self.addCleanup(server.close)
        server.start()
        send = lambda name: server.send(ALICE, [f"{name}@far.test"], letter(ALICE, f"{name}@far.test"), login=ALICE)
        first = send("first")
        wait_until(lambda: gate.waiting, "the first message")
        later = [send(f"later{i}") for i in range(3)]  # for the same connection
        route["tls"] = "required"
        server.write_config()
        server.must("reload")
        gate.opened.set()
        wait_until(lambda: server.trace(first)["recipients"][0]["state"] == "relayed", "the first message to be relayed", pause=0.1)
        for ident in later:
            wait_until(lambda: "TLS" in server.trace(ident)["recipients"][0]["last_reply"], "the wish for TLS", pause=0.1)
        self.assertEqual(len(peer.messages), 1)


class FamiliesTest(unittest.TestCase):
    def start(self, **delivery):
        port = free_port_everywhere()
        dns = self.enterContext(Dns("both.test MX 1 mx.both.test", "mx.both.test AAAA ::1", "mx.both.test A 127.0.0.1",
                                    "six.test MX 1 mx.six.test", "mx.six.test AAAA ::1",
                                    "four.test MX 1 mx.four.test", "mx.four.test A 127.0.0.1"))
        server = Server(accounts={ALICE: SECRET}, dns=dns, delivery={"port": port} | delivery)
        self.addCleanup(server.close)
        server.start()
        four = self.enterContext(Peer(address="127.0.0.1", port=port))
        six = self.enterContext(Peer(address="::1", port=port))
        return server, dns, four, six

    def end(self, server, *domains):
        """The states that mail to these ends in, and where from it was sent."""
        states = []
        for domain in domains:
            ident = server.send(ALICE, [f"a@{domain}"], letter(ALICE, f"a@{domain}"), login=ALICE)
            end = lambda: server.trace(ident)["recipients"][0]["state"]
            states.append(wait_until(lambda: end() if end() in ("relayed", "failed") else None, "an end", pause=0.1))
        return states

    def sources(self, peer):
        return {session.source for session in peer.sessions}

    def test_a_source_of_one_family_leaves_the_other_alone(self):
        server, _, four, six = self.start(source_address="127.0.0.9")
        self.assertEqual(self.end(server, "six.test", "four.test"), ["relayed", "relayed"])
        self.assertEqual((self.sources(four), self.sources(six)), ({"127.0.0.9"}, {"::1"}))

    def test_one_source_for_each(self):
        server, _, four, six = self.start(source_address=["127.0.0.9", "::1"])
        self.assertEqual(self.end(server, "six.test", "four.test"), ["relayed", "relayed"])
        self.assertEqual((self.sources(four), self.sources(six)), ({"127.0.0.9"}, {"::1"}))

    def test_ipv4_only(self):
        server, dns, four, six = self.start(families=["ipv4"])
        self.assertEqual(self.end(server, "both.test", "six.test", "four.test"), ["relayed", "failed", "relayed"])
        self.assertEqual((len(four.messages), len(six.sessions)), (2, 0))
        self.assertFalse([question for question in dns.asked() if question.startswith("mx.") and " AAAA " in question])
        literal = server.send(ALICE, ["a@[IPv6:::1]"], letter(ALICE, "a@[IPv6:::1]"), login=ALICE)
        wait_until(lambda: "switched off" in server.trace(literal)["recipients"][0]["last_reply"], "the reason", pause=0.1)

    def test_ipv6_only(self):
        server, _, four, six = self.start(families=["ipv6"])
        self.assertEqual(self.end(server, "both.test", "six.test", "four.test"), ["relayed", "relayed", "failed"])
        self.assertEqual((len(six.messages), len(four.sessions)), (2, 0))


if __name__ == "__main__":
    unittest.main()
