"""What strangers can make us write to hosts of theirs that take connections and say nothing leaves room for all other mail."""

import contextlib
import re
import smtplib
import socket
import threading
import unittest

from forward_test import report
from peer import HANG
from relay_test import ALICE, RelayCase
from server import SECRET, Server, check, letter, wait_until

DELIVERIES, EACH = 8, 2


class CrowdCase(RelayCase):
    queue = {"deliveries": DELIVERIES, "deliveries_per_destination": EACH, "retry_first": "1h", "retry_most": "1h"}
    zone = ("gone.test MX 0 .",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.must("alias", "add", "dead@example.test", "nobody@gone.test")

    def silent(self, number):
        return self.host(number, f"silent{number}.test", script=lambda session, verb, line: HANG)

    def held(self, peers):
        """Connections that are open now."""
        return sum(thread.is_alive() for peer in peers for thread in peer.threads)

    def dead_letter(self, sender):
        """A stranger's message that makes us write to him."""
        return self.server.send(sender, ["dead@example.test"], letter(sender=sender, to="dead@example.test"))

    def known(self, number):
        """A host that has taken a message already."""
        peer = self.host(number)
        self.wait_state(self.submit(f"a@h{number}.test"), "relayed")
        return peer


class SilentHostsTest(CrowdCase):
    def test_reports_to_silent_hosts_hold_up_nobody(self):
        self.known(11)
        peers = [self.silent(20 + i) for i in range(DELIVERIES + 2)]
        reported = [self.dead_letter(f"x@silent{20 + i}.test") for i in range(DELIVERIES + 2)]
        for ident in reported:
            self.wait_event(ident, "reported")
        wait_until(lambda: self.held(peers) >= DELIVERIES // 4, "reports under way")
        self.wait_state(self.submit("b@h11.test"), "relayed")
        self.host(12)
        self.wait_state(self.submit("b@h12.test"), "relayed")  # nor mail for who was never heard of
        self.assertGreater(self.held(peers), 0)
        self.assertLessEqual(self.held(peers), DELIVERIES // 4)

    def test_mail_to_silent_hosts_leaves_room_for_those_that_answer(self):
        self.known(13)
        peers = [self.silent(40 + i) for i in range(DELIVERIES + 2)]
        for i in range(DELIVERIES + 2):
            self.submit(f"a@silent{40 + i}.test")
        wait_until(lambda: self.held(peers) == DELIVERIES // 2, "a half of the deliveries")
        self.wait_state(self.submit("b@h13.test"), "relayed")
        self.assertEqual(self.held(peers), DELIVERIES // 2)

    def test_an_address_of_many_names_is_one_place(self):
        peer = self.silent(60)
        for i in range(DELIVERIES + 2):
            self.dns.add(f"n{i}.test MX 10 mx.n{i}.test", f"mx.n{i}.test A 127.0.0.60")
            self.submit(f"a@n{i}.test")
        wait_until(lambda: self.held([peer]) == EACH, "as many as one place gets")
        self.host(14)
        self.wait_state(self.submit("b@h14.test"), "relayed")  # who waits for the address holds up nobody
        self.assertEqual(self.held([peer]), EACH)


class ReturnedTest(CrowdCase):
    """Strangers can have return addresses made that lead to hosts of theirs, and write to them as if they were reports."""
    def hop(self, number):
        """To where an alias leads."""
        self.server.must("alias", "add", f"fwd{number}@example.test", f"bob@h{number}.test")
        self.alias, self.answers = f"fwd{number}@example.test", f"b@h{number}.test"
        return self.known(number)

    def return_address(self, hop, sender):
        before = len(hop.messages)
        self.server.send(sender, [self.alias], letter(sender=sender, to=self.alias))
        self.wait_messages(hop, before + 1)
        return re.search("<(SRS0=[^>]*)>", hop.messages[-1].sender)[1]

    def send_back(self, hop, domains):
        for domain in domains:
            address = self.return_address(hop, f"x@{domain}")
            self.server.send("", [address], report(address))

    def check_others(self, number):
        """Mail to who answered before, and to who was never heard of, leaves at once."""
        self.wait_state(self.submit(self.answers), "relayed")
        self.host(number)
        self.wait_state(self.submit(f"b@h{number}.test"), "relayed")

    def test_they_hold_up_nobody(self):
        hop = self.hop(80)
        numbers = range(81, 81 + DELIVERIES)
        peers = [self.silent(number) for number in numbers]
        self.send_back(hop, [f"silent{number}.test" for number in numbers])
        wait_until(lambda: self.held(peers) >= DELIVERIES // 4, "reports under way")
        self.check_others(100)
        self.assertLessEqual(self.held(peers), DELIVERIES // 4)

    def test_nor_do_those_to_hosts_that_answered_once(self):
        hop = self.hop(99)
        mute, waiting = threading.Event(), []

        def script(session, verb, line):
            if verb != "MAIL" or not mute.is_set():
                return None
            waiting.append(session)
            return HANG
        numbers = range(101, 101 + DELIVERIES)
        for number in numbers:
            self.host(number, script=script)
            self.wait_state(self.submit(f"a@h{number}.test"), "relayed")
        mute.set()
        self.send_back(hop, [f"h{number}.test" for number in numbers])
        wait_until(lambda: len(waiting) >= DELIVERIES // 4, "reports under way")
        self.check_others(120)
        self.assertEqual(len(waiting), DELIVERIES // 4)


class SuccessTest(CrowdCase):
    """A stranger's NOTIFY=SUCCESS counts where the domain of MAIL FROM vouches for the message."""
    extra = {"authentication": {"skip_networks": []}}
    zone = (*CrowdCase.zone, 'sure.test TXT "v=spf1 ip4:127.0.0.1 -all"')

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.must("alias", "add", "fwd@example.test", "bob@h31.test")

    def handed_on(self, peer, sender, notify, **options):
        before = len(peer.messages)
        self.server.send(sender, ["fwd@example.test"], letter(sender=sender, to="fwd@example.test"),
                         rcpt_options=[f"NOTIFY={notify}"], **options)
        self.wait_messages(peer, before + 1)
        return peer.messages[-1].recipients[0].upper()

    def test_strangers(self):
        peer = self.host(31)
        self.assertIn("NOTIFY=FAILURE ", self.handed_on(peer, "x@any.test", "SUCCESS,FAILURE") + " ")
        self.assertIn("NOTIFY=NEVER", self.handed_on(peer, "x@any.test", "SUCCESS"))
        self.assertIn("SUCCESS", self.handed_on(peer, "x@sure.test", "SUCCESS,FAILURE"))
        self.assertIn("SUCCESS", self.handed_on(peer, ALICE, "SUCCESS,FAILURE", login=ALICE))
        ident = self.server.send("x@any.test", [ALICE], letter(sender="x@any.test", to=ALICE), rcpt_options=["NOTIFY=SUCCESS"])
        self.wait_state(ident, "in mailbox")
        self.assertNotIn("reported", self.events(ident))


class MemoryTest(unittest.TestCase):
    """What recipients hold of memory is bounded, also for each network, and who waits for it goes on when it is free."""

    # 1 KiB each: 32 that nobody is asked for, and the half of 768 KiB, in steps of 64 KiB.
    OF_NETWORK = 32 + 384

    def client(self, stack, server, source):
        client = smtplib.SMTP("127.0.0.1", server.ports["mx"], "client.test", timeout=120, source_address=(source, 0))
        stack.callback(client.close)
        client.ehlo()
        check(client.mail("x@y.test"), 250)
        return client

    def name(self, client, count):
        client.send("".join(f"RCPT TO:<u{i}@example.test>\r\n" for i in range(count)))

    def accepted(self, client, count):
        replies = [client.getreply() for _ in range(count)]
        self.assertEqual([reply for reply in replies if reply[0] != 250], [])

    def test_recipients(self):
        limits = {"message_memory": "1MiB", "recipients": 2000}
        with Server(listeners=["mx"], accounts={ALICE: SECRET}, limits=limits) as server, contextlib.ExitStack() as stack:
            server.must("alias", "add", "*@example.test", "--account", ALICE)
            crowd, neighbour = (self.client(stack, server, source) for source in ("127.0.0.2", "127.0.0.3"))
            self.name(crowd, self.OF_NETWORK - 4)
            self.accepted(crowd, self.OF_NETWORK - 4)
            other = self.client(stack, server, "127.0.1.2")
            self.name(other, 200)
            self.accepted(other, 200)
            self.name(neighbour, 20)
            self.accepted(neighbour, 20)
            self.name(neighbour, 80)  # these wait
            check(other.noop(), 250)
            # What was accepted goes its way, and its memory to who waits.
            check(crowd.data(letter()), 250)
            self.accepted(neighbour, 80)
            check(neighbour.data(letter()), 250)
            # The sender goes on with the rest; RSET gives back as well.
            for client in (crowd, neighbour):
                check(client.mail("x@y.test"), 250)
                self.name(client, 300)
                self.accepted(client, 300)
                check(client.rset(), 250)


class ReserveTest(unittest.TestCase):
    """Connections for own users, and for those who logged in lately, that strangers can't take."""

    def fill(self, name, source):
        """Takes connections until one is refused; those that were let in."""
        taken = []
        while len(taken) < 40:
            connection = socket.create_connection(("127.0.0.1", self.server.ports[name]), 30, source_address=(source, 0))
            self.addCleanup(connection.close)
            if connection.recv(200)[:3] not in (b"220", b"+OK"):
                break
            taken.append(connection)
        return taken

    def test_strangers_leave_room(self):
        self.server = self.enterContext(Server(limits={"connections": 20}))
        self.server.mail(ALICE)  # she logs in from 127.0.0.1
        wait_until(lambda: self.server.json("status")["connections"] == 0, "an empty house")
        self.assertEqual(len(self.fill("mx", "127.0.0.2")), 16)
        self.assertEqual(len(self.fill("pop3-clear", "127.0.0.3")), 2)
        self.assertEqual(len(self.fill("mx", "127.0.0.1")), 0)
        self.server.mail(ALICE)
        self.assertEqual(len(self.fill("submission", "127.0.0.1")), 2)


if __name__ == "__main__":
    unittest.main()
