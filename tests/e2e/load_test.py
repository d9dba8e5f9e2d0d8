"""Much mail at once, and large mail: all of it arrives, and the server's memory stays small."""

import socket
import time
import unittest

from postfix import smtp_source
from server import PEERS, SANITIZED, SECRET, Server, check, wait_until

ALICE = "alice@example.test"
MIB = 1 << 20


@unittest.skipIf(SANITIZED, "memory is measured without sanitizers only")
class LoadTest(unittest.TestCase):
    def test_twenty_thousand_messages(self):
        with Server(accounts={ALICE: SECRET}, limits={"connections_per_address": 200}) as server:
            started = time.monotonic()
            smtp_source(PEERS, f"127.0.0.1:{server.ports['mx']}", "-s", 100, "-m", 20000, "-l", 4096, "-f", "x@y.test", "-t", ALICE, seconds=300)
            took = time.monotonic() - started
            client = server.pop3(ALICE, timeout=120)
            self.assertEqual(client.stat()[0], 20000)
            self.assertEqual(len(set(line.split()[1] for line in client.uidl()[1])), 20000)
            self.assertGreater(sum(len(line) + 2 for line in client.retr(20000)[1]), 4096)
            client.quit()
            print(f"20000 messages in {took:.1f} s, {server.memory() / MIB:.0f} MiB at most")
            self.assertLess(server.memory(), 200 * MIB)
            self.assertEqual(server.queued(), [])
            self.assertEqual(server.stop(), 0)

    def test_one_hundred_megabytes(self):
        with Server(accounts={ALICE: SECRET}, limits={"message_size": "150MiB"}) as server:
            self.send_large(server, 2 * MIB)  # everything that is made once has been made
            server.mail(ALICE)
            before = server.memory()
            self.send_large(server, 100 * 1000 * 1000)
            self.read_large(server, 2, 100 * 1000 * 1000)
            grown = (server.memory() - before) / MIB
            print(f"a message of 100 MB added {grown:.1f} MiB")
            self.assertLess(grown, 10)

    LINE = b"x" * 76 + b"\r\n"

    def send_large(self, server, size):
        block = self.LINE * 4096
        with server.smtp() as client:
            check(client.mail("x@y.test"), 250)
            check(client.rcpt(ALICE), 250)
            check(client.docmd("DATA"), 354)
            client.sock.sendall(b"Subject: large\r\n\r\n")
            left = size // len(self.LINE)
            while left > 0:
                lines = min(left, 4096)
                client.sock.sendall(block[:lines * len(self.LINE)])
                left -= lines
            client.sock.sendall(b".\r\n")
            check(client.getreply(), 250, "id=")

    def read_large(self, server, number, size):
        """Without keeping it here either: the octets of the body are counted."""
        with socket.create_connection(("127.0.0.1", server.ports["pop3-clear"]), timeout=60) as connection:
            file = connection.makefile("rwb")
            for command in (None, f"USER {ALICE}", f"PASS {SECRET}", f"RETR {number}"):
                if command:
                    file.write(command.encode() + b"\r\n")
                    file.flush()
                self.assertTrue(file.readline().startswith(b"+OK"))
            lines = 0
            while (line := file.readline()) not in (b".\r\n", b""):
                lines += line == self.LINE
            self.assertEqual(lines, size // len(self.LINE))

    def test_slow_readers_do_not_pile_up(self):
        """Twenty sessions that ask for a large message and do not read: their mail is not kept in memory."""
        with Server(accounts={f"u{i}@example.test": SECRET for i in range(20)}) as server:
            with server.smtp() as client:
                check(client.mail("x@y.test"), 250)
                for i in range(20):
                    check(client.rcpt(f"u{i}@example.test"), 250)
                check(client.data(b"Subject: x\r\n\r\n" + self.LINE * 100000), 250)
            before = server.memory()
            sessions = []
            for i in range(20):
                client = server.pop3(f"u{i}@example.test")
                client.sock.sendall(b"RETR 1\r\n")
                sessions.append(client)
            wait_until(lambda: all(s.sock.recv(1, socket.MSG_PEEK) for s in sessions), "all to have begun")
            self.assertLess(server.memory() - before, 60 * MIB)
            for client in sessions:
                client.close()


if __name__ == "__main__":
    unittest.main()
