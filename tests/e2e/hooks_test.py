"""Events as they happen: the stream, and webhooks that lose nothing."""

import base64
import contextlib
import http.client
import json
import socket
import threading
import time
import unittest

from hook_receiver import Receiver, signature
from peer import Peer
from server import SECRET, Server, letter, trusting, wait_until

ALICE, BOB, EVE = "alice@example.test", "bob@example.test", "eve@other.test"
LISTENERS = {"mx": {"role": "mx", "tls": "none"}, "https": {"role": "http"},
             "submission": {"role": "submission", "tls": "starttls"}}
HOOKS = {"hooks": {"private_networks": ["127.0.0.0/8"], "plain_http": True}}


def made(extra=None, peer=None):
    route = {"name": "far", "to": "far.test", "host": f"127.0.0.1:{peer.port}", "tls": "none"} if peer else None
    return Server(accounts={ALICE: SECRET, BOB: SECRET, EVE: SECRET}, listeners=LISTENERS, extra=HOOKS if extra is None else extra,
                  routes=[route] if route else [])


class Stream:
    """Events of GET /v1/events as they come."""

    def __init__(self, server, credentials, last=None, query=""):
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
