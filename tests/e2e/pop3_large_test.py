"""Large mailboxes over POP3: everything streams, and the server's memory stays small.

POP3_MESSAGES in the environment says how many messages (100000): POP3_MESSAGES=1000000 is the long form (`make large`).
"""

import os
import pathlib
import select
import socket
import subprocess
import time
import unittest

from server import BINARY, SANITIZED, SECRET, Server, letter, transact

ALICE, BOB = "alice@example.test", "bob@example.test"
MIB = 1 << 20
COUNT = int(os.environ.get("POP3_MESSAGES", "100000"))
FILL = pathlib.Path(os.environ.get("PAQUEBOT_FILL_MAILBOX", BINARY.parent / "tests/fill_mailbox"))


def login(port):
    """A connection and its file, logged in."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=600)
    file = connection.makefile("rwb", 1 << 16)
    file.readline()
    for command in (f"USER {ALICE}", f"PASS {SECRET}"):
        said = ask(file, command)
        if not said.startswith(b"+OK"):
            raise AssertionError(said)
    return connection, file


def ask(file, command):
    file.write(command.encode() + b"\r\n")
    file.flush()
    return file.readline()


class Watch:
    """Says how long something took and how far the server's memory has grown."""

    def __init__(self, server, what):
        self.server, self.what = server, what

    def __enter__(self):
        self.start = time.monotonic()

    def __exit__(self, *_):
        print(f"{self.what}: {time.monotonic() - self.start:.2f} s, {self.server.memory() / MIB:.0f} MiB at most", flush=True)


@unittest.skipIf(SANITIZED, "memory is measured without sanitizers only")
class LargeMailbox(unittest.TestCase):
    def test_large_mailbox(self):
        server = Server(accounts={ALICE: SECRET, BOB: SECRET}, listeners=("mx", "pop3-clear"))
        self.addCleanup(server.close)
        server.prepare()
        subprocess.run([FILL, server.data, ALICE, str(COUNT)], check=True, timeout=1200)
        server.start()
        port = server.ports["pop3-clear"]
        first, file = login(port)  # everything that is made once has been made
        ask(file, "QUIT")
        first.close()
        before = server.memory("VmRSS")
        with Watch(server, f"{COUNT} messages, login and STAT"):
            connection, file = login(port)
            self.addCleanup(connection.close)
            self.assertTrue(ask(file, "STAT").startswith(b"+OK %d " % COUNT))
        for command in ("UIDL", "LIST"):
            with Watch(server, command):
                self.assertTrue(ask(file, command).startswith(b"+OK"))
                seen = set()
                for number in range(1, COUNT + 1):
                    line = file.readline().split()
                    self.assertEqual(int(line[0]), number)
                    if command == "UIDL":
                        seen.add(line[1])
                self.assertEqual(file.readline(), b".\r\n")
                self.assertIn(len(seen), (0, COUNT))
        self.read_some(file)
        self.read_pipelined(server, file)
        self.delete_all(server, connection, file)
        grown = (server.memory() - before) / MIB
        print(f"the server grew by {grown:.1f} MiB")
        self.assertLess(grown, 60)
        client = server.pop3(ALICE)
        self.assertEqual(client.stat(), (0, 0))
        client.quit()

    def read_some(self, file):
        """Out of order."""
        for number in (COUNT, 1, COUNT // 2):
            self.assertTrue(ask(file, f"RETR {number}").startswith(b"+OK"))
            lines = []
            while (line := file.readline()) != b".\r\n":
                lines.append(line)
            self.assertEqual(lines[-1], b"%d\r\n" % number)

    def read_pipelined(self, server, file):
        count = min(COUNT, 10000)
        with Watch(server, f"{count} pipelined RETR"):
            file.write(b"".join(b"RETR %d\r\n" % number for number in range(1, count + 1)))
            file.flush()
            ends = 0
            while ends < count:
                ends += file.readline() == b".\r\n"

    def delete_all(self, server, connection, file):
        with Watch(server, "DELE, pipelined"):
            for start in range(1, COUNT + 1, 5000):
                numbers = range(start, min(start + 5000, COUNT + 1))
                file.write(b"".join(b"DELE %d\r\n" % number for number in numbers))
                file.flush()
                for _ in numbers:
                    self.assertTrue(file.readline().startswith(b"+OK"))
        with Watch(server, "QUIT"), server.smtp() as client:
            file.write(b"QUIT\r\n")
            file.flush()
            slowest = 0.0
            while not select.select([connection], [], [], 0)[0]:  # others are served meanwhile
                start = time.monotonic()
                transact(client, "x@y.test", [BOB], letter(to=BOB))
                slowest = max(slowest, time.monotonic() - start)
            self.assertEqual(file.readline(), b"+OK %d messages deleted, goodbye\r\n" % COUNT)
        print(f"the slowest message accepted beside QUIT took {slowest * 1000:.0f} ms")


if __name__ == "__main__":
    unittest.main()
