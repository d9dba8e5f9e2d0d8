"""Reading mail: Python's poplib and curl against the live server."""

import base64
import poplib
import re
import socket
import subprocess
import unittest

from server import SECRET, Server, body_of, letter, transact, trusting, wait_until

ALICE, BOB = "alice@example.test", "bob@example.test"


class Pop3Test(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(accounts={ALICE: SECRET, BOB: SECRET}).start()
        cls.addClassCleanup(cls.server.close)

    def setUp(self):
        client = self.server.pop3(ALICE)
        for number in range(1, client.stat()[0] + 1):
            client.dele(number)
        client.quit()

    def deliver(self, *bodies, to=ALICE):
        with self.server.smtp() as client:
            return [transact(client, "x@y.test", [to], letter(subject=f"n{i}", body=body)) for i, body in enumerate(bodies)]

    def raw(self):
        """A plain socket, logged in."""
        connection = socket.create_connection(("127.0.0.1", self.server.ports["pop3-clear"]), timeout=60)
        self.addCleanup(connection.close)
        file = connection.makefile("rwb")
        self.assertTrue(file.readline().startswith(b"+OK"))
        for line in (f"USER {ALICE}", f"PASS {SECRET}"):
            self.assertTrue(self.ask(file, line).startswith(b"+OK"))
        return connection, file

    @staticmethod
    def ask(file, line):
        file.write(line.encode() + b"\r\n")
        file.flush()
        return file.readline()

    def test_every_command(self):
        self.deliver("one\r\n", "two\r\n", "three\r\n")
        client = self.server.pop3(ALICE)
        self.assertEqual({"UIDL", "TOP", "USER", "PIPELINING", "RESP-CODES", "AUTH-RESP-CODE"} - set(client.capa()), set())
        count, size = client.stat()
        self.assertEqual(count, 3)
        listed = [line.split() for line in client.list()[1]]
        self.assertEqual([number for number, _ in listed], [b"1", b"2", b"3"])
        self.assertEqual(sum(int(octets) for _, octets in listed), size)
        self.assertEqual(client.list(2), b"+OK 2 " + listed[1][1])
        uidls = [line.split()[1] for line in client.uidl()[1]]
        self.assertEqual(len(set(uidls)), 3)
        self.assertEqual(client.uidl(3), b"+OK 3 " + uidls[2])
        head = client.top(1, 0)[1]
        self.assertEqual(head[-1], b"")
        self.assertEqual(client.top(1, 1)[1], head + [b"one"])
        self.assertIn(b"three", client.retr(3)[1])
        self.assertIn(b"+OK", client.dele(2))
        self.assertEqual(client.stat()[0], 2)
        for refused in (lambda: client.retr(2), lambda: client.dele(2), lambda: client.retr(4), lambda: client.list(0)):
            with self.assertRaises(poplib.error_proto):
                refused()
        client.rset()
        self.assertEqual(client.stat(), (count, size))
        client.noop()
        self.assertIn(b"+OK", client.quit())

    def test_octets_are_exact(self):
        bodies = ["", "x\r\n", ".\r\n..\r\n.x\r\n", "no end of line", "\r\n\r\n", "é" * 50 + "\r\n", "x" * 998 + "\r\n", "y" * 5000 + "\r\n"]
        with self.server.smtp() as client:
            for i, body in enumerate(bodies):
                transact(client, "x@y.test", [ALICE], letter(subject=f"n{i}", body=body).encode(), ["BODY=8BITMIME"])
        connection, file = self.raw()
        for number, body in enumerate(bodies, 1):
            size = int(self.ask(file, f"LIST {number}").split()[2])
            told = re.search(rb"(\d+)", self.ask(file, f"RETR {number}")[3:])
            lines = []
            while (line := file.readline()) != b".\r\n":
                lines.append(line[1:] if line.startswith(b".") else line)
            message = b"".join(lines)
            expected = body.encode() + (b"" if body.endswith("\r\n") or not body else b"\r\n")
            self.assertEqual(body_of(message), expected)
            self.assertEqual(len(message), size, body)
            if told:
                self.assertEqual(int(told[1]), size)

    def test_top_with_lines(self):
        self.deliver("a\r\n\r\n.b\r\nc\r\n")
        client = self.server.pop3(ALICE)
        head = client.top(1, 0)[1]
        self.assertEqual(client.top(1, 3)[1], head + [b"a", b"", b".b"])
        self.assertEqual(client.top(1, 99999)[1], client.retr(1)[1])
        client.quit()

    def test_deletions_only_at_quit(self):
        self.deliver("one\r\n", "two\r\n")
        connection, file = self.raw()
        self.assertTrue(self.ask(file, "DELE 1").startswith(b"+OK"))
        file.close()
        connection.close()  # dropped
        def back():
            try:
                return self.server.mail(ALICE)
            except poplib.error_proto:  # the dropped session is still being noticed
                return None
        self.assertEqual(len(wait_until(back, "the mailbox to be free")), 2)
        client = self.server.pop3(ALICE)
        client.dele(1)
        client.quit()
        [left] = self.server.mail(ALICE)
        self.assertEqual(body_of(left), b"two\r\n")

    def test_one_session_a_mailbox(self):
        first = self.server.pop3(ALICE)
        with self.assertRaises(poplib.error_proto) as refused:
            self.server.pop3(ALICE)
        self.assertIn("[IN-USE]", str(refused.exception))
        self.server.pop3(BOB).quit()  # another mailbox is another matter
        first.quit()
        self.server.pop3(ALICE).quit()

    def test_other_protocols_end_the_session(self):
        for first in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\nUSER x\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"):
            with socket.create_connection(("127.0.0.1", self.server.ports["pop3-clear"]), timeout=60) as connection:
                connection.sendall(first)
                file = connection.makefile("rb")
                lines = file.readlines()
            self.assertTrue(lines[0].startswith(b"+OK"))
            self.assertEqual([line[:4] for line in lines[1:]], [b"-ERR"])

    def test_mail_that_comes_during_a_session_waits_for_the_next(self):
        self.deliver("one\r\n")
        client = self.server.pop3(ALICE)
        self.deliver("two\r\n")
        self.assertEqual(client.stat()[0], 1)
        client.dele(1)
        client.quit()
        self.assertEqual([body_of(m) for m in self.server.mail(ALICE)], [b"two\r\n"])

    def test_uidls_are_stable_and_not_reused(self):
        self.deliver("one\r\n", "two\r\n")
        client = self.server.pop3(ALICE)
        before = [line.split()[1] for line in client.uidl()[1]]
        client.dele(2)
        client.quit()
        self.server.restart()
        self.deliver("three\r\n")
        client = self.server.pop3(ALICE)
        after = [line.split()[1] for line in client.uidl()[1]]
        client.quit()
        self.assertEqual(after[0], before[0])
        self.assertNotIn(after[1], before)

    def test_login(self):
        port = self.server.ports["pop3"]
        client = poplib.POP3("127.0.0.1", port, timeout=60)
        with self.assertRaises(poplib.error_proto):
            client.user(ALICE) and client.pass_(SECRET)  # not in clear
        client.stls(context=trusting())
        client.user(ALICE.upper())
        client.pass_(SECRET)
        client.quit()
        client = poplib.POP3_SSL("127.0.0.1", self.server.ports["pop3s"], timeout=60, context=trusting())
        client.user(ALICE)
        with self.assertRaises(poplib.error_proto) as refused:
            client.pass_("wrong")
        self.assertIn("[AUTH]", str(refused.exception))
        client.close()
        client = poplib.POP3_SSL("127.0.0.1", self.server.ports["pop3s"], timeout=60, context=trusting())
        client._shortcmd("AUTH PLAIN " + base64.b64encode(f"\0{ALICE}\0{SECRET}".encode()).decode())
        self.assertEqual(client.stat()[0], 0)
        client.quit()

    def test_pipelined(self):
        self.deliver("one\r\n")
        connection, file = self.raw()
        file.write(b"STAT\r\nLIST\r\nUIDL 1\r\nNOOP\r\nQUIT\r\n")
        file.flush()
        text = file.read()
        self.assertEqual(text.count(b"+OK"), 5, text)

    def test_big_message(self):
        body = b"".join(b"%070d\r\n" % i for i in range(150000))  # 10 MB
        with self.server.smtp() as client:
            transact(client, "x@y.test", [ALICE], letter(body="").encode() + body)
        [message] = self.server.mail(ALICE)
        self.assertTrue(body_of(message) == body, "the big message changed")

    def test_many_messages(self):
        self.deliver(*[f"{i}\r\n" for i in range(300)])
        bodies = [body_of(m) for m in self.server.mail(ALICE)]
        self.assertEqual(bodies, [b"%d\r\n" % i for i in range(300)])

    def test_curl(self):
        self.deliver(".dots\r\n..\r\n")
        for listener, scheme in (("pop3s", "pop3s"), ("pop3", "pop3")):
            words = ["curl", "-sS", "--insecure", "--ssl-reqd", "--user", f"{ALICE}:{SECRET}", "--max-time", "30",
                     f"{scheme}://127.0.0.1:{self.server.ports[listener]}/1"]
            done = subprocess.run(words, capture_output=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(body_of(done.stdout), b".dots\r\n..\r\n")


class TakeOverTest(unittest.TestCase):
    def test_a_silent_session_gives_way_and_nothing_is_lost(self):
        with Server(accounts={ALICE: SECRET}, extra={"pop3": {"takeover_after": "1s"}}) as server:
            server.send("x@y.test", [ALICE], letter(body="one\r\n"))
            server.send("x@y.test", [ALICE], letter(body="two\r\n"))
            gone = server.pop3(ALICE)  # its client says nothing more: a phone that lost its network
            gone.dele(1)

            def back():
                try:
                    return server.pop3(ALICE)
                except poplib.error_proto as refused:
                    self.assertIn("[IN-USE]", str(refused))
                    return None
            client = wait_until(back, "the silent session to give way")
            self.assertEqual(client.stat()[0], 2, "what it had marked is not deleted")
            with self.assertRaisesRegex(poplib.error_proto, "taken over"):
                gone.noop()
            client.dele(2)
            client.quit()
            self.assertEqual([body_of(message) for message in server.mail(ALICE)], [b"one\r\n"])
            wait_until(lambda: "event=mailbox-taken-over" in server.log(), "the log to tell of it")

    def test_one_that_takes_nothing_gives_way_too(self):
        with Server(accounts={ALICE: SECRET}, extra={"pop3": {"takeover_after": "1s"}}) as server:
            server.send("x@y.test", [ALICE], letter(body="x" * 70 + "\r\n" + ("y" * 70 + "\r\n") * 200000))
            with socket.create_connection(("127.0.0.1", server.ports["pop3-clear"]), timeout=60) as stuck:
                stuck.sendall(f"USER {ALICE}\r\nPASS {SECRET}\r\nRETR 1\r\n".encode())
                reader = stuck.makefile("rb", buffering=0)
                self.assertEqual([reader.readline()[:3] for _ in range(4)], [b"+OK"] * 4)  # the last one is RETR's

                def back():
                    try:
                        return server.pop3(ALICE)
                    except poplib.error_proto:
                        return None
                client = wait_until(back, "the stuck session to give way", 60, 0.5)
                self.assertEqual(client.stat()[0], 1)
                wait_until(lambda: "event=mailbox-taken-over" in server.log(), "the log to tell of it")
                client.quit()


if __name__ == "__main__":
    unittest.main()
