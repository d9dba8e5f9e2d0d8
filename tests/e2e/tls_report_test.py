"""Reports on TLS (RFC 8460): connections are counted, told by mail to whom the domain names, and read again by `paquebot report tls`."""

import email
import email.policy
import gzip
import json
import sqlite3
import tempfile

from dane_test import TLS, Key
from dns import Dns
from peer import EXTENSIONS, Peer
from relay_test import ALICE
from server import SECRET, Server, check, free_port_everywhere, wait_until
from wishes_test import WishesCase

DAY = 24 * 3600 * 1000
# RFC 8460 section 4.4: what must be there, and what may be.
MEMBERS = {"organization-name", "date-range", "contact-info", "report-id", "policies"}
POLICY = ({"policy-type", "policy-domain"}, {"policy-string", "mx-host"})
FAILURE = ({"result-type", "failed-session-count"},
           {"sending-mta-ip", "receiving-mx-hostname", "receiving-mx-helo", "receiving-ip", "additional-information", "failure-reason-code"})
RESULTS = {"starttls-not-supported", "certificate-host-mismatch", "certificate-expired", "certificate-not-trusted", "validation-failure", "tlsa-invalid",
           "dnssec-invalid", "dane-required", "sts-policy-fetch-error", "sts-policy-invalid", "sts-webpki-invalid"}


class TlsReportTest(WishesCase):
    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        port = free_port_everywhere()
        key = Key(folder, "mx.far.test")
        self.dns = self.enterContext(Dns("mx.example.test A 127.0.0.1", "far.test MX 10 mx.far.test", "far.test MX 20 mx2.far.test", "mx.far.test A 127.0.0.95",
                                         "mx2.far.test A 127.0.0.96", "quiet.test MX 10 mx.far.test", "clear.test MX 10 mx2.far.test",
                                         '_smtp._tls.far.test TXT "v=TLSRPTv1; rua=mailto:tls@far.test"',
                                         '_smtp._tls.clear.test TXT "v=TLSRPTv1; rua=mailto:tls@far.test"'))
        self.far = self.enterContext(Peer(address="127.0.0.95", port=port, extensions=TLS, tls=key.pair))
        self.clear = self.enterContext(Peer(address="127.0.0.96", port=port, extensions=EXTENSIONS))
        self.server = Server(dns=self.dns, delivery={"port": port}, accounts={ALICE: SECRET},
                             extra={"delivery.reports": {"send": True, "from": "tls@example.test", "org_name": "Example & Co"}})
        self.addCleanup(self.server.close)
        self.server.start()

    def check_form(self, report):
        self.assertEqual(set(report), MEMBERS)
        self.assertEqual(set(report["date-range"]), {"start-datetime", "end-datetime"})
        for policy in report["policies"]:
            self.assertLessEqual(set(policy), {"policy", "summary", "failure-details"})
            self.assertLessEqual(POLICY[0], set(policy["policy"]))
            self.assertLessEqual(set(policy["policy"]), POLICY[0] | POLICY[1])
            self.assertIn(policy["policy"]["policy-type"], ("tlsa", "sts", "no-policy-found"))
            self.assertEqual(set(policy["summary"]), {"total-successful-session-count", "total-failure-session-count"})
            for failure in policy.get("failure-details", []):
                self.assertLessEqual(FAILURE[0], set(failure))
                self.assertLessEqual(set(failure), FAILURE[0] | FAILURE[1])
                self.assertIn(failure["result-type"], RESULTS)

    def test_counted_sent_and_read_again(self):
        for recipient in ("a@far.test", "b@quiet.test", "c@clear.test"):
            self.wait_state(self.submit(recipient), "relayed")
        self.server.stop()
        with sqlite3.connect(self.server.data / "paquebot.db") as database:
            self.assertEqual({row[0] for row in database.execute("SELECT domain FROM dmarc_day")}, {"tls/far.test", "tls/clear.test"})
            for table in ("dmarc_row", "dmarc_day"):
                database.execute(f"UPDATE {table} SET day = day - {2 * DAY}")
        database.close()
        self.server.start()

        def reports():
            return [m for m in self.far.messages if b"TLS-Report-Domain: far.test" in m.data or b"TLS-Report-Domain: clear.test" in m.data]
        wait_until(lambda: len(reports()) >= 2, "two reports", 90)
        read = {}
        for message in reports():
            parsed = email.message_from_bytes(message.data, policy=email.policy.default)
            self.assertEqual(parsed.get_content_type(), "multipart/report")
            self.assertEqual(parsed["TLS-Required"], "No")
            self.assertIn("Report Domain: " + parsed["TLS-Report-Domain"], parsed["Subject"])
            [part] = [part for part in parsed.walk() if part.get_content_type() == "application/tlsrpt+gzip"]
            report = json.loads(gzip.decompress(part.get_payload(decode=True)))
            self.check_form(report)
            read[parsed["TLS-Report-Domain"]] = report
            self.assertIn(b"DKIM-Signature", message.data)
        [policy] = read["far.test"]["policies"]
        self.assertEqual(policy["summary"], {"total-successful-session-count": 1, "total-failure-session-count": 0})
        self.assertEqual(policy["policy"], {"policy-type": "no-policy-found", "policy-domain": "far.test"})
        [policy] = read["clear.test"]["policies"]
        [failure] = policy["failure-details"]
        self.assertEqual((failure["result-type"], failure["receiving-mx-hostname"], failure["receiving-ip"]),
                         ("starttls-not-supported", "mx2.far.test", "127.0.0.96"))
        self.assertEqual(policy["summary"]["total-failure-session-count"], 1)
        # What others send us is read the same way.
        with self.server.smtp() as client:
            check(client.mail("tls@far.test"), 250)
            check(client.rcpt(ALICE), 250)
            check(client.data(reports()[0].data), 250)
        self.server.wait_mail(ALICE)
        told = self.server.json("report", "tls", "--address", ALICE)
        [domain] = told["domains"]
        self.assertEqual(domain["reporters"], ["Example & Co"])
        self.assertEqual(domain["successes"] + domain["failures"], 1)
        self.assertIn("sessions as they should be", self.server.must("report", "tls", "--address", ALICE))


if __name__ == "__main__":
    import unittest
    unittest.main()
