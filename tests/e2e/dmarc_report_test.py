"""DMARC aggregate reports: what comes in is counted, sent to who wants it and agrees, and read again by `paquebot report dmarc`."""

import email
import email.policy
import gzip
import sqlite3
import unittest
import xml.etree.ElementTree as ET

import dkim

from dns import Dns
from peer import Peer
from server import SECRET, Server, check, free_port_everywhere, letter, wait_until

ALICE = "alice@example.test"
DAY = 24 * 3600 * 1000
REPORTS = {"send": True, "from": "dmarc@example.test", "org_name": "Example & Co"}
NAMESPACE = "{urn:ietf:params:xml:ns:dmarc-2.0}"


class DmarcReportTest(unittest.TestCase):
    def setUp(self):
        self.port = free_port_everywhere()
        self.dns = self.enterContext(Dns("mx.example.test A 127.0.0.1", 'good.test TXT "v=spf1 ip4:127.0.0.1 -all"',
                                         '_dmarc.good.test TXT "v=DMARC1; p=reject; rua=mailto:rua@good.test,mailto:good@service.test!10m,mailto:v@victim.test"',
                                         'good.test._report._dmarc.service.test TXT "v=DMARC1"',
                                         'quiet.test TXT "v=spf1 -all"', '_dmarc.quiet.test TXT "v=DMARC1; p=none"'))
        self.server = Server(dns=self.dns, delivery={"port": self.port}, accounts={ALICE: SECRET},
                             extra={"authentication": {"skip_networks": []}, "authentication.reports": REPORTS})
        self.addCleanup(self.server.close)
        self.server.start()

    def host(self, name, number):
        self.dns.add(f"{name} MX 10 mx.{name}", f"mx.{name} A 127.0.0.{number}")
        return self.enterContext(Peer(address=f"127.0.0.{number}", port=self.port, name=f"mx.{name}"))

    def offer(self, sender, author):
        with self.server.smtp() as client:
            check(client.mail(sender), 250)
            check(client.rcpt(ALICE), 250)
            return client.data(letter(author, ALICE))

    def kept(self):
        with sqlite3.connect(self.server.data / "paquebot.db") as database:
            return database.execute("SELECT day, domain, source, count FROM dmarc_row ORDER BY domain").fetchall()

    def two_days_later(self):
        """Stops the server, which writes down what it counted, makes that two days older, and starts it again."""
        self.server.stop()
        with sqlite3.connect(self.server.data / "paquebot.db") as database:
            for table in ("dmarc_row", "dmarc_day"):
                database.execute(f"UPDATE {table} SET day = day - {2 * DAY}")
        database.close()
        self.server.start()

    def read(self, data):
        """The XML of a report, and the message it came in."""
        message = email.message_from_bytes(data, policy=email.policy.default)
        [part] = [part for part in message.walk() if part.get_content_type() == "application/gzip"]
        return ET.fromstring(gzip.decompress(part.get_content())), message, part.get_filename()

    def test_counted_sent_and_read_again(self):
        good, service, victim = self.host("good.test", 2), self.host("service.test", 3), self.host("victim.test", 4)
        for _ in range(3):
            check(self.offer("a@good.test", "a@good.test"), 250)
        check(self.offer("a@other.test", "a@good.test"), 550)
        check(self.offer("a@quiet.test", "a@quiet.test"), 250)
        self.two_days_later()
        wait_until(lambda: good.messages and service.messages, "the reports")
        self.server.wait_queue_empty()
        self.assertEqual(self.kept(), [], "once sent they are forgotten, and who wants no reports is not counted")
        self.assertEqual(victim.messages, [], "it did not say that it wants them")
        xml, message, filename = self.read(good.messages[0].data)
        self.assertIn("<dmarc@example.test>", good.messages[0].sender)
        self.assertEqual(message["From"], "dmarc@example.test")
        ident = xml.find(f"{NAMESPACE}report_metadata/{NAMESPACE}report_id").text
        self.assertEqual(message["Subject"], f"Report Domain: good.test Submitter: mx.example.test Report-ID: <{ident}>")
        self.assertRegex(filename, rf"^mx\.example\.test!good\.test!\d+!\d+!{ident}\.xml\.gz$")
        self.assertEqual(self.read(service.messages[0].data)[2], filename)
        keys = {record["name"].rstrip("."): record["value"] for record in self.server.json("dkim", "dns", "example.test")["records"]}
        self.assertTrue(dkim.verify(good.messages[0].data, dnsfunc=lambda name, timeout=5: keys[name.decode().rstrip(".")].encode()))
        rows = {record.find(f"{NAMESPACE}row/{NAMESPACE}policy_evaluated/{NAMESPACE}disposition").text: record for record in xml.findall(f"{NAMESPACE}record")}
        self.assertEqual(sorted(rows), ["pass", "reject"])
        self.assertEqual(rows["pass"].find(f"{NAMESPACE}row/{NAMESPACE}count").text, "3")
        self.assertEqual(rows["reject"].find(f"{NAMESPACE}row/{NAMESPACE}source_ip").text, "127.0.0.1")
        self.assertEqual(rows["reject"].find(f"{NAMESPACE}identifiers/{NAMESPACE}envelope_from").text, "other.test")
        self.server.restart()
        self.assertEqual(len(good.messages), 1, "and never again")
        # What others get is what we can read.
        self.server.must("domain", "add", "good.test")
        self.server.must("alias", "add", "postmaster@good.test", "--account", ALICE)
        self.server.send("x@service.test", ["postmaster@good.test"], good.messages[0].data)
        text = self.server.must("report", "dmarc")
        self.assertIn("good.test: 1 report, ", text)
        self.assertIn("4 messages: 3 pass DMARC, 1 fail", text)
        self.assertIn("127.0.0.1: 1 message in the name of good.test pass", text)
        for words in ([], ["--address", "postmaster@good.test"], ["--address", ALICE, "--domain", "good.test"]):
            [domain] = self.server.json("report", "dmarc", *words)["domains"]
            [sender] = domain["senders"]
            self.assertEqual((sender["messages"], sender["passed"], sender["refused"]), (4, 3, 1))
        self.assertEqual(self.server.json("report", "dmarc", "--domain", "other.test")["domains"], [])
        self.assertNotEqual(self.server.cli("report", "dmarc", "--address", "nobody@example.test").returncode, 0)

    def test_a_name_server_that_fails_loses_nothing(self):
        good = self.host("good.test", 2)
        check(self.offer("a@good.test", "a@good.test"), 250)
        self.dns.add("_dmarc.service.test SERVFAIL")
        self.two_days_later()
        self.server.output.wait(r"event=dmarc-report-put-off .*good\.test", 60)
        self.assertEqual(len(self.kept()), 1)
        self.dns.remove("_dmarc.service.test")
        self.host("service.test", 3)
        self.server.restart()
        wait_until(lambda: good.messages, "the report")

    def test_off_until_configured(self):
        self.server.stop()
        del self.server.extra["authentication.reports"]
        self.server.start()
        check(self.offer("a@good.test", "a@good.test"), 250)
        self.server.stop()
        self.assertEqual(self.kept(), [])


if __name__ == "__main__":
    unittest.main()
