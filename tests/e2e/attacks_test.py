"""What a hostile SMTP client does to the live server: it stays in step, within its memory, and everything is shown harmless."""

import json
import re
import select
import socket
import unittest

from server import SANITIZED, SECRET, Server, check, transact

ALICE, BOB = "alice@example.test", "bob@example.test"
MIB = 1 << 20
# What a shell, SQL, a log line, a terminal or JSON would make something else of.
POISON = ("'; DROP TABLE message; --", "$(touch /tmp/pwned)`id`|cat;&", 'a" event=accepted id="x', "%s%n%00{}", "\\u0000\\n",
          "<script>x</script>", "--config=/etc/passwd")


class AttacksTest(unittest.TestCase):
    def start(self, **options):
        server = Server(accounts={ALICE: SECRET, BOB: SECRET}, **options)
        server.start()
        self.addCleanup(server.close)
        return server

    def connect(self, server, *commands):
        connection = socket.create_connection(("127.0.0.1", server.ports["mx"]), timeout=60)
        self.addCleanup(connection.close)
        self.assertTrue(connection.recv(4096).startswith(b"220"))
        for command in commands:
            connection.sendall(command.encode() + b"\r\n")
            self.assertIn(connection.recv(4096)[:1], b"23", command)
        return connection

    def serves(self, server):
        with server.smtp() as client:
            transact(client, "x@y.test", [BOB], b"Subject: still here\r\n\r\nhello\r\n")

    def test_drips_are_cut_off(self):
        server = self.start(limits={"command_timeout": "2s", "data_timeout": "2s", "message_timeout": "3s"})
        begun = ("EHLO c.test", "MAIL FROM:<x@y.test>", f"RCPT TO:<{BOB}>")
        for commands in ((), begun, (*begun, "DATA")):
            with self.subTest(commands=len(commands)):
                client = self.connect(server, *commands)
                for _ in range(300):
                    if select.select([client], [], [], 0.1)[0]:
                        break
                    client.send(b"x")
                else:
                    self.fail("a drip earned time")
                self.assertTrue(client.recv(4096).startswith(b"421 4.4.2"))
        self.assertEqual(server.mail(BOB), [])
        self.serves(server)

    @unittest.skipIf(SANITIZED, "memory is measured without sanitizers only")
    def test_one_who_never_reads_is_not_remembered(self):
        server = self.start(limits={"commands": 10_000_000, "errors": 100_000})
        self.serves(server)
        before = server.memory("VmRSS")
        client = self.connect(server, "EHLO c.test")
        sent = 0
        while sent < 100 * MIB and select.select([], [client], [], 2)[1]:
            sent += client.send(b"HELP\r\n" * 10_000)
        self.assertLess(sent, 100 * MIB, "the server stops reading when its replies are not read")
        self.assertLess(server.memory("VmRSS") - before, 10 * MIB)
        self.serves(server)

    def test_one_who_never_stops_talking_is_cut_off(self):
        server = self.start()
        client = self.connect(server)
        with self.assertRaises((ConnectionError, BrokenPipeError)):
            for _ in range(100_000):
                client.sendall(b"NONSENSE\r\n" * 100)
                while select.select([client], [], [], 0)[0]:
                    if not client.recv(65536):
                        raise ConnectionError
        self.serves(server)

    def test_nothing_said_is_taken_for_something_else(self):
        server = self.start()
        ids = []
        for poison in POISON:
            with self.subTest(poison=poison):
                with server.smtp() as client:
                    client.docmd("EHLO", poison)  # taken or refused, never anything else
                    client.rset()
                    client.ehlo("c.test")
                    client.docmd("VRFY", poison)
                    client.docmd(f"RCPT TO:<{poison}@example.test>")
                    quoted = poison.replace("\\", "\\\\").replace('"', '\\"')
                    check(client.docmd(f'MAIL FROM:<"{quoted}"@y.test> ENVID={"+27" * 3}'), 250)
                    check(client.docmd(f"RCPT TO:<{BOB}> ORCPT=rfc822;+27+3B+24+28id+29"), 250)
                    code, words = client.data(f"Subject: {poison}\r\nX-{len(ids)}: {poison}\r\n\r\n{poison}\r\n".encode())
                    self.assertEqual(code, 250)
                    ids.append(words.decode().split("id=")[1])
        self.assertEqual(len(server.mail(BOB)), len(POISON))
        for ident in ids:
            trail = server.trace(ident)
            self.assertIn(ident, json.dumps(trail))
            self.assertIn("@y.test", json.dumps(trail))
            self.assertIn(ident, server.must("trace", ident))
        events = [line for line in server.output.lines if re.match(r"time=\S+ level=\S+ event=accepted ", line)]
        self.assertEqual(len(events), len(POISON), "no line of the log is made by a client")
        self.assertEqual(server.must("verify").count("\x1b"), 0)
        self.serves(server)

    def test_heads_about_as_large_as_may_be(self):
        """What we put in front (Received, results) must find room: kept or refused, never an error of the store."""
        server = self.start()
        bound = 960 << 10  # 64 KiB below the 1 MiB that a stored head may have
        kept = 0
        with server.smtp() as client, server.smtp("submission", ALICE) as own:
            for octets in (bound - 1, bound, bound + 1, bound + 4096, MIB - 100, MIB - 1, MIB, MIB + 1):
                for session, sender in ((client, "x@y.test"), (own, ALICE)):
                    fixed = f"From: <{sender}>\r\nTo: <{BOB}>\r\nX-Pad: ".encode()
                    left = octets - len(fixed) - 4
                    folds, rest = divmod(left, 900)
                    head = fixed + b"\r\n ".join([b"x" * 897] * folds) + b"y" * (rest + 3 * (folds > 0)) + b"\r\n\r\n"
                    self.assertEqual(octets, len(head))
                    session.mail(sender)
                    check(session.rcpt(BOB), 250)
                    code, words = session.data(head + b"hello\r\n")
                    with self.subTest(octets=octets, sender=sender):
                        if octets <= bound:
                            self.assertEqual(250, code, words)
                        else:
                            self.assertEqual((552, b"5.3.4 the header block is larger than 1 MiB"), (code, words))
                    kept += code == 250
        self.assertEqual(kept, len(server.mail(BOB)))
        self.assertNotIn("store-failed", server.log())
        self.serves(server)

    def test_a_thousand_recipients(self):
        server = self.start(limits={"recipients": 1000})
        with server.smtp() as client:
            check(client.mail("x@y.test"), 250)
            for number in range(1000):
                check(client.rcpt(f"bob+{number}@example.test"), 250)
            check(client.rcpt(ALICE), 452)
            check(client.data(b"Subject: many\r\n\r\nhello\r\n"), 250)
        self.assertGreaterEqual(len(server.mail(BOB)), 1)

    @unittest.skipIf(SANITIZED, "memory is measured without sanitizers only")
    def test_content_made_to_be_costly(self):
        server = self.start()
        self.serves(server)
        before = server.memory("VmHWM")
        nested = b"".join(b"--%d\r\nContent-Type: multipart/mixed; boundary=%d\r\n\r\n" % (n, n + 1) for n in range(10_000))
        for content, codes in (
                (b"X: y\r\n" * 99_000 + b"\r\nhello\r\n", (250, 552)),
                (b"X: y\r\n" * 400_000 + b"\r\nhello\r\n", (552,)),
                (b"Subject: " + b"a" * (2 * MIB) + b"\r\n\r\nhello\r\n", (552, 500, 550)),
                (b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=0\r\n\r\n" + nested, (250,)),
                (b"Received: x\r\n" * 200 + b"\r\nhello\r\n", (554,)),
        ):
            with server.smtp() as client:
                check(client.mail("x@y.test"), 250)
                check(client.rcpt(BOB), 250)
                self.assertIn(client.data(content)[0], codes, content[:40])
        self.assertLess(server.memory("VmHWM") - before, 60 * MIB)
        self.serves(server)


if __name__ == "__main__":
    unittest.main()
