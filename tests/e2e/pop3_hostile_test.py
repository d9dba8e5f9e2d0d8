"""POP3 against clients that mean harm or stand still: memory stays small, and the mailbox is free again soon."""

import poplib
import select
import socket
import unittest

from server import SANITIZED, SECRET, Server, letter, transact, trusting, wait_until

ALICE = "alice@example.test"
MIB = 1 << 20
LINE = b"x" * 76 + b"\r\n"


class Hostile(unittest.TestCase):
    def start(self, accounts=(ALICE,), **options):
        server = Server(accounts=dict.fromkeys(accounts, SECRET), **options).start()
        self.addCleanup(server.close)
        return server

    def connect(self, server, login=None):
        connection = socket.create_connection(("127.0.0.1", server.ports["pop3-clear"]), timeout=60)
        self.addCleanup(connection.close)
        self.assertTrue(connection.recv(4096).startswith(b"+OK"))
        for command in (f"USER {login}", f"PASS {SECRET}") if login else ():
            connection.sendall(command.encode() + b"\r\n")
            self.assertTrue(connection.recv(4096).startswith(b"+OK"))
        return connection

    def free(self, server, login):
        """Logged in, once the session before has been given up."""
        def attempt():
            try:
                return server.pop3(login)
            except poplib.error_proto as refused:
                self.assertIn("[IN-USE]", str(refused))
                return None
        return wait_until(attempt, f"the mailbox of {login} to be free", 60, pause=0.2)

    @unittest.skipIf(SANITIZED, "memory is measured without sanitizers only")
    def test_lines_without_end(self):
        server = self.start()
        clients = [self.connect(server) for _ in range(4)] + [self.connect(server, ALICE)]
        before = server.memory("VmRSS")
        for client in clients:
            for _ in range(200):
                client.sendall(b"x" * 65536)
            client.sendall(b"\r\nQUIT\r\n")
            said = b""
            while octets := client.recv(4096):
                said += octets
            self.assertEqual(said.count(b"\r\n"), 2, said)
            self.assertTrue(said.startswith(b"-ERR"), said)
        self.assertLess(server.memory() - before, 20 * MIB)

    @unittest.skipIf(SANITIZED, "memory is measured without sanitizers only")
    def test_a_hundred_who_do_not_read(self):
        names = [f"u{n}@example.test" for n in range(100)]
        server = self.start(names)
        with server.smtp() as client:
            transact(client, "x@y.test", names, b"Subject: x\r\n\r\n" + LINE * 200000)
        before = server.memory("VmRSS")
        clients = [self.connect(server, name) for name in names]
        for client in clients:
            client.sendall(b"RETR 1\r\nTOP 1 1000000\r\nRETR 1\r\n")
        for client in clients:
            self.assertTrue(select.select([client], [], [], 60)[0])
        grown = (server.memory() - before) / MIB
        print(f"100 clients that do not read: {grown:.0f} MiB")
        self.assertLess(grown, 100)

    @unittest.skipIf(SANITIZED, "memory is measured without sanitizers only")
    def test_one_who_never_stops_talking(self):
        server = self.start()
        client = self.connect(server, ALICE)
        before = server.memory("VmRSS")
        client.setblocking(False)
        sent = 0
        while sent < 200 * MIB and select.select([], [client], [], 2)[1]:  # until the server has stopped reading
            sent += client.send(b"NOOP\r\n" * 10000)
        self.assertLess(sent, 200 * MIB)
        self.assertLess(server.memory() - before, 20 * MIB)

    def test_one_who_does_not_read_is_dropped(self):
        server = self.start(limits={"pop3_idle_timeout": "2s"})
        with server.smtp() as client:
            transact(client, "x@y.test", [ALICE], b"Subject: x\r\n\r\n" + LINE * 200000)
        client = self.connect(server, ALICE)
        client.sendall(b"DELE 1\r\nRSET\r\nRETR 1\r\n")
        reader = self.free(server, ALICE)
        self.assertEqual(reader.stat()[0], 1)
        reader.quit()

    def test_one_who_drips(self):
        server = self.start(limits={"pop3_idle_timeout": "2s"})
        client = self.connect(server, ALICE)
        for _ in range(300):
            if select.select([client], [], [], 0.1)[0]:
                break
            client.send(b"x")
        else:
            self.fail("an endless command earned time")
        self.free(server, ALICE).quit()

    def test_nothing_said_in_clear_counts_under_tls(self):
        server = self.start()
        plain = socket.create_connection(("127.0.0.1", server.ports["pop3"]), timeout=60)
        self.addCleanup(plain.close)
        plain.recv(4096)
        plain.sendall(f"STLS\r\nUSER {ALICE}\r\nPASS {SECRET}\r\nDELE 1\r\n".encode())
        self.assertTrue(plain.recv(4096).startswith(b"+OK"))
        # What came behind STLS may be in the handshake's way: then there is no session at all, which is as good.
        try:
            client = trusting().wrap_socket(plain)
        except OSError:
            return
        self.addCleanup(client.close)
        client.sendall(b"STAT\r\n")
        self.assertTrue(client.recv(4096).startswith(b"-ERR"))

    def test_no_content_ends_a_reply_early(self):
        """What no SMTP client could bring in, an import can."""
        server = self.start()
        folder = server.folder / "Maildir"
        for name in ("cur", "new", "tmp"):
            (folder / name).mkdir(parents=True)
        ends = (b"\n.\n", b"\r.\r", b"\r\n.\r\n", b"\r.\r\n", b"\n.\r\n", b"\r\n.\n", b"\0\r\n.\0\r\n", b"\r\r\n.\r\r\n")
        for n, end in enumerate(ends):
            (folder / "new" / f"{n}.x").write_bytes(b"Subject: x\r\n\r\nx" + end + b"DELE 1\r\n" + end)
        server.must("import", "mail", ALICE, folder)
        client = self.connect(server, ALICE)
        file = client.makefile("rwb")
        for number in range(1, len(ends) + 1):
            file.write(b"RETR %d\r\nNOOP\r\nSTAT\r\n" % number)
            file.flush()
            self.assertTrue(file.readline().startswith(b"+OK"))
            while file.readline().rstrip(b"\r\n") != b".":
                pass
            self.assertEqual(file.readline(), b"+OK nothing done\r\n")
            self.assertTrue(file.readline().startswith(b"+OK %d " % len(ends)))

    def test_login_delay(self):
        server = self.start(extra={"pop3": {"login_delay": "1h", "language": "de"}})
        client = server.pop3(ALICE)
        self.assertEqual(client.capa()["LOGIN-DELAY"], ["3600"])
        self.assertIn(b"Sprache gewechselt", client._shortcmd("LANG *"))
        client.quit()
        with self.assertRaises(poplib.error_proto) as refused:
            server.pop3(ALICE)
        self.assertIn("[LOGIN-DELAY]", str(refused.exception))

    def test_surrogates(self):
        server = self.start()
        message = letter(subject="Grüße", body="Grüße\r\n").encode()
        with server.smtp() as client:
            transact(client, "x@y.test", [ALICE], message, ["BODY=8BITMIME", "SMTPUTF8"])
        client = server.pop3(ALICE, utf8=False)
        lines = client.retr(1)[1]
        self.assertIn("Subject: =?utf-8?B?R3LDvMOfZQ==?=".encode(), lines)
        self.assertIn("Grüße".encode(), lines)  # bodies are 8-bit as ever
        client.quit()
        client = poplib.POP3("127.0.0.1", server.ports["pop3-clear"], timeout=60)
        client.utf8()
        client.user(ALICE)
        client.pass_(SECRET)
        lines = client.retr(1)[1]
        self.assertIn("Subject: Grüße".encode(), lines)
        self.assertEqual(sum(len(line) + 2 for line in lines), int(client.list(1).split()[2]))
        client.quit()


if __name__ == "__main__":
    unittest.main()
