"""Events as they happen: the stream, and webhooks that lose nothing."""

import base64
import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import threading
import time
import unittest

from api import Api
from dns import Dns
from hook_receiver import Receiver, signature
from peer import Peer
from server import PEERS, SECRET, SOURCE, Server, letter, trusting, wait_until

ALICE, BOB, EVE = "alice@example.test", "bob@example.test", "eve@other.test"
LISTENERS = {"mx": {"role": "mx", "tls": "none"}, "https": {"role": "http"},
             "submission": {"role": "submission", "tls": "starttls"},
             "pop3-clear": {"role": "pop3", "tls": "none", "login_in_clear": True}}
HOOKS = {"hooks": {"private_networks": ["127.0.0.0/8"], "plain_http": True}}
VERIFIER = PEERS / "npm/node_modules/standardwebhooks"


def made(extra=None, peer=None, dns=None):
    route = {"name": "far", "to": "far.test", "host": f"127.0.0.1:{peer.port}", "tls": "none"} if peer else None
    return Server(accounts={ALICE: SECRET, BOB: SECRET, EVE: SECRET}, listeners=LISTENERS, extra=HOOKS if extra is None else extra,
                  dns=dns, routes=[route] if route else [])


class Stream:
    """Events of GET /v1/events as they come."""

    def __init__(self, server, credentials, last=None, query=""):
        self.api = Api(server)
        self.client = http.client.HTTPSConnection("127.0.0.1", server.ports["https"], context=trusting(), timeout=60)
        fields = {"Host": server.hostname, "Authorization": credentials, "Accept": "text/event-stream"}
        if last:
            fields["Last-Event-ID"] = last
        self.client.request("GET", "/v1/events" + query, headers=fields)
        self.answer = self.client.getresponse()
        self.events, self.ended, self.changed = [], False, threading.Condition()
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        event = {}
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError, AttributeError):
            for line in self.answer:
                text = line.decode().rstrip("\n")
                if text:
                    name, _, value = text.partition(": ")
                    event[name] = value
                elif "data" in event:
                    with self.changed:
                        self.events.append((event["id"], event["event"], json.loads(event["data"])))
                        self.changed.notify_all()
                    event = {}
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait(self, condition, seconds=30):
        with self.changed:
            if not self.changed.wait_for(lambda: condition(self), seconds):
                raise TimeoutError(f"events so far: {self.events}")
        return list(self.events)

    def judge(self):
        """What was told, by the document of the API."""
        for _, word, told in self.events:
            assert self.api.judge.is_a("FeedEvent", told)["event"] == word, (word, told)

    def close(self):
        with contextlib.suppress(OSError, AttributeError):  # it may have ended
            self.client.sock.shutdown(socket.SHUT_RDWR)
        self.thread.join(10)
        self.answer.close()
        self.client.close()


def basic(login):
    return "Basic " + base64.b64encode(f"{login}:{SECRET}".encode()).decode()


def words(events):
    return [one[1] for one in events if one[1] != "gap"]


class EventsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = made()
        cls.addClassCleanup(cls.server.close)
        cls.server.start()
        cls.server.must("right", "add", BOB, "--operator")

    def stream(self, *arguments, **options):
        stream = Stream(self.server, *arguments, **options)
        self.addCleanup(stream.judge)
        self.addCleanup(stream.close)
        self.assertEqual((stream.answer.status, stream.answer.headers["Content-Type"]), (200, "text/event-stream"))
        return stream

    def test_each_sees_what_is_his(self):
        alice, bob, eve = self.stream(basic(ALICE)), self.stream(basic(BOB)), self.stream(basic(EVE))
        self.server.send("x@y.test", [EVE], letter(to=EVE))
        self.server.send("x@y.test", [ALICE], letter())
        alice.wait(lambda one: "message.delivered" in words(one.events))
        bob.wait(lambda one: len(words(one.events)) == 4)
        eve.wait(lambda one: "message.delivered" in words(one.events))
        self.assertEqual(words(alice.events), ["message.received", "message.delivered"])
        self.assertEqual({one[2].get("recipient") for one in alice.events if one[1] != "gap"}, {ALICE})
        self.assertEqual({one[2].get("recipient") for one in eve.events if one[1] != "gap"}, {EVE})

    def test_it_goes_on_behind_the_last(self):
        first = self.stream(basic(ALICE), query="?events=message.delivered")
        self.server.send("x@y.test", [ALICE], letter())
        [seen] = first.wait(lambda one: words(one.events))[-1:]
        first.close()
        self.server.send("x@y.test", [ALICE], letter(subject="meanwhile"))
        again = self.stream(basic(ALICE), last=seen[0], query="?events=message.delivered")
        again.wait(lambda one: words(one.events))
        self.assertEqual([one[1] for one in again.events], ["message.delivered"])
        self.assertNotEqual(again.events[0][0], seen[0])
        lost = self.stream(basic(ALICE), last="99999-0")
        lost.wait(lambda one: one.events)
        self.assertEqual(lost.events[0][1], "gap")
        odd = self.stream(basic(ALICE), last="nonsense")
        odd.wait(lambda one: one.events)

    def test_it_ends_with_the_token_and_with_the_password(self):
        token = self.server.json("token", "add", "stream", "events.read", "--account", ALICE)
        by_token, by_password = self.stream(f"Bearer {token['token']}"), self.stream(basic(EVE))
        self.server.must("token", "remove", str(token["id"]))
        self.server.must("account", "passwd", EVE, password="another secret of eve")
        self.addCleanup(self.server.must, "account", "passwd", EVE, password=SECRET)
        by_token.wait(lambda one: one.ended)
        by_password.wait(lambda one: one.ended)

    def test_who_may_not_gets_none(self):
        other = self.server.json("token", "add", "other", "queue.read", "--account", ALICE)
        for credentials, status in ((f"Bearer {other['token']}", 403), (f"Bearer pq_{'a' * 32}", 401)):
            stream = Stream(self.server, credentials)
            self.addCleanup(stream.close)
            self.assertEqual(stream.answer.status, status)

    def test_streams_of_one_are_few(self):
        token = self.server.json("token", "add", "few", "events.read", "--account", ALICE)
        first, *_ = [self.stream(f"Bearer {token['token']}") for _ in range(17)]
        first.wait(lambda one: one.ended)


class HooksTest(unittest.TestCase):
    def setUp(self):
        self.receiver = self.enter(Receiver())

    def enter(self, manager):
        entered = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        return entered

    def running(self, **options):
        server = made(**options)
        self.addCleanup(server.close)
        return server.start()

    def test_it_is_told_signed_and_in_order(self):
        tries = []

        def later_at_first(session, verb, line):
            if verb == "MAIL":
                tries.append(line)
            return "451 later" if verb == "MAIL" and len(tries) == 1 else None
        peer = self.enter(Peer(script=later_at_first))
        server = self.running(peer=peer)
        hook = server.json("hook", "add", self.receiver.url, "--event", "message.*")
        with server.smtp("submission", login=ALICE) as client:
            client.sendmail(ALICE, ["out@far.test"], letter(ALICE, "out@far.test"))
        posts = self.receiver.wait(lambda all: any(one.event == "message.relayed" for one in all))
        self.assertEqual([one.event for one in posts], ["message.accepted", "message.deferred", "message.relayed"])
        for post in posts:
            self.assertTrue(post.is_signed_by(hook["secret"]))
            self.assertEqual(post.type, "application/json")
            self.assertLess(abs(int(post.timestamp) - post.at), 10)
            self.assertEqual(post.data["id"], post.id)
        self.assertEqual(posts[1].data["recipient"], "out@far.test")
        self.assertIn("451 later", posts[1].data["detail"])
        self.assertEqual(posts[0].data["account"], ALICE)
        other = server.json("hook", "change", str(hook["id"]), "--rotate")
        server.send("x@y.test", [BOB], letter(to=BOB))
        last = self.receiver.wait(lambda all: any(one.event == "message.delivered" for one in all))[-1]
        self.assertTrue(last.is_signed_by(hook["secret"]) and last.is_signed_by(other["secret"]))
        self.assertEqual(last.signatures[0], signature(other["secret"], last))

    def test_what_was_not_taken_comes_again(self):
        server = self.running()
        failures = []
        self.receiver.answer = lambda post: 200 if len(failures) >= 2 else failures.append(post) or 500
        hook = server.json("hook", "add", self.receiver.url, "--event", "message.delivered")
        server.send("x@y.test", [ALICE], letter())
        wait_until(lambda: self.receiver.posts, "the first attempt")
        wait_until(lambda: server.json("hook", "show", str(hook["id"]))["failures"] == 1, "the failure")
        self.assertIn("500", server.json("hook", "show", str(hook["id"]))["last_error"])
        server.restart(kill=True)
        posts = self.receiver.wait(lambda all: len(all) >= 3, 60)
        self.assertEqual({one.id for one in posts}, {posts[0].id})
        wait_until(lambda: server.json("hook", "show", str(hook["id"]))["failures"] == 0, "success")

    def test_one_that_never_answers_holds_up_no_other(self):
        server = self.running()
        silent = self.enter(Receiver())
        silent.answer = lambda post: None
        server.json("hook", "add", silent.url)
        server.json("hook", "add", self.receiver.url, "--event", "message.delivered")
        for _ in range(3):
            server.send("x@y.test", [ALICE], letter())
        self.receiver.wait(lambda all: len(all) == 3, 10)
        began = time.monotonic()
        server.stop()
        self.assertLess(time.monotonic() - began, 14, "nor the end of the server")

    def test_nobody_is_followed(self):
        server = self.running()
        target = self.enter(Receiver())
        self.receiver.answer, self.receiver.fields = (lambda post: 302), {"Location": target.url}
        hook = server.json("hook", "add", self.receiver.url)
        server.send("x@y.test", [ALICE], letter())
        wait_until(lambda: server.json("hook", "show", str(hook["id"]))["failures"] > 0, "the failure")
        self.assertEqual(target.posts, [])
        self.receiver.answer = lambda post: 410
        server.must("hook", "resume", str(hook["id"]))
        wait_until(lambda: server.json("hook", "show", str(hook["id"]))["state"] == "paused", "the pause")
        self.assertIn("hook-paused", server.log())

    def test_a_name_that_turns_to_a_neighbour_is_not_asked(self):
        neighbour = self.enter(Receiver(host="127.0.0.2"))
        receiver = self.enter(Receiver(port=neighbour.port))
        forms = ("::1", "::", "::ffff:127.0.0.2", "64:ff9b::7f00:2", "2002:7f00:2::", "fe80::1", "fc00::1")
        dns = self.enter(Dns("hooks.far.test A 127.0.0.1", *(f"v{i}.far.test AAAA {one}" for i, one in enumerate(forms)), ttl=0))
        server = self.running(dns=dns, extra={"hooks": {"private_networks": ["127.0.0.1/32"], "plain_http": True},
                                              "authentication": {"verify": False}})
        hook = server.json("hook", "add", f"http://hooks.far.test:{receiver.port}/", "--event", "message.delivered")
        ident = str(hook["id"])
        server.must("hook", "test", ident)
        self.assertEqual(len(receiver.posts), 1)

        def refused(which):
            done = server.cli("hook", "test", which)
            return done.returncode != 0 and "not of the public Internet" in done.stdout + done.stderr

        for address in ("127.0.0.2", "10.0.0.1", "169.254.169.254"):
            dns.remove("hooks.far.test")
            dns.add(f"hooks.far.test A {address}")
            wait_until(lambda: refused(ident), f"the refusal of {address}")
        for i, address in enumerate(forms):
            other = server.json("hook", "add", f"http://v{i}.far.test:{receiver.port}/")
            self.assertTrue(refused(str(other["id"])), address)
            server.must("hook", "remove", str(other["id"]))
        self.assertEqual(neighbour.posts, [])
        server.send("x@y.test", [ALICE], letter())
        wait_until(lambda: server.json("hook", "show", ident)["failures"] > 0, "the failure of an event")
        self.assertIn("not of the public Internet", server.json("hook", "show", ident)["last_error"])
        self.assertEqual(neighbour.posts, [])

    def test_who_owns_a_paused_hook_has_a_letter(self):
        server = self.running()
        self.receiver.answer = lambda post: 410
        hook = server.json("hook", "add", self.receiver.url + "?a=1", "--event", "message.delivered", "--account", ALICE)
        server.send("x@y.test", [ALICE], letter(subject="the first"))
        mail = server.wait_mail(ALICE, 2)
        [told] = [one for one in mail if b"A webhook is paused" in one]
        for words in (self.receiver.url + "?a=1", "it answered 410", f"paquebot hook resume {hook['id']}", f"Webhook {hook['id']} of {ALICE}"):
            self.assertIn(words.encode(), told)
        self.assertIn(b"Auto-Submitted: auto-generated", told)
        wait_until(lambda: server.json("hook", "show", str(hook["id"]))["state"] == "paused", "the pause")
        server.restart()
        server.send("x@y.test", [ALICE], letter(subject="the second"))
        self.assertEqual(len([one for one in server.wait_mail(ALICE, 3) if b"A webhook is paused" in one]), 1, "once a pause")

    @unittest.skipUnless(VERIFIER.exists() and shutil.which("node") or os.environ.get("PROGRAMS_ALL"), "tools/modules: no standardwebhooks")
    def test_the_standards_own_library_verifies_it(self):
        server = self.running()
        hook = server.json("hook", "add", self.receiver.url)
        server.send("x@y.test", [ALICE], letter())
        self.receiver.wait(lambda all: any(one.event == "message.delivered" for one in all))
        other = server.json("hook", "change", str(hook["id"]), "--rotate")
        server.send("x@y.test", [BOB], letter(to=BOB))
        posts = self.receiver.wait(lambda all: len([one for one in all if one.event == "message.delivered"]) == 2)
        alone, both = posts[0], posts[-1]
        cases = [(True, hook, alone, {}), (True, hook, both, {}), (True, other, both, {}), (False, other, alone, {}),
                 (False, hook, alone, {"body": alone.body.decode() + " "}), (False, hook, alone, {"id": alone.id + "0"}),
                 (False, hook, alone, {"timestamp": str(int(alone.timestamp) + 1)})]
        asked = [{"secret": which["secret"], "body": more.get("body", post.body.decode()),
                  "headers": {"webhook-id": more.get("id", post.id), "webhook-timestamp": more.get("timestamp", post.timestamp),
                              "webhook-signature": post.headers["webhook-signature"]}} for _, which, post, more in cases]
        done = subprocess.run(["node", SOURCE / "tests/support/verify_hook.js", VERIFIER], input=json.dumps(asked),
                              capture_output=True, text=True, timeout=60, check=True)
        found = json.loads(done.stdout)
        self.assertEqual([one is not None for one in found], [good for good, *_ in cases])
        self.assertEqual([found[0], found[1], found[2]], [json.loads(post.body) for post in (alone, both, both)])

    def test_the_api_of_hooks_is_as_described(self):
        server = self.running()
        api, mine = Api(server), {"Authorization": basic(ALICE)}
        _, _, made_one = api.ask("/v1/hooks", {"url": self.receiver.url, "events": ["message.*"], "domains": ["example.test"]}, **mine)
        place = f"/v1/hooks/{made_one['id']}"
        for path, body, method, status in (("/v1/hooks", None, None, 200), (place, None, None, 200), (place + "/test", {}, None, 200),
                                           (place, {"rotate": True}, "PATCH", 200), (place, {"state": "paused"}, "PATCH", 200),
                                           (place + "/replay", {"since": "2026-01-01T00:00:00Z"}, None, 200),
                                           (place, {"state": "asleep"}, "PATCH", 400), ("/v1/hooks/999", None, None, 404),
                                           ("/v1/hooks", {"url": "ftp://x/"}, None, 400), ("/v1/events", None, None, 200),
                                           (place, None, "DELETE", 200), (place, None, "DELETE", 404)):
            self.assertEqual(api.ask(path, body, method, **mine)[0], status, (method, path))
        self.assertEqual(api.ask("/v1/hooks", Authorization=basic(EVE))[2]["hooks"], [])

    def test_private_addresses_are_refused_when_they_are_looked_up(self):
        server = self.running(extra={})
        for url in (self.receiver.url, f"https://127.0.0.1:{self.receiver.port}/", "https://[::ffff:10.0.0.1]/"):
            self.assertNotEqual(server.cli("hook", "add", url).returncode, 0, url)
        server.json("hook", "add", "https://hooks.example.test/")
        done = server.cli("hook", "test", "1")
        self.assertNotEqual(done.returncode, 0)

    def test_a_test_and_once_more(self):
        server = self.running()
        hook = server.json("hook", "add", self.receiver.url, "--event", "message.delivered")
        began = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 5))
        self.assertIn("taken", server.must("hook", "test", str(hook["id"])))
        self.assertEqual(self.receiver.posts[0].event, "hook.test")
        self.assertTrue(self.receiver.posts[0].is_signed_by(hook["secret"]))
        server.send("x@y.test", [ALICE], letter())
        self.receiver.wait(lambda all: len(all) == 2)
        wait_until(lambda: not server.json("hook", "show", str(hook["id"]))["waiting"], "the cursor")
        server.must("hook", "replay", str(hook["id"]), "--since", began)
        posts = self.receiver.wait(lambda all: len(all) == 3)
        self.assertEqual(posts[1].id, posts[2].id)
        server.must("hook", "pause", str(hook["id"]))
        server.send("x@y.test", [ALICE], letter())
        server.must("hook", "resume", str(hook["id"]))
        self.receiver.wait(lambda all: len(all) == 4)
        self.assertIn("paquebot_hook_deliveries_total", server.must("metrics"))

    def test_an_accounts_hook_is_told_what_the_account_sees(self):
        server = self.running()
        server.json("hook", "add", self.receiver.url, "--account", ALICE)
        server.send("x@y.test", [EVE], letter(to=EVE))
        server.send("x@y.test", [ALICE], letter())
        self.receiver.wait(lambda all: any(one.event == "message.delivered" for one in all))
        self.assertEqual({one.data.get("recipient") for one in self.receiver.posts}, {ALICE})
        server.must("account", "remove", ALICE, "--yes")
        self.assertEqual(server.json("hook", "list")["hooks"], [])


if __name__ == "__main__":
    unittest.main()
