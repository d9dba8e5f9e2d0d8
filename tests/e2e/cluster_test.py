"""Two servers on one PostgreSQL database: what one takes the other shows, and either may die."""

import collections
import contextlib
import imaplib
import os
import signal
import smtplib
import threading
import time
import unittest

from dns import Dns
from peer import HANG, Peer
from postgres import Postgres, Standby
from server import LISTENERS, SECRET, Server, body_of, free_port_everywhere, letter, transact, wait_until

ALICE, BOB = "alice@example.test", "bob@example.test"
WITH_IMAP = LISTENERS | {"imap": {"role": "imap", "tls": "none", "login_in_clear": True}}
TAKEN_OVER = 40  # seconds; ten of silence, and what a busy machine needs


class TwoNodes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.postgres = cls.enterClassContext(Postgres())

    def setUp(self):
        self.port = free_port_everywhere()
        self.database = f"d{self.port}"
        self.postgres.make(self.database)
        self.dns = self.enterContext(Dns("far.test MX 10 mx.far.test", "mx.far.test A 127.0.0.9"))
        self.a = self.server("a", {ALICE: SECRET, BOB: SECRET}, "mx1.example.test")
        self.b = self.server("b", {}, "mx2.example.test")
        self.a.start()
        self.b.start()

    def server(self, name, accounts, hostname):
        server = Server(accounts=accounts, listeners=WITH_IMAP, hostname=hostname, dns=self.dns, delivery={"port": self.port},
                        extra_server={"store": self.postgres.url_of(self.database), "node": name},
                        extra={"authentication": {"verify": False}})
        self.addCleanup(server.close)
        return server

    def send(self, server, login, body):
        with server.smtp() as client:
            transact(client, "x@y.test", [login], letter(body=body))

    def nodes(self, server):
        return {node["name"]: node for node in server.json("node", "list")["nodes"]}

    @contextlib.contextmanager
    def senders(self):
        """Four who send all the while to whichever node answers; gives what was answered with 250, and how often each was tried."""
        answered, tried, stop = set(), {}, threading.Event()
        lock = threading.Lock()

        def send_all(number):
            count = 0
            while not stop.is_set():
                body = f"{number}.{count}"
                for server in ((self.a, self.b) if number % 2 else (self.b, self.a)):
                    with lock:
                        tried[body] = tried.get(body, 0) + 1
                    try:
                        with server.smtp(timeout=90) as client:
                            transact(client, "x@y.test", [ALICE if number < 2 else BOB], letter(body=body + "\r\n"))
                        with lock:
                            answered.add(body)
                        break
                    except (OSError, smtplib.SMTPException, AssertionError, AttributeError, KeyError):
                        time.sleep(0.05)  # nobody is there, or he refuses for now
                count += 1

        threads = [threading.Thread(target=send_all, args=(number,)) for number in range(4)]
        for one in threads:
            one.start()
        try:
            yield answered, tried
        finally:
            stop.set()
            for one in threads:
                one.join()

    def hold_against(self, answered, tried):
        """The ledger: what was answered with 250 is there, nothing is there that was not sent, and a copy only of what a client sent
        again since nobody had answered."""
        found = [body_of(one).decode().strip() for login in (ALICE, BOB) for one in self.a.mail(login)]
        self.assertEqual(answered - set(found), set(), "answered with 250, and lost")
        self.assertEqual(set(found) - set(tried), set())
        for body in set(found):
            self.assertLessEqual(found.count(body), tried[body])
        self.assertEqual(self.b.findings(), [])


class ClusterTest(TwoNodes):
    def test_mail_comes_at_one_and_is_read_at_the_other(self):
        self.send(self.a, ALICE, "by a\r\n")
        self.send(self.b, ALICE, "by b\r\n")
        large = "".join(f"line {number} of a large message\r\n" for number in range(20000))
        self.send(self.a, ALICE, large)
        self.assertEqual([body_of(one).decode() for one in self.b.mail(ALICE)], ["by a\r\n", "by b\r\n", large])
        self.assertEqual(set(self.nodes(self.b)), {"a", "b"})
        # A session of POP3 has the mailbox for itself, on all nodes.
        with contextlib.closing(self.a.pop3(ALICE)) as held:
            with self.assertRaisesRegex(Exception, "IN-USE"):
                self.b.pop3(ALICE)
            held.dele(1)
            held.quit()
        self.assertEqual(len(self.b.mail(ALICE)), 2)
        self.assertEqual(self.b.findings(), [])

    def test_what_happens_says_where(self):
        self.a.must("events")  # from here on it is written down
        with self.a.smtp() as client:
            ident = transact(client, "x@y.test", [ALICE], letter())
        trail = self.b.trace(ident)["events"]
        self.assertEqual({event["node"] for event in trail}, {"a"})
        self.assertRegex(self.b.must("trace", ident), "delivered .* on a\n")
        told = self.b.json("events", "--after", "1-0")["events"]
        self.assertIn(("message.delivered", "a"), [(one["event"], one.get("node")) for one in told])

    def imap(self, server, login=ALICE):
        client = imaplib.IMAP4("127.0.0.1", server.ports["imap"], timeout=60)
        self.addCleanup(client.shutdown)
        client.login(login, SECRET)
        return client

    def good(self, answer):
        self.assertEqual(answer[0], "OK", answer)
        return answer[1]

    def idle(self, client, box="INBOX"):
        self.good(client.select(box))
        client.send(b"i IDLE\r\n")
        self.assertTrue(client.readline().startswith(b"+"))

    def hears(self, client, words):
        """A client in IDLE."""
        lines = []
        while not any(all(word in line for word in words) for line in lines):
            lines.append(client.readline())
            self.assertNotEqual(lines[-1], b"", lines)

    def done(self, client):
        client.send(b"DONE\r\n")
        self.hears(client, [b"i OK"])

    def test_who_waits_at_one_hears_what_comes_at_the_other(self):
        client = self.imap(self.b)
        self.idle(client)
        self.send(self.a, ALICE, "news\r\n")
        self.hears(client, [b"EXISTS"])
        self.done(client)

    def test_what_is_changed_in_folders_at_one_is_so_at_the_other(self):
        for body in ("one", "two", "three"):
            self.send(self.a, ALICE, f"{body}\r\n")
        here, there = self.imap(self.a), self.imap(self.b)
        self.idle(there)
        self.good(here.select("INBOX"))
        self.good(here.store("1", "+FLAGS", r"(\Flagged $Label1)"))
        self.hears(there, [b"* 1 FETCH", rb"\Flagged", b"$Label1"])
        self.good(here.create("Work"))
        self.good(here.copy("1:2", "Work"))
        self.good(here._simple_command("MOVE", "3", "Work"))
        self.hears(there, [b"* 3 EXPUNGE"])
        self.good(here.store("2", "+FLAGS", r"\Deleted"))
        self.good(here.expunge())
        self.hears(there, [b"* 2 EXPUNGE"])
        self.done(there)
        self.assertEqual(self.good(there.select("Work")), [b"3"])
        validity = there.response("UIDVALIDITY")[1]
        self.assertEqual(self.good(there.uid("SEARCH", "KEYWORD", "$Label1")), [b"1"])
        # Each gives uids, and no uid twice.
        self.good(there.append("Work", "", None, b"Subject: four\r\n\r\nx\r\n"))
        self.good(here.append("Work", "", None, b"Subject: five\r\n\r\nx\r\n"))
        self.good(here.select("Work"))
        self.assertEqual(self.good(here.uid("SEARCH", "ALL")), [b"1 2 3 4 5"])
        self.assertEqual(here.response("UIDVALIDITY")[1], validity)
        self.assertEqual(self.good(here.uid("SEARCH", "SUBJECT", "four")), [b"4"])
        # A mailbox that is gone ends the sessions in it, wherever they are.
        self.good(here.select("INBOX"))
        self.good(here.rename("Work", "Old"))
        self.good(there.noop())
        self.good(there.select("Old"))
        self.good(here.delete("Old"))
        wait_until(lambda: self.ended(there), "the end of the session in it at the other node")
        self.assertEqual(self.b.findings(), [])

    def test_accounts_are_known_everywhere(self):
        with self.b.smtp() as client:
            client.mail("x@y.test")
            self.assertEqual(client.rcpt("carol@example.test")[0], 550)  # and b remembers that
        self.a.must("account", "add", "carol@example.test", password=SECRET)
        wait_until(lambda: self.takes(self.b, "carol@example.test"), "the new account at the other node")
        self.assertEqual(self.b.mail("carol@example.test"), [])
        session = self.b.pop3("carol@example.test")
        self.addCleanup(session.close)
        self.a.must("account", "remove", "carol@example.test", "--yes")
        wait_until(lambda: self.ended(session), "the end of the session at the other node")
        with self.assertRaisesRegex(Exception, "AUTH"):
            self.b.pop3("carol@example.test")

    @staticmethod
    def takes(server, login):
        with server.smtp() as client:
            client.mail("x@y.test")
            return client.rcpt(login)[0] == 250

    @staticmethod
    def ended(session):
        try:
            session.noop()
            return False
        except Exception:
            return True

    def test_the_work_of_one_that_dies_goes_on_at_the_other(self):
        """What it had in hand, and what it would have done later."""
        hanging = threading.Event()
        with Peer(address="127.0.0.9", port=self.port, name="mx.far.test",
                  script=lambda session, verb, line: HANG if verb == "." and not hanging.is_set() else None) as peer:
            sent = {self.a.send(ALICE, ["carl@far.test"], letter(sender=ALICE, body=f"n{i}\r\n"), login=ALICE) for i in range(30)}
            wait_until(lambda: any(command == "DATA" for command in peer.commands), "a delivery that is under way")
            self.a.stop(kill=True)
            hanging.set()
            arrived = lambda: {body_of(one.data) for one in peer.messages}
            wait_until(lambda: len(arrived()) == len(sent), lambda: f"all at the peer, not {len(arrived())}", TAKEN_OVER * 2, pause=0.2)
            self.b.wait_queue_empty(TAKEN_OVER)
            self.assertIn("event=node-taken-over", self.b.log())
            self.assertEqual(set(self.nodes(self.b)), {"b"})
            # Whoever had answered nothing yet was asked again; no other copy was made.
            self.assertEqual(len(peer.messages), len(sent))
        self.assertEqual(self.b.findings(), [])

    def test_one_that_is_drained_hands_its_work_over(self):
        self.a.send(ALICE, ["carl@far.test"], letter(sender=ALICE, body="later\r\n"), login=ALICE)
        wait_until(lambda: self.a.queued()[0]["recipients"][0]["attempts"] > 0, "an attempt in vain")
        self.assertNotEqual(self.b.cli("node", "drain", "nobody").returncode, 0)
        self.b.must("node", "drain", "a")  # of whichever node
        wait_until(lambda: "event=drained now=yes" in self.a.log(), "the node to hear of it")
        self.assertTrue(self.nodes(self.a)["a"]["drained"])
        with Peer(address="127.0.0.9", port=self.port, name="mx.far.test") as peer:
            self.b.must("queue", "retry", "--all")
            wait_until(lambda: peer.messages, "the message at the other server")
            self.assertEqual([one for one in peer.commands if one.startswith("EHLO")], ["EHLO mx2.example.test"])
        shown = self.a.json("store", "status")
        self.assertEqual({one["node"] for one in shown["leases"]} - {"b"}, set(), shown)
        self.a.must("node", "drain", "a", "--end")
        wait_until(lambda: "event=drained now=no" in self.a.log(), "the node to hear of it")
        self.assertIn("PostgreSQL", self.a.must("store", "status"))

    def test_one_that_stood_still_counts_no_more(self):
        """What it had in hand is the other's; it lets go of all of it, and begins anew without a restart."""
        self.send(self.b, ALICE, "before\r\n")
        epoch, idle, reader = self.nodes(self.b)["a"]["epoch"], self.a.smtp(), self.a.pop3(ALICE)
        self.addCleanup(idle.close)
        self.addCleanup(reader.close)
        reader.dele(1)
        released = threading.Event()
        with Peer(address="127.0.0.9", port=self.port, name="mx.far.test",
                  script=lambda session, verb, line: released.wait(TAKEN_OVER * 2) and None if verb == "." else None) as peer:
            for number in range(5):
                self.a.send(ALICE, ["carl@far.test"], letter(sender=ALICE, body=f"n{number}\r\n"), login=ALICE)
            wait_until(lambda: "DATA" in peer.commands, "a delivery that is under way")
            self.a.signal(signal.SIGSTOP)
            try:
                wait_until(lambda: set(self.nodes(self.b)) == {"b"}, "the other to take over", TAKEN_OVER, pause=0.5)
                released.set()
                self.send(self.b, ALICE, "meanwhile\r\n")
                self.b.wait_queue_empty(TAKEN_OVER)
            finally:
                lines = len(self.a.output.lines)
                self.a.signal(signal.SIGCONT)
            self.assertIsNotNone(self.a.output.wait("event=epoch-ended", 30, lines))
            self.assertIsNotNone(self.a.output.wait("event=ready", 60, lines), self.a.log()[-4000:])
            # Once at least, and a second time only what was under way.
            bodies = collections.Counter(body_of(one.data) for one in peer.messages)
            self.assertEqual(set(bodies), {b"n%d\r\n" % number for number in range(5)})
            self.assertLessEqual(max(bodies.values()), 2)
            self.b.wait_queue_empty()
        self.assertTrue(idle.sock.recv(1000).startswith(b"421 "), "who was connected is told to come again")
        with self.assertRaises(Exception):
            reader.quit()
        self.assertEqual([body_of(one) for one in self.a.mail(ALICE)], [b"before\r\n", b"meanwhile\r\n"])
        self.send(self.a, ALICE, "after\r\n")
        self.assertEqual(len(self.b.mail(ALICE)), 3)
        nodes = self.nodes(self.b)
        self.assertEqual(set(nodes), {"a", "b"})
        self.assertGreater(nodes["a"]["epoch"], epoch)
        self.assertEqual(self.b.findings(), [])
        self.assertEqual(self.a.stop(), 0)

    def test_without_the_fence_it_would_count(self):
        """The negative control of the last one: one that stood still deletes what another has for itself by now."""
        self.send(self.b, ALICE, "before\r\n")
        reader = self.a.pop3(ALICE)
        self.addCleanup(reader.close)
        reader.dele(1)
        self.postgres.take_fence_away(self.database)
        self.a.signal(signal.SIGSTOP)
        try:
            self.assertIsNotNone(self.b.output.wait("event=node-taken-over", TAKEN_OVER))
            with contextlib.closing(self.b.pop3(ALICE)) as other:
                self.assertEqual(other.stat()[0], 1)
                self.a.signal(signal.SIGCONT)
                reader.quit()
                other.quit()
        finally:
            self.a.signal(signal.SIGCONT)
        self.assertEqual(self.b.mail(ALICE), [], "if this fails, the other tests would pass without a fence")

    def test_orders_hold_everywhere(self):
        """What is ordered at one node is done at the other: sessions end, mail is held and let go, the queue is woken."""
        client = imaplib.IMAP4("127.0.0.1", self.b.ports["imap"], timeout=60)
        self.addCleanup(client.shutdown)
        client.login(BOB, SECRET)
        self.a.must("account", "disable", BOB)
        wait_until(lambda: self.ended(client), "the end of the session at the other node")
        ident = self.a.send(ALICE, ["carl@far.test"], letter(sender=ALICE, body="later\r\n"), login=ALICE)
        wait_until(lambda: self.b.queued()[0]["recipients"][0]["attempts"] > 0, "an attempt in vain")
        for one, other in ((self.a, self.b), (self.b, self.a)):
            one.must("queue", "hold", ident)
            self.assertEqual(other.queued()[0]["recipients"][0]["state"], "held")
            if other is self.b:
                other.must("queue", "release", ident)
                wait_until(lambda: self.a.queued()[0]["recipients"][0]["state"] != "held", "it to be let go")
        with Peer(address="127.0.0.9", port=self.port, name="mx.far.test") as peer:
            self.b.must("node", "drain", "b")  # so that it is the other one that delivers
            wait_until(lambda: "event=drained now=yes" in self.b.log(), "the node to hear of it")
            self.b.must("queue", "release", ident)
            wait_until(lambda: peer.messages, "the message at the other server", 60)
            self.assertEqual([one for one in peer.commands if one.startswith("EHLO")], ["EHLO mx1.example.test"])
        self.a.wait_queue_empty()
        # Each node shows its own connections.
        with contextlib.closing(self.a.pop3(ALICE)):
            shown = [[one["account"] for one in server.json("api", "connection.list")["connections"] if one["account"]] for server in (self.a, self.b)]
        self.assertEqual(shown, [[ALICE], []])

    def test_nothing_is_lost_while_nodes_die(self):
        with self.senders() as (answered, tried):
            for victim in (self.a, self.b, self.a):
                before = len(answered)
                wait_until(lambda: len(answered) > before + 40, "mail that is taken", 60)
                os.kill(victim.pid, signal.SIGKILL)
                victim.process.wait()
                before = len(answered)
                wait_until(lambda: len(answered) > before + 20, "mail that the other takes", 60)
                self.postgres.cut_connections()
                victim.stop()
                victim.start()
        self.hold_against(answered, tried)


class FailoverTest(TwoNodes):
    """The database dies, and its copy takes its place: whoever manages that (Patroni) is not part of this."""

    def test_nothing_is_lost_when_the_database_dies(self):
        standby = self.enterContext(Standby(self.postgres))
        self.postgres.wait_for_standby()
        both = f"?host={self.postgres.folder},{standby.folder}&port={self.postgres.port},{standby.port}"
        for server in (self.a, self.b):
            server.extra_server["store"] = f"postgresql://paquebot@/{self.database}{both}"
            server.restart()
        with self.senders() as (answered, tried):
            wait_until(lambda: len(answered) > 60, "mail that is taken", 60)
            self.postgres.stop()
            standby.promote()
            before = len(answered)
            wait_until(lambda: len(answered) > before + 60, "mail that is taken again", 120)
        self.hold_against(answered, tried)
        self.assertEqual(set(self.nodes(self.a)), {"a", "b"}, "nobody was taken for dead")


if __name__ == "__main__":
    unittest.main()
