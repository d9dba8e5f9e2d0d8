"""`paquebot sink`: mail by SMTP, read by POP3, by Mailpit's API and on the page; faults on demand; bounds; pages of others kept out."""

import base64
import contextlib
import email
import gzip
import http.client
import json
import os
import pathlib
import poplib
import signal
import smtplib
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest
import urllib.parse
from email.message import EmailMessage

from api import Judge
from server import BINARY, wait_until

LETTER = "From: Ann <ann@example.org>\r\nTo: bob@example.net\r\nSubject: {}\r\n\r\n{}\r\n"


class Sink:
    """A sink on free ports."""

    def __init__(self, *options, **more):
        command = [BINARY, "sink", "--json", "--smtp", "127.0.0.1:0", "--http", "127.0.0.1:0", "--pop3", "127.0.0.1:0", *options]
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True, **more)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the sink ended: {self.process.wait()}")
        self.ready = json.loads(line)
        self.port = {name: int(self.ready[name][0].rsplit(":", 1)[1]) for name in ("smtp", "http", "pop3")}

    def close(self):
        """It must end well, and not before it is told to."""
        if self.process.stdout.closed:
            return
        early = self.process.poll()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        self.process.stdout.close()
        self.log.seek(0)
        said = self.log.read().decode()[-4000:]
        self.log.close()
        if early is not None or code != 0:
            raise AssertionError(f"the sink ended with {code}: {said}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def smtp(self, login=None, timeout=30):
        client = smtplib.SMTP("127.0.0.1", self.port["smtp"], timeout=timeout)
        if login:
            client.login(login, "any password")
        return client

    def send(self, subject="hello", text="text", to=("bob@example.net",), login=None, sender="ann@example.org", message=None):
        with self.smtp(login) as client:
            return client.sendmail(sender, to, message or LETTER.format(subject, text))

    def ask(self, method, path, body=None, **fields):
        """Status, fields and content."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port["http"], timeout=90)
        with contextlib.closing(connection):
            fields = {name.replace("_", "-"): value for name, value in fields.items()}
            text = body if body is None or isinstance(body, (str, bytes)) else json.dumps(body)
            connection.request(method, path, text, fields)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()

    def get(self, path, method="GET", body=None, status=200):
        """The JSON of an answer."""
        got, fields, content = self.ask(method, path, body)
        if got != status:
            raise AssertionError(f"{method} {path}: {got} {content.decode()}")
        return json.loads(content) if "json" in fields["content-type"] else content.decode()

    def pop3(self, user):
        client = poplib.POP3("127.0.0.1", self.port["pop3"], timeout=30)
        client.user(user)
        client.pass_("whatever")
        return client


class SinkCase(unittest.TestCase):
    options = ()

    def setUp(self):
        self.sink = Sink(*self.options)
        self.addCleanup(self.sink.close)

    def subjects(self, base="", query=None):
        path = f"{base}/api/v1/messages" if query is None else f"{base}/api/v1/search?query={urllib.parse.quote(query)}"
        return [one["Subject"] for one in self.sink.get(path)["messages"]]


class MailTest(SinkCase):
    def test_inboxes_by_login_tag_domain_and_field(self):
        self.sink.send("one", login="Checkout")
        self.sink.send("two", to=["carl+signup@example.com"])
        self.sink.send("three", to=["a@one.example", "b@two.example"])
        self.sink.send(message=LETTER.format("four", "x").replace("Subject:", "X-Inbox: ci-7\r\nSubject:"))
        names = {one["name"]: one["messages"] for one in self.sink.get("/api/v1/inboxes")["inboxes"]}
        self.assertEqual(names, {"checkout": 1, "signup": 1, "one.example": 1, "two.example": 1, "ci-7": 1})
        self.assertEqual(self.subjects(), ["four", "three", "two", "one"])
        self.assertEqual(self.subjects("/inbox/two.example"), ["three"])
        self.assertEqual(self.subjects("/inbox/nowhere"), [])
        [one] = self.sink.get("/inbox/checkout/api/v1/messages")["messages"]
        self.assertEqual(one["Username"], "Checkout")

    def test_pop3_reads_and_deletes(self):
        for subject in "one", "two":
            self.sink.send(subject, login="checkout")
        self.sink.send("other", login="signup")
        client = self.sink.pop3("Checkout")
        self.assertEqual(client.stat()[0], 2)
        lines = client.retr(1)[1]
        self.assertIn(b"Subject: one", lines)
        client.dele(1)
        client.quit()
        self.assertEqual(self.subjects("/inbox/checkout"), ["two"])
        self.assertEqual(self.subjects(), ["other", "two"])
        again = self.sink.pop3("never-seen")
        self.assertEqual(again.stat()[0], 0)
        again.quit()
        self.assertIn("never-seen", [one["name"] for one in self.sink.get("/api/v1/inboxes")["inboxes"]])

    def test_starttls_with_a_certificate_to_pin(self):
        pem = self.sink.get("/certificate.pem")
        context = ssl.create_default_context(cadata=pem)
        with smtplib.SMTP("127.0.0.1", self.sink.port["smtp"], timeout=30) as client:
            client.starttls(context=context)
            client.login("pinned", "x")
            client.sendmail("ann@example.org", ["bob@example.net"], LETTER.format("safe", "x"))
        self.assertRegex(self.sink.get("/inbox/pinned/api/v1/message/latest")["TLS"], "TLSv1")
        pop = poplib.POP3("127.0.0.1", self.sink.port["pop3"], timeout=30)
        pop.stls(context=context)
        pop.user("pinned")
        pop.pass_("x")
        self.assertEqual(pop.stat()[0], 1)
        pop.quit()

    def test_every_way_to_log_in(self):
        with self.sink.smtp() as client:
            client.ehlo()
            self.assertNotIn("SCRAM", client.esmtp_features["auth"], "it would want to know the password")
            for mechanism in "plain", "login":
                with self.sink.smtp() as one:
                    one.ehlo()
                    one.user, one.password = mechanism, "any"
                    self.assertEqual(one.auth(mechanism, getattr(one, f"auth_{mechanism}"))[0], 235)
        with self.sink.smtp() as client:
            client.ehlo()
            token = base64.b64encode(b"user=token-user\x01auth=Bearer abc\x01\x01").decode()
            self.assertEqual(client.docmd("AUTH", "XOAUTH2 " + token)[0], 235)
            client.sendmail("ann@example.org", ["bob@example.net"], LETTER.format("t", "x"))
        self.assertEqual(self.subjects("/inbox/token-user"), ["t"])

    def test_nothing_is_ever_sent_on(self):
        self.sink.send(to=["somebody@gmail.com"])
        status, _, content = self.sink.ask("POST", "/api/v1/message/latest/release", {"To": ["x@example.org"]})
        self.assertEqual(status, 400, content)
        place = pathlib.Path(f"/proc/{self.sink.process.pid}")
        own = set()
        for descriptor in (place / "fd").iterdir():
            with contextlib.suppress(OSError):  # closed meanwhile
                own.add(os.readlink(descriptor))
        rows = [line.split() for line in (place / "net/tcp").read_text().splitlines()[1:]]  # of the whole machine
        ports = [row[2][-5:] for row in rows if f"socket:[{row[9]}]" in own]
        self.assertTrue(ports, "its listeners at least")
        self.assertNotIn(":0019", ports)

    def test_the_same_octets_come_back(self):
        message = ("Subject: =?utf-8?q?caf=C3=A9?=\r\nX-Odd:  two  blanks\r\n\r\n..dots\r\n.\xe9\r\n" + "x" * 900 + "\r\n").encode("latin-1")
        with self.sink.smtp("raw") as client:
            client.sendmail("ann@example.org", ["bob@example.net"], message, ["BODY=8BITMIME"])
        status, fields, content = self.sink.ask("GET", "/inbox/raw/api/v1/message/latest/raw")
        self.assertEqual(content, message)
        self.assertEqual(fields["content-type"], "text/plain; charset=utf-8")
        client = self.sink.pop3("raw")
        self.assertEqual(b"\r\n".join(client.retr(1)[1]) + b"\r\n", message)
        client.quit()

    def test_bounds(self):
        with self.sink.smtp("many") as client:
            for number in range(505):
                client.sendmail("ann@example.org", ["bob@example.net"], LETTER.format(number, "x"))
        answer = self.sink.get("/inbox/many/api/v1/messages?limit=2&start=1")
        self.assertEqual((answer["total"], answer["count"], answer["start"]), (500, 2, 1))
        self.assertEqual([one["Subject"] for one in answer["messages"]], ["503", "502"])

    def test_it_is_for_this_machine_alone(self):
        for address in self.sink.ready["smtp"] + self.sink.ready["http"] + self.sink.ready["pop3"]:
            self.assertTrue(address.startswith("127.0.0.1:"), address)


class ApiTest(SinkCase):
    def letter(self):
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "Shop <orders@shop.example>", "Carl <carl@example.com>", "Code 481 516"
        message["Message-ID"], message["X-Tags"] = "<1@shop.example>", "order, big one"
        message["List-Unsubscribe"] = "<https://shop.example/out>, <mailto:out@shop.example>"
        message.set_content("See https://shop.example/o/1042?k=9f2c.")
        message.add_alternative("<p><b>Hi</b> <a href='https://shop.example/o/1042?k=9f2c&amp;x=1'>go</a><img src='cid:logo@x'>"
                                "<img src='https://tracker.example/p.gif'></p>", subtype="html")
        message.get_payload()[1].add_related(b"\x89PNG", "image", "png", cid="<logo@x>")
        message.add_attachment(b"%PDF-", "application", "pdf", filename="bill.pdf")
        return message

    def test_a_whole_message(self):
        with self.sink.smtp("shop") as client:
            client.send_message(self.letter(), "bounces@shop.example", ["carl@example.com", "hidden@example.com"])
        [row] = self.sink.get("/api/v1/messages")["messages"]
        self.assertFalse(row["Read"])
        self.assertEqual((row["Attachments"], row["Tags"]), (1, ["big one", "order"]))
        self.assertEqual([one["Address"] for one in row["Bcc"]], ["hidden@example.com"])
        whole = self.sink.get(f"/api/v1/message/{row['ID']}")
        self.assertEqual(whole["From"], {"Name": "Shop", "Address": "orders@shop.example"})
        self.assertEqual(whole["ReturnPath"], "bounces@shop.example")
        self.assertEqual(whole["Codes"], ["481516"])
        self.assertEqual(whole["Links"], ["https://shop.example/o/1042?k=9f2c&x=1", "https://shop.example/o/1042?k=9f2c"])
        self.assertEqual(whole["RemotePictures"], 1)
        self.assertEqual(whole["ListUnsubscribe"]["Links"], ["https://shop.example/out", "mailto:out@shop.example"])
        [part] = whole["Attachments"]
        [picture] = whole["Inline"]
        self.assertEqual((part["FileName"], part["ContentType"], part["Size"]), ("bill.pdf", "application/pdf", 5))
        self.assertEqual(len(part["Checksums"]["SHA256"]), 64)
        status, fields, content = self.sink.ask("GET", f"/api/v1/message/latest/part/{part['PartID']}")
        self.assertEqual((status, fields["content-type"], content), (200, "application/pdf", b"%PDF-"))
        self.assertIn("attachment", fields["content-disposition"])
        self.assertIn("sandbox", fields["content-security-policy"])
        status, fields, content = self.sink.ask("GET", "/inbox/shop/view/latest.html")
        self.assertIn(f"/inbox/shop/api/v1/message/{row['ID']}/part/{picture['PartID']}".encode(), content)
        self.assertTrue(fields["content-security-policy"].startswith("sandbox;"))
        self.assertNotIn("https:", fields["content-security-policy"])
        self.assertIn("https:", self.sink.ask("GET", "/view/latest.html?pictures=1")[1]["content-security-policy"])
        self.assertIn("See https", self.sink.get("/view/latest.txt"))
        self.assertEqual(self.sink.get("/api/v1/message/latest/headers")["X-Tags"], ["order, big one"])
        self.assertTrue(self.sink.get("/api/v1/messages")["messages"][0]["Read"])

    def test_read_state_tags_search_and_deletion(self):
        for subject in "one", "two", "three":
            self.sink.send(subject, login="a")
        ids = {one["Subject"]: one["ID"] for one in self.sink.get("/api/v1/messages")["messages"]}
        self.sink.get("/api/v1/messages", "PUT", {"IDs": [ids["one"]], "Read": True})
        self.assertEqual(self.subjects(query="is:read"), ["one"])
        self.sink.get("/api/v1/messages", "PUT", {"Search": "subject:two", "Read": True})
        self.assertEqual(self.sink.get("/api/v1/messages")["unread"], 1)
        self.sink.get("/api/v1/tags", "PUT", {"IDs": [ids["one"], ids["two"]], "Tags": ["Tag 1", "<b>x</b>"]})
        self.assertEqual(self.sink.get("/api/v1/tags"), ["Tag 1", "bxb"])
        self.sink.get("/api/v1/tags/Tag%201", "PUT", {"Name": "Other"})
        self.assertEqual(self.subjects(query="tag:other"), ["two", "one"])
        self.sink.get("/api/v1/tags/Other", "DELETE")
        self.assertEqual(self.sink.get("/api/v1/tags"), ["bxb"])
        self.sink.get("/api/v1/search?query=subject:two", "DELETE")
        self.assertEqual(self.subjects(), ["three", "one"])
        self.sink.get("/api/v1/messages", "DELETE", {"IDs": [ids["one"]]})
        self.assertEqual(self.subjects(), ["three"])
        self.assertEqual(self.sink.ask("GET", f"/api/v1/message/{ids['one']}")[0], 404)
        self.sink.get("/inbox/other/api/v1/messages", "DELETE")
        self.assertEqual(self.subjects(), ["three"])
        self.sink.get("/api/v1/messages", "DELETE")
        self.assertEqual(self.subjects(), [])
        self.assertEqual(self.sink.ask("DELETE", "/api/v1/search")[0], 400)

    def test_waiting(self):
        came = []

        def wait():
            came.append(self.sink.get("/inbox/ci/api/v1/wait?query=subject:second&timeout=60s"))
        thread = threading.Thread(target=wait)
        thread.start()
        self.sink.send("first", login="ci")
        self.sink.send("second", "code 4711", login="elsewhere")
        self.assertEqual(came, [])
        self.sink.send("second", "code 4711", login="ci")
        thread.join(60)
        self.assertEqual(came[0]["Codes"], ["4711"])
        newest = came[0]["ID"]
        self.assertEqual(self.sink.ask("GET", f"/inbox/ci/api/v1/wait?timeout=0&newer={newest}")[0], 404)
        self.assertEqual(self.sink.get("/inbox/ci/api/v1/messages?wait=30s")["count"], 2)
        self.assertEqual(self.sink.get("/inbox/ci/api/v1/wait?count=2&timeout=1s")["ID"], newest)
        self.assertEqual(self.sink.ask("GET", "/api/v1/wait?timeout=1h")[0], 400)
        self.assertEqual(self.sink.get("/inbox/none/api/v1/messages?wait=0")["messages"], [])

    def test_send(self):
        made = self.sink.get("/api/v1/send", "POST", {
            "From": {"Email": "ann@example.org", "Name": "Änn"}, "To": [{"Email": "bob+sent@example.net", "Name": "Bob"}],
            "Bcc": ["blind+sent@example.net"], "Subject": "Grüße", "Text": "plain\n.\nü", "HTML": "<p>ü</p>", "Tags": ["t"],
            "Headers": {"X-IP": "1.2.3.4"},
            "Attachments": [{"Content": base64.b64encode(b"GIF89a").decode(), "Filename": "a.gif", "ContentID": "logo"},
                            {"Content": base64.b64encode(b"data").decode(), "Filename": "ä.txt"}]})
        whole = self.sink.get(f"/inbox/sent/api/v1/message/{made['ID']}")
        self.assertEqual((whole["Subject"], whole["From"]["Name"], whole["Tags"]), ("Grüße", "Änn", ["t"]))
        self.assertEqual(whole["Text"].split(), ["plain", ".", "ü"])
        self.assertEqual(whole["HTML"].strip(), "<p>ü</p>")
        self.assertEqual([one["ContentType"] for one in whole["Inline"] + whole["Attachments"]], ["image/gif", "text/plain"])
        self.assertEqual(whole["Attachments"][0]["FileName"], "ä.txt")
        raw = self.sink.ask("GET", f"/api/v1/message/{made['ID']}/raw")[2]
        self.assertNotIn(b"blind", raw)
        self.assertNotRegex(raw, rb"(?<!\r)\n")
        self.assertEqual(email.message_from_bytes(raw)["X-IP"], "1.2.3.4")
        for wrong in ({}, {"From": {"Email": "no address"}}, {"From": {"Email": "a@b.example"}, "Headers": {"X": "a\r\nBcc: x"}},
                      {"From": {"Email": "a@b.example"}, "Attachments": [{"Content": "!!", "Filename": "x"}]}):
            self.assertEqual(self.sink.ask("POST", "/api/v1/send", wrong)[0], 400, wrong)

    def test_who_asks_is_told_as_by_a_server(self):
        environment = {key: value for key, value in os.environ.items() if key != "PAQUEBOT_CONFIG"}
        with tempfile.TemporaryDirectory() as folder:  # of a server's store, which a first domain makes
            for words in (("domain", "add", "example.test"), ("api", "api.describe")):
                document = subprocess.run([BINARY, "--data-dir", folder, *words], capture_output=True, check=True, timeout=60, env=environment)
        judge = Judge(json.loads(document.stdout))
        status, fields, content = self.sink.ask("GET", "/v1/me")
        judge.check("GET", "/v1/me", status, fields["content-type"], json.loads(content))
        status, fields, content = self.sink.ask("POST", "/api/v1/faults", "x" * (2 << 20))
        self.assertEqual((status, json.loads(content)["type"], json.loads(content)["code"]), (413, "about:blank", "too_large"))

    def test_events(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.sink.port["http"], timeout=30)
        self.addCleanup(connection.close)
        connection.request("GET", "/inbox/live/api/v1/events")
        answer = connection.getresponse()
        self.assertEqual(answer.getheader("content-type"), "text/event-stream")

        def event():
            lines = []
            while True:
                line = answer.readline().decode().strip()
                if not line and lines:
                    return dict(one.split(": ", 1) for one in lines)
                if line and not line.startswith(":"):
                    lines.append(line)
        self.assertEqual(json.loads(event()["data"])["total"], 0)
        self.assertEqual(event()["event"], "faults")
        self.sink.send(login="live")
        self.assertEqual(json.loads(event()["data"])["total"], 1)
        self.sink.get("/api/v1/faults", "PUT", [])
        self.assertEqual(event()["event"], "faults")

    def test_what_is_wrong_is_told(self):
        for method, path, status in (("GET", "/nothing", 404), ("PATCH", "/api/v1/messages", 405), ("GET", "/api/v1/messages?start=x", 400),
                                     ("GET", "/api/v1/search?query=is:blue", 400), ("GET", "/api/v1/message/none", 404),
                                     ("GET", "/view/latest.html", 404), ("GET", "/api/v1/messages?a=1&a=2", 400),
                                     ("DELETE", "/api/v1/faults/none", 404), ("DELETE", "/api/v1/inboxes/none", 404)):
            self.assertEqual(self.sink.ask(method, path)[0], status, path)
        for method, path in (("PUT", "/api/v1/messages"), ("DELETE", "/api/v1/messages"), ("PUT", "/api/v1/tags"), ("POST", "/api/v1/faults"),
                             ("POST", "/api/v1/send"), ("PUT", "/api/v1/chaos")):
            for body in "{", "[" * 10000, '{"IDs": 3, "Sender": {"ErrorCode": 1}}':
                self.assertIn(self.sink.ask(method, path, body)[0], (400, 422), (path, body[:20]))
        self.assertEqual(self.sink.ask("POST", "/api/v1/faults", "x" * (2 << 20))[0], 413)


class StrangersTest(SinkCase):
    """Pages of others, foreign names, and what they put into messages."""

    def test_pages_of_others_write_nothing(self):
        self.sink.send("kept")
        for fields in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"},
                       {"Origin": "http://127.0.0.1:1"}):
            for method, path in (("DELETE", "/api/v1/messages"), ("POST", "/plain/delete"), ("POST", "/api/v1/faults")):
                self.assertEqual(self.sink.ask(method, path, "", **fields)[0], 403, (fields, path))
        self.assertEqual(self.subjects(), ["kept"])
        own = f"http://127.0.0.1:{self.sink.port['http']}"
        self.assertEqual(self.sink.ask("POST", "/plain/delete", "", Origin=own)[0], 303)
        self.assertEqual(self.subjects(), [])

    def test_foreign_names_are_refused(self):
        for host, status in (("localhost", 200), ("127.0.0.1:8025", 200), ("[::1]", 200), ("app.localhost", 200),
                             ("evil.example", 421), ("127.0.0.1.evil.example", 421), ("localhost.evil.example", 421)):
            self.assertEqual(self.sink.ask("GET", "/api/v1/info", Host=host)[0], status, host)
        with Sink("--host", "mail") as other:
            self.assertEqual(other.ask("GET", "/api/v1/info", Host="mail")[0], 200)

    def test_answers_allow_nobody_else_to_read(self):
        fields = self.sink.ask("GET", "/api/v1/messages", Origin="https://evil.example")[1]
        self.assertNotIn("access-control-allow-origin", fields)
        self.assertEqual(fields["x-content-type-options"], "nosniff")

    def test_hostile_words_are_inert(self):
        evil = "</title></bdi><script>alert(1)</script><img src=x onerror=alert(1)>\"'"
        message = EmailMessage()
        message["From"], message["Subject"] = '"<script>x</script>" <a@example.org>', evil
        message.set_content(evil)
        message.add_alternative("<script>alert(document.domain)</script><form action='/plain/delete' method=post>", subtype="html")
        message.add_attachment(b"<script>alert(1)</script>", "text", "html", filename="../<script>\"y.html")
        with self.sink.smtp("<script>alert(1)</script>") as client:
            client.send_message(message, "a@example.org", ['"<script>"@example.net'])
        latest = self.sink.get("/api/v1/message/latest")
        for path in ("/plain/", f"/plain/message/{latest['ID']}", f"/plain/?query={urllib.parse.quote(evil)}",
                     f"/inbox/{latest['Inboxes'][0]}/plain/"):
            status, fields, content = self.sink.ask("GET", path)
            self.assertEqual(status, 200, path)
            self.assertNotRegex(content.decode(), r"<script|<img|<form action='/plain|onerror=alert\(1\)>", path)
            policy = fields["content-security-policy"]
            self.assertIn("default-src 'none'", policy)
            self.assertNotIn("script-src", policy)
            self.assertNotIn("unsafe", policy)
        status, fields, content = self.sink.ask("GET", "/view/latest.html")
        self.assertTrue(fields["content-security-policy"].startswith("sandbox; default-src 'none'"))
        [part] = latest["Attachments"]
        status, fields, content = self.sink.ask("GET", f"/api/v1/message/latest/part/{part['PartID']}")
        self.assertTrue(fields["content-disposition"].startswith("attachment;"))
        self.assertIn("sandbox", fields["content-security-policy"])

    def test_the_console_is_served(self):
        status, fields, _ = self.sink.ask("GET", "/")
        self.assertEqual((status, fields["location"]), (303, "/console/sink"))
        self.assertEqual(self.sink.ask("GET", "/inbox/a/")[1]["location"], "/console/sink?inbox=a")
        for path, kind in (("/console/sink", "text/html"), ("/console/assets/console.js", "text/javascript"), ("/console/assets/console.css", "text/css")):
            status, fields, content = self.sink.ask("GET", path, Accept_Encoding="gzip, br")
            self.assertEqual((status, fields["content-type"].split(";")[0]), (200, kind), path)
            self.assertIn("require-trusted-types-for 'script'", fields["content-security-policy"])
            self.assertTrue(gzip.decompress(content), path)
        self.assertEqual(self.sink.ask("GET", "/console/assets/../../etc/passwd", Accept_Encoding="gzip")[0], 404)
        self.assertEqual(self.sink.ask("GET", "/console/sink")[1]["location"], "/plain/", "who takes no gzip takes no scripts")
        self.assertEqual(self.sink.get("/v1/me")["role"], "sink")
        self.assertEqual(json.loads(self.sink.ask("DELETE", "/api/v1/messages", Accept="application/json")[2]), {"ok": True})

    def test_the_page_adds_and_removes_a_fault(self):
        status, fields, _ = self.sink.ask("POST", "/plain/faults", "inbox=&sender=&recipient=full%40*&nth=&percent=&seconds=&reply=&at=rcpt&does=full")
        self.assertEqual((status, fields["location"]), (303, "/plain/"))
        [fault] = self.sink.get("/api/v1/faults")["faults"]
        self.assertEqual((fault["recipient"], fault["does"]), ("full@*", "full"))
        self.assertIn("to full@*", self.sink.ask("GET", "/plain/")[2].decode())
        self.sink.ask("POST", f"/plain/faults/{fault['id']}/delete", "")
        self.assertEqual(self.sink.get("/api/v1/faults")["faults"], [])


class FaultTest(SinkCase):
    def fault(self, at, does, **more):
        return self.sink.get("/api/v1/faults", "POST", {"at": at, "does": does, **more}, status=201)

    def only(self, at, does, **more):
        return self.sink.get("/api/v1/faults", "PUT", [{"at": at, "does": does, **more}])["faults"][0]

    def test_replies_at_every_stage(self):
        self.only("connect", "reply")
        with self.assertRaises(smtplib.SMTPConnectError) as refused:
            self.sink.smtp()
        self.assertEqual(refused.exception.smtp_code, 421)
        self.only("ehlo", "reply", reply="550 5.7.1 no")
        with self.sink.smtp() as client:
            self.assertEqual(client.ehlo(), (550, b"5.7.1 no"))
        self.only("starttls", "reply")
        with self.sink.smtp() as client:
            client.ehlo()
            self.assertEqual(client.docmd("STARTTLS")[0], 454)
            self.assertEqual(client.noop()[0], 250, "the session goes on in clear")
        self.only("auth", "reply", inbox="locked")
        with self.sink.smtp() as client, self.assertRaises(smtplib.SMTPAuthenticationError):
            client.login("locked", "any")
        self.sink.smtp("open").close()
        self.only("mail", "reply", sender="ann@*")
        with self.assertRaises(smtplib.SMTPSenderRefused) as refused:
            self.sink.send()
        self.assertEqual((refused.exception.smtp_code, refused.exception.smtp_error), (451, b"4.3.0 the sink was told to say so"))
        self.only("rcpt", "full", recipient="full@*")
        self.assertEqual(self.sink.send(to=["full@example.net", "bob@example.net"]),
                         {"full@example.net": (452, b"4.2.2 the mailbox is full, try again later")})
        for at in "data", "end":
            self.only(at, "reply", reply="554 5.6.0 not this one", recipient="bob@*")
            with self.assertRaises(smtplib.SMTPDataError) as refused:
                self.sink.send()
            self.assertEqual(refused.exception.smtp_code, 554)
            self.sink.send(to=["carl@example.net"])
        self.assertEqual(self.sink.get("/api/v1/messages")["total"], 3)

    def test_after_it_is_kept(self):
        self.only("after", "drop")
        with self.assertRaises(smtplib.SMTPServerDisconnected):
            self.sink.send("kept all the same")
        self.assertEqual(self.subjects(), ["kept all the same"])
        self.only("end", "drop")
        with self.assertRaises(smtplib.SMTPServerDisconnected):
            self.sink.send("lost")
        self.assertEqual(self.subjects(), ["kept all the same"])
        self.only("after", "duplicate", recipient="twice@*")
        self.sink.send("twice", to=["twice@example.net"])
        self.assertEqual(self.subjects(), ["twice", "twice", "kept all the same"])

    def test_later_bounce(self):
        self.only("after", "bounce", seconds=0.1, reply="550 5.1.1 nobody of that name")
        self.sink.send("goes out", login="orders", sender="bounces@shop.example", to=["typo@example.net"])
        report = self.sink.get("/inbox/orders/api/v1/wait?count=2&timeout=60s")
        self.assertEqual((report["ReturnPath"], report["Envelope"]["To"]), ("", ["bounces@shop.example"]))
        raw = self.sink.ask("GET", f"/api/v1/message/{report['ID']}/raw")[2]
        parsed = email.message_from_bytes(raw)
        self.assertEqual(parsed.get_content_type(), "multipart/report")
        status = parsed.get_payload()[1].get_payload()[1]
        self.assertEqual((status["Final-Recipient"], status["Action"], status["Status"]), ("rfc822; typo@example.net", "failed", "5.1.1"))
        self.assertIn("nobody of that name", status["Diagnostic-Code"])

    def test_greylisting(self):
        self.only("rcpt", "greylist")
        with self.assertRaises(smtplib.SMTPRecipientsRefused) as refused:
            self.sink.send()
        self.assertEqual(refused.exception.recipients["bob@example.net"][0], 451)
        self.sink.send("second try")
        self.assertEqual(self.subjects(), ["second try"])

    def test_delay_stall_drop_and_drip(self):
        self.only("connect", "drop")
        with self.assertRaises((smtplib.SMTPServerDisconnected, ConnectionError)):
            self.sink.smtp()
        self.only("rcpt", "delay", seconds=0.3)
        self.sink.send("late")
        self.only("mail", "stall", seconds=600)
        with self.sink.smtp(timeout=1) as client:
            client.ehlo()
            with self.assertRaises((smtplib.SMTPServerDisconnected, TimeoutError)):
                client.mail("ann@example.org")
                client.rcpt("bob@example.net")
            client.close()
        self.only("mail", "stall", seconds=0.1)
        with self.assertRaises(smtplib.SMTPServerDisconnected):
            self.sink.send()
        self.only("ehlo", "drip", seconds=0.001)
        self.sink.send("slowly")
        self.assertEqual(self.subjects(), ["slowly", "late"])
        self.assertEqual(self.sink.get("/api/v1/faults")["faults"][0]["hits"], 1)
        self.only("starttls", "drop")
        with self.sink.smtp() as client:
            client.ehlo()
            with self.assertRaises((smtplib.SMTPServerDisconnected, ConnectionError)):
                client.docmd("STARTTLS")

    def test_bad_certificates(self):
        context = ssl.create_default_context(cadata=self.sink.get("/certificate.pem"))
        for kind, says in (("expired", "has expired"), ("name", "mismatch"), ("stranger", "self-signed")):
            self.only("starttls", "certificate", certificate=kind, times=1)
            for works in False, True:
                with self.sink.smtp() as client:
                    if works:
                        client.starttls(context=context)
                        continue
                    with self.assertRaises(ssl.SSLCertVerificationError) as refused:
                        client.starttls(context=context)
                    self.assertRegex(str(refused.exception), says)
                    client.close()

    def test_chance_by_seed(self):
        def walk():
            self.sink.get("/api/v1/faults", "PUT", {"seed": 7, "faults": [{"at": "rcpt", "does": "reply", "percent": 40}]})
            with self.sink.smtp() as client:
                client.ehlo()
                client.mail("ann@example.org")
                return [client.rcpt(f"r{number}@example.net")[0] for number in range(60)]
        first = walk()
        self.assertEqual(set(first), {250, 451})
        self.assertEqual(walk(), first)

    def test_chaos_as_mailpit_has_it(self):
        self.sink.get("/api/v1/chaos", "PUT", {"Recipient": {"ErrorCode": 550, "Probability": 100}})
        self.assertEqual(self.sink.get("/api/v1/chaos")["Recipient"], {"ErrorCode": 550, "Probability": 100})
        with self.assertRaises(smtplib.SMTPRecipientsRefused):
            self.sink.send()
        self.sink.get("/api/v1/chaos", "PUT", {})
        self.sink.send()

    def test_a_session_in_a_fault_does_not_hold_up_the_end(self):
        self.only("connect", "stall", seconds=600)
        with socket.create_connection(("127.0.0.1", self.sink.port["smtp"]), timeout=30):
            wait_until(lambda: self.sink.get("/api/v1/faults")["faults"][0]["hits"] == 1, "the fault")
            self.sink.close()


class ProgramTest(unittest.TestCase):
    """The command itself."""

    def test_faults_of_a_file_and_a_seed(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "faults.json"
            file.write_text('{"seed": 3, "faults": [{"at": "rcpt", "does": "full", "recipient": "full@*"}]}')
            with Sink("--faults", file) as sink:
                self.assertEqual(sink.get("/api/v1/faults")["seed"], 3)
                with self.assertRaises(smtplib.SMTPRecipientsRefused):
                    sink.send(to=["full@example.net"])
            with Sink("--faults", file, "--seed", "8") as sink:
                self.assertEqual(sink.get("/api/v1/faults")["seed"], 8)
            file.write_text('[{"at": "noon"}]')
            done = subprocess.run([BINARY, "sink", "--faults", file], capture_output=True, text=True)
            self.assertEqual((done.returncode, "fault 1" in done.stderr), (65, True), done.stderr)
        done = subprocess.run([BINARY, "sink", "--faults", "/nowhere"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 66)
        for wrong in (["--seed", "x"], ["--memory", "1k"], ["--nothing"]):
            self.assertEqual(subprocess.run([BINARY, "sink", *wrong], capture_output=True).returncode, 64, wrong)

    def test_local_sockets(self):
        with tempfile.TemporaryDirectory() as folder:
            paths = {name: f"{folder}/{name}.sock" for name in ("smtp", "http")}
            command = [BINARY, "sink", "--json", "--smtp", f"unix:{paths['smtp']}", "--http", f"unix:{paths['http']}", "--pop3", "none"]
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
                self.addCleanup(process.kill)
                ready = json.loads(process.stdout.readline())
                self.assertEqual(ready, {"smtp": ["unix:" + paths["smtp"]], "http": ["unix:" + paths["http"]], "pop3": []})
                with socket.socket(socket.AF_UNIX) as raw:
                    raw.settimeout(30)
                    raw.connect(paths["smtp"])
                    stream = raw.makefile("rwb")
                    stream.write(b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c+u@d.example>\r\nDATA\r\n")
                    stream.flush()
                    while not stream.readline().startswith(b"354"):
                        pass
                    stream.write(b"Subject: local\r\n\r\nx\r\n.\r\nQUIT\r\n")
                    stream.flush()
                    self.assertIn(b"250 2.0.0 accepted", stream.read())
                with socket.socket(socket.AF_UNIX) as raw:
                    raw.settimeout(30)
                    raw.connect(paths["http"])
                    raw.sendall(b"GET /inbox/u/api/v1/messages HTTP/1.1\r\nHost: anything\r\nConnection: close\r\n\r\n")
                    self.assertIn(b'"Subject":"local"', raw.makefile("rb").read())
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(30), 0)
                self.assertFalse(os.path.exists(paths["smtp"]))

    def test_a_port_that_is_taken_is_told(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            done = subprocess.run([BINARY, "sink", "--smtp", str(port), "--http", "none", "--pop3", "none"], capture_output=True, text=True)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(str(port), done.stderr)

    def test_memory_is_bounded(self):
        with Sink("--memory", "1MiB") as sink:
            for number in range(30):
                sink.send(str(number), "x" * 900 + ("\r\n" + "y" * 900) * 90, login=f"i{number}")
            info = sink.get("/api/v1/info")
            self.assertLess(info["DatabaseSize"], 1 << 20)
            self.assertEqual(sink.get("/api/v1/messages")["messages"][0]["Subject"], "29")
            with self.assertRaises((smtplib.SMTPSenderRefused, smtplib.SMTPDataError, smtplib.SMTPServerDisconnected)):
                sink.send("large", ("z" * 900 + "\r\n") * 1400)


if __name__ == "__main__":
    unittest.main()
