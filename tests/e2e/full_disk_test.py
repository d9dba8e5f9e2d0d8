"""A disk that is full: 452 while it is, reading and deleting go on, and the server recovers by itself."""

import os
import smtplib
import subprocess
import unittest

from server import BINARY, SECRET, Server, body_of, letter, transact, wait_until

ALICE = "alice@example.test"
DISK = "24m"


def may_mount():
    return os.geteuid() == 0 and subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0


@unittest.skipUnless(may_mount(), "needs root and a mount namespace of its own")
class FullDiskTest(unittest.TestCase):
    def start(self):
        server = Server(accounts={ALICE: SECRET})
        self.addCleanup(server.close)
        server.data.mkdir()
        # The shell stays as the parent: what it mounts is seen by the server only, and goes with it.
        script = (f'mount -t tmpfs -o size={DISK},mode=755 tmpfs "{server.data}" && '
                  f'PAQUEBOT_CONFIG="{server.config}" && export PAQUEBOT_CONFIG && exec "$@"')
        server.start(command=["unshare", "-m", "sh", "-c", script, "sh"])
        return server

    def inside(self, server, *words):
        return subprocess.run(["nsenter", "-m", "-t", str(server.pid), "--", *map(str, words)], capture_output=True, text=True,
                              env=server.environment(PAQUEBOT_PASSWORD=SECRET), timeout=60, check=False)

    def attempt(self, server, size):
        """The code of the final reply to a message of this size."""
        line = "x" * 76 + "\r\n"
        try:
            with server.smtp() as client:
                transact(client, "x@y.test", [ALICE], letter(body=line * (size // len(line))))
                return 250
        except smtplib.SMTPResponseException as refused:
            return refused.smtp_code
        except AssertionError as refused:
            return int(str(refused).split(" not ")[1][:3])

    def keep_only_the_first(self, server):
        """Reads it and deletes the others; how many there were."""
        client = server.pop3(ALICE)
        count = client.stat()[0]
        client.retr(1)
        for number in range(2, count + 1):
            client.dele(number)
        client.quit()
        return count

    def test_full_and_free_again(self):
        server = self.start()
        for words in (("domain", "add", "example.test"), ("account", "add", ALICE)):
            done = self.inside(server, BINARY, *words)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.attempt(server, 1000), 250)
        codes = [250]
        while codes[-1] == 250 and len(codes) < 100:
            codes.append(self.attempt(server, 1 << 20))
        self.assertEqual(codes[-1], 452, codes)
        for size in (1000, 100000, 3 << 20):
            self.assertEqual(self.attempt(server, size), 452)
        # Mail has filled it: whoever deletes some makes room for more.
        self.assertEqual(self.keep_only_the_first(server), codes.count(250))
        wait_until(lambda: self.attempt(server, 1 << 20) == 250, "room after the deletions", 60, 0.2)
        self.assertEqual(len(server.mail(ALICE)), 2)
        # Something else fills it to the last octet.
        self.inside(server, "sh", "-c", f"cat /dev/zero >{server.data}/filler")
        for size in (1000, 100000, 3 << 20):
            self.assertEqual(self.attempt(server, size), 452)
        messages = server.mail(ALICE)
        self.assertEqual([len(body_of(m)) for m in messages], [1000 // 78 * 78, (1 << 20) // 78 * 78])
        self.inside(server, "rm", f"{server.data}/filler")
        wait_until(lambda: self.attempt(server, 1000) == 250, "the server to recover", 60, 0.2)
        self.assertEqual(self.keep_only_the_first(server), 3)
        self.assertIn("sound", self.inside(server, BINARY, "verify").stdout)
        self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    unittest.main()
