"""Mail of all kinds through one server, round after round: what it holds must be the same after each of them.

A round: mail for a mailbox, through an alias, for a far place, large mail, mail that bounces, mail that is taken at the second
try only, an account that is made, gets mail and is removed, an alias likewise, a domain likewise, a reload; then everything is read
and deleted. Memory, descriptors, threads and the rows that are not history stay where they were; rows of the history and lines of the
log grow by as much for each message as in the first rounds.

What still grows after the first rounds fills up to a bound. Nearly all of it are pages that SQLite keeps: with the history they reach
16 MiB for the connection that writes to paquebot.db, as much for that of bulk.db, and 4 MiB for each reader, so that memory in use
grows by some 500 octets a message at first: 0.6 MiB in a round of 1,200, and no longer once they are full (60,000 messages: 1.0 MiB
from the first round to the fifth, then 0.05 MiB from there to the tenth). heaptrack finds nothing that is lost but what libraries
take once. The other tables that mail fills: names of places that answered (queue/known_places.h, 40,000), places and hosts of
deliveries (delivery/places.h, host_book.h, report_bounds.h, 10,000 each), logins and their networks (directory/login_throttle.h), answers
of the DNS (20,000), clients and greylisting (policy/client_rates.h 16,384, grey_table.h 50,000); docs/security.md tells more bounds.

FLAT_MESSAGES (2500) is how many messages there are in all; from 20,000 on there are ten rounds, else five. `make flat` sends 200,000.
"""

import contextlib
import os
import sqlite3
import threading
import time
import unittest

from peer import Peer
from postfix import Sink, smtp_source
from server import PEERS, SANITIZED, SECRET, Server, letter, wait_until

MESSAGES = int(os.environ.get("FLAT_MESSAGES", "2500"))
ROUNDS = 10 if MESSAGES >= 20_000 else 5
WARM = ROUNDS // 5 * 2  # rounds in which caches and pools may still fill
ANN, BOB = "ann@example.test", "bob@example.test"
MIB = 1 << 20
# What is kept of mail that is gone, or of whom was written to, for a time. All other tables hold what lasts only while mail is
# there, or as long as what it belongs to.
HISTORY = ("audit", "message", "recipient", "event", "correspondent", "expunged")
UNBOUND = dict.fromkeys(("messages_per_hour", "messages_per_day", "recipients_per_day", "new_recipients_per_day"), 0) | {"bytes_per_day": "0"}


class Later:
    """A peer's answers: nobody of the name `no`, and at the first try of each message not now."""

    def __init__(self):
        self.seen, self.lock = set(), threading.Lock()

    def __call__(self, session, verb, line):
        if verb != "RCPT":
            return None
        if "no@" in line:
            return "550 5.1.1 nobody of that name"
        with self.lock:
            first = line not in self.seen
            self.seen.add(line)
        return "451 4.3.0 not now" if first else None


@unittest.skipIf(SANITIZED, "memory is measured without sanitizers only")
class FlatTest(unittest.TestCase):
    def test_what_is_held_stays_the_same(self):
        with Sink(PEERS, "-c") as sink, Peer(script=Later(), keep=lambda message: None) as peer:
            routes = [{"to": "far.test", "host": f"127.0.0.1:{sink.port}", "tls": "none"},
                      {"to": "later.test", "host": f"127.0.0.1:{peer.port}", "tls": "none"}]
            with Server(accounts={ANN: SECRET, BOB: SECRET}, routes=routes, account_limits=UNBOUND, limits={"connections_per_address": 200},
                        queue={"retry_first": "1s", "retry_most": "1s"},
                        extra={"relay": {"networks": ["127.0.0.0/8"], "senders": ["y.test"]} | dict.fromkeys(("messages_per_hour", "recipients_per_hour"), 0),
                               "takeover": {"enabled": False}}) as server:
                server.must("alias", "add", "both@example.test", ANN, BOB)
                self.walk(server)
                self.assertEqual(server.stop(), 0)

    def walk(self, server):
        first = None
        begun = time.monotonic()
        for number in range(ROUNDS):
            self.round(server, number)
            held = self.held(server)
            print(f"round {number + 1}: {held}", flush=True)
            if number + 1 == WARM:
                first, base = held, self.history(server)
            if number == 0:
                begin = self.history(server)
        last, end = held, self.history(server)
        print(f"{MESSAGES} messages in {time.monotonic() - begun:.0f} s")
        self.assertIn("setting", first)
        for name in set(first) - {"memory", *HISTORY}:
            self.assertLessEqual(last[name], first[name] + (8 if name in ("descriptors", "counter") else 0), name)
        # An allocator's pools settle; a leak of 100 octets a message would show from some 100,000 messages on.
        self.assertLess(last["memory"] - first["memory"], 16 * MIB)
        for name in (*HISTORY, "log"):
            early, late = (base[name] - begin[name]) / (WARM - 1), (end[name] - base[name]) / (ROUNDS - WARM)
            self.assertLess(late, 1.2 * early + 100, f"{name} grew by {early:.0f} in a round, then by {late:.0f}")

    def round(self, server, number):
        each = MESSAGES // ROUNDS
        mx, extra = f"127.0.0.1:{server.ports['mx']}", f"round{number}@example.test"
        for share, size, to in ((0.4, 2000, ANN), (0.3, 2000, f"x{number}@far.test"), (0.2, 3000, "both@example.test"),
                                (0.05, 20_000, BOB), (0.01, 300_000, BOB)):
            smtp_source(PEERS, mx, "-s", 20, "-m", max(20, int(each * share)), "-l", size, "-f", "x@y.test", "-t", to, seconds=1200)
        with server.smtp("submission", ANN) as client:
            for i in range(max(5, each // 100)):
                client.sendmail(ANN, [f"r{number}n{i}@later.test"], letter(ANN, subject=f"late {number} {i}"))
                client.sendmail(ANN, ["no@later.test"], letter(ANN, subject=f"bounce {number} {i}"))
        server.must("domain", "add", f"d{number}.test")
        server.must("account", "add", extra, password=SECRET)
        server.must("alias", "add", f"a@d{number}.test", extra)
        server.send("x@y.test", [f"a@d{number}.test"], letter(to=f"a@d{number}.test"))
        server.wait_mail(extra)
        server.pop3(extra).quit()  # from where it logs in is known from now on
        wait_until(lambda: self.known(server, extra), "the network of a login to be kept", 60, pause=0.2)
        server.must("alias", "remove", f"a@d{number}.test")
        server.must("account", "remove", extra, "--yes")
        server.must("domain", "remove", f"d{number}.test")
        server.must("reload")
        server.wait_queue_empty(300)
        for login in (ANN, BOB):
            self.delete_all(server, login)
        wait_until(lambda: self.rows(server)["chunk"] == 0 and self.rows(server)["entry"] == 0, "what was deleted to be gone", 120, pause=0.2)

    def delete_all(self, server, login):
        client = server.pop3(login, timeout=300)
        count = client.stat()[0]
        for start in range(1, count + 1, 200):
            numbers = range(start, min(start + 200, count + 1))
            client.sock.sendall(b"".join(b"DELE %d\r\n" % n for n in numbers))
            for _ in numbers:
                self.assertTrue(client.file.readline().startswith(b"+OK"))
        client.quit()

    def known(self, server, login):
        with contextlib.closing(sqlite3.connect(f"file:{server.data}/paquebot.db?mode=ro", uri=True, timeout=30)) as db:
            return db.execute("SELECT count(*) FROM setting WHERE key = ?", (f"login.known.{login}",)).fetchone()[0]

    def rows(self, server):
        with contextlib.closing(sqlite3.connect(f"file:{server.data}/paquebot.db?mode=ro", uri=True, timeout=30)) as db:
            tables = [name for name, in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
            counts = {name: db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables}
        with contextlib.closing(sqlite3.connect(f"file:{server.data}/bulk.db?mode=ro", uri=True, timeout=30)) as db:
            counts["chunk"] = db.execute("SELECT count(*) FROM chunk").fetchone()[0]
        return counts

    def held(self, server):
        proc = f"/proc/{server.pid}"
        # Connections that are kept for a while, towards peers and from commands, are closed by and by.
        found = self.rows(server)
        found["descriptors"] = len(os.listdir(f"{proc}/fd"))
        found["threads"] = len(os.listdir(f"{proc}/task"))
        found["memory"] = server.memory("VmRSS")
        return found

    def history(self, server):
        rows = self.rows(server)
        return {name: rows[name] for name in HISTORY} | {"log": len(server.output.lines)}


if __name__ == "__main__":
    unittest.main()
