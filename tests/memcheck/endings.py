"""Sessions that end at every point of a dialogue, while the server runs under valgrind (`make memcheck`).

Each dialogue below is cut after each of its steps, and within each: one connection stands at every such point. Others stand where
the server itself waits for something: for the disk (held back by the shim of tests/faults), for the DNS (which never answers), for
a milter, for a password to be hashed, for a client that does not read. Then all of them end in one of these ways:

    reset, closed, half-closed   by the peer
    disabled, revoked, another password, removed   by the operator, to the accounts
    timed out                    by the server
    shut down                    SIGTERM

What was to end must have ended, the server must still work, and valgrind must have found nothing: no use after free, nothing read
that was never written, nothing lost. QUICK=1: every other point, and one ending of each kind. ENDING=name: only that one.
"""

import base64
import concurrent.futures
import os
import pathlib
import re
import select
import shutil
import signal
import smtplib
import socket
import struct
import sys
import threading
import unittest

import server as live
from dialogues import ACCOUNTS, ANY, LARGE, LISTENERS, committing_points, points_of_dialogues, waiting_points
from filters import Script
from server import SECRET, Server, letter, trusting, wait_until

live.READY_SECONDS, live.STOP_SECONDS = 300, 300  # everything is twenty times slower
QUICK = os.environ.get("QUICK", "") not in ("", "0")
ENDING = os.environ.get("ENDING", "")
BRIEF = ["Memcheck.test_disabled", "Memcheck.test_reset", "Memcheck.test_timed_out", "Memcheck.test_shut_down"]
SHIM = pathlib.Path(os.environ["PAQUEBOT_SHIM"]).resolve()
WITNESS = "witness@example.test"  # has no session of its own
PATIENCE = 240  # seconds, for one answer
VALGRIND = ["valgrind", "--quiet", "--num-callers=40", "--fair-sched=yes", "--child-silent-after-fork=yes", "--leak-check=full",
            "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite", "--error-limit=no"]


class Standing:
    """A connection at a point."""

    def __init__(self, point, ports, account):
        self.point, self.buffer, self.account = point, b"", account
        self.socket = socket.create_connection(("127.0.0.1", ports[point.listener]), timeout=PATIENCE)
        for octets, expected in point.steps:
            if octets is None:
                self.buffer, self.socket = b"", trusting().wrap_socket(self.socket, server_hostname="mx.example.test")
                continue
            self.socket.sendall(self.filled(octets))
            if expected:
                self.expect(expected, octets)
        if point.rest:
            self.push(self.filled(point.rest))

    def filled(self, octets):
        for name, value in self.account.items():
            octets = octets.replace(b"{%b}" % name.encode(), value)
        return octets

    def expect(self, beginning, sent):
        """Reads up to the last line of a reply."""
        pop3 = self.point.listener.startswith("pop3")
        while True:
            while b"\n" not in self.buffer:
                more = self.socket.recv(65536)
                if not more:
                    raise AssertionError(f"{self.point.name}: closed before the reply to {sent[:60]}")
                self.buffer += more
            line, _, self.buffer = self.buffer.partition(b"\n")
            if not pop3 and line[3:4] == b"-":
                continue
            if beginning == ANY or line.startswith(beginning):
                return
            if not pop3 or line.startswith(b"-ERR"):
                raise AssertionError(f"{self.point.name}: {line} instead of {beginning} to {sent[:60]}")

    def push(self, octets):
        """On a thread of its own: the server may not read all of it."""
        def all_of_it():
            try:
                self.socket.sendall(octets)
            except OSError:
                pass
        threading.Thread(target=all_of_it, daemon=True).start()

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self):
        self.socket.close()

    def half_close(self):
        socket.socket.shutdown(self.socket, socket.SHUT_WR)  # without TLS having its say

    def ended(self):
        """Whether the server closes it."""
        while select.select([self.socket], [], [], PATIENCE)[0]:
            try:
                if not os.read(self.socket.fileno(), 1 << 20):
                    return True
            except BlockingIOError:
                continue
            except OSError:
                return True
        return False


def milter(connection, holding):
    """Lets everything through, but holds back its answer to one letter, which the client names in EHLO."""
    hold = b""
    file = connection.makefile("rb")
    while size := file.read(4):
        packet = file.read(struct.unpack(">I", size)[0])
        letter_ = packet[:1]
        if letter_ == b"O":
            answer = b"O" + struct.pack(">III", 6, 0x1FF, 0)
        elif letter_ in b"DAQK":
            continue
        else:
            answer = b"c"
        if letter_ == b"H" and packet[1:].startswith(b"hold-"):
            hold = packet[6:7]
        if letter_ == hold and holding.is_set():
            while holding.is_set() and not wait_readable(connection):
                pass
        connection.sendall(struct.pack(">I", len(answer)) + answer)


def wait_readable(connection):
    connection.settimeout(0.2)
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except TimeoutError:
        return False
    finally:
        connection.settimeout(None)


def account_of(login, password):
    words = {"user": login, "password": password, "user64": base64.b64encode(login.encode()).decode(),
             "password64": base64.b64encode(password.encode()).decode(),
             "plain": base64.b64encode(f"\0{login}\0{password}".encode()).decode(),
             "wrong": base64.b64encode(f"\0{login}\0wrong {password}".encode()).decode()}
    return {name: value.encode() for name, value in words.items()}


class Memcheck(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.silence = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # a name server that never answers
        self.silence.bind(("127.0.0.1", 0))
        self.addCleanup(self.silence.close)
        self.holding = threading.Event()
        self.milter = Script(lambda connection: milter(connection, self.holding))
        self.milter.__enter__()
        self.addCleanup(self.milter.__exit__)
        short = {"command_timeout": "15s", "data_timeout": "15s", "pop3_idle_timeout": "15s"} if "timed_out" in self.id() else {}
        self.server = Server(
            accounts=dict.fromkeys([*ACCOUNTS, WITNESS], SECRET), listeners=LISTENERS, dns="127.0.0.1:%d" % self.silence.getsockname()[1],
            limits={"connections_per_address": 5000} | short, account_limits={"messages_per_hour": 0, "messages_per_day": 0},
            extra_server={"sandbox": False, "threads": 2}, login={"failures_per_address": 100000, "failures_per_account": 100000},
            filters=[{"type": "milter", "address": self.milter.address, "applies_to": ["submission"]}],
            extra={"guard": {"allow": [], "reverse_dns": "tag", "helo": "tag", "faults_per_hour": 0}})
        self.addCleanup(self.server.close)
        self.hold = self.server.folder / "hold-"
        self.furnish()
        self.own = iter(self.accounts[1:])
        self.reports = self.server.folder / "valgrind"
        self.start()

    def furnish(self):
        """Mailboxes with something in them, and passwords that cost nothing to check; without valgrind."""
        self.server.start()
        with self.server.smtp("clear") as client:
            client.login(ACCOUNTS[0], SECRET)
            for size in (1, 4000):
                client.sendmail(ACCOUNTS[0], ACCOUNTS, letter(ACCOUNTS[0], body=LARGE.decode() * size))
        wait_until(lambda: len(self.server.mail(ACCOUNTS[-1])) == 2, "the mail", 60)
        self.accounts = [self.with_password(login) for login in ACCOUNTS]
        self.server.stop()

    def with_password(self, login):
        return account_of(login, self.server.must("account", "app-password", "add", login, "memcheck").strip().split("\n")[-1])

    def start(self):
        environment = self.server.environment
        shim = {"LD_PRELOAD": str(SHIM), "FAULT_PATH": f"{self.server.data}/", "FAULT_AT": "0", "FAULT_HOLD": str(self.hold)}
        self.server.environment = lambda **more: environment(**(shim | more))
        try:
            self.server.start(command=[*VALGRIND, f"--log-file={self.reports}"])
        finally:
            self.server.environment = environment
        self.assertIn("memcheck", os.readlink(f"/proc/{self.server.pid}/exe"), "it runs under valgrind")

    # --- what the points need --------------------------------------------------------------------

    def hold_disk(self, *files):
        for name in files:
            pathlib.Path(f"{self.hold}{name}").touch()

    def release(self):
        self.holding.clear()
        for path in self.server.folder.glob("hold-*"):
            path.unlink()

    def stand(self, points):
        """A connection at each of the points. POP3 locks the mailbox: there each has an account of its own."""
        wanted = list(points)[:: 2 if QUICK else 1]
        def one(point):
            own = point.listener.startswith("pop3") and point.is_in()
            return Standing(point, self.server.ports, next(self.own) if own else self.accounts[0])
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            return list(pool.map(one, wanted))

    def stand_everywhere(self, commits=False):
        """At every point of the dialogues, then wherever the server waits. `commits`: for the disk that everything goes to, too."""
        standing = self.stand(points_of_dialogues())
        later = self.stand(committing_points()) if commits else []
        self.holding.set()
        self.hold_disk("bulk.db", "bulk.db-wal")
        standing += self.stand(waiting_points())
        if commits:
            self.hold_disk("paquebot.db", "paquebot.db-wal")
        for one in later:
            one.push(one.filled(one.point.late))
        wait_until(lambda: any(self.server.folder.glob("hold-waits")), "the disk to be waited for", PATIENCE)
        return standing + later

    def connections(self):
        return self.server.json("status")["connections"]

    def finish(self, standing):
        """All are gone, the server works, and valgrind is content."""
        self.release()
        for one in standing:
            one.close()
        wait_until(lambda: self.connections() == 0, lambda: f"{self.connections()} sessions to end", PATIENCE, 0.5)
        with smtplib.LMTP("127.0.0.1", self.server.ports["lmtp"], timeout=PATIENCE) as client:
            client.sendmail("a@y.test", [WITNESS], letter())
        self.stop()

    def stop(self):
        code = self.server.stop()
        whole = "event=stopped why" not in self.server.output.text()
        self.assertEqual(code, 0, self.server.output.text()[-3000:])
        self.judge(whole)

    def judge(self, whole):
        """What valgrind said. Unless the end was `whole`, what was still in hand then is no loss."""
        said = self.reports.read_text(errors="replace")
        if os.environ.get("MEMCHECK_LOG"):
            shutil.copy(self.reports, os.environ["MEMCHECK_LOG"] + "." + self.id().rsplit(".", 1)[-1])
        said = re.sub(r"^--\d+-- .*\n", "", said, flags=re.M)  # its remarks on itself, as of a system call that it does not know
        blocks = re.split(r"^==\d+== \n", said, flags=re.M)
        errors = [block for block in blocks if block.strip() and (whole or " lost in loss record " not in block)]
        self.assertEqual(len(errors), 0, f"{len(errors)} errors:\n" + "\n".join(errors)[:20000])

    # --- by the operator -------------------------------------------------------------------------

    def operator(self, words, **options):
        standing = self.stand_everywhere()
        for account in self.accounts:
            self.server.must(*[word.format(user=account["user"].decode()) for word in words], seconds=PATIENCE, **options)
        self.release()
        for one in standing:
            if one.point.is_in():
                self.assertTrue(one.ended(), one.point.name)
        self.finish(standing)

    def test_disabled(self):
        self.operator(("account", "disable", "{user}"))

    def test_revoked(self):
        self.operator(("account", "app-password", "revoke", "{user}", "memcheck"))

    def test_another_password(self):
        self.operator(("account", "passwd", "{user}"), password="another one of mine")

    def test_removed(self):
        self.operator(("account", "remove", "{user}", "--yes"))

    # --- by the peer -----------------------------------------------------------------------------

    def peer(self, end):
        standing = self.stand_everywhere(commits=True)
        for one in standing:
            end(one)
        self.finish(standing)

    def test_reset(self):
        self.peer(Standing.reset)

    def test_closed(self):
        self.peer(Standing.close)

    def test_half_closed(self):
        self.peer(Standing.half_close)

    # --- by the server ---------------------------------------------------------------------------

    def test_timed_out(self):
        standing = self.stand_everywhere(commits=True)
        self.release()
        for one in standing:
            self.assertTrue(one.ended(), one.point.name)
        self.finish(standing)

    def test_shut_down(self):
        standing = self.stand_everywhere(commits=True)
        self.server.signal(signal.SIGTERM)
        self.server.output.wait("event=stopping", PATIENCE)
        self.release()
        self.server.process.wait(PATIENCE)
        for one in standing:
            self.assertTrue(one.ended(), one.point.name)
            one.close()
        self.stop()


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=[sys.argv[0], *([f"Memcheck.test_{ENDING}"] if ENDING else BRIEF if QUICK else [])])
