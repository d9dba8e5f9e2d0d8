"""Sending by the API: the way of a login on port 587, with an answer in JSON."""

import base64
import contextlib
import datetime
import email
import email.policy
import http.client
import json
import threading
import unittest

from api import Api
from peer import Peer
from server import SECRET, Server, trusting, wait_until

ALICE, BOB = "alice@example.test", "bob@example.test"
LISTENERS = {"https": {"role": "http"}, "submission": {"role": "submission", "tls": "starttls"},
             "pop3-clear": {"role": "pop3", "tls": "none", "login_in_clear": True}}
EVIL = "x\r\nBcc: eve@evil.test"


class SendTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.peer = Peer()
        cls.peer.__enter__()
        cls.addClassCleanup(cls.peer.__exit__, None, None, None)
        route = {"name": "far", "to": "far.test", "host": f"127.0.0.1:{cls.peer.port}", "tls": "none"}
        cls.server = Server(accounts={ALICE: SECRET, BOB: SECRET}, listeners=LISTENERS, routes=[route])
        cls.addClassCleanup(cls.server.close)
        cls.server.start()
        cls.api = Api(cls.server)

    def post(self, body, query="", login=ALICE, **fields):
        client = http.client.HTTPSConnection("127.0.0.1", self.server.ports["https"], context=trusting(), timeout=60)
        with contextlib.closing(client):
            headers = {"Host": self.server.hostname,
                       "Authorization": "Basic " + base64.b64encode(f"{login}:{SECRET}".encode()).decode()}
            headers |= {name.replace("_", "-"): value for name, value in fields.items()}
            octets = body if isinstance(body, bytes) else json.dumps(body).encode()
            client.request("POST", "/v1/send" + query, body=octets, headers=headers)
            answer = client.getresponse()
            status, _, content = self.api.judged("POST", "/v1/send" + query, answer.status, dict(answer.getheaders()), answer.read())
            return status, json.loads(content)

    def got(self, ident):
        """Bob's message with that id, read."""
        def found():
            return [one for one in map(lambda raw: email.message_from_bytes(raw, policy=email.policy.default), self.server.mail(BOB))
                    if ident in one["Message-ID"] or ident in "".join(one.get_all("Received", []))]
        [message] = wait_until(found, f"the message {ident}")
        return message

    def test_json_becomes_a_message(self):
        picture = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20
        status, told = self.post({
            "from": "Älice <alice@example.test>", "to": ["Bob Büilder <bob@example.test>"], "bcc": ["out@far.test"],
            "subject": "Grüße, and a subject that is longer than one line of a header may well be in most programs",
            "text": "From here on\nnaïve\n.\n", "html": "<p>Hi <img src='cid:logo'></p>", "headers": {"X-Order": "7"},
            "attachments": [{"name": "logo.png", "type": "image/png", "content": base64.b64encode(picture).decode(),
                             "content_id": "logo"},
                            {"name": "Rechnung für März €.txt", "type": "text/plain", "content": base64.b64encode("ü".encode()).decode()}]})
        self.assertEqual(status, 200, told)
        self.assertEqual([(one["address"], one["accepted"]) for one in told["recipients"]], [(BOB, True), ("out@far.test", True)])
        message = self.got(told["id"])
        self.assertEqual(message["Message-ID"], told["message_id"])
        self.assertEqual(message["From"].addresses[0].display_name, "Älice")
        self.assertEqual(message["To"].addresses[0].display_name, "Bob Büilder")
        self.assertTrue(message["Subject"].startswith("Grüße, and a subject"))
        self.assertIsNone(message["Bcc"])
        self.assertEqual(message["X-Order"], "7")
        self.assertEqual(message.get_body(("plain",)).get_content().splitlines(), ["From here on", "naïve", "."])
        self.assertIn("cid:logo", message.get_body(("html",)).get_content())
        files = {one.get_filename(): one.get_content() for one in message.walk() if one.get_filename()}
        self.assertEqual(files["logo.png"], picture)
        self.assertEqual(files["Rechnung für März €.txt"].strip(), "ü")
        wait_until(lambda: any("out@far.test" in "".join(one.recipients) for one in self.peer.messages), "the copy elsewhere")
        self.assertEqual(self.server.trace(told["id"])["account"], ALICE)

    def test_a_whole_message(self):
        text = b"From: alice@example.test\nSubject: whole\n\nas it is\n"
        status, told = self.post(text, "?to=bob@example.test", Content_Type="message/rfc822")
        self.assertEqual(status, 200, told)
        self.assertEqual(self.got(told["id"])["Subject"], "whole")
        self.assertEqual(self.post(text, "", Content_Type="message/rfc822")[0], 400)
        status, told = self.post(b"From: bob@example.test\n\nforged\n", "?to=bob@example.test", Content_Type="message/rfc822")
        self.assertEqual((status, told["code"]), (422, "refused"))

    def test_the_policy_of_submission_holds(self):
        status, told = self.post({"from": BOB, "to": [BOB], "text": "x"})
        self.assertEqual((status, told["code"]), (422, "refused"))
        self.assertIn("553", told["detail"])
        status, told = self.post({"to": ["nobody@example.test"], "text": "x"})
        self.assertEqual((status, told["field"]), (422, "to"))
        status, told = self.post({"to": [BOB, "nobody@example.test"], "text": "x"})
        self.assertEqual((status, [one["accepted"] for one in told["recipients"]]), (200, [True, False]))
        self.server.must("account", "limit", ALICE, "recipients_per_message=2")
        self.addCleanup(self.server.must, "account", "limit", ALICE, "recipients_per_message=default")
        status, told = self.post({"to": ["a@far.test", "b@far.test", "c@far.test"], "text": "x"})
        self.assertIn(status, (200, 422), told)
        self.assertFalse(status == 200 and all(one["accepted"] for one in told["recipients"]), told)

    def test_of_who_looks_taken_over_it_is_held(self):
        self.server.must("account", "hold", ALICE)
        self.addCleanup(self.server.must, "account", "release", ALICE)
        status, told = self.post({"to": [BOB], "text": "held"})
        self.assertEqual(status, 200, told)
        self.assertEqual(self.server.trace(told["id"])["recipients"][0]["state"], "held")

    def test_the_same_key_is_the_same_message(self):
        body = {"to": [BOB], "subject": "once", "text": "x"}
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(self.post(body, Idempotency_Key="k1"))) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual({status for status, _ in answers}, {200}, answers)
        self.assertEqual(len({json.dumps(told, sort_keys=True) for _, told in answers}), 1, answers)
        self.server.restart()
        self.assertEqual(self.post(body, Idempotency_Key="k1"), answers[0])
        status, told = self.post(body | {"text": "y"}, Idempotency_Key="k1")
        self.assertEqual((status, told["code"]), (422, "key_reused"))
        self.assertEqual(self.post(body, login=BOB, Idempotency_Key="k1")[0], 200)
        subjects = [email.message_from_bytes(one)["Subject"] for one in self.server.mail(BOB)]
        self.assertEqual(subjects.count("once"), 2, "one of each account")

    def test_later(self):
        status, told = self.post({"to": [BOB], "text": "x", "send_at": "2040-01-01T00:00:00Z"})
        self.assertEqual(status, 422, "further away than the server holds anything")
        self.assertIn("held", told["detail"])
        soon = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        status, told = self.post({"to": [BOB], "text": "x", "send_at": soon})
        self.assertEqual(status, 200, told)
        self.assertEqual(self.server.trace(told["id"])["hold_until"][:19], soon[:19])

    def test_nothing_breaks_out_of_its_field(self):
        for body in ({"subject": EVIL}, {"from": f"{EVIL} <{ALICE}>"}, {"headers": {"X-A": EVIL}}, {"headers": {EVIL: "x"}},
                     {"headers": {"Bcc": "eve@evil.test"}}, {"headers": {"DKIM-Signature": "x"}}, {"metadata": {"a": EVIL}},
                     {"metadata": {EVIL: "a"}}, {"attachments": [{"content": "", "name": EVIL}]},
                     {"attachments": [{"content": "", "type": EVIL}]}, {"reply_to": [f"{EVIL} <{ALICE}>"]},
                     {"to": [f"{EVIL} <{BOB}>"]}, {"bcc": [f"{BOB}\r\nRCPT TO:<eve@evil.test>"]}, {"send_at": EVIL}):
            status, told = self.post({"to": [BOB], "text": "x"} | body)
            self.assertEqual((status, told["code"]), (400, "invalid"), body)
        self.assertFalse(any("eve@evil.test" in "".join(one.recipients) for one in self.peer.messages))

    def test_bounds(self):
        client = http.client.HTTPSConnection("127.0.0.1", self.server.ports["https"], context=trusting(), timeout=60)
        with contextlib.closing(client):
            client.putrequest("POST", "/v1/send", skip_host=True)
            for name, value in (("Host", self.server.hostname), ("Content-Length", str(17 << 20)),
                                ("Authorization", "Basic " + base64.b64encode(f"{ALICE}:{SECRET}".encode()).decode())):
                client.putheader(name, value)
            client.endheaders()
            self.assertEqual(client.getresponse().status, 413)
        status, told = self.post(b"[" * 100 + b"]" * 100)
        self.assertEqual((status, told["code"]), (400, "invalid"))
        self.assertEqual(self.post({"to": [BOB], "text": "x"}, Idempotency_Key="k" * 300)[0], 400)
        self.assertEqual(self.post({"to": [BOB], "text": "x"}, f"?account={BOB}")[0], 404)

    def test_from_the_command_line(self):
        told = self.server.must("send", "--as", ALICE, "--to", BOB, "--subject", "by verb", "--text", "x")
        ident = told.split("id=")[1].strip()
        self.assertEqual(self.got(ident)["Subject"], "by verb")


if __name__ == "__main__":
    unittest.main()
