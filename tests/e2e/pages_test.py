"""What the pages of whoever looks after the server show of a running one: live connections, traffic, settings, today. Every answer is
judged by the server's own document."""

import base64
import re
import socket
import threading
import unittest

from api import Api
from peer import Peer
from server import SECRET, Server, free_port_everywhere, wait_until

ALICE = "alice@example.test"
LISTENERS = {"mx": {"role": "mx", "tls": "starttls"}, "https": {"role": "http"},
             "pop3": {"role": "pop3", "tls": "none", "login_in_clear": True}, "submission": {"role": "submission", "tls": "none", "login_in_clear": True}}


class Talk:
    """A client that says lines and reads replies."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.file = self.socket.makefile("rb")
        self.greeting = self.file.readline()

    def say(self, line, lines=None):
        self.socket.sendall(line.encode() + b"\r\n")
        if lines is not None:
            return [self.file.readline().decode() for _ in range(lines)]
        reply = []
        while True:
            reply.append(self.file.readline().decode())
            if reply[-1][3:4] != "-":
                return reply

    def close(self):
        self.file.close()
        self.socket.close()


class PagesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.port = free_port_everywhere()
        cls.server = Server(accounts={ALICE: SECRET}, listeners=LISTENERS,
                            routes=[{"to": "far.test", "host": f"127.0.0.1:{cls.port}", "tls": "none"}])
        cls.addClassCleanup(cls.server.close)
        cls.server.start()
        cls.server.must("alias", "add", "out@example.test", "x@far.test")
        cls.api = Api(cls.server)

    def talk(self, listener):
        talk = Talk(self.server.ports[listener])
        self.addCleanup(talk.close)
        return talk

    def connection(self, protocol, role):
        found = [one for one in self.api.must("/v1/connections?direction=in")["connections"]
                 if (one["protocol"], one["role"]) == (protocol, role)]
        return max(found, key=lambda one: one["id"]) if found else None

    def lines(self, number):
        return [(line["who"], line["text"]) for line in self.api.must(f"/v1/connections/{number}")["lines"]]

    def test_a_session_is_watched_and_ended(self):
        talk = self.talk("submission")
        found = self.connection("smtp", "submission")
        self.assertEqual(found["state"], "has not said hello")
        self.assertEqual(self.lines(found["id"]), [])
        talk.say("EHLO client.test")
        plain = base64.b64encode(f"\0{ALICE}\0{SECRET}".encode()).decode()
        talk.say("AUTH PLAIN " + plain)
        talk.say(f"MAIL FROM:<{ALICE}>")
        talk.say(f"RCPT TO:<{ALICE}>")
        talk.say("DATA")
        talk.say("Subject: a secret\r\n\r\nof ours\r\n.")
        told = self.lines(found["id"])
        self.assertIn(("peer", "EHLO client.test"), told)
        self.assertIn(("peer", "AUTH PLAIN (hidden)"), told)
        self.assertTrue(any(who == "us" and text.startswith("235 ") for who, text in told), told)
        self.assertTrue(any(who == "peer" and re.fullmatch(r"\(\d+ octets of content\)", text) for who, text in told), told)
        whole = str(told)
        for secret in (plain, SECRET, "a secret", "of ours"):
            self.assertNotIn(secret, whole)
        shown = self.connection("smtp", "submission")
        self.assertEqual((shown["account"], shown["name"], shown["state"]), (ALICE, "client.test", "is silent"))
        self.assertRegex(shown["last_reply"], "^250 2.0.0")
        talk.say("AUTH LOGIN")
        talk.say("bm90aGluZw==")
        self.assertEqual(self.api.must(f"/v1/connections/{found['id']}", method="DELETE"), {"ended": found["id"]})
        self.assertEqual(talk.file.readline(), b"")
        wait_until(lambda: self.api.order(f"/v1/connections/{found['id']}")[0] == 404, "the end of the session")

    def test_a_login_in_two_lines_is_hidden(self):
        talk = self.talk("pop3")
        number = self.connection("pop3", "pop3")["id"]
        self.lines(number)
        talk.say("USER " + ALICE, 1)
        talk.say("PASS " + SECRET, 1)
        talk.say(SECRET, 1)
        told = self.lines(number)
        self.assertIn(("peer", "PASS (hidden)"), told)
        self.assertTrue(any(who == "us" and text.startswith("+OK") for who, text in told), told)
        self.assertEqual(self.connection("pop3", "pop3")["account"], ALICE)
        other = self.talk("pop3")
        number = self.connection("pop3", "pop3")["id"]
        self.lines(number)
        other.say(SECRET, 1)  # a password that went astray
        self.assertNotIn(SECRET, str(self.lines(number)))

    def test_a_delivery_is_watched_and_broken_off(self):
        go_on = {"MAIL": threading.Event(), ".": threading.Event()}
        self.addCleanup(lambda: [one.set() for one in go_on.values()])

        def script(session, verb, line):
            if verb in go_on:
                go_on[verb].wait(60)

        with Peer(port=self.port, script=script):
            with self.server.smtp("mx") as client:
                client.sendmail("x@stranger.test", ["out@example.test"], "Subject: a secret\r\n\r\nof ours\r\n")
            look = lambda: self.api.must("/v1/connections?direction=out")["connections"]
            [out] = wait_until(look, "a connection to the peer")
            self.assertEqual((out["direction"], out["role"], out["protocol"]), ("out", "delivery", "smtp"))
            self.assertIn(str(self.port), out["peer"])
            self.lines(out["id"])
            go_on["MAIL"].set()
            told = wait_until(lambda: [one for one in [self.lines(out["id"])] if "octets of content" in str(one)], "the message's content")[0]
            self.assertTrue(any(who == "us" and re.fullmatch(r"\(\d+ octets of content\)", text) for who, text in told), told)
            self.assertTrue(any(who == "peer" and text.startswith("354") for who, text in told), told)
            self.assertNotIn("a secret", str(told))
            self.api.must(f"/v1/connections/{out['id']}", method="DELETE")
            wait_until(lambda: self.api.order(f"/v1/connections/{out['id']}")[0] == 404, "the end of the connection")
            [message] = self.api.must("/v1/queue?address=x@far.test")["messages"]  # it is tried again
            self.assertIn(message["recipients"][-1]["state"], ("waiting", "in hand"))

    def test_traffic_and_today(self):
        before = self.api.must("/v1/traffic?hours=2")["hours"][-1]
        with self.server.smtp("mx") as client:
            client.sendmail("x@stranger.test", [ALICE], "Subject: x\r\n\r\nx\r\n")
            self.assertEqual(client.docmd("MAIL FROM:<x@stranger.test>")[0], 250)
            self.assertEqual(client.docmd("RCPT TO:<nobody@example.test>")[0], 550)
        hours = self.api.must("/v1/traffic?hours=2")["hours"]
        self.assertEqual(len(hours), 2)
        grown = {name: sum(one[name] for one in hours) - before[name] for name in ("accepted", "delivered", "refused")}
        self.assertGreaterEqual(grown["accepted"], 1)
        self.assertGreaterEqual(grown["delivered"], 1)
        self.assertGreaterEqual(grown["refused"], 1)
        today = self.api.must("/v1/today")
        self.assertTrue(today["running"])
        self.assertEqual((today["held"], today["suspected"]), (0, 0))
        self.assertGreater(today["disk"]["size"], 0)

    def test_settings_name_the_line(self):
        settings = {one["key"]: one for one in self.api.must("/v1/settings")["settings"]}
        text = self.server.config.read_text().splitlines()
        hostname = settings["server.hostname"]
        self.assertIn("hostname", text[hostname["line"] - 1])
        self.assertEqual((hostname["value"], hostname["restart"]), (f'"{self.server.hostname}"', True))
        self.assertEqual(settings["limits.max_errors"]["line"] if "limits.max_errors" in settings else 0, 0)
        self.assertIn("listener.1.role", settings)

    def test_programs_settings_and_requests_of_the_owner(self):
        mine = {"Authorization": "Basic " + base64.b64encode(f"{ALICE}:{SECRET}".encode()).decode()}
        for path in ("", "/limits", "/app-passwords", "/setup", "/doctor", "/attempts"):
            status, _, told = self.api.ask(f"/v1/accounts/{ALICE}{path}", **mine)
            self.assertEqual(status, 200, (path, told))
        for path in ("/v1/queue?held=1", f"/v1/messages?address={ALICE}", "/v1/tokens", "/v1/me"):
            self.assertEqual(self.api.ask(path, **mine)[0], 200, path)
        for path in ("/v1/today", "/v1/traffic", "/v1/connections", "/v1/settings", "/v1/reports/dmarc"):
            self.assertEqual(self.api.ask(path, **mine)[0], 403, path)

    def test_every_plain_list_is_what_the_document_says(self):
        """What can be read without a name of something; each answer is judged."""
        for path, methods in self.api.must("/v1/openapi.json")["paths"].items():
            operation = methods.get("get")
            if operation is None or "{" in path or path == "/v1/messages":  # which wants one of two parameters
                continue
            if any(one["required"] for one in operation.get("parameters", [])):
                continue
            media = operation["responses"].get("200", {}).get("content", {})
            if "application/json" not in media:
                continue  # a stream
            status, _, told = self.api.order(path)
            self.assertIn(status, (200, 501, 503, 403, 401), (path, told))


if __name__ == "__main__":
    unittest.main()
