"""Forwarded mail leaves under a return address of ours, and its bounce finds the way back."""

import re
import unittest

from dns import Dns
from peer import Peer
from server import SECRET, Server, check, free_port_everywhere, letter, transact, wait_until

ALICE = "alice@example.test"
REWRITTEN = r"<(SRS0=\w{6}=\w{8}=sender\.test=ann@example\.test)>"


def report(to, words="Undelivered"):
    parts = ("Content-Type: text/plain\r\n\r\n" + words,
             "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.next.test\r\n\r\n"
             "Final-Recipient: rfc822; bob@next.test\r\nAction: failed\r\nStatus: 5.1.1")
    return letter(sender="mailer-daemon@next.test", to=to, subject=words,
                  body="".join(f"--x\r\n{part}\r\n\r\n" for part in parts) + "--x--\r\n",
                  more="MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=x\r\n")


class ForwardTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.port = free_port_everywhere()
        cls.dns = cls.enterClassContext(Dns())
        cls.server = Server(accounts={ALICE: SECRET}, dns=cls.dns, delivery={"port": cls.port})
        cls.addClassCleanup(cls.server.close)
        cls.server.start()
        cls.server.must("alias", "add", "fwd@example.test", "bob@next.test")
        cls.sender, cls.next = cls.host(2, "sender.test"), cls.host(3, "next.test")

    @classmethod
    def host(cls, number, domain):
        cls.dns.add(f"{domain} MX 10 mx.{domain}", f"mx.{domain} A 127.0.0.{number}")
        return cls.enterClassContext(Peer(address=f"127.0.0.{number}", port=cls.port, name=f"mx.{domain}"))

    def forwarded(self, sender):
        before = len(self.next.messages)
        self.server.send(sender, ["fwd@example.test"], letter(sender=sender, to="fwd@example.test"))
        wait_until(lambda: len(self.next.messages) > before, "the forwarded message")
        return self.next.messages[-1].sender

    def returned(self, address, data, sender=""):
        """What the first sender gets of it."""
        before = len(self.sender.messages)
        self.server.send(sender, [address], data)
        wait_until(lambda: len(self.sender.messages) > before, "what comes back")
        message = self.sender.messages[-1]
        self.assertTrue(message.sender.startswith("<>"), message.sender)
        self.assertEqual(message.recipients[0].split()[0].lower(), "<ann@sender.test>")
        return message.data

    def test_a_bounce_goes_back_to_the_sender(self):
        address = re.match(REWRITTEN, self.forwarded("ann@sender.test"))[1]
        for form in (address, address.upper()):  # some servers on the way change the case
            self.assertIn(b"Undelivered", self.returned(form, report(form)))

    def test_what_is_no_report_is_reduced_to_a_notice(self):
        address = re.match(REWRITTEN, self.forwarded("ann@sender.test"))[1]
        big = letter(subject="Buy now", body="cheap pills\r\n" * 40_000)
        for data in (letter(subject="Buy now", body="cheap pills\r\n"), big):
            notice = self.returned(address, data)
            self.assertNotIn(b"Buy now", notice)
            self.assertNotIn(b"pills", notice)
            self.assertIn(b"to <fwd@example.test>", notice)
            self.assertIn(b"Subject: Your message may not have arrived", notice)
            self.assertIn(b"\r\nAuto-Submitted: auto-replied\r\n", notice)
            self.assertIn(b"127.0.0.1", notice)

    def test_a_field_more_makes_no_report(self):
        """Where nobody vouched for the message, somebody may have named the sender in order to write to him."""
        address = re.match(REWRITTEN, self.forwarded("ann@sender.test"))[1]
        html = "--x\r\nContent-Type: text/html\r\n\r\n<b>cheap pills</b>\r\n--x--\r\n"
        for more in ("Auto-Submitted: auto-generated\r\n", "Content-Type: multipart/report; boundary=x\r\n"):
            notice = self.returned(address, letter(sender="boss@big.test", subject="Buy now", body=html, more=more))
            for word in (b"Buy now", b"pills", b"big.test"):
                self.assertNotIn(word, notice)
            self.assertIn(b"an automatic answer", notice)

    def test_a_large_report(self):
        address = re.match(REWRITTEN, self.forwarded("ann@sender.test"))[1]
        large = report(address, "Undelivered").removesuffix("--x--\r\n")
        large += "--x\r\nContent-Type: message/rfc822\r\n\r\n" + "what it was about\r\n" * 40_000 + "--x--\r\n"
        self.assertIn(b"what it was about", self.returned(address, large))

    def test_one_sender_gets_only_so_much_an_hour(self):
        before, replies = len(self.sender.messages), []
        for i in range(24):
            if i % 4 == 0:
                address = re.search(r"<(SRS0=[^>]*)>", self.forwarded("eve@sender.test"))[1]
            with self.server.smtp() as client:
                check(client.mail(""), 250)
                check(client.rcpt(address), 250)
                replies.append(client.data(letter(subject="Buy now") if i % 2 else report(address)))
        self.assertEqual([code for code, _ in replies], [250] * 20 + [450] * 4)
        check(replies[-1], 450, "4.7.1", "too much came back")
        wait_until(lambda: len([m for m in self.sender.messages[before:] if "<eve@" in m.recipients[0]]) == 20, "all that was taken")

    def test_a_few_reports_and_no_more(self):
        address = re.match(REWRITTEN, self.forwarded("ann@sender.test"))[1]
        for _ in range(4):
            self.returned(address, report(address))
        with self.server.smtp() as client:
            check(client.mail(""), 250)
            check(client.rcpt(address), 550, "5.7.1", "have come already")

    def test_each_message_has_its_own(self):
        self.assertNotEqual(self.forwarded("ann@sender.test"), self.forwarded("ann@sender.test"))

    def test_it_comes_alone(self):
        one, two = (re.match(REWRITTEN, self.forwarded("ann@sender.test"))[1] for _ in range(2))
        with self.server.smtp() as client:
            check(client.mail(""), 250)
            check(client.rcpt(one), 250)
            check(client.rcpt(two), 452, "4.5.3")
            check(client.rcpt(ALICE), 452, "4.5.3")
            check(client.rset(), 250)
            check(client.mail(""), 250)
            check(client.rcpt(ALICE), 250)
            check(client.rcpt(one), 452, "4.5.3")

    def test_our_own_report_goes_to_the_sender_itself(self):
        self.server.must("alias", "add", "dead@example.test", "nobody@gone.test")
        self.dns.add("gone.test MX 0 .")
        before = len(self.sender.messages)
        self.server.send("ann@sender.test", ["dead@example.test"], letter(to="dead@example.test"))
        wait_until(lambda: len(self.sender.messages) > before, "the report")
        self.assertEqual(self.sender.messages[-1].recipients[0].split()[0], "<ann@sender.test>")

    def test_only_reports_to_what_we_made(self):
        address = re.match(REWRITTEN, self.forwarded("ann@sender.test"))[1]
        forged = address.replace("sender.test=ann", "victim.test=ann")
        with self.server.smtp() as client:
            check(client.mail("x@y.test"), 250)
            check(client.rcpt(address), 550, "5.7.1", "only delivery reports")
            check(client.rset(), 250)
            check(client.mail(""), 250)
            check(client.rcpt(forged), 550, "5.1.1")
            check(client.rcpt(address), 250)

    def test_whose_address_stays(self):
        self.assertTrue(self.forwarded("").startswith("<>"))
        self.assertTrue(self.forwarded(ALICE).startswith(f"<{ALICE}>"))
        self.assertRegex(self.forwarded("SRS0=abcd=ef=far.test=ann@sender.test"),
                         r"<SRS0=\w{6}=\w{8}(=sender\.test=SRS0=abcd=ef=far\.test=ann)?@example\.test>")
        before = len(self.next.messages)
        with self.server.smtp("submission", ALICE) as client:
            transact(client, ALICE, ["fwd@example.test"], letter(sender=ALICE, to="fwd@example.test"))
        wait_until(lambda: len(self.next.messages) > before, "the submitted message")
        self.assertTrue(self.next.messages[-1].sender.startswith(f"<{ALICE}>"))


class AliasDomainTest(unittest.TestCase):
    def test_every_address_of_the_one_in_the_other(self):
        with Server(accounts={ALICE: SECRET}) as server:
            self.assertIn("with the addresses of example.test", server.must("domain", "add", "alias.test", "--alias-of", "example.test"))
            server.must("alias", "add", "team@example.test", ALICE)
            for address in ("alice@alias.test", "Team@Alias.Test", "alice+tag@alias.test", "postmaster@alias.test"):
                server.send("x@y.test", [address], letter(to=address))
            self.assertEqual(len(server.wait_mail(ALICE, 4)), 4)
            with server.smtp() as client:
                check(client.mail("x@y.test"), 250)
                check(client.rcpt("nobody@alias.test"), 550, "5.1.1")
            server.send("alice@alias.test", [ALICE], letter(sender="alice@alias.test"), login=ALICE)  # she may send as that
            listed = {one["name"]: one.get("alias_of") for one in server.json("domain", "list")["domains"]}
            self.assertEqual(listed, {"example.test": None, "alias.test": "example.test"})
            selectors = {key["domain"]: key["selector"] for key in server.json("dkim", "list")["keys"]}
            self.assertIn(f"{selectors['alias.test']}._domainkey.alias.test", server.must("domain", "dns", "alias.test"))
            for words, said in ((("account", "add", "bob@alias.test"), "is an alias of example.test"),
                                (("alias", "add", "bob@alias.test", ALICE), "is an alias of example.test"),
                                (("domain", "owner", "alias.test", ALICE), "is an alias of example.test"),
                                (("domain", "add", "third.test", "--alias-of", "alias.test"), "itself an alias")):
                done = server.cli(*words, password=SECRET)
                self.assertNotEqual(done.returncode, 0, words)
                self.assertIn(said, done.stderr)
            self.assertEqual(server.findings(), [])
            server.must("domain", "remove", "alias.test")


class SpfTest(unittest.TestCase):
    def test_none_is_minted_where_spf_failed(self):
        port = free_port_everywhere()
        with Dns("next.test MX 10 mx.next.test", "mx.next.test A 127.0.0.3", 'hard.test TXT "v=spf1 -all"',
                 'soft.test TXT "v=spf1 ~all"', 'yes.test TXT "v=spf1 ip4:127.0.0.0/8 -all"') as dns, \
                Peer(address="127.0.0.3", port=port, name="mx.next.test") as peer, \
                Server(accounts={ALICE: SECRET}, dns=dns, delivery={"port": port},
                       extra={"authentication": {"skip_networks": []}}) as server:
            server.must("alias", "add", "fwd@example.test", "bob@next.test")
            for name, wanted in (("hard", "<ann@hard.test>"), ("soft", "<ann@soft.test>"), ("yes", "<SRS0="),
                                 ("unknown", "<SRS0=")):
                before = len(peer.messages)
                server.send(f"ann@{name}.test", ["fwd@example.test"], letter(to="fwd@example.test"))
                wait_until(lambda: len(peer.messages) > before, "the forwarded message")
                self.assertTrue(peer.messages[-1].sender.startswith(wanted), peer.messages[-1].sender)

    def test_whose_domain_vouched_for_him_gets_automatic_answers(self):
        port = free_port_everywhere()
        with Dns("next.test MX 10 mx.next.test", "mx.next.test A 127.0.0.3", "yes.test MX 10 mx.yes.test",
                 "mx.yes.test A 127.0.0.2", 'yes.test TXT "v=spf1 ip4:127.0.0.0/8 -all"') as dns, \
                Peer(address="127.0.0.3", port=port, name="mx.next.test") as peer, \
                Peer(address="127.0.0.2", port=port, name="mx.yes.test") as sender, \
                Server(accounts={ALICE: SECRET}, dns=dns, delivery={"port": port},
                       extra={"authentication": {"skip_networks": []}}) as server:
            server.must("alias", "add", "fwd@example.test", "bob@next.test")
            server.send("ann@yes.test", ["fwd@example.test"], letter(to="fwd@example.test"))
            wait_until(lambda: peer.messages, "the forwarded message")
            address = re.search(r"<(SRS0=[^>]*)>", peer.messages[0].sender)[1]
            server.send("", [address], letter(sender="bob@next.test", subject="On holiday",
                                              more="Auto-Submitted: auto-replied\r\n"))
            wait_until(lambda: sender.messages, "the automatic answer")
            self.assertIn(b"On holiday", sender.messages[0].data)


class UnchangedTest(unittest.TestCase):
    def test_it_can_be_switched_off(self):
        port = free_port_everywhere()
        with Dns("next.test MX 10 mx.next.test", "mx.next.test A 127.0.0.3") as dns, \
                Peer(address="127.0.0.3", port=port, name="mx.next.test") as peer, \
                Server(accounts={ALICE: SECRET}, dns=dns, delivery={"port": port},
                       extra={"forwarding": {"rewrite_sender": False}}) as server:
            server.must("alias", "add", "fwd@example.test", "bob@next.test")
            server.send("ann@sender.test", ["fwd@example.test"], letter(to="fwd@example.test"))
            wait_until(lambda: peer.messages, "the forwarded message")
            self.assertTrue(peer.messages[0].sender.startswith("<ann@sender.test>"))


class HiddenTest(unittest.TestCase):
    def test_outsiders_see_the_address_that_they_wrote_to(self):
        port = free_port_everywhere()
        with Dns("next.test MX 10 mx.next.test", "mx.next.test A 127.0.0.3", "sender.test MX 10 mx.sender.test",
                 "mx.sender.test A 127.0.0.2") as dns, \
                Peer(address="127.0.0.3", port=port, name="mx.next.test") as peer, \
                Peer(address="127.0.0.2", port=port, name="mx.sender.test") as sender, \
                Server(accounts={ALICE: SECRET}, dns=dns, delivery={"port": port},
                       extra={"forwarding": {"hide_inner": True}}) as server:
            server.must("alias", "add", "fwd@example.test", "bob@next.test")
            server.send("ann@sender.test", ["fwd@example.test"], letter(to="fwd@example.test"))
            wait_until(lambda: peer.messages, "the forwarded message")
            address = re.match(REWRITTEN, peer.messages[0].sender)[1]
            server.send("", [address], report(address, "bob@next.test is gone"))
            wait_until(lambda: sender.messages, "the notice")
            peer.replies["RCPT"] = "550 5.1.1 <bob@next.test>: nobody here"
            server.send("ann@sender.test", ["fwd@example.test"], letter(to="fwd@example.test"))
            wait_until(lambda: len(sender.messages) > 1, "the report")
            notice, told = sender.messages[0].data, sender.messages[1].data
            for data in (notice, told):
                for hidden in (b"bob", b"next.test", b"127.0.0.3"):
                    self.assertNotIn(hidden, data)
            self.assertIn(b"to <fwd@example.test>", notice)
            self.assertIn(b"\r\nFinal-Recipient: rfc822; fwd@example.test\r\nAction: failed\r\nStatus: 5.2.0\r\n", told)
            server.send(ALICE, ["fwd@example.test"], letter(sender=ALICE, to="fwd@example.test"), login=ALICE)
            self.assertIn(b"Final-Recipient: rfc822; bob@next.test", server.wait_mail(ALICE, 1)[0])


if __name__ == "__main__":
    unittest.main()
