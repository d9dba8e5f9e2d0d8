"""Mail in: who may send what to whom, over real sockets, with Python's smtplib."""

import re
import smtplib
import unittest

from server import SECRET, Server, accepted_id, body_of, check, letter, transact, trusting, wait_until

ALICE, BOB = "alice@example.test", "bob@example.test"


class SmtpTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(accounts={ALICE: SECRET, BOB: SECRET, "full@example.test": SECRET, "gone@example.test": SECRET})
        cls.server.start()
        cls.addClassCleanup(cls.server.close)
        cls.server.must("alias", "add", "team@example.test", ALICE, BOB)
        cls.server.must("alias", "add", "alice.smith@example.test", "--account", ALICE)
        cls.server.must("alias", "add", "loop2@example.test", ALICE)
        cls.server.must("alias", "add", "loop1@example.test", "loop2@example.test")
        cls.server.must("alias", "add", "loop2@example.test", "loop1@example.test")
        cls.server.must("alias", "remove", "loop2@example.test", ALICE)

    def setUp(self):
        for login in (ALICE, BOB):
            self.empty(login)

    def empty(self, login):
        client = self.server.pop3(login)
        for number in range(1, client.stat()[0] + 1):
            client.dele(number)
        client.quit()

    def deliver(self, recipient, sender="x@y.test"):
        return self.server.send(sender, [recipient], letter(sender, recipient))

    def test_each_refusal_says_why_in_the_log(self):
        with self.server.smtp() as client:
            client.docmd("MAIL FROM:<x@y.test")
            client.docmd("NOOP \x01")
            client.mail("x@y.test")
            client.docmd("RCPT TO:bob@example.test")
            client.rcpt(BOB)
            client.docmd("DATA")
            client.sock.sendall(b"a\r\n\0\r\n.\r\n")
            self.assertEqual(client.getreply()[0], 550)
        with self.server.smtp("submission", ALICE) as client:
            client.docmd("MAIL FROM:alice@example.test SIZE=99999999999")
            client.docmd("MAIL FROM:alice@example.test")
            client.docmd("EHLO my pc")
            client.docmd("AUTH PLAIN secretsecret!")
            client.docmd("c2VjcmV0c2VjcmV0")
        expected = [r'command-refused .*command="MAIL FROM:<x@y.test" reply="501 5.1.7', r'command-refused .*command="NOOP \S+" reply="500 5.5.2',
                    r'command-refused .*command="RCPT TO:bob@example.test" reply="501 5.1.3', r'content-refused .*command=DATA reply="550 5.6.0 NUL',
                    r'command-refused .*account=alice@example.test .*SIZE=99999999999" reply="552 5.3.4',
                    r'tolerated .*command="MAIL FROM:alice@example.test" what="no angle brackets',
                    r'tolerated .*command="EHLO my pc" what="no host.s name; taken for my\?pc', r'command-refused .*command="AUTH PLAIN" reply="50']
        for line in expected:
            wait_until(lambda: re.search(line, self.server.log()), f"a line like {line} in\n{self.server.log()}", seconds=5)
        self.assertNotIn("secretsecret", self.server.log())
        self.assertNotIn("c2VjcmV0", self.server.log())

    def test_what_programs_leave_out_or_should_have(self):
        """Empty Date and Message-ID are filled, Bcc goes, and lines that are too long are folded."""
        message = (f"From: {ALICE}\r\nTo: {BOB}\r\nBcc: {BOB},\r\n secret@example.test\r\nDate:\r\nMessage-ID: \r\nSubject: x\r\n"
                   f"X-Long: {'word ' * 400}end\r\nReferences: {'<a@b.test>' * 200}\r\n\r\nbody\r\n")
        ident = self.server.send(ALICE, [BOB], message, login=ALICE)
        [mail] = [m for m in self.server.mail(BOB) if ident.encode() in m]
        head = mail.split(b"\r\n\r\n")[0]
        self.assertNotIn(b"secret", head)
        self.assertRegex(head, rb"(?m)^Date: \w+, ")
        self.assertRegex(head, rb"(?m)^Message-ID: <\S+>\r?$")
        self.assertEqual(len(re.findall(rb"(?mi)^(?:Date|Message-ID):", head)), 2)
        self.assertLessEqual(max(map(len, head.split(b"\r\n"))), 998)
        self.assertEqual(re.search(rb"X-Long:((?:.|\r\n\s)*)\r\n\S", head)[1].replace(b"\r\n", b"").count(b" word"), 400)

    # --- port 25 -------------------------------------------------------------------------------

    def test_delivers_and_tells_the_id(self):
        ident = self.deliver(ALICE)
        [message] = self.server.mail(ALICE)
        self.assertEqual(body_of(message), b"hello\r\n")
        self.assertTrue(message.startswith(b"Return-Path: <x@y.test>\r\nDelivered-To: alice@example.test\r\nReceived: "), message)
        self.assertIn(ident.encode(), message)
        trail = self.server.trace(ident)
        self.assertEqual([event["kind"] for event in trail["events"]][:2], ["accepted", "delivered"])
        self.assertEqual(trail["recipients"][0]["state"], "in mailbox")
        self.assertIn(f"event=accepted id={ident}", self.server.log())
        self.assertIn(ALICE, self.server.must("trace", "id=" + ident.lower()))
        self.assertIn(ident, self.server.must("trace", ALICE))

    def test_extensions_of_the_mx(self):
        with self.server.smtp() as client:
            for name in ("pipelining", "size", "8bitmime", "smtputf8", "enhancedstatuscodes", "dsn", "starttls"):
                self.assertTrue(client.has_extn(name), name)
            self.assertFalse(client.has_extn("auth"))
            check(client.docmd("VRFY", "alice"), 252)
            self.assertEqual(client.docmd("EXPN", "team")[0] // 100, 5)
            check(client.docmd("HELP"), 214)
            check(client.noop(), 250)
            check(client.rset(), 250)

    def test_starttls_on_the_mx(self):
        with self.server.smtp() as client:
            client.starttls(context=trusting())
            client.ehlo("client.test")
            self.assertFalse(client.has_extn("starttls"))
            transact(client, "x@y.test", [ALICE], letter())
        self.assertIn(b"with ESMTPS", self.server.mail(ALICE)[0])

    def test_unknown_recipients_are_refused_in_the_session(self):
        with self.server.smtp() as client:
            check(client.mail("x@y.test"), 250)
            check(client.rcpt("nobody@example.test"), 550, "5.1.1")
            check(client.rcpt(ALICE), 250)

    def test_never_relays(self):
        with self.server.smtp() as client:
            check(client.mail("x@y.test"), 250)
            for recipient in ("ann@elsewhere.test", "@example.test:ann@elsewhere.test", "ann%elsewhere.test@example.test",
                              "elsewhere.test!ann@example.test", '"ann@elsewhere.test"@example.test', "ann@[127.0.0.1]",
                              "ann@[192.0.2.1]", "@elsewhere.test:ann%elsewhere.test@example.test", "ann@elsewhere.test.",
                              "alice@example.test@elsewhere.test", "ann@sub.example.test", "alice@EXAMPLE.TEST.elsewhere.test",
                              '"ann%elsewhere.test"@example.test', "ann@[IPv6:::1]", "alice%elsewhere.test"):
                code, text = client.rcpt(recipient)
                self.assertIn(code // 100, (4, 5), f"{recipient}: {code} {text}")
            # As somebody of ours, and with our own name in HELO: still a stranger.
            client.rset()
            check(client.mail(ALICE), 250)
            self.assertEqual(client.rcpt("ann@elsewhere.test")[0], 550)

    def test_full_mailbox(self):
        self.server.must("account", "quota", "full@example.test", "2000")
        with self.server.smtp() as client:
            transact(client, "x@y.test", ["full@example.test"], letter(body="x" * 70 + "\r\n" + ("y" * 70 + "\r\n") * 18))
            check(client.mail("x@y.test"), 250)
            reply = client.rcpt("full@example.test")
            if reply[0] == 250:  # there is still room for a small one, but not for this
                reply = client.data(letter(body=("z" * 70 + "\r\n") * 30))
            check(reply, 452, "4.2.2")
        self.assertEqual(len(self.server.mail("full@example.test")), 1)

    def test_addresses_of_every_kind(self):
        for recipient in ("ALICE@Example.TEST", "alice+news@example.test", "Alice.Smith@example.test", "team@example.test"):
            with self.subTest(recipient):
                self.empty(ALICE)
                self.deliver(recipient)
                self.assertEqual(len(self.server.mail(ALICE)), 1)
        self.assertEqual(len(self.server.mail(BOB)), 1)

    def test_postmaster_and_abuse(self):
        self.server.must("domain", "owner", "example.test", ALICE)
        for recipient in ("postmaster@example.test", "Abuse@example.test", "postmaster"):
            with self.subTest(recipient):
                before = len(self.server.mail(ALICE))
                self.deliver(recipient)
                self.assertEqual(len(self.server.mail(ALICE)), before + 1)

    def test_catch_all(self):
        self.server.must("domain", "add", "all.test")
        self.addCleanup(self.server.must, "domain", "remove", "all.test")
        self.server.must("alias", "add", "*@all.test", "--account", BOB)
        self.addCleanup(self.server.must, "alias", "remove", "*@all.test")
        self.deliver("whoever@all.test")
        self.assertEqual(len(self.server.mail(BOB)), 1)

    def test_one_copy_for_whoever_is_named_twice(self):
        self.server.send("x@y.test", [ALICE, "alice+a@example.test", "team@example.test"], letter())
        self.assertEqual(len(self.server.mail(BOB)), 1)
        self.assertGreaterEqual(len(self.server.mail(ALICE)), 1)

    def test_forwarding_loops_are_refused(self):
        with self.server.smtp() as client:
            check(client.mail("x@y.test"), 250)
            check(client.rcpt("loop1@example.test"), 554, "5.4.6")
            check(client.rset(), 250)
            check(client.mail("x@y.test"), 250)
            check(client.rcpt(ALICE), 250)
            check(client.data(letter(more="Delivered-To: alice@example.test\r\n")), 554, "5.4.6")
            check(client.mail("x@y.test"), 250)
            check(client.rcpt(ALICE), 250)
            check(client.data(letter(more="Received: from a by b; Mon, 23 Nov 2026 12:00:00 +0000\r\n" * 101)), 554, "5.4.6")

    def test_bare_line_ends_are_refused(self):
        for text in ("a\nb", "a\rb", "a\n.\nb", "a\r\n.\nb", "a\n.\r\nb"):
            with self.subTest(text), self.server.smtp() as client:
                check(client.mail("x@y.test"), 250)
                check(client.rcpt(ALICE), 250)
                check(client.docmd("DATA"), 354)
                client.send(b"Subject: x\r\n\r\n" + text.encode() + b"\r\n.\r\n")
                self.assertEqual(client.getreply()[0] // 100, 5)
        self.assertEqual(self.server.mail(ALICE), [])

    def test_too_large(self):
        with self.server.smtp() as client:
            limit = int(client.esmtp_features["size"])
            check(client.mail("x@y.test", [f"SIZE={limit + 1}"]), 552, "5.3.4")
            check(client.mail("x@y.test", [f"SIZE={limit}"]), 250)

    # --- submission ----------------------------------------------------------------------------

    def test_submission_with_starttls_and_with_tls(self):
        for listener in ("submission", "submissions"):
            with self.subTest(listener), self.server.smtp(listener, ALICE) as client:
                ident = transact(client, ALICE, [BOB], letter(ALICE, BOB))
                self.assertIn(ident.encode(), self.server.mail(BOB)[-1])
        self.assertIn(b"with ESMTPSA", self.server.mail(BOB)[0])

    def test_submission_asks_for_tls_then_for_a_login(self):
        with self.server.smtp("submission") as client:
            self.assertFalse(client.has_extn("auth"))
            check(client.docmd("MAIL", f"FROM:<{ALICE}>"), 530, "5.7.0")
            self.assertEqual(client.docmd("AUTH", "PLAIN AGFsaWNlAHNlY3JldA==")[0] // 100, 5)
        with self.server.smtp("submissions") as client:
            self.assertEqual(client.esmtp_features["auth"].split(),
                             ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"])
            check(client.docmd("MAIL", f"FROM:<{ALICE}>"), 530, "5.7.0")

    def test_wrong_password(self):
        for login, password in ((ALICE, "wrong one"), ("nobody@example.test", SECRET)):
            with self.subTest(login), self.server.smtp("submissions") as client:
                with self.assertRaises(smtplib.SMTPAuthenticationError) as refused:
                    client.login(login, password)
                check((refused.exception.smtp_code, refused.exception.smtp_error), 535, "5.7.8")

    def test_only_own_addresses(self):
        with self.server.smtp("submissions", ALICE) as client:
            for sender in (BOB, "ann@elsewhere.test", "team@example.test"):
                check(client.mail(sender), 553, "5.7.1")
            for author in (BOB, f"{ALICE}, {BOB}", "ann@elsewhere.test"):
                check(client.mail(ALICE), 250)
                check(client.rcpt(BOB), 250)
                check(client.data(f"From: {author}\r\nSubject: x\r\n\r\nx\r\n"), 550, "5.7.1")
            for own in (ALICE, "alice.smith@example.test", "Alice+tag@Example.test"):
                check(client.mail(own), 250)
                check(client.rcpt(BOB), 250)
                check(client.data(f"From: Alice <{own}>\r\nSubject: x\r\n\r\nx\r\n"), 250)
        self.assertEqual(len(self.server.mail(BOB)), 3)

    def test_date_and_message_id_are_added(self):
        self.server.send(ALICE, [BOB], f"From: <{ALICE}>\r\nSubject: bare\r\n\r\nx\r\n", login=ALICE)
        head = self.server.mail(BOB)[0].split(b"\r\n\r\n")[0]
        self.assertRegex(head, rb"\r\nDate: \w\w\w, \d+ \w\w\w \d{4} [\d:]{8} \+0000(\r\n|$)")
        self.assertRegex(head, rb"\r\nMessage-ID: <[^ @>]+@mx\.example\.test>(\r\n|$)")
        self.deliver(ALICE)  # from outside: left as it is
        raw = self.server.send("x@y.test", [ALICE], "Subject: bare\r\n\r\nx\r\n")
        bare = [m for m in self.server.mail(ALICE) if raw.encode() in m][0]
        self.assertNotRegex(bare, rb"(?i)\r\nmessage-id:")

    def test_disabling_ends_live_sessions(self):
        with self.server.smtp("submissions", "gone@example.test") as client:
            reader = self.server.pop3("gone@example.test")
            self.server.must("account", "disable", "gone@example.test")
            def ended(ask):
                try:
                    return ask()[0] == 421
                except (OSError, smtplib.SMTPException, EOFError):
                    return True
            wait_until(lambda: ended(client.noop), "the SMTP session to end")
            def gone():
                try:
                    reader.noop()
                    return False
                except Exception:  # poplib's errors are many
                    return True
            wait_until(gone, "the POP3 session to end")
        with self.server.smtp("submissions") as client:
            with self.assertRaises(smtplib.SMTPAuthenticationError):
                client.login("gone@example.test", SECRET)
        self.deliver("gone@example.test")  # mail still comes in
        self.server.must("account", "enable", "gone@example.test")
        self.assertEqual(len(self.server.mail("gone@example.test")), 1)

    def test_several_messages_in_a_session(self):
        with self.server.smtp() as client:
            idents = {transact(client, "x@y.test", [ALICE], letter(subject=f"m{i}")) for i in range(5)}
        self.assertEqual(len(idents), 5)
        subjects = [re.search(rb"Subject: (\S+)", m)[1].decode() for m in self.server.mail(ALICE)]
        self.assertEqual(subjects, ["m0", "m1", "m2", "m3", "m4"])

    def test_reply_to_the_last_dot_of_a_pipelined_session(self):
        with self.server.smtp() as client:
            client.send(f"MAIL FROM:<x@y.test>\r\nRCPT TO:<nobody@example.test>\r\nRCPT TO:<{ALICE}>\r\nDATA\r\n")
            self.assertEqual([client.getreply()[0] for _ in range(4)], [250, 550, 250, 354])
            client.send("Subject: x\r\n\r\nx\r\n.\r\nQUIT\r\n")
            accepted_id(client.getreply()[1])
            check(client.getreply(), 221)


class NewDomainTest(unittest.TestCase):
    def test_mail_waits_for_the_accounts_of_a_new_domain(self):
        """Mail that was on its way to it is not returned before there was time to make its accounts; nor is mail of this machine."""
        with Server(accounts={ALICE: SECRET}, extra_server={"new_domain_grace": "1h"}) as server:
            ident = server.send(ALICE, ["ann@late.test"], letter(ALICE, "ann@late.test"), ALICE)
            words = server.must("domain", "add", "late.test")
            self.assertIn("put off", words)
            wait_until(lambda: "new" in str(server.trace(ident)["recipients"][0]), lambda: server.trace(ident), 30, 0.1)
            with server.smtp() as client:
                client.mail("x@y.test")
                check(client.rcpt("ann@late.test"), 450, "4.2.1")
            server.must("sendmail", "-f", ALICE, "ann@late.test", text="Subject: of this machine\n\nx\n")
            server.add_account("ann@late.test")
            self.assertEqual(len(server.wait_mail("ann@late.test", 2)), 2)
            self.assertEqual(server.mail(ALICE), [])


if __name__ == "__main__":
    unittest.main()
