"""How much an account may send: what is refused, with which words, who is told, and what `account show` says of it."""

import smtplib
import unittest

from server import SECRET, Server, letter

ALICE, BOB = "alice@example.test", "bob@example.test"


class LimitsTest(unittest.TestCase):
    def server(self, **limits):
        # One table, so that nothing but this bound can be met.
        keys = ("messages_per_hour", "messages_per_day", "recipients_per_message", "recipients_per_day", "new_recipients_per_day",
                "bytes_per_day")
        return Server(accounts={ALICE: SECRET, BOB: SECRET}, account_limits=dict.fromkeys(keys, 0) | limits)

    def used(self, server, name, login=ALICE):
        [limit] = [one for one in server.json("account", "show", login)["limits"] if one["name"] == name]
        return limit

    def refusal(self, server, recipients, text="hello"):
        with server.smtp("submission", ALICE) as client, self.assertRaises((smtplib.SMTPResponseException,
                                                                            smtplib.SMTPRecipientsRefused)) as caught:
            client.sendmail(ALICE, recipients, letter(ALICE, BOB, "s", text))
        error = caught.exception
        code, words = (error.smtp_code, error.smtp_error) if hasattr(error, "smtp_code") else list(error.recipients.values())[-1]
        return code, words.decode()

    def test_at_the_limit_the_reply_says_which_how_much_and_until_when(self):
        with self.server(messages_per_hour=5) as server:
            for _ in range(5):
                server.send(ALICE, [BOB], letter(ALICE, BOB, "s", "hello"), login=ALICE)
            code, words = self.refusal(server, [BOB])
            self.assertEqual(code, 452)
            self.assertRegex(words, r"^4\.7\.1 the limit of alice@example\.test is 5 messages an hour, 5 used: try again after 20\d\d-\d\d-\d\d \d\d:00 UTC$")
            self.assertEqual(self.used(server, "messages_per_hour") | {"until": 0},
                             {"name": "messages_per_hour", "used": 5, "most": 5, "own": False, "until": 0})
            self.assertEqual(len(server.mail(BOB)), 5, "what was accepted is untouched")
            [notice] = server.mail(ALICE)
            self.assertIn(b"limit 5 messages an hour: 4 used", notice)
            # Others are not touched, and mail still comes in.
            server.send(BOB, [ALICE], letter(BOB, ALICE, "s", "hello"), login=BOB)
            # The counters survive.
            server.restart(kill=True)
            self.assertEqual(self.refusal(server, [BOB])[0], 452)
            # One command lets it go on.
            server.must("account", "limit", ALICE, "messages_per_hour=6")
            server.send(ALICE, [BOB], letter(ALICE, BOB, "s", "hello"), login=ALICE)
            self.assertTrue(self.used(server, "messages_per_hour")["own"])
            server.must("account", "limit", ALICE, "messages_per_hour=default")
            self.assertEqual(self.refusal(server, [BOB])[0], 452)

    def test_recipients(self):
        with self.server(recipients_per_message=2, new_recipients_per_day=3) as server:
            with server.smtp("submission", ALICE) as client:
                client.mail(ALICE)
                self.assertEqual([client.rcpt(one)[0] for one in (BOB, ALICE)], [250, 250])
                self.assertEqual(client.rcpt("a@example.test"),
                                 (550, b"5.7.1 the limit of alice@example.test is 2 recipients a message"))
                self.assertEqual(client.data(letter(ALICE, BOB, "s", "hello"))[0], 250, "those before it get the message")

    def test_first_time_recipients(self):
        with self.server(new_recipients_per_day=1) as server:
            for _ in range(2):
                server.send(ALICE, [BOB], letter(ALICE, BOB, "s", "hello"), login=ALICE)
            code, words = self.refusal(server, [ALICE])
            self.assertEqual(code, 452)
            self.assertIn("1 first-time recipients a day", words)

    def test_octets(self):
        with self.server(bytes_per_day=20_000) as server:
            server.send(ALICE, [BOB], letter(ALICE, BOB, "s", "x" * 60 + "\r\n"), login=ALICE)
            self.assertEqual(self.refusal(server, [BOB], ("x" * 60 + "\r\n") * 400)[0], 550)

    def test_words_of_the_command_line(self):
        with self.server(messages_per_hour=5) as server:
            self.assertIn("messages per hour", server.must("account", "show", ALICE))
            wrong = server.cli("account", "limit", ALICE, "messages=5")
            self.assertNotEqual(wrong.returncode, 0)
            self.assertIn("messages_per_hour=", wrong.stderr)
            server.stop()
            self.assertIn("5", server.must("account", "limit", ALICE), "also while the server is down")


if __name__ == "__main__":
    unittest.main()
