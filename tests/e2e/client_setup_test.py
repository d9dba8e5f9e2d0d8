"""What users' programs and other servers are told of the server: records, profiles, and that what they say works."""

import json
import plistlib
import poplib
import re
import smtplib
import unittest

from server import SECRET, Server, trusting

ANN = "ann@example.test"


def letter(subject):
    return f"From: {ANN}\r\nTo: {ANN}\r\nSubject: {subject}\r\n\r\nIt works.\r\n"


def try_settings(test, server, fetch, send, subject):
    """Sends with one (port, implicit TLS), fetches with the other, as `ann` with her password."""
    with smtplib.SMTP_SSL("127.0.0.1", send[0], "client.test", context=trusting()) if send[1] else \
            smtplib.SMTP("127.0.0.1", send[0], "client.test") as client:
        if not send[1]:
            client.starttls(context=trusting())
        client.login(ANN, SECRET)
        client.sendmail(ANN, [ANN], letter(subject))
    box = poplib.POP3_SSL("127.0.0.1", fetch[0], context=trusting()) if fetch[1] else poplib.POP3("127.0.0.1", fetch[0])
    try:
        if not fetch[1]:
            box.stls(context=trusting())
        box.user(ANN)
        box.pass_(SECRET)
        newest = len(box.list()[1])
        test.assertIn(f"Subject: {subject}".encode(), box.retr(newest)[1])
    finally:
        box.quit()


class RecordsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server(accounts={ANN: SECRET}))

    def records(self, server=None):
        answer = json.loads((server or self.server).must("domain", "dns", "example.test", "--json"))
        return {record["name"]: record for record in answer["records"]}

    def test_srv_records_lead_to_listeners_that_work(self):
        found = {}
        for name, implicit in (("_pop3s", True), ("_pop3", False), ("_submissions", True), ("_submission", False)):
            record = self.records()[f"{name}._tcp.example.test"]
            self.assertEqual(record["type"], "SRV")
            priority, weight, port, target = record["value"].split()
            self.assertEqual((priority, weight, target), ("0" if implicit else "10", "1", "mx.example.test"))
            self.assertEqual(record["zone"], f"{name}._tcp.example.test. IN SRV {record['value']}.")
            found[name] = int(port), implicit
        try_settings(self, self.server, found["_pop3s"], found["_submissions"], "with TLS at once")
        try_settings(self, self.server, found["_pop3"], found["_submission"], "with STARTTLS")

    def test_what_needs_https_is_not_told_without_it(self):
        self.assertFalse([name for name in self.records() if re.match(r"(autoconfig|mta-sts|_mta-sts|_smtp\._tls)\.", name)])

    def test_the_profile_of_apple_works(self):
        profile = plistlib.loads(self.server.must("account", "mobileconfig", ANN).encode())
        self.assertEqual(profile["PayloadType"], "Configuration")
        [mail] = profile["PayloadContent"]
        self.assertEqual(mail["PayloadType"], "com.apple.mail.managed")
        self.assertEqual((mail["EmailAddress"], mail["IncomingMailServerUsername"]), (ANN, ANN))
        self.assertEqual(mail["IncomingMailServerHostName"], "mx.example.test")
        self.assertNotIn("IncomingPassword", mail)
        try_settings(self, self.server, (mail["IncomingMailServerPortNumber"], True),
                     (mail["OutgoingMailServerPortNumber"], True), "from Apple")

    def test_without_a_server_the_configuration_tells(self):
        listeners = {"pop3s": {"role": "pop3", "tls": "implicit", "address": "0.0.0.0:1995"},
                     "submission": {"role": "submission", "tls": "starttls", "address": "[::]:1587"},
                     "inside": {"role": "submission", "tls": "implicit", "address": "127.0.0.1:1465"}}
        down = Server(accounts={ANN: SECRET}, listeners=listeners, extra={"client_setup": {"host": "Mail.Example.test"}})
        self.addCleanup(down.close)
        down.prepare()
        records = {name: record["value"] for name, record in self.records(down).items() if record["type"] == "SRV"}
        self.assertEqual(records, {"_pop3s._tcp.example.test": "0 1 1995 mail.example.test",
                                   "_submission._tcp.example.test": "10 1 1587 mail.example.test"})


if __name__ == "__main__":
    unittest.main()
