"""What strangers who bring mail meet: block and allow lists, names, DNS lists, greylisting, rates, greetings. Each test tells by
XCLIENT from which address it comes."""

import re
import socket
import unittest

from dns import Dns
from server import LISTENERS, SECRET, Server, check, letter, transact, wait_until

ALICE = "alice@example.test"
MX = {"mx": LISTENERS["mx"] | {"xclient_from": ["127.0.0.1"]}, "submission": LISTENERS["submission"],
      "pop3-clear": LISTENERS["pop3-clear"]}


def reverse(address):
    return ".".join(reversed(address.split(".")))


class GuardCase(unittest.TestCase):
    guard, dns_lists, zone = {}, (), ()

    @classmethod
    def setUpClass(cls):
        cls.dns = cls.enterClassContext(Dns(*cls.zone))
        cls.server = Server(accounts={ALICE: SECRET}, listeners=MX, dns=cls.dns, extra={"guard": cls.guard},
                            dns_lists=cls.dns_lists)
        cls.addClassCleanup(cls.server.close)
        cls.server.start()

    def come(self, address, helo="mail.far.test", code=220):
        """A session of that client, after its EHLO when it was greeted."""
        client = self.server.smtp()
        self.addCleanup(client.close)
        check(client.docmd("XCLIENT", f"ADDR={address} HELO={helo}"), code)
        if code == 220:
            check(client.ehlo(helo), 250)
        return client

    def rcpt(self, address, to=ALICE, sender="x@far.test", **options):
        client = self.come(address, **options)
        check(client.mail(sender), 250)
        return client.rcpt(to)

    def deliver(self, address, message=None, **options):
        """Sends one message and gives what came into the mailbox."""
        before = len(self.server.mail(ALICE))
        transact(self.come(address, **options), "x@far.test", [ALICE], message or letter())
        return self.server.wait_mail(ALICE, before + 1)[-1]


class ListsTest(GuardCase):
    guard = {"block": ["198.51.100.0/24", "2001:db8:bad::/48"], "block_senders": ["spam.test", ".worse.test"],
             "allow_senders": ["friend@far.test"], "dns_tag_at": 2, "dns_defer_at": 4, "dns_refuse_at": 6}
    dns_lists = [{"zone": "two.test", "score": 2}, {"zone": "four.test", "score": 4},
                 {"zone": "some.test", "score": 6, "answers": ["127.0.0.4"]}, {"zone": "good.test", "score": -4}]
    zone = [f"{reverse(address)}.{listed} A {answer}" for address, listed, answer in (
        ("192.0.2.2", "two.test", "127.0.0.2"),
        ("192.0.2.4", "four.test", "127.0.0.2"),
        ("192.0.2.6", "two.test", "127.0.0.2"), ("192.0.2.6", "four.test", "127.0.0.2"),
        ("192.0.2.8", "some.test", "127.0.0.3"),
        ("192.0.2.9", "some.test", "127.0.0.4"),
        ("192.0.2.10", "some.test", "127.0.0.4"), ("192.0.2.10", "good.test", "127.0.0.2"),
        ("192.0.2.11", "some.test", "127.255.255.254"),
        ("192.0.2.12", "some.test", "192.0.2.80"))]
    zone += [f"{reverse('192.0.2.6')}.four.test TXT \"see https://four.test/?192.0.2.6\"",
             f"{reverse('192.0.2.13')}.four.test TIMEOUT", "2.0.0.127.two.test A 127.0.0.2",
             "e.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.some.test A 127.0.0.4"]

    def test_scores_add_up(self):
        for address, code, words in (("192.0.2.1", 250, ""), ("192.0.2.2", 250, ""), ("192.0.2.4", 450, "listed by four.test"),
                                     ("192.0.2.8", 250, ""), ("192.0.2.9", 550, "listed by some.test"),
                                     ("192.0.2.10", 250, ""), ("192.0.2.11", 250, ""), ("192.0.2.12", 250, ""),
                                     ("IPV6:2001:db8::e", 550, "2001:db8::e is listed")):
            with self.subTest(address):
                check(self.rcpt(address), code, words)
        check(self.rcpt("192.0.2.6"), 550, "see https://four.test/?192.0.2.6", "postmaster")

    def test_a_list_that_does_not_answer_holds_nobody_up(self):
        check(self.rcpt("192.0.2.13"), 250)

    def test_who_is_listed_can_still_write_to_postmaster(self):
        for local in ("postmaster", "Abuse"):
            check(self.rcpt("192.0.2.9", to=f"{local}@example.test"), 250)

    def test_a_tag_in_the_message(self):
        forged = letter(more="X-Paquebot-Guard: all is well\r\n")
        message = self.deliver("192.0.2.2", forged)
        self.assertIn(b"X-Paquebot-Guard: dns-list; 192.0.2.2 is listed by two.test (score 2)\r\n", message)
        self.assertNotIn(b"all is well", message)
        self.assertNotIn(b"X-Paquebot-Guard", self.deliver("192.0.2.1", forged))

    def test_own_lists(self):
        for address in ("198.51.100.7", "IPV6:2001:db8:bad:1::7"):
            self.come(address, code=554)
        for sender in ("x@spam.test", "x@worse.test", "x@a.worse.test"):
            check(self.rcpt("192.0.2.1", sender=sender), 550, "5.7.1", sender)
            check(self.rcpt("192.0.2.1", sender=sender, to="postmaster@example.test"), 550)
        check(self.rcpt("192.0.2.1", sender="x@a.spam.test"), 250)
        check(self.rcpt("192.0.2.9", sender="friend@far.test"), 250)

    def test_the_log_says_what_was_found(self):
        check(self.rcpt("192.0.2.4"), 450)
        wait_until(lambda: re.search(r"event=guard client=192\.0\.2\.4 .*check=dns-list measure=defer", self.server.log()), "the line")

    def test_own_users_are_not_asked(self):
        with self.server.smtp("submission", ALICE) as client:
            transact(client, ALICE, [ALICE], letter(sender=ALICE))


class DomainListsTest(GuardCase):
    """RFC 5782 section 3."""
    guard = {"dns_refuse_at": 3}
    dns_lists = [{"zone": "dom.test", "kind": "domain", "score": 3}, {"zone": "all.test", "kind": "domain", "score": 9},
                 {"zone": "good.test", "kind": "domain", "score": -9}]
    zone = ["spam.test.dom.test A 127.0.0.2", "spam.test.dom.test TXT \"seen in phish\"",
            "mail.spam.test.dom.test A 127.0.0.2", "error.test.dom.test A 127.255.255.252", "test.dom.test A 127.0.0.2",
            "far.test.all.test A 127.0.0.2", "invalid.all.test A 127.0.0.2",
            f"{reverse('192.0.2.5')}.in-addr.arpa PTR mail.spam.test", "mail.spam.test A 192.0.2.5",
            f"{reverse('192.0.2.6')}.in-addr.arpa PTR mail.good.test", "mail.good.test A 192.0.2.6",
            "mail.good.test.good.test A 127.0.0.2"]

    def test_sender_ehlo_and_the_clients_name(self):
        for address, sender, helo, code, words in (
                ("192.0.2.1", "x@far.test", "mail.far.test", 250, ""),
                ("192.0.2.1", "x@Spam.test", "mail.far.test", 550, "spam.test is listed by dom.test: seen in phish"),
                ("192.0.2.1", "x@a.spam.test", "mail.far.test", 250, ""),
                ("192.0.2.1", "x@error.test", "mail.far.test", 250, ""),
                ("192.0.2.1", "x@far.test", "mail.spam.test", 550, "mail.spam.test is listed by dom.test"),
                ("192.0.2.5", "x@far.test", "mail.far.test", 550, "mail.spam.test is listed by dom.test"),
                ("192.0.2.6", "x@spam.test", "mail.far.test", 250, ""),  # its own name is trusted
                ("192.0.2.1", "x@spam.test", "mail.good.test", 550, "")):  # that one anybody can say
            with self.subTest(address=address, sender=sender, helo=helo):
                check(self.rcpt(address, sender=sender, helo=helo), code, words)

    def test_each_sender_of_a_session_is_judged(self):
        client = self.come("192.0.2.1")
        for sender, code in (("x@far.test", 250), ("x@spam.test", 550), ("x@far.test", 250), ("", 250)):
            client.mail(sender)
            check(client.rcpt(ALICE), code)
            client.rset()


class OperatorsListsTest(GuardCase):
    guard = {"block": ["198.51.100.0/24"], "block_senders": ["spam.test"], "greylisting": "defer"}

    def test_clients(self):
        late = self.come("192.0.2.7")
        self.server.must("block", "add", "192.0.2.0/29", "--for", "1h", "--reason", "a flood")
        check(late.mail("x@far.test"), 554, "192.0.2.7 until", "UTC: a flood")
        self.come("192.0.2.5", code=554)
        wait_until(lambda: 'entry=192.0.2.0/29 why="a flood"' in self.server.log(), "the line")
        listed = self.server.json("block", "list")["entries"]
        self.assertEqual([("192.0.2.0/29", "a flood")], [(one["what"], one["reason"]) for one in listed])
        self.server.must("block", "remove", "192.0.2.0/29")
        check(late.mail("x@far.test"), 250)
        self.server.must("allow", "add", "198.51.100.7")
        check(self.rcpt("198.51.100.7"), 250)
        self.come("198.51.100.8", code=554)

    def test_senders_also_after_a_restart(self):
        self.server.must("block", "add", "Worse.test")
        self.server.must("allow", "add", "friend@spam.test")
        for again in (False, True):
            if again:
                self.server.stop()
                self.server.start()
            check(self.rcpt("192.0.2.20", sender="x@worse.test"), 550, "we take no mail from <x@worse.test>")
            check(self.rcpt("192.0.2.20", sender="x@spam.test"), 550)
            check(self.rcpt("192.0.2.20", sender="friend@spam.test"), 250)


class NamesTest(GuardCase):
    guard = {"reverse_dns": "refuse", "helo": "defer"}
    zone = [f"{reverse('192.0.2.1')}.in-addr.arpa PTR mail.far.test", "mail.far.test A 192.0.2.1",
            f"{reverse('192.0.2.2')}.in-addr.arpa PTR mail.far.test", f"{reverse('192.0.2.3')}.in-addr.arpa SERVFAIL"]

    def test_names_of_addresses(self):
        for address, code, words in (("192.0.2.1", 250, ""), ("192.0.2.2", 550, "5.7.25"), ("192.0.2.3", 250, ""),
                                     ("192.0.2.4", 550, "has no name")):
            with self.subTest(address):
                check(self.rcpt(address), code, words)

    def test_names_in_ehlo(self):
        for helo, code, words in (("friend", 450, "is not the full name"), ("mx.example.test", 450, "our own name"),
                                  ("[192.0.2.1]", 250, ""), ("[192.0.2.7]", 450, "not the address"),
                                  ("nobody.far.test", 450, "unknown to the DNS"), ("mail.far.test", 250, "")):
            with self.subTest(helo):
                check(self.rcpt("192.0.2.1", helo=helo), code, words)

    def test_the_name_is_in_received(self):
        self.assertIn(b"(mail.far.test [192.0.2.1])", self.deliver("192.0.2.1"))


class GreylistTest(GuardCase):
    guard = {"greylisting": "defer", "greylist_delay": "1s"}

    def passes(self, address, **options):
        wait_until(lambda: self.rcpt(address, **options)[0] == 250, "the second attempt", pause=0.3)

    def test_who_comes_again_passes_with_its_network(self):
        check(self.rcpt("192.0.2.1"), 451, "4.7.1", "greylisted: try again in 1 minute")
        self.passes("192.0.2.99")
        check(self.rcpt("192.0.2.1", sender="other@far.test"), 250)
        check(self.rcpt("192.0.3.1"), 451)

    def test_the_first_recipient_decides(self):
        client = self.come("192.0.4.1")
        check(client.mail("x@far.test"), 250)
        check(client.rcpt("nobody@example.test"), 550)
        check(client.rcpt(ALICE), 451)
        check(client.rcpt("postmaster@example.test"), 250)
        check(client.rcpt("alice+tag@example.test"), 451)
        self.passes("192.0.4.1")

    def test_it_survives_a_restart(self):
        check(self.rcpt("192.0.5.1"), 451)
        self.passes("192.0.5.1")
        self.server.restart()
        senders = (f"n{number}@else.test" for number in range(1000))  # each for the first time
        wait_until(lambda: self.rcpt("192.0.5.7", sender=next(senders))[0] == 250, "the known network", pause=0.1)
        self.server.must("verify")


class RatesTest(GuardCase):
    guard = {"connections_per_minute": 4, "messages_per_hour": 3, "faults_per_hour": 3}

    def test_connections(self):
        for _ in range(4):
            self.come("192.0.2.1")
        self.come("192.0.2.1", code=421)
        self.come("192.0.3.1")

    def test_messages(self):
        client = self.come("192.0.4.1")
        for _ in range(3):
            transact(client, "x@far.test", [ALICE], letter())
        check(client.mail("x@far.test"), 451, "4.7.1")

    def test_who_guesses_addresses_is_shut_out(self):
        client = self.come("192.0.5.1")
        check(client.mail("x@far.test"), 250)
        for number in range(3):
            check(client.rcpt(f"guess{number}@example.test"), 550)
        check(client.rcpt("guess3@example.test"), 421)
        self.come("192.0.5.1", code=421)
        self.come("192.0.6.1")


class GreetingTest(unittest.TestCase):
    """From the loopback itself, which is not allowed here."""

    def server(self, **guard):
        server = Server(accounts={ALICE: SECRET}, listeners=MX, extra={"guard": {"allow": []} | guard})
        self.addCleanup(server.close)
        return server.start()

    def first_words(self, server, early):
        with socket.create_connection(("127.0.0.1", server.ports["mx"]), timeout=60) as connection:
            if early:
                connection.sendall(b"EHLO far.test\r\n")
            return connection.makefile("rb").readline()

    def test_who_can_not_wait_is_refused(self):
        server = self.server(greeting_delay="50s")
        self.assertTrue(self.first_words(server, True).startswith(b"554 5.5.1"))

    def test_who_waits_is_greeted(self):
        server = self.server(greeting_delay="1s")
        self.assertTrue(self.first_words(server, False).startswith(b"220 "))

    def test_it_may_only_be_noted(self):
        server = self.server(greeting_delay="50s", early_talker="tag")
        with socket.create_connection(("127.0.0.1", server.ports["mx"]), timeout=60) as connection:
            lines = [b"EHLO [127.0.0.1]", b"MAIL FROM:<x@far.test>", f"RCPT TO:<{ALICE}>".encode(), b"DATA", b"Subject: a", b"", b"b", b".", b"QUIT"]
            connection.sendall(b"\r\n".join(lines) + b"\r\n")
            self.assertIn(b"221 ", connection.makefile("rb").read())
        [message] = server.wait_mail(ALICE)
        self.assertIn(b"X-Paquebot-Guard: early-talker; ", message)

    def test_a_stop_does_not_wait_for_greetings(self):
        server = self.server(greeting_delay="50s")
        with socket.create_connection(("127.0.0.1", server.ports["mx"]), timeout=60):
            self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    unittest.main()
