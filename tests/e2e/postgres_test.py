"""A server whose store is a PostgreSQL database: mail comes, stays over ends of either, is read, relayed and returned."""

import re
import smtplib
import subprocess
import threading
import unittest

from dns import Dns
from peer import Peer
from postgres import Postgres
from server import BINARY, SECRET, Output, Server, body_of, free_port_everywhere, letter, transact, wait_until

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
            self.assertEqual(peer.messages[0].recipients, ["<carl@far.test>"])
            self.server.wait_queue_empty()
        self.assertEqual(self.take_all(BOB), ["away\r\n"])

    def test_what_is_refused_comes_back(self):
        with Peer(address="127.0.0.9", port=self.port, name="mx.far.test", replies={"RCPT": "550 5.1.1 nobody here"}):
            self.server.send(ALICE, ["carl@far.test"], letter(sender=ALICE, body="away\r\n"), login=ALICE)
            [report] = wait_until(lambda: self.server.mail(ALICE), "the report")
            self.assertIn(b"5.1.1", report)
            self.server.wait_queue_empty()
        self.take_all(ALICE)

    def test_backends_are_killed_while_mail_comes(self):
        """Where nobody heard whether a commit happened, the marker answers: each message is accepted, and there once."""
        stop = threading.Event()

        def cut():
            while not stop.wait(0.05):
                self.postgres.cut_connections()

        cutter = threading.Thread(target=cut)
        cutter.start()
        accepted = []
        try:
            for number in range(60):
                body = f"number {number}\r\n"
                try:
                    self.send_to(ALICE, body)
                    accepted.append(body)
                except (smtplib.SMTPException, AssertionError) as refusal:  # an address could not be looked up: it is sent again
                    self.assertRegex(str(refusal), r"4[25]\d")
        finally:
            stop.set()
            cutter.join()
        self.assertGreater(len(accepted), 0)
        self.assertEqual(self.take_all(ALICE), accepted)

    def test_a_database_that_is_away_is_waited_for(self):
        self.send_to(BOB, "before\r\n")
        self.postgres.stop()
        try:
            with self.server.smtp() as client:
                client.ehlo()
                codes = [client.mail("x@y.test")[0], client.rcpt("unknown@example.test")[0]]  # not remembered
                self.assertRegex(str(codes[-1]), r"4[25]\d", codes)
        finally:
            self.postgres.start()
        self.send_to(BOB, "after\r\n")
        self.assertEqual(self.take_all(BOB), ["before\r\n", "after\r\n"])

    def test_a_database_that_is_away_at_the_start_is_waited_for(self):
        self.server.stop()
        self.postgres.stop()
        words = [str(BINARY), "serve", "--config", str(self.server.config)]
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                   env=self.server.environment())
        output = Output(process.stderr)
        try:
            self.assertIsNotNone(output.wait("event=store-unreachable", 60))
            self.postgres.start()
            self.assertIsNotNone(output.wait("event=ready", 60))
        finally:
            process.terminate()
            process.wait(30)
            output.thread.join(10)
            process.stderr.close()
        self.postgres.stop()
        done = self.server.cli("account", "list")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("cannot reach the database", done.stderr)
        self.postgres.start()
        self.server.start()

    def test_what_works_without_the_server(self):
        self.server.stop()
        try:
            self.assertIn(ALICE, self.server.must("account", "list"))
            self.server.must("account", "add", "carol@example.test", password=SECRET)
            self.server.must("account", "remove", "carol@example.test", "--yes")
            self.assertEqual(self.server.queued(), [])
            done = self.server.cli("verify")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            done = self.server.cli("restore", self.server.folder / "nothing.backup")
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("docs/cluster.md", done.stderr)
        finally:
            self.server.start()

    def test_what_the_database_does_itself(self):
        done = self.server.cli("backup", self.server.folder / "data/copy")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("docs/cluster.md", done.stderr)
        self.assertIn("mx.example.test", self.server.must("status"))

    def test_what_is_to_be_doubted_is_told(self):
        done = self.server.cli("check")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("fsync = off", done.stdout + done.stderr)
        self.assertIn("event=store-unsafe", self.server.log())
        self.postgres.sql("ALTER DATABASE mail SET statement_timeout TO '5s'")
        try:
            done = self.server.cli("check")
            self.assertIn("statement_timeout", done.stdout + done.stderr)
        finally:
            self.postgres.sql("ALTER DATABASE mail RESET statement_timeout")

    def test_a_password_is_neither_taken_nor_shown(self):
        other = Server(accounts={}, extra_server={"store": "postgresql://mail:geheim@db.example.test/mail"})
        self.addCleanup(other.close)
        other.write_config()
        done = other.cli("check")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("passfile", done.stdout + done.stderr)
        self.assertNotIn("geheim", done.stdout + done.stderr)

    def test_a_password_comes_from_a_file(self):
        """Over TCP, where the database wants one; the file is read within the sandbox too."""
        self.postgres.ask_for_password("geheim und lang")
        other = Server(accounts={ALICE: SECRET})
        self.addCleanup(other.close)
        secret = other.folder / "database-password"
        secret.write_text("*:*:*:*:geheim und lang\n")
        secret.chmod(0o600)
        other.extra_server["store"] = f"postgresql://keyed@127.0.0.1:{self.postgres.port}/keyed?passfile={secret}"
        other.start()
        with other.smtp() as client:
            transact(client, "x@y.test", [ALICE], letter(body="by a password\r\n"))
        self.postgres.cut_connections()  # it is read again for each connection
        self.assertEqual([body_of(one) for one in other.mail(ALICE)], [b"by a password\r\n"])
        shown = other.log() + other.must("status") + other.must("api", "setting.list") + other.cli("check").stderr
        self.assertNotIn("geheim", shown)

    def test_a_store_is_moved_and_comes_back(self):
        old = Server(accounts={ALICE: SECRET})
        self.addCleanup(old.close)
        old.start()
        large = "".join(f"line {number} of a large message\r\n" for number in range(10000))
        with old.smtp() as client:
            for body in ("small\r\n", large):
                transact(client, "x@y.test", [ALICE], letter(body=body))
        uidls = self.uidls(old)
        self.postgres.make("moved")
        url = self.postgres.url_of("moved")
        done = old.cli("store", "copy", old.data, url)
        self.assertNotEqual(done.returncode, 0, "the server runs")
        old.stop()
        self.assertIn("copied, counted and checked", old.must("store", "copy", old.data, url))
        with self.assertRaisesRegex(RuntimeError, "was moved"):
            old.start()
        old.stop()
        old.extra_server["store"] = url
        old.start()
        self.assertEqual(self.uidls(old), uidls)
        self.assertEqual([body_of(one).decode() for one in old.mail(ALICE)], ["small\r\n", large])
        self.assertEqual(old.findings(), [])
        old.stop()
        back = old.folder / "back"
        old.must("store", "copy", url, back)
        del old.extra_server["store"]
        old.data = back
        old.start()
        self.assertEqual(self.uidls(old), uidls)
        self.assertEqual(old.findings(), [])

    @staticmethod
    def uidls(server):
        client = server.pop3(ALICE)
        lines = client.uidl()[1]
        client.quit()
        return lines

    def test_a_certificate_is_asked_for(self):
        """Off the host nothing is said to a server that shows none."""
        other = Server(accounts={}, extra_server={"store": f"postgresql://keyed@127.0.0.2:{self.postgres.port}/keyed"})
        self.addCleanup(other.close)
        other.write_config()
        done = other.cli("check")
        self.assertNotEqual(done.returncode, 0)
        self.assertTrue(re.search("SSL|certificate", done.stdout + done.stderr), done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
