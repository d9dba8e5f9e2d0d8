"""Mail out: through MX records of the tests' name server to peers that behave, misbehave, or are away."""

import email
import email.policy
import pathlib
import re
import tempfile
import unittest

from dns import Dns
from peer import CLOSE, ENDLESS, HANG, Peer
from postfix import Sink
from server import PEERS, SECRET, Server, body_of, free_port_everywhere, letter, transact, wait_until

ALICE = "alice@example.test"


def parsed(message):
    return email.message_from_bytes(message, policy=email.policy.default)


def report_of(message):
    """A delivery report as {field: value} of the message, and one dictionary for each recipient."""
    whole = parsed(message)
    assert whole.get_content_type() == "multipart/report", message
    assert whole.get_param("report-type") == "delivery-status", message
    human, status, *_ = whole.iter_parts()
    assert human.get_content_type() == "text/plain", message
    if status.get_content_type() == "message/delivery-status":
        groups = [dict(part.items()) for part in status.get_payload() if len(part)]
    else:  # RFC 6533: to Python a message like any other, whose body the recipients are
        assert status.get_content_type() == "message/global-delivery-status", message
        [first] = status.get_payload()
        rest = first.get_payload().replace("\r\n", "\n").strip().split("\n\n")
        groups = [dict(first.items())] + [dict(email.message_from_string(text, policy=email.policy.default).items()) for text in rest]
    return whole, groups[0], groups[1:]


class RelayCase(unittest.TestCase):
    """A server whose MX hosts all listen on one port of different loopback addresses."""
    queue = {}
    zone = ()
    extra = None

    @classmethod
    def setUpClass(cls):
        cls.port = free_port_everywhere()
        cls.dns = cls.enterClassContext(Dns(*cls.zone))
        cls.server = Server(accounts={ALICE: SECRET}, dns=cls.dns, delivery={"port": cls.port}, queue=cls.queue, extra=cls.extra)
        cls.addClassCleanup(cls.server.close)
        cls.server.start()

    def host(self, number, domain=None, **options):
        """A peer on 127.0.0.NUMBER that is the MX of hNUMBER.test (or `domain`)."""
        domain = domain or f"h{number}.test"
        self.dns.add(f"{domain} MX 10 mx.{domain}", f"mx.{domain} A 127.0.0.{number}")
        peer = Peer(address=f"127.0.0.{number}", port=self.port, name=f"mx.{domain}", **options)
        self.enterContext(peer)
        return peer

    def submit(self, *recipients, message=None, **options):
        message = message or letter(ALICE, recipients[0])
        return self.server.send(ALICE, recipients, message, login=ALICE, **options)

    def states(self, ident):
        return {one["address"]: one["state"] for one in self.server.trace(ident)["recipients"]}

    def wait_state(self, ident, state, seconds=30):
        wait_until(lambda: set(self.states(ident).values()) == {state}, lambda: f"{state}; it is {self.server.trace(ident)}", seconds, 0.1)

    def events(self, ident):
        return [event["kind"] for event in self.server.trace(ident)["events"]]

    def wait_event(self, ident, kind, seconds=30):
        wait_until(lambda: kind in self.events(ident), f"event {kind}", seconds, 0.1)

    def wait_messages(self, peer, count, seconds=30):
        wait_until(lambda: len(peer.messages) >= count, f"{count} messages at {peer.name}", seconds)

    def wait_report(self, ident, seconds=30):
        """The report about a message, out of alice's mailbox."""
        def found():
            ours = [m for m in self.server.mail(ALICE) if b"multipart/report" in m and ident.encode() in m]
            return ours[-1] if ours else None
        return wait_until(found, f"a report about {ident}", seconds, 0.2)


class DeliveryTest(RelayCase):
    def test_to_the_mx(self):
        peer = self.host(11)
        ident = self.submit("Ann@h11.test", message=letter(ALICE, "ann@h11.test", body=".dot\r\n..\r\nend\r\n"))
        self.wait_messages(peer, 1)
        [message] = peer.messages
        self.assertIn("<alice@example.test>", message.sender)
        self.assertRegex(message.recipients[0], r"^<Ann@h11\.test>")  # a foreign local part keeps its case
        self.assertEqual(body_of(message.data), b".dot\r\n..\r\nend\r\n")
        self.assertIn(b"Received: ", message.data)
        self.assertIn("EHLO mx.example.test", peer.commands)
        self.wait_state(ident, "relayed")
        self.assertIn("mx.h11.test", str(self.server.trace(ident)))

    def test_odd_dots(self):
        """Addresses that some carriers gave out come and go as they are."""
        peer = self.host(19)
        self.server.must("alias", "add", "odd@example.test", "ann..b.@h19.test")
        self.server.send("x..y.@z.test", ["odd@example.test"], letter("x..y.@z.test", "odd@example.test"))
        ident = self.submit("a..b@h19.test", '"a..b"@h19.test', "c.@h19.test")
        self.wait_state(ident, "relayed")
        self.wait_messages(peer, 2)
        told = {one.split(" ")[0] for message in peer.messages for one in message.recipients}
        self.assertEqual(told, {"<ann..b.@h19.test>", "<a..b@h19.test>", '<"a..b"@h19.test>', "<c.@h19.test>"})
        self.server.send("x..y.@z.test", [ALICE], letter("x..y.@z.test", ALICE))
        self.assertIn(b"Return-Path: <x..y.@z.test>", b"".join(self.server.mail(ALICE)))
        for kind, words in (("account", ()), ("alias", (ALICE,))):
            self.assertIn("dots", self.server.cli(kind, "add", "a..b@example.test", *words, password=SECRET).stderr)

    def test_preference_and_fallback(self):
        self.dns.add("pref.test MX 5 away.pref.test", "away.pref.test A 127.0.0.12", "pref.test MX 20 last.pref.test",
                     "last.pref.test A 127.0.0.14", "pref.test MX 10 mx.pref.test")
        middle, last = self.host(13, "pref.test"), self.host(14)
        self.wait_state(self.submit("a@pref.test"), "relayed")  # the best host refuses connections
        self.assertEqual((len(middle.messages), len(last.messages)), (1, 0))
        self.dns.add("pref2.test MX 10 mx.pref.test", "pref2.test MX 20 mx.pref2.test", "mx.pref2.test A 127.0.0.14")
        middle.replies["CONNECT"] = "421 4.3.2 not now"
        self.wait_state(self.submit("b@pref2.test"), "relayed")
        self.assertEqual((len(middle.messages), len(last.messages)), (1, 1))

    def test_several_addresses_of_one_host(self):
        self.dns.add("many.test MX 1 mx.many.test", "mx.many.test A 127.0.0.15", "mx.many.test A 127.0.0.16", "mx.many.test AAAA ::1")
        peer = self.host(16)
        ident = self.submit("a@many.test")
        self.wait_messages(peer, 1)
        self.wait_state(ident, "relayed")
        self.assertNotIn("deferred", self.events(ident))

    def test_address_record_without_mx(self):
        self.dns.add("plain.test A 127.0.0.17")
        peer = self.host(17)
        self.wait_state(self.submit("a@plain.test"), "relayed")
        self.assertEqual(len(peer.messages), 1)

    def test_null_mx_and_no_such_domain(self):
        self.dns.add("null.test MX 0 .")
        for domain, status in (("null.test", "5.1.10"), ("nowhere.test", "5.1.2")):
            with self.subTest(domain):
                ident = self.submit(f"a@{domain}")
                _, _, [recipient] = report_of(self.wait_report(ident))
                self.assertEqual((recipient["Action"], recipient["Status"]), ("failed", status))

    def test_trouble_in_the_dns_waits(self):
        peer = self.host(18, "shaky.test")
        self.dns.remove("shaky.test")
        self.dns.add("shaky.test SERVFAIL")
        ident = self.submit("a@shaky.test")
        self.wait_event(ident, "deferred")
        self.assertEqual(self.states(ident), {"a@shaky.test": "waiting"})
        self.assertIn("shaky.test", str(self.server.queued()))
        self.dns.remove("shaky.test")
        self.dns.add("shaky.test MX 10 mx.shaky.test")
        self.wait_messages(peer, 1)

    def test_several_recipients_in_one_transaction(self):
        peer = self.host(19)
        ident = self.submit(*[f"u{i}@h19.test" for i in range(40)])
        self.wait_state(ident, "relayed")
        self.assertEqual(sum(len(m.recipients) for m in peer.messages), 40)
        self.assertEqual(len(peer.messages), 1)

    def test_one_connection_for_several_messages(self):
        self.dns.add("h20.test MX 1 mx.h20.test", "mx.h20.test A 127.0.0.20")
        idents = [self.submit(f"u{i}@h20.test") for i in range(20)]
        peer = self.host(20, "other20.test")
        self.server.must("queue", "retry", "--all")
        self.wait_messages(peer, 20)
        for ident in idents:
            self.wait_state(ident, "relayed")
        self.assertLess(len(peer.sessions), 20)

    def test_each_recipient_on_its_own(self):
        answers = {"good": None, "bad": "550 5.1.1 no such user", "later": "450 4.2.1 come back"}
        tries = []
        def script(session, verb, line):
            if verb != "RCPT":
                return None
            name = re.search("<(.*)@", line)[1]
            tries.append(name)
            return answers[name] if name != "later" or tries.count("later") < 2 else None
        peer = self.host(21, script=script)
        ident = self.submit("good@h21.test", "bad@h21.test", "later@h21.test")
        wait_until(lambda: self.states(ident) == {"good@h21.test": "relayed", "bad@h21.test": "failed", "later@h21.test": "relayed"},
                   "the three ends", pause=0.1)
        self.assertEqual(tries.count("good"), 1)
        self.assertEqual(tries.count("bad"), 1)
        self.assertEqual(len(peer.messages), 2)
        whole, message, [recipient] = report_of(self.wait_report(ident))
        self.assertEqual(recipient["Final-Recipient"], "rfc822; bad@h21.test")
        self.assertEqual(recipient["Remote-MTA"], "dns; mx.h21.test")
        self.assertIn("550 5.1.1 no such user", recipient["Diagnostic-Code"])

    def test_no_report_for_a_null_reverse_path(self):
        self.server.must("alias", "add", "fwd22@example.test", "bad@h22.test")
        peer = self.host(22, replies={"RCPT": "550 5.1.1 no such user"})
        before = len(self.server.mail(ALICE))
        ident = self.server.send("", ["fwd22@example.test"], letter())
        wait_until(lambda: "failed" in self.states(ident).values(), "failed", pause=0.1)
        known = self.submit("bad@h22.test")  # a later one is reported, so the first would have been
        self.wait_report(known)
        self.assertNotIn("reported", self.events(ident))
        self.assertEqual(len(self.server.mail(ALICE)), before + 1)
        self.assertEqual(peer.messages, [])

    def test_forward_to_outside(self):
        self.server.must("alias", "add", "fwd23@example.test", "ann@h23.test", ALICE)
        peer = self.host(23)
        ident = self.server.send("x@y.test", ["fwd23@example.test"], letter(to="fwd23@example.test"))
        self.wait_messages(peer, 1)
        self.assertRegex(peer.messages[0].sender, r"<SRS0=\w{6}=\w{8}=y.test=x@example.test>")
        self.assertIn("in mailbox", self.states(ident).values())

    def test_restart_while_mail_waits(self):
        for number, kill in ((24, False), (26, True)):
            with self.subTest(kill=kill):
                self.dns.add(f"h{number}.test MX 1 mx.h{number}.test", f"mx.h{number}.test A 127.0.0.{number}")
                ident = self.submit(f"a@h{number}.test")
                self.wait_event(ident, "deferred")
                self.server.restart(kill=kill)
                self.assertLessEqual(set(self.states(ident).values()), {"waiting", "in hand"})
                peer = self.host(number, f"other{number}.test")
                self.wait_state(ident, "relayed")
                self.assertEqual(len(peer.messages), 1)

    def test_operating_the_queue(self):
        self.dns.add("h25.test MX 1 mx.h25.test", "mx.h25.test A 127.0.0.25")
        ident = self.submit("a@h25.test", "b@h25.test")
        self.wait_event(ident, "deferred")
        wait_until(lambda: self.server.cli("queue", "hold", ident).returncode == 0, "the hold to take", pause=0.1)
        self.assertEqual(set(self.states(ident).values()), {"held"})
        peer = self.host(25, "other25.test")
        self.assertIn(ident, self.server.must("queue", "show", ident))
        self.server.must("queue", "release", ident)
        self.wait_state(ident, "relayed")
        self.assertEqual(len(peer.messages), 1)


class FaultTest(RelayCase):
    """Peers that break the protocol in every way: mail arrives once they behave, or comes back."""

    def faulty(self, number, bad, verb, seconds=30):
        """A peer that does `bad` at the first `verb`, then behaves."""
        seen = []
        def script(session, what, line):
            if what == verb and not seen:
                seen.append(what)
                return bad
            return None
        peer = self.host(number, script=script)
        ident = self.submit(f"a@h{number}.test")
        self.wait_messages(peer, 1, seconds)
        self.wait_state(ident, "relayed")
        self.assertEqual(seen, [verb])
        return peer, ident

    def test_broken_connections(self):
        for number, verb in enumerate(("CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "."), 31):
            with self.subTest(verb):
                self.faulty(number, CLOSE, verb)

    def test_temporary_replies(self):
        for number, verb in enumerate(("CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "."), 41):
            with self.subTest(verb):
                _, ident = self.faulty(number, "451 4.3.0 try later", verb)
                if verb != "EHLO":
                    self.assertIn("deferred", self.events(ident))

    def test_shutting_down(self):
        for number, verb in enumerate(("CONNECT", "MAIL", "RCPT", "DATA", "."), 51):
            with self.subTest(verb):
                self.faulty(number, "421 4.3.2 going away", verb)

    def test_malformed_and_endless_replies(self):
        for number, bad in enumerate((b"what is this\r\n", b"2\r\n", b"250-a\r\n999 b\r\n", b"\xff\xfe\x00\r\n", b"250 " + b"x" * 100000 + b"\r\n",
                                      ENDLESS), 61):
            with self.subTest(number):
                self.faulty(number, bad, "MAIL")

    def test_hanging_peers_hurt_nobody_else(self):
        hanging = self.host(71, replies={"CONNECT": HANG})
        self.submit("a@h71.test")
        wait_until(lambda: hanging.sessions, "the hanging session")
        good = self.host(72)
        self.wait_state(self.submit("a@h72.test"), "relayed")
        self.assertEqual(len(good.messages), 1)

    def test_permanent_replies(self):
        for number, verb in enumerate(("MAIL", "RCPT", "DATA", "."), 81):
            with self.subTest(verb):
                peer = self.host(number, replies={verb: f"554 5.7.1 not at {verb}"})
                ident = self.submit(f"a@h{number}.test")
                _, _, [recipient] = report_of(self.wait_report(ident))
                self.assertEqual((recipient["Action"], recipient["Status"]), ("failed", "5.7.1"))
                self.assertIn(f"not at {verb}", recipient["Diagnostic-Code"])
                self.assertEqual(len(peer.messages), 0)

    def test_smtp_sink_with_its_faults(self):
        for number, options in enumerate((["-r", "rcpt"], ["-q", "data"], ["-Q", "mail"]), 91):
            with self.subTest(options=options):
                domain = f"h{number}.test"
                self.dns.add(f"{domain} MX 1 mx.{domain}", f"mx.{domain} A 127.0.0.{number}")
                with Sink(PEERS, *options, address=f"127.0.0.{number}", port=self.port):
                    ident = self.submit(f"a@{domain}")
                    self.wait_event(ident, "deferred")
                with tempfile.TemporaryDirectory() as folder:
                    dump = pathlib.Path(folder) / "dump"
                    with Sink(PEERS, address=f"127.0.0.{number}", port=self.port, dump=dump) as sink:
                        self.wait_state(ident, "relayed")
                        self.assertEqual(len(sink.messages()), 1)
        with Sink(PEERS, "-f", "rcpt", address="127.0.0.94", port=self.port):
            self.dns.add("h94.test MX 1 mx.h94.test", "mx.h94.test A 127.0.0.94")
            report_of(self.wait_report(self.submit("a@h94.test")))


class ReportTest(RelayCase):
    queue = {"lifetime": "3s", "delay_notice": "1s", "retry_first": "1s", "retry_most": "1s"}

    def test_expired_after_a_delay_notice(self):
        self.host(101, replies={"RCPT": "450 4.2.0 greylisted"})
        ident = self.submit("a@h101.test", mail_options=["ENVID=QQ314159", "RET=HDRS"],
                            rcpt_options=["NOTIFY=FAILURE,DELAY", "ORCPT=rfc822;a@h101.test"])
        wait_until(lambda: len([m for m in self.server.mail(ALICE) if ident.encode() in m]) >= 2, "both reports", 30, 0.2)
        delay, failure = [m for m in self.server.mail(ALICE) if ident.encode() in m]
        _, message, [recipient] = report_of(delay)
        self.assertEqual(recipient["Action"], "delayed")
        self.assertEqual(recipient["Status"][0], "4")
        self.assertIn("Will-Retry-Until", recipient)
        whole, message, [recipient] = report_of(failure)
        self.assertEqual(recipient["Action"], "failed")
        self.assertEqual(message["Original-Envelope-Id"], "QQ314159")
        self.assertEqual(message["Reporting-MTA"], "dns; mx.example.test")
        self.assertEqual(recipient["Original-Recipient"].replace(" ", ""), "rfc822;a@h101.test")
        self.assertTrue(failure.startswith(b"Return-Path: <>\r\n"))
        self.assertEqual(whole["Auto-Submitted"].split()[0].rstrip(";"), "auto-replied")
        third = list(whole.iter_parts())[2]
        self.assertEqual(third.get_content_type(), "text/rfc822-headers")
        self.assertEqual(self.states(ident), {"a@h101.test": "failed"})

    def test_original_is_returned(self):
        self.host(102, replies={"RCPT": "550 5.1.1 no"})
        ident = self.submit("a@h102.test", message=letter(ALICE, "a@h102.test", subject="find me", body="the body\r\n"),
                            mail_options=["RET=FULL"])
        whole, _, _ = report_of(self.wait_report(ident))
        third = list(whole.iter_parts())[2]
        self.assertEqual(third.get_content_type(), "message/rfc822")
        self.assertIn("the body", third.as_string())

    def test_notify_never(self):
        self.host(103, replies={"RCPT": "550 5.1.1 no"})
        quiet = self.submit("a@h103.test", rcpt_options=["NOTIFY=NEVER"])
        loud = self.submit("b@h103.test")
        self.wait_report(loud)
        self.assertEqual([m for m in self.server.mail(ALICE) if quiet.encode() in m], [])

    def test_success_is_reported_on_request(self):
        self.host(104, extensions=("PIPELINING", "8BITMIME"))  # it can't take over the request
        ident = self.submit("a@h104.test", rcpt_options=["NOTIFY=SUCCESS"])
        _, _, [recipient] = report_of(self.wait_report(ident))
        self.assertEqual((recipient["Action"], recipient["Status"]), ("relayed", "2.0.0"))
        local = self.submit(ALICE, rcpt_options=["NOTIFY=SUCCESS"])
        _, _, [recipient] = report_of(self.wait_report(local))
        self.assertEqual(recipient["Action"], "delivered")

    def test_dsn_is_handed_on(self):
        peer = self.host(105)
        ident = self.submit("a@h105.test", mail_options=["ENVID=abc+2Bdef", "RET=FULL"],
                            rcpt_options=["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;a+2Bb@h105.test"])
        self.wait_messages(peer, 1)
        self.assertIn("ENVID=abc+2Bdef", peer.messages[0].sender)
        self.assertIn("RET=FULL", peer.messages[0].sender)
        self.assertRegex(peer.messages[0].recipients[0], "NOTIFY=(SUCCESS,FAILURE|FAILURE,SUCCESS)")
        self.assertIn("ORCPT=rfc822;a+2Bb@h105.test", peer.messages[0].recipients[0])
        self.wait_state(ident, "relayed")
        self.assertNotIn("reported", self.events(ident))


class ContentTest(RelayCase):
    TEXT = "Grüße aus Köln, née à Orléans: ✉ ünïcödé\r\n"

    def text(self, author, to):
        return letter(author, to, body=self.TEXT * 3,
                      more="MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n").encode()

    def test_8bit_as_it_is(self):
        peer = self.host(111)
        self.submit("a@h111.test", message=self.text(ALICE, "a@h111.test"), mail_options=["BODY=8BITMIME"])
        self.wait_messages(peer, 1)
        self.assertIn("BODY=8BITMIME", peer.messages[0].sender)
        self.assertEqual(body_of(peer.messages[0].data), self.TEXT.encode() * 3)

    def test_8bit_to_a_7bit_peer(self):
        peer = self.host(112, extensions=("PIPELINING", "SIZE"))
        self.submit("a@h112.test", message=self.text(ALICE, "a@h112.test"), mail_options=["BODY=8BITMIME"])
        self.wait_messages(peer, 1)
        data = peer.messages[0].data
        self.assertTrue(data.isascii())
        self.assertNotIn("BODY", peer.messages[0].sender)
        whole = parsed(data)
        self.assertIn(whole["Content-Transfer-Encoding"], ("quoted-printable", "base64"))
        self.assertEqual(whole.get_payload(decode=True), self.TEXT.encode() * 3)

    def test_attachment_to_a_7bit_peer(self):
        peer = self.host(113, extensions=())
        parts = ("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n", "--b\r\nContent-Type: text/plain; charset=utf-8\r\n"
                 "Content-Transfer-Encoding: 8bit\r\n\r\n" + self.TEXT + "--b\r\nContent-Type: text/plain\r\n\r\nplain\r\n--b--\r\n")
        message = letter(ALICE, "a@h113.test", more=parts[0], body=parts[1]).encode()
        self.submit("a@h113.test", message=message, mail_options=["BODY=8BITMIME"])
        self.wait_messages(peer, 1)
        self.assertTrue(peer.messages[0].data.isascii())
        first, second = parsed(peer.messages[0].data).iter_parts()
        self.assertEqual(first.get_content().strip(), self.TEXT.strip())
        self.assertEqual(second.get_content().strip(), "plain")

    def test_foreign_8bit_mail_is_not_changed(self):
        self.host(114, extensions=("PIPELINING",))
        self.server.must("alias", "add", "fwd114@example.test", "ann@h114.test")
        with self.server.smtp() as client:
            ident = transact(client, ALICE, ["fwd114@example.test"], self.text(ALICE, "fwd114@example.test"), ["BODY=8BITMIME"])
        _, _, [recipient] = report_of(self.wait_report(ident))
        self.assertEqual(recipient["Status"], "5.6.3")

    def test_smtputf8(self):
        peer = self.host(115)
        self.submit("jürgen@h115.test", message=letter(ALICE, "jürgen@h115.test", subject="Grüße").encode(),
                    mail_options=["SMTPUTF8", "BODY=8BITMIME"])
        self.wait_messages(peer, 1)
        self.assertIn("SMTPUTF8", peer.messages[0].sender)
        self.assertIn("<jürgen@h115.test>", peer.messages[0].recipients[0])
        old = self.host(116, extensions=("8BITMIME", "PIPELINING"))
        ident = self.submit("jürgen@h116.test", message=letter(ALICE, "jürgen@h116.test", subject="Grüße").encode(),
                            mail_options=["SMTPUTF8", "BODY=8BITMIME"])
        _, _, [recipient] = report_of(self.wait_report(ident))
        self.assertEqual(recipient["Status"], "5.6.7")
        self.assertEqual(old.messages, [])

    def test_peer_without_ehlo(self):
        peer = self.host(117, helo_only=True)
        self.wait_state(self.submit("a@h117.test"), "relayed")
        self.assertIn("HELO mx.example.test", peer.commands)
        self.assertEqual(peer.messages[0].sender.strip(), "<alice@example.test>")

    def test_starttls(self):
        folder = pathlib.Path(self.server.data)
        pair = (folder / "self-signed.crt", folder / "self-signed.key")
        good = self.host(118, tls=pair, extensions=("STARTTLS", "PIPELINING"))
        self.wait_state(self.submit("a@h118.test"), "relayed")
        self.assertTrue(good.messages[0].tls)

    def test_broken_starttls_goes_in_clear_within_the_attempt(self):
        for number, replies in ((119, {}), (120, {"STARTTLS": "454 4.7.0 not now"}), (121, {"STARTTLS": CLOSE})):
            with self.subTest(number):
                peer = self.host(number, extensions=("STARTTLS", "PIPELINING"), replies=replies)
                ident = self.submit(f"a@h{number}.test")
                self.wait_state(ident, "relayed")
                self.assertFalse(peer.messages[0].tls)
                self.assertNotIn("deferred", self.events(ident))

    def test_too_large_for_the_peer(self):
        peer = self.host(122, extensions=("SIZE 1000", "PIPELINING"))
        ident = self.submit("a@h122.test", message=letter(ALICE, "a@h122.test", body="x" * 70 + "\r\n" + ("y" * 70 + "\r\n") * 50))
        _, _, [recipient] = report_of(self.wait_report(ident))
        self.assertEqual(recipient["Status"], "5.3.4")
        self.assertEqual(peer.messages, [])


if __name__ == "__main__":
    unittest.main()
