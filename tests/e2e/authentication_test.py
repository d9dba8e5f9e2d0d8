"""Where mail is from: SPF, DKIM, DMARC and ARC at the port for strangers, with a name server of the test and signatures of python3-dkim."""

import json
import re
import smtplib
import socket
import subprocess
import unittest

import dkim

from dns import Dns
from server import Server, accepted_id, body_of, check, letter, wait_until

ALICE, BOB = "alice@example.test", "bob@example.test"
SPF_ME, SPF_NOBODY = '"v=spf1 ip4:127.0.0.1 -all"', '"v=spf1 -all"'
LISTENERS = ("mx", "submission", "pop3-clear")


def make_key():
    """A private key as PEM, and the text of its record."""
    private = subprocess.run(["openssl", "genrsa", "2048"], capture_output=True, check=True).stdout
    public = subprocess.run(["openssl", "rsa", "-pubout"], input=private, capture_output=True, check=True).stdout.decode()
    return private, "v=DKIM1; p=" + "".join(line for line in public.splitlines() if "-----" not in line)


def zone(record):
    return [f"here.test TXT {SPF_ME}", '_dmarc.here.test TXT "v=DMARC1; p=reject"',
            f"strict.test TXT {SPF_NOBODY}", '_dmarc.strict.test TXT "v=DMARC1; p=reject"',
            f"careful.test TXT {SPF_NOBODY}", '_dmarc.careful.test TXT "v=DMARC1; p=quarantine"',
            f"signed.test TXT {SPF_NOBODY}", '_dmarc.signed.test TXT "v=DMARC1; p=reject"',
            f's._domainkey.signed.test TXT "{record}"', f's._domainkey.list.test TXT "{record}"', f"list.test TXT {SPF_ME}",
            f'big._domainkey.signed.test TXT "{record}"', "big._domainkey.signed.test TRUNCATE",
            'nospf.test TXT "v=spf1 -all exp=why.nospf.test"', 'why.nospf.test TXT "%{i} is none of ours"',
            '_dmarc.np.test TXT "v=DMARC1; p=reject; sp=none; np=reject"', "there.np.test A 192.0.2.1", "dead.np.test TIMEOUT", "_dmarc.dead.np.test TIMEOUT",
            "broken.test SERVFAIL", "_dmarc.broken.test SERVFAIL", "slow.test TIMEOUT", "_dmarc.slow.test TIMEOUT",
            "s._domainkey.slow.test TIMEOUT", f"example.test TXT {SPF_NOBODY}", '_dmarc.example.test TXT "v=DMARC1; p=reject"', f's._domainkey.half.test TXT "{record}"', "_dmarc.half.test SERVFAIL"]


class AuthenticationTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.key, record = make_key()
        cls.dns = cls.enterClassContext(Dns(*zone(record)))
        cls.server = cls.start({}, mailbox={"junk": False})  # POP3 shows INBOX
        cls.holding = cls.start({"quarantine": "hold", "spf_fail": "refuse", "trusted_forwarders": ["list.test"]})

    @classmethod
    def start(cls, settings, listeners=LISTENERS, **more):
        settings = {"skip_networks": [], "timeout": "2s"} | settings
        server = Server(dns=cls.dns, listeners=listeners, extra={"authentication": settings} | more)
        cls.addClassCleanup(server.close)
        return server.start()

    def redirect(self, message, server=None):
        """Alice sends somebody's message on to bob; the final reply."""
        octets = message if isinstance(message, bytes) else message.encode()
        with (server or self.server).smtp("submission", ALICE) as client:
            check(client.mail(ALICE), 250)
            check(client.rcpt(BOB), 250)
            return client.data(b"Resent-From: " + ALICE.encode() + b"\r\nResent-To: " + BOB.encode() + b"\r\n" + octets)

    def test_what_a_user_redirects_is_judged_as_a_strangers(self):
        check(self.redirect(letter("boss@strict.test", ALICE)), 550, "5.7")
        check(self.redirect(letter(BOB, ALICE)), 550, "5.7.1")  # of our domain, and not hers
        for server in (self.server, self.holding):
            reply = self.redirect(self.sign(letter("ann@signed.test", ALICE)), server)
            check(reply, 250)
            [found] = [m for m in server.mail(BOB) if accepted_id(reply[1]).encode() in m]
            self.assertIn("dmarc=pass header.from=signed.test", self.results(found))
            check(self.redirect(letter("ann@none.test", ALICE), server), 250)
            own = self.redirect(letter(ALICE, BOB), server)
            check(own, 250)
            [found] = [m for m in server.mail(BOB) if accepted_id(own[1]).encode() in m]
            self.assertNotIn(b"Authentication-Results", found)

    def offer(self, message, sender="a@none.test", server=None, to=ALICE):
        """The final reply to a message."""
        with (server or self.server).smtp() as client:
            check(client.mail(sender), 250)
            check(client.rcpt(to), 250)
            return client.data(message)

    def deliver(self, message, sender="a@none.test", server=None):
        """The id of the message, which has to be accepted, and how it lies in the mailbox."""
        server = server or self.server
        reply = self.offer(message, sender, server)
        check(reply, 250)
        ident = accepted_id(reply[1])
        [found] = [m for m in server.mail(ALICE) if ident.encode() in m]
        return ident, found

    def sign(self, message, domain="signed.test", selector="s", **options):
        text = message.encode()
        return dkim.sign(text, selector.encode(), domain.encode(), self.key, include_headers=[b"from", b"subject", b"to"], **options) + text

    def results(self, message):
        """Our Authentication-Results field on one line."""
        [field] = re.findall(rb"^Authentication-Results: mx\.example\.test;(?:.*\r\n)(?:[ \t].*\r\n)*", message, re.M)
        return re.sub(rb"\s+", b" ", field).decode()

    # --- what is good ---------------------------------------------------------------------------

    def test_signed_mail_passes(self):
        ident, message = self.deliver(self.sign(letter("ann@signed.test", subject="signed")), "bounces@here.test")
        for word in ("spf=pass smtp.mailfrom=bounces@here.test", "dkim=pass header.d=signed.test", "dmarc=pass header.from=signed.test"):
            self.assertIn(word, self.results(message))
        self.assertTrue(message.index(b"Authentication-Results") < message.index(b"Received:"))
        self.assertIn("spf=pass, dkim=pass, dmarc=pass", json.dumps(self.server.trace(ident)))
        self.assertIn("spf=pass, dkim=pass, dmarc=pass", self.server.log())

    def test_large_signed_mail_passes(self):
        body = "".join(f"line {number} of many, with  spaces \r\n" for number in range(20000))
        _, message = self.deliver(self.sign(letter("ann@signed.test", subject="large", body=body)))
        self.assertIn("dkim=pass", self.results(message))
        self.assertEqual(body_of(message), body.encode())

    def test_sender_of_its_own_address_passes(self):
        _, message = self.deliver(letter("x@here.test", subject="by address"), "x@here.test")
        self.assertIn("dmarc=pass", self.results(message))

    def test_report_with_the_null_sender(self):
        _, message = self.deliver(letter("postmaster@none.test", subject="report"), "")
        self.assertIn("spf=none", self.results(message))

    def test_key_that_comes_over_tcp(self):
        _, message = self.deliver(self.sign(letter("ann@signed.test", subject="truncated"), selector="big"))
        self.assertIn("dkim=pass", self.results(message))

    # --- what is forged -------------------------------------------------------------------------

    def test_forged_mail_is_refused(self):
        reply = self.offer(letter("boss@strict.test", subject="forged"), "x@here.test")
        check(reply, 550, "5.7.1", "refused by the DMARC policy of strict.test", "neither SPF nor DKIM")
        self.assertIn("event=refused", self.server.log())

    def test_changed_mail_is_refused(self):
        message = self.sign(letter("ann@signed.test", subject="changed", body="pay ann\r\n"))
        check(self.offer(message.replace(b"pay ann", b"pay eve"), "x@strict.test"), 550, "5.7.26", "signed.test")

    def test_names_below_a_strict_domain_are_refused(self):
        check(self.offer(letter("x@news.strict.test", subject="below")), 550, "strict.test")
        check(self.offer(letter("x@a.b.c.d.e.f.g.h.i.j.strict.test", subject="deep")), 550, "strict.test")
        self.deliver(letter("x@strict.test.none.test", subject="other"))
        self.deliver(letter("x@notstrict.test", subject="not below"))

    def test_signature_of_another_domain_is_no_help(self):
        check(self.offer(self.sign(letter("boss@strict.test", subject="unaligned"))), 550, "strict.test")
        check(self.offer(self.sign(letter("boss@strict.test", subject="d=test"), domain="test")), 550, "strict.test")

    def test_signature_that_covers_too_little(self):
        signed = self.sign(letter("ann@signed.test", subject="length", body="begins well\r\n"), length=True)
        self.assertIn(b" l=", signed)
        check(self.offer(signed + b"and ends badly\r\n"), 550, "signed.test")
        _, message = self.deliver(signed)
        self.assertIn("dkim=pass", self.results(message))

    def test_second_field_beside_a_signed_one(self):
        signed = self.sign(letter("ann@signed.test", subject="replayed"))
        check(self.offer(b"Subject: you have won\r\n" + signed), 550, "signed.test")

    def test_nobody_can_tell_the_author(self):
        plain = letter("x@none.test", subject="odd")
        field = "From: <x@none.test>\r\n"
        odd = {"none": "", "empty group": "From: undisclosed:;\r\n", "two fields, one without an address": field + "From: boss\r\n",
               "five fields": field * 5, "literal": "From: boss@[127.0.0.1]\r\n", "no domain": "From: boss\r\n",
               "five domains": "From: " + ", ".join(f"x@{name}.none.test" for name in "abcde") + "\r\n"}
        for name, instead in odd.items():
            with self.subTest(name):
                check(self.offer(plain.replace(field, instead)), 550, "nobody can tell who wrote this message")
        for name, instead in {"display name": 'From: "boss@strict.test" <x@none.test>\r\n', "group": "From: Team: x@none.test;\r\n",
                              "comment": "From: x@none.test (boss@strict.test)\r\n"}.items():
            with self.subTest(name):
                self.deliver(plain.replace(field, instead))
        for name, instead in {"upper case": "From: BOSS@STRICT.TEST\r\n", "group": "From: Team: boss@strict.test;\r\n",
                              "source route": "From: <@none.test:boss@strict.test>\r\n", "comments": "From: boss(a)@(b)strict.test\r\n",
                              "two domains": "From: x@none.test, boss@strict.test\r\n", "encoded word": "From: a@=?utf-8?q?strict.test?=\r\n",
                              "nested comments": "From: boss@strict.test (((\r\n", "two addresses as one": "From: <boss@strict.test> <x@none.test>\r\n"}.items():
            with self.subTest("strict " + name):
                check(self.offer(plain.replace(field, instead)), 550, "DMARC policy of strict.test")

    def test_untidy_without_doubt(self):
        field = "From: <x@none.test>\r\n"
        for name in ("x@none.test <x@none.test>", "X [Support] <x@none.test>", "Smith, X <x@none.test>", "X @ Work <x@none.test>", "=?utf-8?q?S,_X?= <x@none.test>"):
            with self.subTest(name):
                _, message = self.deliver(letter("x@none.test", subject="untidy").replace(field, f"From: {name}\r\n"))
                self.assertIn("header.from=none.test", self.results(message))
        check(self.offer(letter("x@none.test", subject="odd").replace(field, "From: nobody \x1b[1m\r\n")), 550, '"nobody \\x1b[1m"')

    def test_own_users_may_be_untidy_or_say_nothing(self):
        plain = letter(BOB, subject="own")
        field = plain[:plain.index("\r\n") + 2]
        self.assertIn(BOB, field)
        for name in (f"From: Smith, Bob <{BOB}>\r\n", f"From: {BOB} <{BOB}>\r\n", ""):
            with self.subTest(name):
                ident = self.server.send(BOB, [ALICE], plain.replace(field, name), login=BOB)
                [message] = [m for m in self.server.mail(ALICE) if ident.encode() in m]
                self.assertIn((name or f"From: {BOB}\r\n").encode(), message)

    def test_several_from_fields(self):
        """RFC 5322 allows one; of more, each is judged, and own users' that say the same are dropped."""
        message = letter("x@strict.test", subject="twice")
        second = "From: Eve <eve@none.test>\r\n"
        for data in (second + message, message.replace("\r\n\r\n", "\r\n" + second + "\r\n", 1),
                     second + message.replace("From: ", "From:\r\n ", 1), second + message.replace("From: ", "From : ", 1)):
            check(self.offer(data, "eve@none.test"), 550, "DMARC policy of strict.test")
        _, found = self.deliver(second + letter("x@none.test", subject="twice"), "eve@none.test")
        self.assertIn("header.from=none.test", self.results(found))
        plain = letter(BOB, subject="own")
        field = plain[:plain.index("\r\n") + 2]
        ident = self.server.send(BOB, [ALICE], field + plain, login=BOB)
        [found] = [m for m in self.server.mail(ALICE) if ident.encode() in m]
        self.assertEqual(found.count(b"\r\nFrom: "), 1, found)

    def test_a_device_in_a_network_of_relay(self):
        """It writes to us in our own name, with nothing to show."""
        ours, null = letter("scanner@example.test", subject="scan"), ""
        check(self.offer(ours, BOB), 550, "DMARC policy of example.test")
        relay = {"networks": ["127.0.0.1"]}
        trusting = self.start({}, relay=relay)
        for sender in (BOB, null):
            ident, message = self.deliver(ours, sender, trusting)
            self.assertIn("accepted all the same: from a device of ours", self.results(message))
            self.assertIn("passed over: a device of ours", trusting.cli("trace", ident).stdout)
        check(self.offer(ours, "a@none.test", trusting), 550, "DMARC policy of example.test")
        check(self.offer(letter("boss@strict.test", subject="scan"), BOB, trusting), 550, "DMARC policy of strict.test")
        check(self.offer(ours.replace("From: ", "From: boss@strict.test, "), BOB, trusting), 550, "DMARC policy of")
        check(self.offer(letter("scanner@mx.example.test", subject="scan"), null, trusting), 250)
        checked = self.start({}, relay=relay | {"checked": ["127.0.0.1"]})
        check(self.offer(ours, BOB, checked), 550, "DMARC policy of example.test")
        for server in (trusting, checked):  # a recipient elsewhere makes it no less mail to alice
            with server.smtp() as client:
                check(client.mail(BOB), 250)
                check(client.rcpt(ALICE), 250)
                check(client.rcpt("x@far.test"), 250)
                check(client.data(letter("boss@strict.test", subject="both")), 550, "DMARC policy of strict.test")

    def test_whether_a_name_exists_is_never_guessed(self):
        """np= is stricter than sp=: a silent name of no concern, or one of the forger's choice, opens nothing."""
        check(self.offer(letter("ceo@away.np.test", subject="away"), "x@slow.test"), 550, "DMARC policy of np.test")
        check(self.offer(letter("ceo@dead.np.test", subject="dead"), "x@slow.test"), 451, "the DMARC policy of dead.np.test")
        self.deliver(letter("ann@there.np.test", subject="there"), "x@slow.test")

    def test_forged_results_are_removed(self):
        forged = ("Authentication-Results: mx.example.test; dmarc=pass header.from=strict.test\r\n"
                  "Authentication-Results: MX.EXAMPLE.TEST (really) 1; dkim=pass\r\nX-Paquebot-Quarantine: no\r\n"
                  "Authentication-Results\r\n : mx.example.test; dmarc=pass (really)\r\nAuthentication-Results\x0b: mx.example.test; dmarc=pass (really)\r\n"
                  "Authentication-Results: mx.example.test./1; dmarc=pass (really)\r\nAuthentication-Results: \x7fmx.example.test; dmarc=pass (really)\r\n"
                  "Authentication-Results: elsewhere.test; spf=pass\r\n")
        _, message = self.deliver(forged + letter("x@none.test", subject="results"))
        self.results(message)  # exactly one
        self.assertNotIn(b"really", message)
        self.assertNotIn(b"X-Paquebot-Quarantine", message)
        self.assertIn(b"Authentication-Results: elsewhere.test", message)
        ident = self.server.send(BOB, [ALICE], forged + letter(BOB, subject="own"), login=BOB)
        [message] = [m for m in self.server.mail(ALICE) if ident.encode() in m]
        self.assertNotIn(b"Authentication-Results: mx.example.test", message)
        self.assertNotIn(b"really", message)

    # --- quarantine -----------------------------------------------------------------------------

    def test_quarantine_tags(self):
        ident, message = self.deliver(letter("x@careful.test", subject="suspicious"))
        self.assertIn(b"\r\nX-Spam-Flag: YES\r\n", message)
        self.assertIn(b"\r\nX-Paquebot-Quarantine: it says that it is from careful.test", message)
        self.assertIn("dmarc=fail", self.results(message))
        self.assertIn("quarantine: tagged", json.dumps(self.server.trace(ident)))

    def test_quarantine_holds_until_released(self):
        server = self.holding
        server.must("alias", "add", "team@example.test", ALICE)
        for to in (ALICE, "team@example.test", "postmaster@mx.example.test"):
            with self.subTest(to):
                reply = self.offer(letter("x@careful.test", subject="suspicious"), server=server, to=to)
                check(reply, 250)
                ident = accepted_id(reply[1])
                self.assertNotIn(ident, json.dumps([m.decode() for m in server.mail(ALICE)]))
                [held] = [m for m in server.json("queue", "list", "--held")["messages"] if m["id"] == ident]
                self.assertIn("quarantine: it says that it is from careful.test", json.dumps(held))
                self.assertIn("quarantine: held", json.dumps(server.trace(ident)))
                server.must("queue", "release", ident)
                wait_until(lambda: ident not in [m["id"] for m in server.queued()], "its release")
                self.assertEqual([ident.encode() in m for m in server.mail(ALICE)].count(True), 1)

    def test_quarantine_can_be_dropped(self):
        server = self.holding
        reply = self.offer(letter("x@careful.test", subject="bad"), server=server)
        ident = accepted_id(reply[1])
        server.must("queue", "cancel", ident)
        self.assertEqual({r["state"] for r in server.trace(ident)["recipients"]}, {"dropped"})

    # --- SPF alone ------------------------------------------------------------------------------

    def test_spf_alone(self):
        message = letter("x@none.test", subject="spf")
        _, found = self.deliver(message, "x@nospf.test")
        self.assertIn("spf=fail", self.results(found))
        reply = self.offer(message, "x@nospf.test", self.holding)
        check(reply, 550, "5.7.23", "nospf.test does not allow 127.0.0.1", "nospf.test explains: 127.0.0.1 is none of ours")
        _, found = self.deliver(self.sign(letter("ann@signed.test", subject="spf, dkim")), "x@nospf.test", self.holding)
        self.assertIn("dmarc=pass", self.results(found))

    # --- a DNS in trouble -----------------------------------------------------------------------

    def test_failing_and_silent_dns(self):
        """Nothing shows the author and his policy can't be had: come again. A signature of the very domain is enough without it."""
        for domain in ("broken.test", "slow.test"):
            with self.subTest(domain):
                message = self.sign(letter("x@" + domain, subject="trouble"), domain=domain)
                check(self.offer(message, "x@" + domain), 451, "4.7.0", f"the DMARC policy of {domain}", "try again later")
        _, found = self.deliver(self.sign(letter("x@half.test", subject="half"), domain="half.test"))
        self.assertIn("dkim=pass", self.results(found))
        self.assertIn("dmarc=temperror", self.results(found))

    def test_a_silent_name_server_of_the_forger_opens_nothing(self):
        """He chooses the envelope sender, the greeting and the signatures, and so which name servers are silent."""
        forged = letter("ceo@signed.test", subject="forged")
        check(self.offer(forged, "x@slow.test"), 550, "DMARC policy of signed.test")
        check(self.offer(self.sign(forged, domain="slow.test"), "a@none.test"), 550, "DMARC policy of signed.test")
        check(self.offer(forged, "x@slow.test", self.holding), 550, "DMARC policy of signed.test")

    def test_lost_connection_while_the_dns_is_silent(self):
        with socket.create_connection(("127.0.0.1", self.server.ports["mx"]), timeout=30) as raw:
            raw.recv(1000)
            raw.sendall(b"EHLO slow.test\r\nMAIL FROM:<x@slow.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n")
            while b"354" not in raw.recv(1000):
                pass
        self.deliver(letter("x@none.test", subject="after"))

    # --- forwarders -----------------------------------------------------------------------------

    def listed(self, results):
        """A message that a list has changed and sealed, with what it had found out before."""
        message = self.sign(letter("ann@signed.test", subject="list")).replace(b"Subject: list", b"Subject: [list] list")
        message = f"Authentication-Results: list.test; {results}\r\n".encode() + message
        return b"".join(dkim.arc_sign(message, b"s", b"list.test", self.key, b"list.test",
                                      include_headers=[b"from", b"subject", b"to"])) + message

    def test_trusted_forwarder(self):
        good = "dmarc=pass header.from=signed.test; spf=fail smtp.mailfrom=ann@signed.test"
        check(self.offer(self.listed(good), "list@list.test"), 550, "DMARC policy of signed.test")
        ident, message = self.deliver(self.listed(good), "list@list.test", self.holding)
        self.assertIn("arc=pass", self.results(message))
        self.assertIn("sealed by list.test", self.results(message))
        self.assertIn("forwarded by list.test", json.dumps(self.holding.trace(ident)))
        for results in ("dmarc=fail header.from=signed.test", "dmarc=pass header.from=none.test", "none"):
            check(self.offer(self.listed(results), "list@list.test", self.holding), 550, "DMARC policy of signed.test")
        changed = self.listed(good).replace(b"hello", b"spam!")
        check(self.offer(changed, "list@list.test", self.holding), 550, "DMARC policy of signed.test")

    # --- who is asked about ---------------------------------------------------------------------

    def test_networks_that_are_trusted(self):
        listeners = {"mx": {"role": "mx", "tls": "none"}, "proxied": {"role": "mx", "tls": "none", "proxy_protocol_from": ["127.0.0.1"]},
                     "pop3-clear": {"role": "pop3", "tls": "none", "login_in_clear": True}}
        server = self.start({"skip_networks": ["127.0.0.0/8"]}, listeners)
        known = "Authentication-Results: mx.example.test; spf=pass smtp.mailfrom=x@here.test\r\n"
        _, message = self.deliver(known + letter("boss@strict.test", subject="from inside"), server=server)
        self.assertIn("spf=pass", self.results(message))
        with socket.create_connection(("127.0.0.1", server.ports["proxied"]), timeout=30) as raw:
            raw.sendall(b"PROXY TCP4 203.0.113.5 198.51.100.1 4711 25\r\n")
            client = smtplib.SMTP(local_hostname="client.test", timeout=30)
            client.sock, client.file = raw, raw.makefile("rb")
            check(client.getreply(), 220)
            client.ehlo()
            check(client.mail("x@here.test"), 250)
            check(client.rcpt(ALICE), 250)
            check(client.data(known + letter("x@here.test", subject="from outside")), 550, "DMARC policy of here.test")
            client.file.close()

    def test_logged_in_users_are_not_asked_about(self):
        ident = self.server.send(BOB, [ALICE], letter(BOB, subject="ours"), login=BOB)
        self.assertNotIn("spf=", json.dumps(self.server.trace(ident)))


if __name__ == "__main__":
    unittest.main()
