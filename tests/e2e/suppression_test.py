"""What other servers refuse mail with, whom programs send nothing to any more, and what comes back later."""

import base64
import contextlib
import http.client
import json
import re
import unittest

from dns import Dns
from peer import Peer
from server import SECRET, Server, check, free_port_everywhere, letter, trusting, wait_until

SHOP, ANN = "shop@example.test", "ann@example.test"
LISTENERS = {"mx": {"role": "mx", "tls": "starttls"}, "https": {"role": "http"}, "submission": {"role": "submission", "tls": "starttls"},
             "pop3-clear": {"role": "pop3", "tls": "none", "login_in_clear": True}}
RCPT = {"nouser": "550 5.1.1 no such user", "words": "550 User unknown", "full": "552 5.2.2 over quota", "off": "550 5.2.1 disabled",
        "listed": "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
        "grey": "451 4.7.1 Greylisted, please come again", "fast": "450 4.7.28 too fast", "dmarc": "550 5.7.26 not authenticated",
        "large": "552 5.3.4 too large", "policy": "550 5.7.1 no", "odd": "550 no"}
CLASSES = {"nouser": "no-such-user", "words": "no-such-user", "full": "full", "off": "disabled", "listed": "blocked-source",
           "grey": "greylist", "fast": "rate", "dmarc": "authentication", "large": "size", "policy": "policy", "odd": "unknown"}
PATH = r"<(bounce-[a-z2-7]{12}-[a-z2-7]{12}@example\.test)>"


def answer(_, verb, line):
    return RCPT.get(line[9:].split("@")[0].split("-")[0]) if verb == "RCPT" else None


def multipart(kind, to, parts, sender):
    return letter(sender=sender, to=to, subject="report", body="".join(f"--x\r\n{part}\r\n\r\n" for part in parts) + "--x--\r\n",
                  more=f"MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type={kind}; boundary=x\r\n")


def bounce(to, whom, diagnostic="550 5.1.1 gone"):
    return multipart("delivery-status", to, (
        "Content-Type: text/plain\r\n\r\nUndelivered",
        "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.far.test\r\n\r\n"
        f"Final-Recipient: rfc822; {whom}\r\nAction: failed\r\nStatus: 5.0.0\r\nDiagnostic-Code: smtp; {diagnostic}"), "mailer-daemon@far.test")


def feedback(to, head, sender):
    return multipart("feedback-report", to, (
        "Content-Type: text/plain\r\n\r\nSomebody calls this spam.",
        "Content-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nUser-Agent: loop/1\r\nVersion: 1",
        f"Content-Type: text/rfc822-headers\r\n\r\n{head}"), sender)


class SuppressionTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        port = free_port_everywhere()
        cls.dns = cls.enterClassContext(Dns("far.test MX 10 mx.far.test", "mx.far.test A 127.0.0.3",
                                            'far.test TXT "v=spf1 ip4:127.0.0.1 -all"', 'false.test TXT "v=spf1 -all"'))
        cls.peer = cls.enterClassContext(Peer(address="127.0.0.3", port=port, name="mx.far.test", script=answer))
        cls.server = Server(accounts={SHOP: SECRET, ANN: SECRET}, listeners=LISTENERS, dns=cls.dns, delivery={"port": port},
                            extra={"authentication": {"skip_networks": [], "timeout": "5s"}})
        cls.addClassCleanup(cls.server.close)
        cls.server.start()
        cls.server.must("events")  # from here on what happens is written down

    def ask(self, method, path, body=None, login=SHOP):
        client = http.client.HTTPSConnection("127.0.0.1", self.server.ports["https"], context=trusting(), timeout=60)
        with contextlib.closing(client):
            headers = {"Host": self.server.hostname, "Authorization": "Basic " + base64.b64encode(f"{login}:{SECRET}".encode()).decode()}
            client.request(method, path, body=json.dumps(body) if body is not None else None, headers=headers)
            told = client.getresponse()
            return told.status, json.loads(told.read())

    def post(self, *to, login=SHOP):
        return self.ask("POST", "/v1/send", {"to": list(to), "text": "x"}, login)

    def sent(self, *to):
        status, told = self.post(*to)
        self.assertEqual(status, 200, told)
        return told["id"]

    def ended(self, ident, bounce=True):
        """Its first recipient, once something has been said of it."""
        def known():
            one = self.server.trace(ident)["recipients"][0]
            return one if ("bounce" in one) == bounce and (bounce or one["state"] == "relayed") else None
        return wait_until(known, f"an outcome of {ident}")

    def relayed(self, to):
        """The id of a message that was taken, and the return address under which it came."""
        ident = self.sent(to)
        self.ended(ident, bounce=False)
        [message] = [one for one in self.peer.messages if any(to in whom for whom in one.recipients)]
        return ident, re.match(PATH, message.sender)[1]

    def suppressed(self, address):
        return [one["reason"] for one in self.server.json("suppression", "list", address)["suppressions"]]

    def events(self, word, whom):
        found, after = [], None
        while True:
            told = self.server.json("events", *(("--after", after) if after else ("--after", "1-0")))
            found += [one for one in told["events"] if one["event"] == word and one.get("recipient") == whom]
            if not told["events"]:
                return found
            after = told["next"]

    def deliver(self, to, data, sender=""):
        with self.server.smtp() as client:
            check(client.mail(sender), 250)
            reply = client.rcpt(to)
            return reply if reply[0] != 250 else client.data(data.encode())

    def test_every_kind_of_refusal_has_its_class(self):
        idents = {name: self.sent(f"{name}-class@far.test") for name in RCPT}
        for name, ident in idents.items():
            one = self.ended(ident)
            self.assertEqual(one["bounce"], CLASSES[name], one)
        trail = self.server.must("trace", idents["full"])
        self.assertIn("(full)", trail)
        self.assertIn("class: full", trail)
        [event] = self.events("message.failed", "dmarc-class@far.test")
        self.assertEqual((event["bounce"], event["class"]), ("authentication", "submitted"))
        self.assertTrue(self.events("message.deferred", "grey-class@far.test"))
        waiting = [one for message in self.server.queued() for one in message["recipients"] if one["address"] == "grey-class@far.test"]
        self.assertEqual([one["bounce"] for one in waiting], ["greylist"])
        self.assertRegex(self.server.must("metrics"), r'paquebot_bounces_total\{result="failed",class="blocked-source"\} [1-9]')

    def test_hard_evidence_refuses_the_next_message(self):
        whom = "nouser-hard@far.test"
        first = self.sent(whom)
        self.ended(first)
        wait_until(lambda: self.suppressed(whom) == ["no-such-user"], "the suppression")
        status, told = self.post(whom)
        self.assertEqual((status, told["code"]), (422, "refused"), told)
        self.assertIn("suppressed: no-such-user since ", told["detail"])
        status, told = self.post(whom, "good-hard@far.test")
        self.assertEqual((status, [one["accepted"] for one in told["recipients"]]), (200, [False, True]), told)
        self.assertIn("suppressed", self.server.must("trace", told["id"]))
        self.assertEqual([one["account"] for one in self.events("message.suppressed", whom)], [SHOP, SHOP])
        [entry] = self.ask("GET", f"/v1/suppressions?address={whom}")[1]["suppressions"]
        self.assertEqual((entry["message"], entry["of"], entry["scope"]), (first, SHOP, "account"))
        self.assertIn("550 5.1.1 no such user", self.server.must("suppression", "show", entry["id"]))
        path = f"/v1/suppressions/{entry['id']}"
        self.assertEqual(self.ask("GET", path, login=ANN)[0], 404, "it is not hers")
        self.assertEqual(self.ask("GET", "/v1/suppressions", login=ANN)[1]["suppressions"], [])
        self.assertEqual(self.ask("DELETE", path, login=ANN)[0], 404)
        self.server.must("suppression", "remove", entry["id"])
        self.assertEqual(self.post(whom)[0], 200)

    def test_words_alone_and_one_full_mailbox_suppress_nobody(self):
        for name in ("words-weak", "full-weak", "listed-weak"):
            self.ended(self.sent(f"{name}@far.test"))
            self.assertEqual(self.suppressed(f"{name}@far.test"), [])
        for _ in range(2):
            self.ended(self.sent("full-weak@far.test"))
        wait_until(lambda: self.suppressed("full-weak@far.test") == ["full"], "the third one")

    def test_what_somebody_puts_there_counts_for_programs_only(self):
        status, told = self.ask("POST", "/v1/suppressions", {"address": "Asked@far.test", "note": "by phone"})
        self.assertEqual((status, told["reason"], told["reply"], told["until"]), (200, "manual", f"by {SHOP}: by phone", None), told)
        self.assertEqual(self.ask("POST", "/v1/suppressions", {"address": "asked@far.test"})[0], 409)
        self.assertEqual(self.ask("POST", "/v1/suppressions", {"address": "x@far.test", "of": ANN})[0], 404, "hers is not his to change")
        self.assertEqual(self.ask("POST", "/v1/suppressions", {"address": "x@far.test", "of": "example.test"})[0], 404)
        self.assertEqual(self.post("ASKED@far.test")[0], 422)
        self.assertEqual(self.post("asked@far.test", login=ANN)[0], 200)
        ident = self.server.send(SHOP, ["asked@far.test"], letter(sender=SHOP, to="asked@far.test"), login=SHOP)
        self.assertIn("warned asked@far.test: programs of the API send nothing to asked@far.test: manual since",
                      self.server.must("trace", ident))
        self.server.must("suppression", "add", "all@far.test")
        self.server.must("suppression", "add", "domain@far.test", "--of", "example.test")
        for whom in ("all@far.test", "domain@far.test"):
            for login in (SHOP, ANN):
                self.assertEqual(self.post(whom, login=login)[0], 422)
        self.server.restart()
        self.assertEqual(self.post("all@far.test")[0], 422)

    def test_what_comes_back_later_is_tied_to_its_recipient(self):
        whom = "late@far.test"
        ident, path = self.relayed(whom)
        before = len(self.server.mail(SHOP))
        check(self.deliver(path, bounce(path, whom)), 250)
        one = self.ended(ident)
        self.assertEqual((one["state"], one["bounce"]), ("relayed", "no-such-user"))
        trail = self.server.must("trace", ident)
        self.assertIn("returned late@far.test (no-such-user): returned later: mx.far.test said: 550 5.1.1 gone", trail)
        self.assertEqual([one["bounce"] for one in self.events("message.failed", whom)], ["no-such-user"])
        self.assertEqual(self.suppressed(whom), ["no-such-user"])
        self.server.wait_mail(SHOP, before + 1)  # it goes on to the sender, too

    def test_forged_reports_change_nothing(self):
        whom = "forged@far.test"
        ident, path = self.relayed(whom)
        local, domain = path.split("@")
        for wrong in (local[:-1] + ("b" if local[-1] == "a" else "a"), local[:8] + ("b" if local[8] == "a" else "a") + local[9:]):
            check(self.deliver(f"{wrong}@{domain}", bounce(path, whom)), 550, "5.1.1")
        check(self.deliver(SHOP, bounce(SHOP, whom)), 250)  # to the account itself: anybody can
        with self.server.smtp() as client:
            check(client.mail("eve@far.test"), 250)
            check(client.rcpt(path), 550)
        self.assertNotIn("bounce", self.server.trace(ident)["recipients"][0])
        self.assertEqual(self.suppressed(whom), [])
        self.assertEqual(self.events("message.failed", whom), [])

    def test_complaints_count_if_their_author_had_the_message(self):
        whom = "angry@far.test"
        ident, path = self.relayed(whom)
        head = f"Return-Path: <{path}>\r\nSubject: x"
        check(self.deliver(SHOP, feedback(SHOP, head, "fbl@false.test"), "fbl@false.test"), 250)  # nobody vouches for it
        guess = f"To: <{whom}>\r\nMessage-ID: <{ident[:-1]}0@{self.server.hostname}>"
        check(self.deliver(SHOP, feedback(SHOP, guess, "fbl@far.test"), "fbl@far.test"), 250)
        self.assertEqual(self.suppressed(whom), [])
        self.assertNotIn("complained", self.server.must("trace", ident))
        check(self.deliver(SHOP, feedback(SHOP, head, "fbl@far.test"), "fbl@far.test"), 250)
        self.assertIn("complained angry@far.test: abuse, told by far.test", self.server.must("trace", ident))
        self.assertEqual(self.suppressed(whom), ["complaint"])
        [event] = self.events("message.complained", whom)
        self.assertEqual((event["account"], event["message"]), (SHOP, ident))
        told = self.server.must("metrics")
        self.assertIn('paquebot_feedback_reports_total{result="counted"} 1', told)
        self.assertRegex(told, r'paquebot_feedback_reports_total\{result="doubted"\} [2-9]')
        self.assertEqual(self.post(whom)[0], 422)


if __name__ == "__main__":
    unittest.main()
