"""What users' programs and other servers are told of the server: records, profiles, and that what they say works."""

import http.client
import imaplib
import json
import plistlib
import poplib
import re
import smtplib
import subprocess
import unittest
import xml.etree.ElementTree

from server import LISTENERS, SECRET, SOURCE, Server, trusting

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


def try_imap(test, server, fetch, send, subject):
    """The same with IMAP."""
    with smtplib.SMTP_SSL("127.0.0.1", send[0], "client.test", context=trusting()) as client:
        client.login(ANN, SECRET)
        client.sendmail(ANN, [ANN], letter(subject))
    client = imaplib.IMAP4_SSL("127.0.0.1", fetch[0], ssl_context=trusting()) if fetch[1] else imaplib.IMAP4("127.0.0.1", fetch[0])
    try:
        if not fetch[1]:
            client.starttls(trusting())
        client.login(ANN, SECRET)
        test.assertEqual(client.select("INBOX")[0], "OK")
        test.assertNotEqual(client.search(None, "SUBJECT", f'"{subject}"')[1], [b""])
    finally:
        client.logout()


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


HTTP = {"https": {"role": "http", "tls": "implicit"}, "http": {"role": "http", "tls": "none"}}
OUTLOOK = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
REQUEST = ('<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/'
           'requestschema/2006"><Request><EMailAddress>{}</EMailAddress><AcceptableResponseSchema>{}</AcceptableResponseSchema>'
           '</Request></Autodiscover>')


class WebCase(unittest.TestCase):
    listeners = LISTENERS | HTTP

    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server(accounts={ANN: SECRET}, listeners=cls.listeners, domains=["other.test"]))

    def ask(self, host, path, method="GET", body=None, listener="https"):
        port = self.server.ports[listener]
        client = http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=trusting()) if listener == "https" else \
            http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            client.request(method, path, body=body, headers={"Host": host})
            answer = client.getresponse()
            answer.content = answer.read().decode()
            return answer
        finally:
            client.close()

    def check_schema(self, name, text):
        schema = SOURCE / "tests/e2e/schemas" / f"{name}.rng"
        done = subprocess.run(["xmllint", "--noout", "--nonet", "--relaxng", str(schema), "-"], input=text, text=True,
                              capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, f"{done.stderr}\n{text}")

    def discover(self, address, schema=OUTLOOK, path="/AutoDiscover/autodiscover.xml"):
        answer = self.ask("mx.example.test", path, "POST", REQUEST.format(address, schema))
        self.assertEqual(answer.status, 200, answer.content)
        self.check_schema("autodiscover", answer.content)
        return answer.content


class ImapSetupTest(WebCase):
    """Where the server speaks IMAP, programs are told of it first, in each of the ways, and it works as told."""

    listeners = LISTENERS | HTTP | {"imap": {"role": "imap", "tls": "starttls"}, "imaps": {"role": "imap", "tls": "implicit"}}

    def submission(self):
        return self.server.ports["submissions"], True

    def test_srv_records(self):
        records = {one["name"]: one["value"] for one in json.loads(self.server.must("domain", "dns", "example.test", "--json"))["records"]}
        for name, implicit in (("_imaps", True), ("_imap", False)):
            priority, weight, port, target = records[f"{name}._tcp.example.test"].split()
            self.assertEqual((priority, weight, target), ("0" if implicit else "10", "1", "mx.example.test"))
            try_imap(self, self.server, (int(port), implicit), self.submission(), f"SRV {name}")

    def test_the_profile_of_apple(self):
        profile = plistlib.loads(self.server.must("account", "mobileconfig", ANN).encode())
        [mail] = profile["PayloadContent"]
        self.assertEqual(mail["EmailAccountType"], "EmailTypeIMAP")
        try_imap(self, self.server, (mail["IncomingMailServerPortNumber"], True), (mail["OutgoingMailServerPortNumber"], True), "from Apple")

    def test_autoconfig(self):
        text = self.ask("autoconfig.example.test", "/mail/config-v1.1.xml").content
        self.check_schema("autoconfig", text)
        incoming = [(one.get("type"), (int(one.findtext("port")), one.findtext("socketType") == "SSL"))
                    for one in xml.etree.ElementTree.fromstring(text).find("emailProvider").findall("incomingServer")]
        self.assertEqual([kind for kind, _ in incoming], ["imap", "imap", "pop3", "pop3"])
        self.assertEqual([tls for _, (_, tls) in incoming], [True, False, True, False])
        for n, (_, fetch) in enumerate(incoming[:2]):
            try_imap(self, self.server, fetch, self.submission(), f"autoconfig {n}")

    def test_autodiscover(self):
        names = {"o": OUTLOOK}
        found = {one.findtext("o:Type", None, names): one
                 for one in xml.etree.ElementTree.fromstring(self.discover(ANN)).iter(f"{{{OUTLOOK}}}Protocol")}
        self.assertEqual(next(iter(found)), "IMAP")
        self.assertEqual(found["IMAP"].findtext("o:LoginName", None, names), ANN)
        ports = {kind: (int(one.findtext("o:Port", None, names)), one.findtext("o:Encryption", None, names) == "SSL")
                 for kind, one in found.items()}
        try_imap(self, self.server, ports["IMAP"], ports["SMTP"], "as Autodiscover says")


class WebTest(WebCase):
    def test_autoconfig_works(self):
        answers = set()
        for host, path in (("autoconfig.example.test", "/mail/config-v1.1.xml"),
                           ("autoconfig.example.test", f"/mail/config-v1.1.xml?emailaddress={ANN}"),
                           ("autoconfig.example.test", "/mail/config-v1.1.xml?emailaddress=nobody%40example.test"),
                           ("example.test", "/.well-known/autoconfig/mail/config-v1.1.xml"),
                           ("mx.example.test", f"/.well-known/autoconfig/mail/config-v1.1.xml?emailaddress={ANN}")):
            answer = self.ask(host, path)
            self.assertEqual(answer.status, 200, answer.content)
            self.assertIn("text/xml", answer.headers["Content-Type"])
            answers.add(answer.content)
        [text] = answers  # the same for everybody
        self.check_schema("autoconfig", text)
        provider = xml.etree.ElementTree.fromstring(text).find("emailProvider")
        incoming, outgoing = ([(int(one.findtext("port")), one.findtext("socketType") == "SSL") for one in provider.findall(kind)]
                              for kind in ("incomingServer", "outgoingServer"))
        self.assertEqual([tls for _, tls in incoming + outgoing], [True, False, True, False], "TLS at once comes first")
        try_settings(self, self.server, incoming[0], outgoing[0], "as autoconfig says")
        try_settings(self, self.server, incoming[1], outgoing[1], "as it says then")

    def test_autoconfig_over_plain_http(self):
        """Where the certificate does not have the name, Thunderbird asks without TLS, and is told the same."""
        answer = self.ask("autoconfig.example.test", "/mail/config-v1.1.xml", listener="http")
        self.assertEqual(answer.status, 200, answer.content)
        self.check_schema("autoconfig", answer.content)

    def test_foreign_domains_get_nothing(self):
        self.assertEqual(self.ask("autoconfig.foreign.test", "/mail/config-v1.1.xml").status, 404)
        self.assertEqual(self.ask("mta-sts.foreign.test", "/.well-known/mta-sts.txt").status, 404)
        self.assertIn("<ErrorCode>500<", self.discover("x@foreign.test"))

    def test_autodiscover_works(self):
        text = self.discover(ANN)
        self.assertEqual(text, self.discover(ANN, path="/autodiscover/autodiscover.xml"))
        self.assertEqual(text.replace(ANN, "?"), self.discover("nobody@example.test").replace("nobody@example.test", "?"))
        names = {"o": OUTLOOK}
        found = {protocol.findtext("o:Type", None, names): protocol
                 for protocol in xml.etree.ElementTree.fromstring(text).iter(f"{{{OUTLOOK}}}Protocol")}
        self.assertEqual(sorted(found), ["POP3", "SMTP"])
        for protocol in found.values():
            self.assertEqual(protocol.findtext("o:LoginName", None, names), ANN)
        ports = {kind: (int(one.findtext("o:Port", None, names)), one.findtext("o:Encryption", None, names) == "SSL")
                 for kind, one in found.items()}
        try_settings(self, self.server, ports["POP3"], ports["SMTP"], "as Autodiscover says")

    def test_hostile_requests_of_autodiscover(self):
        self.assertIn("<ErrorCode>601<", self.discover(ANN, "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/"
                                                       "responseschema/2006"))
        self.assertIn("<ErrorCode>600<", self.discover("nonsense"))
        secret = ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><Autodiscover><Request><EMailAddress>&x;@example.test'
                  "</EMailAddress></Request></Autodiscover>")
        answer = self.ask("mx.example.test", "/autodiscover/autodiscover.xml", "POST", secret)
        self.assertIn("<ErrorCode>600<", answer.content)
        self.assertEqual(self.ask("mx.example.test", "/autodiscover/autodiscover.xml", "POST", "x" * 9000).status, 413)
        self.assertEqual(self.ask("mx.example.test", "/autodiscover/autodiscover.xml").status, 405)

    def test_the_policy_is_that_of_the_record(self):
        answer = self.ask("mta-sts.example.test", "/.well-known/mta-sts.txt")
        self.assertEqual(answer.status, 200, answer.content)
        self.assertRegex(answer.headers["Content-Type"], r"^text/plain\b")
        self.assertEqual(answer.content, "version: STSv1\r\nmode: testing\r\nmx: mx.example.test\r\nmax_age: 604800\r\n")
        self.assertEqual(self.ask("mta-sts.other.test", "/.well-known/mta-sts.txt").content, answer.content)
        self.assertEqual(self.ask("mx.example.test", "/.well-known/mta-sts.txt").status, 404)
        records = {record["name"]: record for record in
                   json.loads(self.server.must("domain", "dns", "example.test", "--json"))["records"]}
        self.assertRegex(records["_mta-sts.example.test"]["value"], r"^v=STSv1; id=[0-9a-f]{16};$")
        for name in ("autoconfig.example.test", "mta-sts.example.test"):
            self.assertEqual(records[name]["zone"], f"{name}. IN CNAME mx.example.test.")
        self.assertEqual(records["_autodiscover._tcp.example.test"]["value"], "0 1 443 mx.example.test")

    def test_another_mode_is_another_id(self):
        with Server(accounts={ANN: SECRET}, listeners=LISTENERS | HTTP) as server:
            def text():
                answer = json.loads(server.must("domain", "dns", "example.test", "--json"))
                return next((one["value"] for one in answer["records"] if one["name"] == "_mta-sts.example.test"), None)

            before = text()
            server.extra["mta_sts"] = {"mode": "enforce", "mx": ["mx2.example.net"]}
            server.write_config()
            server.must("reload")
            self.assertNotEqual(text(), before)
            server.extra["mta_sts"] = {"mode": "off"}
            server.write_config()
            server.must("reload")
            self.assertIsNone(text())


if __name__ == "__main__":
    unittest.main()
