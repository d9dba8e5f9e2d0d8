"""Many connections that do nothing: what each costs, that others are served meanwhile, and what happens without descriptors.

FAULTS_FULL=1: 10,000 connections; otherwise 2,000. Each has carried a message before it is idle. Memory is what the server's resident set
has grown by, divided by the connections.
"""

import os
import random
import resource
import socket
import statistics
import threading
import time
import unittest

from server import SANITIZED, SECRET, Server, trusting, wait_until

FULL = os.environ.get("FAULTS_FULL") == "1"
MANY = 10_000 if FULL else 2_000
ANN = "ann@example.test"
PLAIN_BOUND, TLS_BOUND = 6 * 1024, 20 * 1024
# A session beside the talkers may take so many times as long as one that has the server for itself: far more than is measured, far
# less than a server takes that looks at every connection in turn.
SLOWED_MOST = 10
TALKERS = MANY // 2
LIMITS = {"connections": 30_000, "connections_per_address": 5_000}


def expect(file, code):
    """The last line of a reply with this code."""
    while (line := file.readline())[3:4] == b"-":
        pass
    if not line.startswith(code):
        raise AssertionError(f"expected {code}, not {line}")


class Idler:
    """A connection that has carried a message, and stays."""

    def __init__(self, port, number, tls=None):
        source = f"127.0.{1 + number % 4}.{1 + number // 4 % 250}"
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60, source_address=(source, 0))
        file = self.socket.makefile("rb")
        expect(file, b"220")
        if tls:
            for words, code in ((b"EHLO idle.test\r\n", b"250"), (b"STARTTLS\r\n", b"220")):
                self.socket.sendall(words)
                expect(file, code)
            file.close()
            self.socket = tls.wrap_socket(self.socket)
            file = self.socket.makefile("rb")
        for words, code in ((b"EHLO idle.test\r\n", b"250"), (b"MAIL FROM:<x@y.test>\r\n", b"250"), (f"RCPT TO:<{ANN}>\r\n".encode(), b"250"),
                            (b"DATA\r\n", b"354"), (b"Subject: idle\r\n\r\nidle\r\n.\r\n", b"250")):
            self.socket.sendall(words)
            expect(file, code)
        file.close()


@unittest.skipIf(SANITIZED, "memory is measured without sanitizers only")
class IdleTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        wanted = MANY + 1000
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if hard != resource.RLIM_INFINITY and hard < wanted:
            raise unittest.SkipTest(f"needs {wanted} descriptors, may have {hard}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

    def server(self):
        return Server(accounts={ANN: SECRET}, listeners=("mx", "pop3-clear"), limits=LIMITS)

    def measure(self, server, many, connect):
        """Octets of memory for each connection, and the connections."""
        self.warm_up(server)
        for number in range(300):
            connect(number).socket.close()
        before = server.memory("VmRSS")
        idlers = [connect(number) for number in range(many)]
        return (server.memory("VmRSS") - before) / many, idlers

    @staticmethod
    def warm_up(server):
        """What is made once, and the store's caches, which are bounded: they are filled before."""
        line = b"x" * 70 + b"\r\n"
        with server.smtp() as client:
            for lines in (*(800,) * 500, 300_000):
                client.mail("x@y.test")
                client.rcpt(ANN)
                client.data(b"Subject: warm\r\n\r\n" + line * lines)
        server.mail(ANN)

    @staticmethod
    def session_seconds(server, count=100):
        """The median of so many sessions, each with a message."""
        took = []
        for number in range(count):
            began = time.monotonic()
            Idler(server.ports["mx"], number).socket.close()
            took.append(time.monotonic() - began)
        return statistics.median(took)

    def test_plain_and_talking(self):
        with self.server() as server:
            alone = self.session_seconds(server)
            each, idlers = self.measure(server, MANY, lambda n: Idler(server.ports["mx"], n))
            print(f"{MANY} idle plain connections: {each / 1024:.1f} KiB each")
            self.assertLess(each, PLAIN_BOUND)
            ended = threading.Event()
            talking = threading.Thread(target=self.talk, args=(idlers[:TALKERS], ended))
            talking.start()
            try:
                beside = self.session_seconds(server)
            finally:
                ended.set()
                talking.join()
            print(f"a session takes {beside / alone:.1f} times as long while {TALKERS} peers send a byte now and then")
            self.assertLess(beside, SLOWED_MOST * alone)
            for idler in idlers:
                idler.socket.close()
            self.assertEqual(server.findings(), [])

    @staticmethod
    def talk(idlers, ended):
        chance = random.Random(1)
        while not ended.is_set():
            for idler in chance.sample(idlers, 50):
                idler.socket.send(b"N")
            ended.wait(0.01)

    def test_tls(self):
        with self.server() as server:
            tls = trusting()
            each, idlers = self.measure(server, MANY, lambda n: Idler(server.ports["mx"], n, tls))
            print(f"{MANY} idle TLS connections: {each / 1024:.1f} KiB each")
            self.assertLess(each, TLS_BOUND)
            for idler in idlers:
                idler.socket.close()
            self.assertEqual(server.findings(), [])

    def test_without_descriptors_it_waits_and_goes_on(self):
        with self.server() as server:
            used = len(os.listdir(f"/proc/{server.pid}/fd"))
            resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (used + 20, used + 20))
            crowd = [socket.create_connection(("127.0.0.1", server.ports["mx"]), timeout=60) for _ in range(60)]
            self.assertIsNotNone(server.output.wait("event=accept-paused", 30))
            for one in crowd:
                one.close()
            wait_until(lambda: self.works(server), "the server to take mail again", 30, 0.1)
            self.assertEqual(server.findings(), [])

    @staticmethod
    def works(server):
        try:
            Idler(server.ports["mx"], 1).socket.close()
            return True
        except (OSError, AssertionError):
            return False


if __name__ == "__main__":
    unittest.main()
