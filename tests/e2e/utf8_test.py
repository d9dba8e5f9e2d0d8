"""Internationalised mail (RFC 6531, 6532, 6533) from end to end: UTF-8 addresses and domains into mailboxes, through aliases, and back as reports."""

import base64
import unittest

from relay_test import ALICE, RelayCase, report_of
from server import SECRET, accepted_id, check, letter, trusting, wait_until

JURGEN = "jürgen@bücher.test"
ALABEL = "jürgen@xn--bcher-kva.test"
UTF8 = "SMTPUTF8 BODY=8BITMIME"


def transact_utf8(client, sender, recipients, message, rcpt_options=""):
    client.command_encoding = "utf-8"
    check(client.docmd("MAIL", f"FROM:<{sender}> {UTF8}"), 250)
    for recipient in recipients:
        check(client.docmd("RCPT", f"TO:<{recipient}> {rcpt_options}".strip()), 250)
    code, text = client.data(message)
    check((code, text), 250)
    return accepted_id(text)


class Utf8Test(RelayCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.must("domain", "add", "bücher.test")
        cls.server.add_account(JURGEN)

    def test_into_a_mailbox(self):
        """The domain is the same in both forms; trace fields carry the address as it is."""
        before = len(self.server.mail(JURGEN))
        for recipient in (JURGEN, ALABEL, "Jürgen@BÜCHER.test"):
            with self.server.smtp() as client:
                transact_utf8(client, "müller@y.test", [recipient], letter("müller@y.test", recipient, subject="Grüße", body="schöne Grüße\r\n").encode())
        got = self.server.mail(JURGEN)[before:]
        self.assertEqual(len(got), 3)
        for message in got:
            text = message.decode()
            self.assertTrue(text.startswith("Return-Path: <müller@y.test>\r\nDelivered-To: "), text)
            self.assertRegex(text, r"Delivered-To: [Jj]ürgen@xn--bcher-kva\.test\r\n")
            self.assertIn("with UTF8SMTP", text)
            self.assertRegex(text, r"for <[Jj]ürgen@xn--bcher-kva\.test>")
            self.assertIn("Subject: Grüße\r\n", text)
            self.assertTrue(text.endswith("\r\n\r\nschöne Grüße\r\n"), text)

    def test_names_are_the_same_however_they_are_typed(self):
        """Composed or not, in capitals or not: mail, logins over SMTP and POP3, SCRAM too."""
        spellings = ("ju\u0308rgen@bücher.test", "JÜRGEN@bücher.test", "JU\u0308RGEN@xn--bcher-kva.test")
        before = len(self.server.mail(JURGEN))
        for name in spellings:
            with self.server.smtp() as client:
                transact_utf8(client, "müller@y.test", [name], letter("müller@y.test", name).encode())
            with self.server.smtp("submission") as client:
                client.starttls(context=trusting())
                client.ehlo()
                check(client.docmd("AUTH", "PLAIN " + base64.b64encode(f"\0{name}\0{SECRET}".encode()).decode()), 235)
            said = self.server.cli("fetch", "list", "--server", f"127.0.0.1:{self.server.ports['pop3s']}", "--insecure", "--tls", "implicit", "--user", name,
                                   password=SECRET)
            self.assertEqual(said.returncode, 0, said.stderr)
            self.assertIn("mechanism=SCRAM-SHA-256", self.server.log())
            self.assertNotEqual(self.server.cli("account", "add", name, password=SECRET).returncode, 0, "there is one already")
        self.assertEqual(len(self.server.mail(JURGEN)), before + 3)

    def test_listed_sizes_are_those_that_are_sent(self):
        """Surrogates are for what came as SMTPUTF8; all else is given as it is."""
        latin = letter("x@y.test", ALICE).encode().replace(b"Subject: hi", b"Subject: gr\xfc\xdfe\r\nContent-Disposition: inline; filename=\"h\xc3\xa9\"")
        with self.server.smtp() as client:
            transact_utf8(client, "müller@y.test", [ALICE], letter("müller@y.test", ALICE, subject="Grüße", body="schön\r\n").encode())
        with self.server.smtp() as client:
            check(client.docmd("MAIL", "FROM:<x@y.test> BODY=8BITMIME"), 250)
            check(client.docmd("RCPT", f"TO:<{ALICE}>"), 250)
            check(client.data(latin), 250)
        for utf8 in (True, False):
            client = self.server.pop3(ALICE, utf8=utf8)
            count = client.stat()[0]
            for number in (count - 1, count):
                lines = client.retr(number)[1]
                self.assertEqual(int(client.list(number).split()[2]), sum(len(line) + 2 for line in lines), f"{number} {utf8}")
                self.assertIn(b"%d %d" % (number, sum(len(line) + 2 for line in lines)), client.list()[1])
                head = b"\r\n".join(lines).split(b"\r\n\r\n")[0]
                if number == count:
                    self.assertIn(b"Subject: gr\xfc\xdfe", head)
                    self.assertIn(b"h\xc3\xa9", head)
                else:
                    self.assertEqual(head.isascii(), not utf8)
            client.quit()

    def test_not_without_the_word(self):
        with self.server.smtp() as client:
            client.command_encoding = "utf-8"
            check(client.docmd("MAIL", "FROM:<x@y.test>"), 250)
            check(client.docmd("RCPT", f"TO:<{JURGEN}>"), 553, "5.6.7")
            check(client.docmd("VRFY", f"{JURGEN} SMTPUTF8"), 252)

    def test_submission(self):
        """A user with such an address logs in, sends as such, and is told of what failed in the same form."""
        with self.server.smtp("submission") as client:
            client.starttls(context=trusting())
            client.ehlo()
            token = base64.b64encode(f"\0{JURGEN}\0{SECRET}".encode()).decode()
            check(client.docmd("AUTH", "PLAIN " + token), 235)
            peer = self.host(201)
            ident = transact_utf8(client, JURGEN, ["ann@h201.test"], letter(JURGEN, "ann@h201.test").encode())
            self.wait_messages(peer, 1)
            self.assertIn("<jürgen@xn--bcher-kva.test>", peer.messages[0].sender)
            self.assertIn("SMTPUTF8", peer.messages[0].sender)
            self.wait_state(ident, "relayed")
            self.host(202, replies={"RCPT": "550 5.1.1 who?"})
            ident = transact_utf8(client, JURGEN, ["jörg@h202.test"], letter(JURGEN, "jörg@h202.test", subject="Grüße").encode(),
                                  "ORCPT=utf-8;j\\x{F6}rg@h202.test NOTIFY=FAILURE")
        self.wait_state(ident, "failed")
        report = wait_until(lambda: next((m for m in self.server.mail(JURGEN) if b"multipart/report" in m and ident.encode() in m), None),
                            "the report", 30, 0.2)
        whole, _, [recipient] = report_of(report)
        parts = [part.get_content_type() for part in whole.iter_parts()]
        self.assertEqual(parts, ["text/plain", "message/global-delivery-status", "message/global"])
        self.assertIn("Final-Recipient: utf-8; jörg@h202.test\r\n".encode(), report)
        self.assertIn("Original-Recipient: utf-8;jörg@h202.test\r\n".encode(), report)
        self.assertIn("To: <jürgen@xn--bcher-kva.test>\r\n".encode(), report)

    def test_alias(self):
        """What an alias of that kind leads to is told the name that was used, in the type that can carry it (RFC 6533 section 3)."""
        self.server.must("alias", "add", "größe@bücher.test", "ann@h203.test")
        peer = self.host(203)
        with self.server.smtp() as client:
            transact_utf8(client, "x@y.test", ["größe@bücher.test"], letter("x@y.test", "größe@bücher.test").encode())
        self.wait_messages(peer, 1)
        self.assertIn("ORCPT=utf-8;gr\\x{F6}\\x{DF}e@xn--bcher-kva.test", peer.messages[0].recipients[0])

    def test_only_heads_of_parts_need_it(self):
        """RFC 6531 section 3.6: a name of an attachment is a header, too."""
        message = ("From: x@y.test\r\nTo: ann@{0}\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary*0=b\r\n\r\n"
                   "--b\r\nContent-Type: text/plain; charset=utf-8{1}\r\nContent-Transfer-Encoding: 8bit\r\n\r\nschön\r\n--b--\r\n")
        plain = ("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES")
        named = '; name="hé.txt"'
        for number, extensions, name, declared in ((204, None, named, True), (205, plain, named, None), (206, plain, "", False)):
            self.server.must("alias", "add", f"to{number}@example.test", f"ann@h{number}.test")
            peer = self.host(number, **({"extensions": extensions} if extensions else {}))
            with self.server.smtp() as client:
                ident = transact_utf8(client, "x@y.test", [f"to{number}@example.test"], message.format(f"h{number}.test", name).encode())
            if declared is None:
                wait_until(lambda: "failed" in self.states(ident).values(), "it to fail", 30, 0.1)
                self.assertIn("SMTPUTF8", str(self.server.json("trace", ident)))
                continue
            self.wait_messages(peer, 1)
            self.assertEqual("SMTPUTF8" in peer.messages[0].sender, declared)


if __name__ == "__main__":
    unittest.main()
