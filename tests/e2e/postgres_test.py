"""A server whose store is a PostgreSQL database: mail comes, stays over ends of either, is read and relayed."""

import unittest

from dns import Dns
from peer import Peer
from postgres import Postgres
from server import SECRET, Server, body_of, free_port_everywhere, letter, transact, wait_until

ALICE, BOB = "alice@example.test", "bob@example.test"


class PostgresTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.postgres = cls.enterClassContext(Postgres())
        cls.port = free_port_everywhere()
        cls.dns = cls.enterClassContext(Dns("far.test MX 10 mx.far.test", "mx.far.test A 127.0.0.9"))
        cls.server = Server(accounts={ALICE: SECRET, BOB: SECRET}, dns=cls.dns, delivery={"port": cls.port},
                            extra_server={"store": cls.postgres.url}, extra={"authentication": {"verify": False}})
        cls.addClassCleanup(cls.server.close)
        cls.server.start()

    def tearDown(self):
        self.assertEqual(self.server.findings(), [])

    def take_all(self, login):
        bodies = [body_of(message).decode() for message in self.server.mail(login)]
        client = self.server.pop3(login)
        for number in range(1, client.stat()[0] + 1):
            client.dele(number)
        client.quit()
        return bodies

    def send_to(self, login, *bodies):
        with self.server.smtp() as client:
            for body in bodies:
                transact(client, "x@y.test", [login], letter(body=body))

    def test_mail_outlives_both(self):
        large = "".join(f"line {number} of a large message\r\n" for number in range(20000))
        self.send_to(ALICE, "one\r\n", large)
        self.server.restart()
        self.send_to(ALICE, "two\r\n")
        self.server.restart(kill=True)
        self.postgres.stop()
        self.postgres.start()
        self.send_to(ALICE, "three\r\n")
        self.assertEqual(self.take_all(ALICE), ["one\r\n", large, "two\r\n", "three\r\n"])

    def test_mail_goes_on_to_others(self):
        with Peer(address="127.0.0.9", port=self.port, name="mx.far.test") as peer:
            self.server.send(ALICE, ["carl@far.test", BOB], letter(sender=ALICE, body="away\r\n"), login=ALICE)
            wait_until(lambda: len(peer.messages) == 1, "the message at the other server")
            self.assertEqual(peer.messages[0].recipients, ["carl@far.test"])
            self.server.wait_queue_empty()
        self.assertEqual(self.take_all(BOB), ["away\r\n"])

    def test_one_server_at_a_time(self):
        with self.assertRaisesRegex(RuntimeError, "works on this store"):
            other = Server(accounts={}, extra_server={"store": self.postgres.url})
            self.addCleanup(other.close)
            other.start()
        self.send_to(BOB, "still here\r\n")
        self.assertEqual(self.take_all(BOB), ["still here\r\n"])

    def test_what_the_database_does_itself(self):
        done = self.server.cli("backup", self.server.folder / "data/copy")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("docs/cluster.md", done.stderr)

    def test_what_is_to_be_doubted_is_told(self):
        done = self.server.cli("check")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("fsync = off", done.stdout + done.stderr)
        self.assertIn("event=store-unsafe", self.server.log())

    def test_a_password_is_neither_taken_nor_shown(self):
        other = Server(accounts={}, extra_server={"store": "postgresql://mail:geheim@db.example.test/mail"})
        self.addCleanup(other.close)
        other.write_config()
        done = other.cli("check")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("passfile", done.stdout + done.stderr)
        self.assertNotIn("geheim", done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
