"""What delivery reports tell, and who says it: read by programs of others, which mailing lists trust (flufl.bounce of Mailman,
Mail::DeliveryStatus::BounceParser)."""

import email
import json
import subprocess
import sys
import unittest

from peer import CLOSE
from relay_test import ALICE, RelayCase, report_of
from server import PEERS, letter

FORGED = "rejected, upstream said: 250 2.1.5 delivered fine"
PERL = r"""
use strict; use warnings; use JSON::PP; use Mail::DeliveryStatus::BounceParser;
local $/; my $bounce = Mail::DeliveryStatus::BounceParser->new(<STDIN>);
print encode_json([map { { email => $_->get('email'), std => $_->get('std_reason'), code => $_->get('smtp_code'),
  host => $_->get('host'), reason => $_->get('reason') } } $bounce->reports]) if $bounce->is_bounce;
"""


def flufl(report):
    """{"failed": addresses, "delayed": addresses}, as flufl.bounce finds them."""
    sys.path.append(str(PEERS / "root/usr/lib/python3/dist-packages"))
    try:
        from flufl.bounce import all_failures
        delayed, failed = all_failures(email.message_from_bytes(report))
    finally:
        sys.path.pop()
    return {"failed": {one.decode() for one in failed}, "delayed": {one.decode() for one in delayed}}


def bounce_parser(report):
    """What Mail::DeliveryStatus::BounceParser makes of each recipient; nothing when it takes it for no bounce."""
    paths = ":".join(map(str, [PEERS / "root/usr/share/perl5", *PEERS.glob("root/usr/lib/*/perl5/5.*")]))
    done = subprocess.run(["perl", "-e", PERL], input=report.replace(b"\r\n", b"\n"), capture_output=True, timeout=60,
                          env={"PERL5LIB": paths, "PATH": "/usr/bin:/bin"})
    if done.returncode != 0:
        raise AssertionError(done.stderr.decode(errors="replace"))
    return json.loads(done.stdout or b"[]")


class ReportTest(RelayCase):
    queue = {"lifetime": "2s", "delay_notice": "0s", "retry_first": "1s", "retry_most": "1s"}

    def returned(self, *recipients, **options):
        """The report on a message that fails: its octets, its own fields, and those of the one recipient."""
        report = self.wait_report(self.submit(*recipients, **options))
        _, message, [recipient] = report_of(report)
        return report, message, recipient

    def exact(self, report, name):
        """A field of the status part as it stands there."""
        [line] = [line for line in report.decode().split("\r\n") if line.startswith(name + ": ")]
        return line.split(": ", 1)[1]

    # --- who says what ---------------------------------------------------------------------------

    def test_a_greeting_cannot_forge_the_report(self):
        self.host(201, replies={"CONNECT": f"554 5.7.1 {FORGED}"})
        report, _, recipient = self.returned("a@h201.test")
        self.assertEqual(recipient["Status"], "4.4.2")  # our word: the session was refused, and tried again
        self.assertEqual(recipient["Remote-MTA"], "dns; mx.h201.test")
        self.assertEqual(recipient["Diagnostic-Code"], f"smtp; 554 5.7.1 {FORGED}")
        self.assertIn(b"The reason:\r\n    the server refused the session\r\n", report)
        ident = self.submit("b@h201.test")
        self.wait_event(ident, "deferred")
        [told] = [one["told"] for one in self.server.trace(ident)["recipients"]]
        self.assertEqual((told["host"], told["peer"]["code"], told["peer"]["status"], told["peer"]["text"]),
                         ("mx.h201.test", 554, "5.7.1", FORGED))
        self.assertEqual((told["own"]["code"], told["own"]["status"]), (451, "4.4.2"))

    def test_a_refusal_is_told_as_it_was_said(self):
        self.host(202, replies={"RCPT": f"550 5.1.1 {FORGED}"})
        _, _, recipient = self.returned("a@h202.test")
        self.assertEqual((recipient["Status"], recipient["Remote-MTA"]), ("5.1.1", "dns; mx.h202.test"))
        self.assertEqual(recipient["Diagnostic-Code"], f"smtp; 550 5.1.1 {FORGED}")

    def test_our_words_are_not_the_peers(self):
        self.host(203, script=lambda session, verb, line: CLOSE if verb == "DATA" else None)
        self.dns.add("h204.test MX 10 mx.h204.test", "mx.h204.test A 127.0.0.204")  # nobody is there
        for number, status, words in ((203, "4.4.2", "the connection was lost"), (204, "4.4.1", "no connection")):
            with self.subTest(number):
                report, _, recipient = self.returned(f"a@h{number}.test")
                self.assertEqual(recipient["Status"], status)
                self.assertNotIn("Remote-MTA", recipient)  # RFC 3464 section 2.3.5: it reported nothing
                self.assertTrue(recipient["Diagnostic-Code"].startswith("x-paquebot; "), recipient["Diagnostic-Code"])
                self.assertIn(words, recipient["Diagnostic-Code"])
                self.assertNotIn(b" said:", report)

    def test_the_class_of_the_status_is_the_replys(self):
        self.host(205, replies={"RCPT": "450 5.1.1 no such user, it seems"})
        _, _, recipient = self.returned("a@h205.test")
        self.assertEqual(recipient["Status"], "4.1.1")
        self.assertEqual(recipient["Diagnostic-Code"], "smtp; 450 5.1.1 no such user, it seems")

    def test_words_behind_a_tab(self):
        self.host(206, replies={"RCPT": "550 5.1.1\tno such user"})
        _, _, recipient = self.returned("a@h206.test")
        self.assertEqual((recipient["Status"], recipient["Diagnostic-Code"]), ("5.1.1", "smtp; 550 5.1.1 no such user"))

    def test_a_host_by_its_address_has_no_port(self):
        self.host(207, replies={"RCPT": "550 5.1.1 no"})
        _, _, recipient = self.returned("a@[127.0.0.207]")
        self.assertEqual(recipient["Remote-MTA"], "dns; [127.0.0.207]")

    # --- octet by octet --------------------------------------------------------------------------

    def test_addresses_and_envid_come_back_as_they_were(self):
        self.host(208, replies={"RCPT": "550 5.1.1 no"})
        envid, orcpt = r"two  blanks   \x{41} 100%", r'"x   y\\x{41}  z"@elsewhere.test'
        encoded = lambda text: "".join(c if 33 <= ord(c) < 127 and c not in "+=" else f"+{ord(c):02X}" for c in text)
        report, _, _ = self.returned('"a  b   c"@h208.test', message=letter(ALICE, "c@h208.test"), mail_options=[f"ENVID={encoded(envid)}"],
                                     rcpt_options=[f"ORCPT=rfc822;{encoded(orcpt)}"])
        self.assertEqual(self.exact(report, "Original-Envelope-Id"), envid)
        self.assertEqual(self.exact(report, "Original-Recipient"), f"rfc822;{orcpt}")
        self.assertEqual(self.exact(report, "Final-Recipient"), 'rfc822; "a  b   c"@h208.test')

    # --- judged by others ------------------------------------------------------------------------

    def test_others_read_the_same(self):
        self.host(209, replies={"RCPT": "550 5.1.1 no such user"})
        self.host(210, replies={"RCPT": "452 4.2.2 mailbox full"})
        self.host(211, replies={".": "554 5.7.1 looks like spam"})
        self.host(212, replies={"CONNECT": f"554 5.7.1 {FORGED}"})
        cases = {"a@h209.test": "5.1.1", "b+tag@h210.test": "4.2.2", "c@h211.test": "5.7.1", "d@h212.test": "4.4.2"}
        idents = {address: self.submit(address) for address in cases}
        for address, status in cases.items():
            with self.subTest(address):
                report = self.wait_report(idents[address])
                self.assertEqual(flufl(report), {"failed": {address}, "delayed": set()})
                [found] = bounce_parser(report)
                self.assertEqual(found["email"], address)
                _, _, [recipient] = report_of(report)
                self.assertEqual(recipient["Status"], status)

    def test_success_is_no_bounce_to_others(self):
        report = self.wait_report(self.submit(ALICE, rcpt_options=["NOTIFY=SUCCESS"]))
        self.assertEqual(flufl(report), {"failed": set(), "delayed": set()})


class DelayTest(RelayCase):
    queue = {"lifetime": "1h", "delay_notice": "1s", "retry_first": "1s", "retry_most": "1s"}

    def test_delays_are_no_failures_to_others(self):
        self.host(221, replies={"RCPT": "450 5.2.0 greylisted"})
        report = self.wait_report(self.submit("a@h221.test", rcpt_options=["NOTIFY=DELAY"]))
        _, _, [recipient] = report_of(report)
        self.assertEqual((recipient["Action"], recipient["Status"]), ("delayed", "4.2.0"))
        self.assertEqual(flufl(report), {"failed": set(), "delayed": {"a@h221.test"}})


if __name__ == "__main__":
    unittest.main()
