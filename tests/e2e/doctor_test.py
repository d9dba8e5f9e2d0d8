"""The doctor of a server in its default settings, with a name server of the tests: records that are wrong and then right, and programs
that can't log in, told in words to whoever asks."""

import base64
import contextlib
import json
import socket
import ssl
import threading
import unittest

from dns import Dns
from server import LISTENERS, SECRET, Server, trusting, wait_until

ANN = "ann@example.test"
GOOD, WARNINGS, WRONG = 0, 1, 2
LISTED = "2.0.0.127.list.test A 127.0.0.2"
RIGHT = ["mx.example.test A 127.0.0.1", 'mx.example.test TXT "v=spf1 a -all"', "example.test MX 10 mx.example.test", 'example.test TXT "v=spf1 mx -all"',
         '_dmarc.example.test TXT "v=DMARC1; p=quarantine; rua=mailto:postmaster@example.test"',
         '_smtp._tls.example.test TXT "v=TLSRPTv1; rua=mailto:postmaster@example.test"']
USERS = {name: LISTENERS[name] for name in ("mx", "submission", "submissions", "pop3", "pop3s", "pop3-clear")}


class Greeter:
    """A server that says one line to everybody, as those of large providers do."""

    def __enter__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.socket.accept()
                with client:
                    client.sendall(b"220 mx.provider.test ESMTP\r\n")
                    client.recv(100)

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()

    def __exit__(self, *failure):
        self.close()


def server_with(dns, port):
    # Whatever addresses this machine has otherwise are not looked at.
    return Server(accounts={ANN: SECRET}, dns=dns, listeners=USERS, delivery={"source_address": ["127.0.0.1", "::1"]},
                  extra={"doctor": {"providers": [f"mx.provider.test:{port}"], "lists": ["list.test"]}})


def findings(server, *words, codes=(GOOD, WARNINGS, WRONG)):
    done = server.cli("doctor", *words, "--json", seconds=300)
    assert done.returncode in codes, f"ended with {done.returncode}: {done.stdout}{done.stderr}"
    return json.loads(done.stdout)["findings"]


def levels(found, check):
    return {one["level"] for one in found if one["check"] == check}


class RecordsTest(unittest.TestCase):
    def test_wrong_records_then_right_ones(self):
        wrong = ["mx.example.test A 127.0.0.1", "mx.provider.test A 127.0.0.1", "example.test MX 10 old.test", LISTED,
                 'example.test TXT "v=spf1 ip4:198.51.100.1 -all"', "old.test A 127.0.0.9"]
        with Dns(*wrong) as dns, Greeter() as provider, server_with(dns, provider.port) as server:
            found = findings(server, "example.test", codes=(WRONG,))
            for check in ("mx", "spf", "dkim"):
                self.assertIn("wrong", levels(found, check), check)
            self.assertEqual(levels(found, "tls-rpt"), {"note"})
            paste = [record["zone"] for one in found for record in one["records"]]
            self.assertIn("example.test. IN MX 10 mx.example.test.", paste)
            said = server.cli("doctor", "example.test")
            self.assertIn("MX of example.test leads to old.test, not to mx.example.test.", said.stdout)
            self.assertIn("\nexample.test. IN MX 10 mx.example.test.\n", said.stdout)
            self.assertNotIn("\x1b", said.stdout)

            keys = [one for one in server.json("domain", "dns", "example.test")["records"] if "_domainkey" in one["name"]]
            dns.remove("example.test", "old.test")
            dns.add(*RIGHT[1:], *(f'{key["name"]} TXT "{key["value"]}"' for key in keys))
            right = wait_until(lambda: self.all_right(server), "the new records to be seen", 60, pause=1)
            self.assertEqual(levels(right, "dkim"), {"good"})
            self.assertNotIn("wrong", {one["level"] for one in right if one["check"] != "tlsa"})

    @staticmethod
    def all_right(server):
        found = findings(server, "example.test")
        fine = all(levels(found, check) == {"good"} for check in ("mx", "spf", "dkim", "dmarc", "tls-rpt"))
        return found if fine else None

    def test_the_server_as_a_whole(self):
        with Dns("mx.provider.test A 127.0.0.1", "mx.example.test A 127.0.0.1", LISTED) as dns, Greeter() as provider, \
                server_with(dns, provider.port) as server:
            found = findings(server)
            self.assertEqual(levels(found, "port-25-out"), {"good"})
            self.assertEqual(levels(found, "queue"), {"good"})
            self.assertEqual(self.by_name(found)["backup"], "unknown")  # nobody ever made one
            self.assertIn("warning", levels(found, "tls"))  # it made its certificate itself
            server.must("backup", str(server.data / "now.backup"))
            server.must("verify")
            again = self.by_name(findings(server))
            self.assertEqual((again["backup"], again["verify"]), ("good", "good"))
            # Nobody answers any more: the way is blocked, or so it looks.
            provider.close()
            again = [one for one in findings(server) if one["check"] == "port-25-out"]
            self.assertEqual([one["level"] for one in again], ["wrong"])
            self.assertIn("blocked on the way", again[0]["means"])

    @staticmethod
    def by_name(found):
        return {one["about"]: one["level"] for one in found if one["check"] == "store"}

    def test_what_changed_is_told_once(self):
        with Dns(*RIGHT[:1], LISTED) as dns, server_with(dns, 9) as server:
            server.must("doctor", "--tell")
            [first] = server.wait_mail(ANN, 1, 90)
            self.assertIn(b"example.test has no SPF record", first)
            self.assertIn("event=doctor-finding", server.log())
            dns.add(*RIGHT[1:])
            wait_until(lambda: levels(findings(server, "example.test"), "spf") == {"good"}, "the records to be seen", 60, pause=1)
            server.must("doctor", "--tell")
            told = server.wait_mail(ANN, 2, 90)
            self.assertEqual(len(told), 2)
            self.assertIn(b"Good again:", told[1])
            self.assertNotIn(b"example.test has no SPF record", told[1])

    def test_without_a_server(self):
        with Dns(*RIGHT, LISTED) as dns, server_with(dns, 9) as server:
            server.stop()
            found = findings(server)
            self.assertEqual(levels(found, "mx"), {"good"})
            self.assertEqual(levels(found, "ports-in"), {"unknown"})
            self.assertEqual(levels(findings(server, ANN), "sending"), {"unknown"})


class ProgramsTest(unittest.TestCase):
    """What one user's programs try from another address, and what the user is told."""

    @classmethod
    def setUpClass(cls):
        cls.dns = cls.enterClassContext(Dns(*RIGHT))
        cls.server = cls.enterClassContext(server_with(cls.dns, 9))

    def connect(self, name, source):
        return socket.create_connection(("127.0.0.1", self.server.ports[name]), 30, source_address=(source, 0))

    def talk(self, connection, *lines):
        """Says each line after the answer to the one before; gives the last answer."""
        with contextlib.closing(connection), connection.makefile("rwb") as stream:
            answer = stream.readline()
            for line in lines:
                stream.write(line.encode() + b"\r\n")
                stream.flush()
                answer = stream.readline()
                while answer[3:4] == b"-" and answer[:1].isdigit():
                    answer = stream.readline()
            return answer.decode()

    def told(self, who=ANN):
        return " ".join(one["seen"] + " " + one["advice"] for one in findings(self.server, who))

    def plain(self, name, password):
        return "AUTH PLAIN " + base64.b64encode(f"\0{name}\0{password}".encode()).decode()

    def encrypted(self, name, source):
        return trusting().wrap_socket(self.connect(name, source))

    def test_names_without_their_domain(self):
        for _ in range(3):
            self.assertIn("535", self.talk(self.encrypted("submissions", "127.0.0.21"), "EHLO x", self.plain("ann", "wrong")))
        port = self.server.ports["submissions"]
        self.assertIn(f"Your program at 127.0.0.21 tried to log in as ann without @example.test on {port}, 3 times.", self.told())
        self.assertIn("tried to log in as ann", self.told("127.0.0.21"))

    def test_wrong_ways(self):
        cases = [
            (lambda: self.talk(self.connect("mx", "127.0.0.22"), "EHLO x", self.plain(ANN, SECRET)), "which is for other servers"),
            (lambda: self.talk(self.connect("submission", "127.0.0.22"), "EHLO x", self.plain(ANN, SECRET)), "without encryption"),
            (lambda: self.talk(self.connect("pop3", "127.0.0.22"), f"USER {ANN}"), "without encryption"),
            (lambda: self.handshake("submission"), "spoke TLS at once"),
            (lambda: self.handshake("submissions"), "did not trust our certificate"),
            (lambda: self.talk_plainly("submissions"), "spoke without TLS"),
        ]
        for way, words in cases:
            with contextlib.suppress(OSError):
                way()
            wait_until(lambda words=words: words in self.told("127.0.0.22"), words, 20, pause=0.2)
        self.assertIn(f"port {self.server.ports['submissions']}", self.told("127.0.0.22"))

    def handshake(self, name):
        """As a program that trusts nobody but the known authorities."""
        with self.connect(name, "127.0.0.22") as connection:
            ssl.create_default_context().wrap_socket(connection, server_hostname="mx.example.test")

    def talk_plainly(self, name):
        with self.connect(name, "127.0.0.22") as connection:
            connection.sendall(b"EHLO x\r\n" * 3)
            connection.recv(100)

    def test_a_sender_that_is_not_hers(self):
        with self.server.smtp("submission", ANN) as client:
            client.mail("boss@example.test")
            client.rcpt("x@elsewhere.test")
        self.assertIn("The From is not yours", " ".join(one["means"] for one in findings(self.server, ANN)))

    def test_following(self):
        begun = threading.Event()
        done = {}

        def follow():
            done["it"] = self.server.cli("doctor", ANN, "--watch", "--for", "6s")

        thread = threading.Thread(target=follow)
        thread.start()
        while thread.is_alive() and not begun.wait(0.3):  # again and again, until it has looked
            self.talk(self.encrypted("submissions", "127.0.0.23"), "EHLO x", self.plain(ANN, SECRET))
            self.talk(self.encrypted("submissions", "127.0.0.24"), "EHLO x", self.plain("ann@exmaple.test", "x"))
            begun.wait(0.3)
        thread.join()
        self.assertEqual(done["it"].returncode, GOOD, done["it"].stderr)
        self.assertIn("Press Send", done["it"].stdout)
        self.assertIn("the domain is another one", done["it"].stdout)
        self.assertIn("It logged in from 127.0.0.23", done["it"].stdout)

    def test_words_that_are_wrong(self):
        self.assertEqual(self.server.cli("doctor", "nobody@example.test").returncode, 1)
        self.assertEqual(self.server.cli("doctor", "other.test").returncode, 1)
        self.assertEqual(self.server.cli("doctor", "example.test", "--watch").returncode, 64)


if __name__ == "__main__":
    unittest.main()
