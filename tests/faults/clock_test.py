"""A wall clock that is wrong by more than a year destroys nothing; what it has put off goes on when it is right again."""

import poplib
import sqlite3
import unittest

from clock import ClockServer
from server import SANITIZED, letter, wait_until

ALICE, CAROL = "alice@example.test", "carol@example.test"
LISTENERS = {"mx": {"role": "mx", "tls": "none"}, "pop3-clear": {"role": "pop3", "tls": "none", "login_in_clear": True}}


@unittest.skipIf(SANITIZED, "a sanitizer has to be loaded first")
class ClockTest(unittest.TestCase):
    def setUp(self):
        nobody = {"to": "far.test", "host": "127.0.0.1:9", "tls": "none"}
        self.server = ClockServer(accounts={ALICE: "secret of alice"}, listeners=LISTENERS, routes=[nobody],
                                  queue={"retry_first": "1s", "retry_most": "2s", "lifetime": "5d"},
                                  extra={"mailbox": {"expire_days": 365}, "relay": {"networks": ["127.0.0.1"]}})
        self.addCleanup(self.server.close)
        self.server.start()
        self.server.must("clock", "confirm", "--yes")  # what it compares with from now on

    def letters(self):
        """What is there; None while the mailbox is locked by the round that deletes."""
        try:
            return self.server.mail(ALICE, "secret of alice")
        except poplib.error_proto as error:
            if b"[IN-USE]" not in error.args[0]:
                raise
            return None

    def mails(self):
        """How many there are, once the mailbox is free."""
        looks = []
        wait_until(lambda: looks.append(self.letters()) or looks[-1] is not None, "the mailbox to be free")
        return len(looks[-1])

    def clock(self):
        return self.server.json("status")["clock"]

    def upkeep(self):
        """A whole round of it, by the clock as it is: it empties the mailbox of who is gone, and ends before the server does."""
        self.server.add_account(CAROL)
        self.server.send("x@y.test", [CAROL], letter(to=CAROL))
        self.server.must("account", "remove", CAROL, "--yes")
        store = sqlite3.connect(f"file:{self.server.data}/paquebot.db?mode=ro", uri=True)
        wait_until(lambda: store.execute("SELECT count(*) FROM mailbox WHERE account IS NULL").fetchone() == (0,), "a round of upkeep")
        store.close()
        self.server.restart()

    def waiting(self):
        [message] = self.server.queued()
        return message

    def test_nothing_is_destroyed_until_somebody_says_that_the_clock_is_right(self):
        ident = self.server.send("x@y.test", [ALICE], letter())
        self.server.send("alice@example.test", ["rita@far.test"], letter(sender=ALICE, to="rita@far.test"))
        wait_until(lambda: self.waiting()["recipients"][0]["attempts"] > 0, "an attempt")
        self.assertEqual(self.clock(), {"trusted": True})
        self.server.jump(400)
        wait_until(lambda: self.server.log().count("event=clock-doubted"), "the doubt")
        attempts = self.waiting()["recipients"][0]["attempts"]
        wait_until(lambda: self.waiting()["recipients"][0]["attempts"] > attempts, "an attempt by the wrong clock")
        for _ in range(2):  # in the same run, and in one that begins so
            self.upkeep()
            self.assertFalse(self.clock()["trusted"])
            self.assertEqual(self.mails(), 1)
            self.assertEqual(self.server.trace(ident)["id"], ident)
            self.waiting()
        # Confirmed while the server is down, it all is as old as the clock says.
        self.server.stop()
        self.server.must("clock", "confirm", "--yes")
        self.server.start()
        self.server.wait_queue_empty()
        wait_until(lambda: [b"delivery-status" in one for one in self.letters() or []] == [True],
                   "the old mail to go, and the report to come")
        self.assertEqual(self.clock(), {"trusted": True})
        self.assertEqual(self.server.json("verify")["findings"], [])

    def test_what_was_put_off_goes_on_when_the_clock_is_right_again(self):
        self.server.jump(400)
        self.server.send("x@y.test", [ALICE], letter())
        self.server.send("alice@example.test", ["rita@far.test"], letter(sender=ALICE, to="rita@far.test"))
        wait_until(lambda: self.waiting()["recipients"][0]["attempts"] > 0, "an attempt by the wrong clock")
        self.server.jump(0)
        attempts = self.waiting()["recipients"][0]["attempts"]
        wait_until(lambda: self.waiting()["recipients"][0]["attempts"] > attempts, "an attempt by the right one")
        self.assertEqual(self.clock(), {"trusted": True})
        self.upkeep()
        self.assertEqual(self.mails(), 1)

    def attempts(self):
        return {one["id"]: one["recipients"][0]["attempts"] for one in self.server.queued()}

    def another_attempt(self, what):
        """Of everything that waits."""
        before = self.attempts()
        wait_until(lambda: all(now > before[ident] for ident, now in self.attempts().items()), what)

    def test_a_clock_that_is_behind_returns_nothing(self):
        def send(to):
            return self.server.send("alice@example.test", [to], letter(sender=ALICE, to=to))

        idents = {send("rita@far.test")}
        wait_until(lambda: self.waiting()["recipients"][0]["attempts"] > 0, "an attempt")
        ends = {one["id"]: one["expires"] for one in self.server.queued()}
        for days, within in ((-400, True), (-20000, False)):  # within a run, and at a start: it says 1971
            if not within:
                self.server.stop()
            self.server.jump(days)
            if not within:
                self.server.start()
            wait_until(lambda: not self.clock()["trusted"], "the doubt")
            self.another_attempt("an attempt by the wrong clock")
            idents.add(send(f"anna{-days}@far.test"))  # what is accepted meanwhile
            self.another_attempt("an attempt of what came now")
            self.assertEqual(self.server.json("verify")["findings"], [])
            self.server.jump(0)
            wait_until(lambda: self.clock() == {"trusted": True}, "the clock to be believed")
            self.another_attempt("an attempt by the right one")
            self.assertEqual(self.attempts().keys(), idents)
            for one in self.server.queued():
                self.assertGreaterEqual(one["expires"], min(ends.values()))
                self.assertEqual(one["expires"], ends.setdefault(one["id"], one["expires"]))
        self.assertEqual(self.mails(), 0, "no report of a failure")

    def test_an_operator_confirms_it_while_the_server_runs(self):
        self.server.send("x@y.test", [ALICE], letter())
        self.server.jump(400)
        wait_until(lambda: not self.clock()["trusted"], "the doubt")
        refused = self.server.cli("clock", "confirm")
        self.assertIn("--yes", refused.stderr)
        self.assertFalse(self.clock()["trusted"])
        self.server.must("clock", "confirm", "--yes")
        self.assertEqual(self.clock(), {"trusted": True})
        wait_until(lambda: self.mails() == 0, "the old mail to go")


if __name__ == "__main__":
    unittest.main()
