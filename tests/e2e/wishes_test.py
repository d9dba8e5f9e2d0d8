"""What senders say of safety, time and priority: REQUIRETLS, FUTURERELEASE, DELIVERBY, MT-PRIORITY, and ETRN."""

import datetime
import pathlib
import smtplib
import subprocess
import tempfile
import unittest

from dns import Dns
from peer import EXTENSIONS, Peer
from relay_test import ALICE, RelayCase, report_of
from server import SECRET, Server, check, letter, transact, trusting, wait_until

BOB = "bob@example.test"
TLS = EXTENSIONS + ("STARTTLS",)


def certificate(folder):
    """A certificate for localhost that nobody but `folder`/cert.pem vouches for."""
    pair = (str(pathlib.Path(folder) / "cert.pem"), str(pathlib.Path(folder) / "key.pem"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost", "-days", "2", "-keyout", pair[1], "-out", pair[0]], check=True, capture_output=True)
    return pair


def moment(text):
    """The seconds since 1970 of a time as the API tells it."""
    return datetime.datetime.fromisoformat(text).timestamp()


class WishesCase(unittest.TestCase):
    """Helpers for one server of a test class, as RelayCase has them."""
    states, wait_state, events, wait_event, wait_report = (RelayCase.states, RelayCase.wait_state, RelayCase.events, RelayCase.wait_event,
                                                           RelayCase.wait_report)

    def submit(self, recipient, *mail_options, rcpt_options=(), more="", sender=ALICE):
        message = letter(sender, recipient, more=more, subject="wish")
        return self.server.send(sender, [recipient], message, login=sender, mail_options=mail_options, rcpt_options=rcpt_options)

    def wait_messages(self, peer, count, seconds=30):
        wait_until(lambda: len(peer.messages) >= count, f"{count} messages at {peer.name}", seconds)


class RequireTlsTest(WishesCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        pair = certificate(folder)
        offers = {"safe": TLS + ("REQUIRETLS",), "lacking": TLS, "clear": EXTENSIONS + ("REQUIRETLS",), "back": TLS + ("REQUIRETLS",), "plain": EXTENSIONS}
        cls.peers = {name: cls.enterClassContext(Peer(name=name, extensions=extensions, tls=pair)) for name, extensions in offers.items()}
        # A second server's certificate is known to nobody.
        other = pathlib.Path(folder) / "other"
        other.mkdir()
        cls.peers["foreign"] = cls.enterClassContext(Peer(name="foreign", extensions=offers["safe"], tls=certificate(other)))
        routes = [{"to": f"{name}.test", "host": f"localhost:{peer.port}", "tls": "opportunistic", "ca_file": pair[0]} for name, peer in cls.peers.items()]
        cls.dns = cls.enterClassContext(Dns("unsure.test MX 10 mx.unsure.test", "mx.unsure.test A 127.0.0.1"))
        cls.server = Server(accounts={ALICE: SECRET, BOB: SECRET}, dns=cls.dns, routes=routes)
        cls.addClassCleanup(cls.server.close)
        cls.server.start()
        cls.server.must("alias", "add", "onward@example.test", "x@lacking.test")

    def test_goes_on_under_tls_and_says_so(self):
        peer = self.peers["safe"]
        ident = self.submit("a@safe.test", "REQUIRETLS")
        self.wait_state(ident, "relayed")
        [message] = [m for m in peer.messages if ident.encode() in m.data]
        self.assertTrue(message.tls)
        self.assertIn(" REQUIRETLS", message.sender)
        self.assertEqual(self.server.trace(ident)["tls"], "required")
        # The same place without the wish: the route does not check, and nothing is said.
        plain = self.submit("a@safe.test")
        self.wait_state(plain, "relayed")
        [message] = [m for m in peer.messages if plain.encode() in m.data]
        self.assertNotIn("REQUIRETLS", message.sender)

    def returned(self, recipient, status):
        ident = self.submit(recipient, "REQUIRETLS", "RET=FULL", more="X-Kept: yes\r\n")
        self.wait_state(ident, "failed")
        report = self.wait_report(ident)
        _, _, [group] = report_of(report)
        self.assertEqual((group["Action"], group["Status"]), ("failed", status))
        self.assertIn(b"X-Kept: yes", report)
        self.assertNotIn(b"\r\nhello\r\n", report)  # the headers only, whatever RET says (RFC 8689 section 5)
        return ident

    def test_a_peer_that_does_not_offer_it(self):
        self.returned("a@lacking.test", "5.7.30")
        self.assertEqual(self.peers["lacking"].messages, [])

    def test_a_peer_without_tls(self):
        self.returned("a@clear.test", "5.7.10")
        self.assertEqual(self.peers["clear"].messages, [])

    def test_a_certificate_that_nobody_vouches_for(self):
        self.returned("a@foreign.test", "5.7.10")
        self.assertEqual(self.peers["foreign"].messages, [])

    def test_mail_hosts_without_dnssec(self):
        ident = self.returned("a@unsure.test", "5.7.30")
        self.assertIn("DNSSEC", str(self.server.trace(ident)))

    def test_reports_about_it_go_out_protected_where_possible(self):
        for domain, said in (("back.test", True), ("plain.test", False)):
            with self.subTest(domain):
                client = smtplib.SMTP("127.0.0.1", self.server.ports["mx"], "client.test", timeout=30)
                self.addCleanup(client.close)
                client.starttls(context=trusting())
                client.ehlo()
                self.assertTrue(client.has_extn("requiretls"))
                sender = f"s@{domain}"
                transact(client, sender, ["onward@example.test"], letter(sender, "onward@example.test"), mail_options=["REQUIRETLS"])
                peer = self.peers[domain.split(".")[0]]
                self.wait_messages(peer, 1)
                [report] = peer.messages
                self.assertTrue(report.sender.startswith("<>"))
                self.assertEqual("REQUIRETLS" in report.sender, said)
                self.assertEqual(report.tls, said)
                self.assertIn(b"5.7.30", report.data)
                for told in (b"Subject: hi", b"To: <onward@example.test>", b"In-Reply-To"):  # RFC 8689 section 5
                    self.assertEqual(told in report.data, said, told)
                report_of(report.data)

    def test_tls_required_no(self):
        ident = self.submit("a@plain.test", more="TLS-Required: No\r\n")
        self.wait_state(ident, "relayed")
        self.assertEqual(self.server.trace(ident)["tls"], "not required")
        ident = self.submit("a@safe.test", "REQUIRETLS", more="TLS-Required: No\r\n")
        self.assertEqual(self.server.trace(ident)["tls"], "required")  # MAIL counts (RFC 8689 section 4.1)
        self.wait_state(ident, "relayed")


class FutureReleaseTest(WishesCase):
    @classmethod
    def setUpClass(cls):
        cls.peer = cls.enterClassContext(Peer(name="far"))
        routes = [{"to": "far.test", "host": f"localhost:{cls.peer.port}", "tls": "none"}]
        cls.server = Server(accounts={ALICE: SECRET, BOB: SECRET}, routes=routes)
        cls.addClassCleanup(cls.server.close)
        cls.server.start()

    def accepted_at(self, ident):
        return moment(self.server.trace(ident)["accepted"])

    def test_until_its_time_across_a_restart(self):
        far, near = self.submit("a@far.test", "HOLDFOR=6"), self.submit(BOB, "HOLDFOR=6", rcpt_options=["NOTIFY=SUCCESS"])
        self.server.restart(kill=True)
        for ident in (far, near):
            [recipient] = self.server.trace(ident)["recipients"]
            self.assertGreaterEqual(moment(recipient["due"]), self.accepted_at(ident) - 1 + 6)
        self.wait_state(far, "relayed")
        self.wait_state(near, "expanded")
        [message] = [m for m in self.server.wait_mail(BOB) if near.encode() in m]
        for ident, kind in ((far, "relayed"), (near, "expanded")):
            [at] = [event["at"] for event in self.server.trace(ident)["events"] if event["kind"] == kind]
            self.assertGreaterEqual(at, self.server.trace(ident)["hold_until"])
        self.assertEqual(len([m for m in self.peer.messages if far.encode() in m.data]), 1)
        self.assertNotIn("HOLD", self.peer.messages[0].sender)
        # The report of its delivery tells of the hold (RFC 4865 section 5.1.2).
        report = wait_until(lambda: [m for m in self.server.mail(ALICE) if b"delivered" in m and b"Future-Release-Request: for;6" in m],
                            "a report of success", pause=0.2)[0]
        self.assertIn("Arrival-Date", report_of(report)[1])

    def test_seen_released_and_cancelled(self):
        far, near, gone = self.submit("b@far.test", "HOLDFOR=86400"), self.submit(BOB, "HOLDFOR=86400"), self.submit("c@far.test", "HOLDFOR=86400")
        self.assertEqual({m["id"] for m in self.server.json("queue", "list", "--held")["messages"]} & {far, near, gone}, {far, near, gone})
        self.assertIn("held, in 2", self.server.must("queue", "list"))
        self.assertIn("held by its sender until", self.server.must("queue", "show", far))
        self.assertIn("held until 2", self.server.must("trace", far))
        self.server.cli("queue", "retry", "--all")
        self.server.cli("queue", "release", "--all")
        self.server.must("queue", "cancel", gone)
        self.assertEqual(self.states(gone), {"c@far.test": "dropped"})
        self.assertEqual((self.states(far), self.states(near)), ({"b@far.test": "waiting"}, {BOB: "waiting"}))
        for ident, state in ((far, "relayed"), (near, "expanded")):
            self.server.must("queue", "release", ident)
            self.wait_state(ident, state)

    def test_not_on_port_25(self):
        with self.server.smtp("mx") as client:
            self.assertFalse(client.has_extn("futurerelease"))
            check(client.mail("x@y.test", ["HOLDFOR=60"]), 555)
        with self.server.smtp("submission", ALICE) as client:
            self.assertRegex(client.esmtp_features["futurerelease"], r"^2592000 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
            check(client.mail(ALICE, ["HOLDUNTIL=" + client.esmtp_features["futurerelease"].split()[1]]), 250)


class DeliverByTest(WishesCase):
    @classmethod
    def setUpClass(cls):
        extensions = {"busy": EXTENSIONS, "takes": EXTENSIONS + ("DELIVERBY 30",), "slow": EXTENSIONS + ("DELIVERBY 7200",), "lacks": EXTENSIONS}
        cls.peers = {name: cls.enterClassContext(Peer(name=name, extensions=what)) for name, what in extensions.items()}
        cls.peers["busy"].replies["CONNECT"] = "421 4.3.2 busy"
        routes = [{"to": f"{name}.test", "host": f"localhost:{peer.port}", "tls": "none"} for name, peer in cls.peers.items()]
        # Retries are far away: the end of the time must be noticed without one.
        cls.server = Server(accounts={ALICE: SECRET}, routes=routes, limits={"deliver_by": "1s"}, queue={"retry_first": "2h", "retry_most": "2h"})
        cls.addClassCleanup(cls.server.close)
        cls.server.start()

    def test_returned_when_the_time_is_over(self):
        ident = self.submit("a@busy.test", "BY=2;R")
        self.wait_state(ident, "failed")
        _, whole, [group] = report_of(self.wait_report(ident))
        self.assertEqual((group["Action"], group["Status"]), ("failed", "5.4.7"))
        self.assertIn("Deliver-By-Date", whole)
        self.assertIn("Arrival-Date", whole)
        self.assertIn("return unless delivered by", self.server.must("trace", ident))

    def test_told_when_the_time_is_over(self):
        ident = self.submit("b@busy.test", "BY=2;N")
        _, _, [group] = report_of(self.wait_report(ident))
        self.assertEqual((group["Action"], group["Status"]), ("delayed", "4.4.7"))
        self.assertEqual(self.states(ident), {"b@busy.test": "waiting"})

    def test_nobody_is_told_who_does_not_want_it(self):
        ident = self.submit("c@busy.test", "BY=1;R", rcpt_options=["NOTIFY=NEVER"])
        self.wait_state(ident, "failed")
        self.assertEqual(self.server.trace(ident)["reports"], [])

    def test_relayed_with_what_is_left(self):
        ident = self.submit("a@takes.test", "BY=+3600;RT")
        self.wait_state(ident, "relayed")
        [message] = [m for m in self.peers["takes"].messages if ident.encode() in m.data]
        self.assertRegex(message.sender, r" BY=3[56]\d\d;RT")
        _, _, [group] = report_of(self.wait_report(ident))  # the trace
        self.assertEqual(group["Action"], "relayed")

    def test_not_relayed_where_it_is_not_promised(self):
        for domain in ("lacks.test", "slow.test"):
            with self.subTest(domain):
                ident = self.submit(f"a@{domain}", "BY=3600;R")
                self.wait_state(ident, "failed")
                _, _, [group] = report_of(self.wait_report(ident))
                self.assertEqual((group["Action"], group["Status"]), ("failed", "5.3.3"))
                self.assertEqual(self.peers[domain.split(".")[0]].messages, [])

    def test_notice_mode_where_it_is_not_known(self):
        ident = self.submit("n@lacks.test", "BY=3600;N")
        self.wait_state(ident, "relayed")
        [message] = [m for m in self.peers["lacks"].messages if ident.encode() in m.data]
        self.peers["lacks"].messages.clear()
        self.assertNotIn("BY=", message.sender)
        self.assertIn("NOTIFY=FAILURE,DELAY", message.recipients[0])
        _, _, [group] = report_of(self.wait_report(ident))
        self.assertEqual(group["Action"], "relayed")


class PriorityTest(WishesCase):
    @classmethod
    def setUpClass(cls):
        cls.peer = cls.enterClassContext(Peer(name="one", extensions=EXTENSIONS + ("MT-PRIORITY MIXER",), replies={"CONNECT": "421 4.3.2 busy"}))
        routes = [{"to": "one.test", "name": "one", "host": f"localhost:{cls.peer.port}", "tls": "none"}]
        cls.server = Server(accounts={ALICE: SECRET}, routes=routes,
                            queue={"retry_first": "2h", "retry_most": "2h", "deliveries_per_destination": 1})
        cls.addClassCleanup(cls.server.close)
        cls.server.start()

    def test_order_and_what_is_said(self):
        order = ["0", "-3", "5", "9", "0", "9"]
        idents = [self.submit(f"p{number}@one.test", f"MT-PRIORITY={priority}") for number, priority in enumerate(order)]
        wait_until(lambda: not self.server.json("status")["queue"]["ready"], "everything to wait in the store", pause=0.1)
        del self.peer.replies["CONNECT"]
        self.server.must("queue", "retry", "--all")
        self.wait_messages(self.peer, len(order))
        self.assertEqual([m.recipients[0].split("@")[0] for m in self.peer.messages], ["<p3", "<p5", "<p2", "<p0", "<p4", "<p1"])
        self.assertEqual([m.sender.split("MT-PRIORITY=")[1] for m in self.peer.messages], ["9", "9", "5", "0", "0", "-3"])
        self.assertIn(b"PRIORITY 9 ", b" ".join(self.peer.messages[0].data.split()))
        self.assertIn("priority 9", self.server.must("trace", idents[3]))

    def test_not_for_strangers(self):
        with self.server.smtp("mx") as client:
            self.assertEqual(client.esmtp_features["mt-priority"], "MIXER")
            check(client.mail("x@y.test", ["MT-PRIORITY=9"]), 250, "2.3.6 0 ")
            check(client.rcpt(ALICE), 250)
            check(client.data(letter()), 250)


class EtrnTest(WishesCase):
    @classmethod
    def setUpClass(cls):
        cls.peer = cls.enterClassContext(Peer(name="dialup"))
        routes = [{"to": "dialup.test", "name": "dialup", "host": f"localhost:{cls.peer.port}", "tls": "none"}]
        cls.server = Server(accounts={ALICE: SECRET}, routes=routes, queue={"retry_first": "2h", "retry_most": "2h"})
        cls.addClassCleanup(cls.server.close)
        cls.server.start()

    def wakes(self, client, command):
        self.peer.replies["MAIL"] = "450 4.3.2 asleep"
        ident = self.submit("a@dialup.test")
        wait_until(lambda: "asleep" in self.server.trace(ident)["recipients"][0]["last_reply"], "an attempt", pause=0.1)
        del self.peer.replies["MAIL"]
        reply = client.docmd(command)
        check(reply, 253, "1 pending messages")
        self.wait_state(ident, "relayed")
        self.assertIn("ETRN of", self.server.must("trace", ident))

    def test_after_login(self):
        with self.server.smtp("submission", ALICE) as client:
            self.assertTrue(client.has_extn("etrn"))
            check(client.docmd("ETRN dialup.test"), 251)
            self.wakes(client, "ETRN dialup.test")
            self.wakes(client, "ETRN #dialup")
            replies = [client.docmd("ETRN other.test")[0] for _ in range(10)]
            self.assertEqual(replies[-1], 458)  # too often

    def test_from_a_host_that_may(self):
        with self.server.smtp("mx") as client:
            self.assertFalse(client.has_extn("etrn"))
            check(client.docmd("ETRN dialup.test"), 502)
        self.server.extensions["etrn_hosts"] = ["127.0.0.1"]
        self.server.restart()
        with self.server.smtp("mx") as client:
            self.assertTrue(client.has_extn("etrn"))
            self.wakes(client, "ETRN @dialup.test")


class SendTest(WishesCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(accounts={ALICE: SECRET, BOB: SECRET})
        cls.addClassCleanup(cls.server.close)
        cls.server.start()

    def send(self, *words, server=None):
        target = server or f"localhost:{self.server.ports['submission']}"
        login = () if server else ("--user", ALICE, "--ca-file", self.server.data / "self-signed.crt")
        return self.server.cli("send", "--server", target, *login, "--from", ALICE, "--to", BOB, "--subject", "wish", "--text", "hello", *words,
                               password=SECRET)

    def test_wishes_reach_the_server(self):
        self.server.stop()
        self.server.hostname = "localhost"  # the certificate has to name it
        (self.server.data / "self-signed.crt").unlink(missing_ok=True)
        (self.server.data / "self-signed.key").unlink(missing_ok=True)
        self.server.start()
        done = self.send("--hold-for", "2h", "--priority", "4", "--deliver-by", "3h", "--require-tls")
        self.assertEqual(done.returncode, 0, done.stderr)
        [message] = self.server.queued()
        self.assertEqual((message["priority"], message["tls"], message["deliver_by_mode"]), (4, "required", "return"))
        self.assertEqual(message["recipients"][0]["due"], message["hold_until"])
        self.assertEqual(self.send("--hold-until", "2020-01-01 08:00").returncode, 65)
        self.assertEqual(self.send("--hold-for", "40d").returncode != 0, True)
        self.assertEqual(self.send("--require-tls", "--insecure").returncode, 64)

    def test_a_server_that_lacks_them(self):
        with Peer() as peer:
            for words, name in ((("--priority", "1"), "MT-PRIORITY"), (("--hold-for", "1h"), "FUTURERELEASE"), (("--deliver-by", "1h"), "DELIVERBY")):
                done = self.send(*words, server=f"127.0.0.1:{peer.port}")
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(name, done.stderr)
                self.assertIn("nothing was sent", done.stderr)
            self.assertNotEqual(self.send("--require-tls", server=f"127.0.0.1:{peer.port}").returncode, 0)
            self.assertEqual(peer.messages, [])


if __name__ == "__main__":
    unittest.main()
