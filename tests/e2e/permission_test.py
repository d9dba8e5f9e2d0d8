"""Who may write to an alias, and which networks may send to others without a login."""

import smtplib
import unittest

from dns import Dns
from peer import Peer
from server import SECRET, Server, check, free_port_everywhere, letter, wait_until

ALICE, BOB = "alice@example.test", "bob@example.test"
STAFF = "staff@example.test"


class AliasSendersTest(unittest.TestCase):
    def test_an_alias_for_some_senders(self):
        with Server(accounts={ALICE: SECRET, BOB: SECRET}) as server:
            server.must("alias", "add", STAFF, BOB, "--senders", "members")
            [alias] = server.json("alias", "list")["aliases"]
            self.assertEqual(alias["senders"], ["members"])
            self.assertIn("members", server.must("alias", "list"))

            def asked(sender, login=None):
                with server.smtp("submission" if login else "mx", login) as client:
                    client.mail(sender)
                    return client.rcpt(STAFF)

            refused = (550, f"5.7.1 <{STAFF}> accepts mail only from its members, logged in".encode())
            self.assertEqual(asked(BOB, BOB)[0], 250)
            self.assertEqual(asked(ALICE, ALICE), refused)
            self.assertEqual(asked(BOB), refused, "a stranger says what he likes")
            # Changed while the server runs.
            server.must("alias", "senders", STAFF, "domain", "boss@example.net")
            self.assertEqual(asked(ALICE, ALICE)[0], 250)
            self.assertEqual(asked("boss@example.net"), (550, f"5.7.1 <{STAFF}> accepts mail only from senders in example.test and "
                                                              "certain senders, logged in".encode()))
            server.send(ALICE, [STAFF], letter(ALICE, STAFF), login=ALICE)
            self.assertEqual(len(server.mail(BOB)), 1)
            server.must("alias", "senders", STAFF, "anyone")
            self.assertEqual(asked("x@y.test")[0], 250)
            self.assertNotEqual(server.cli("alias", "senders", STAFF, "anyone", "members").returncode, 0)


class RelayNetworksTest(unittest.TestCase):
    def test_only_from_these_networks_and_only_as_one_of_ours(self):
        port = free_port_everywhere()
        dns = self.enterContext(Dns("far.test MX 10 mx.far.test", "mx.far.test A 127.0.0.41"))
        peer = self.enterContext(Peer(address="127.0.0.41", port=port, name="mx.far.test"))
        server = self.enterContext(Server(accounts={ALICE: SECRET}, dns=dns, delivery={"port": port},
                                          extra={"relay": {"networks": ["127.0.7.0/24"], "senders": ["partner.test"]}}))

        def client(host):
            one = smtplib.SMTP("127.0.0.1", server.ports["mx"], "printer.test", timeout=60, source_address=(host, 0))
            one.ehlo()
            return self.enterContext(one)

        printer, stranger = client("127.0.7.9"), client("127.0.8.9")
        for sender, expected in ((ALICE, (250, "")), ("a@partner.test", (250, "")), ("x@far.test", (550, "5.7.1", "from this network")),
                                 ("", (550, "5.7.1", "<> may not send"))):
            with self.subTest(sender):
                check(printer.mail(sender), 250)
                check(printer.rcpt("x@far.test"), *expected)
                check(printer.rset(), 250)
        check(stranger.mail(ALICE), 250)
        check(stranger.rcpt("x@far.test"), 550, "we do not relay")
        # It goes out, completed as mail of our own programs.
        printer.sendmail("scanner@example.test", ["x@far.test"], "From: scanner@example.test\r\nSubject: scan\r\n\r\npage\r\n")
        wait_until(lambda: peer.messages, "the message at the peer")
        self.assertIn(b"\r\nMessage-ID: <", peer.messages[0].data)
        # Mail in is mail in.
        printer.sendmail("x@far.test", [ALICE], letter("x@far.test", ALICE))
        self.assertEqual(len(server.mail(ALICE)), 1)

    def test_limits_of_a_network(self):
        server = self.enterContext(Server(accounts={ALICE: SECRET}, extra={
            "relay": {"networks": ["127.0.0.1/32"], "messages_per_hour": 2, "recipients_per_hour": 4}}))

        def asked(*recipients):
            with server.smtp() as client:
                client.mail(ALICE)
                return [client.rcpt(one) for one in recipients]

        self.assertEqual([250, 250], [code for code, _ in asked("a@far.test", "b@far.test")])
        self.assertEqual([250, 250], [code for code, _ in asked(ALICE, "c@far.test")])
        (code, words), (here, _) = asked("d@far.test", ALICE)
        self.assertEqual(452, code)
        self.assertIn(b"4.7.1 the limit of 127.0.0.1 is 2 messages an hour, 2 used: try again after 20", words)
        self.assertEqual(250, here, "mail in is mail in")

    def test_the_whole_world_is_refused(self):
        server = Server(extra={"relay": {"networks": ["0.0.0.0/0"]}})
        self.addCleanup(server.close)
        server.write_config()
        wrong = server.cli("check")
        self.assertNotEqual(wrong.returncode, 0)
        self.assertIn("open relay", wrong.stderr + wrong.stdout)


if __name__ == "__main__":
    unittest.main()
