"""The peers themselves: that the instances of postfix.py work, so that a failure elsewhere is ours."""

import os
import pathlib
import smtplib
import subprocess
import tempfile
import unittest

from postfix import Postfix, Sink, free_port, smtp_source

PEERS = os.environ["PAQUEBOT_PEERS"]
MESSAGE = "Subject: hi\r\n\r\nhello\r\n"


class PostfixTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.tmp = pathlib.Path(folder.name)

    def test_sink_takes_what_source_sends(self):
        with Sink(PEERS, "-c", dump=self.tmp / "dump") as sink:
            smtp_source(PEERS, f"127.0.0.1:{sink.port}", "-m", 20, "-s", 4, "-t", "a@b.test")
            self.assertEqual(len(sink.messages()), 20)

    def test_relays_to_another_that_keeps(self):
        with Postfix(PEERS, self.tmp, hostname="keeps.test", domains=["peer.test"]) as keeper:
            relay_to = (keeper.address, keeper.port)
            with Postfix(PEERS, self.tmp, hostname="relays.test", relay_to=relay_to) as relay:
                smtp_source(PEERS, f"127.0.0.1:{relay.port}", "-m", 10, "-t", "Bob@peer.test")
                self.assertEqual(len(keeper.wait_for("bob@peer.test", 10)), 10)

    def test_refuses_unknown_recipients(self):
        with Postfix(PEERS, self.tmp, domains=["peer.test"], recipients=["Ann+x@peer.test"]) as peer:
            with smtplib.SMTP(peer.address, peer.port, timeout=30) as client:
                refused = client.sendmail("x@y.test", ["ann+x@peer.test", "bob@peer.test"], MESSAGE)
            self.assertEqual(list(refused), ["bob@peer.test"])
            self.assertEqual(refused["bob@peer.test"][0], 550)
            self.assertIn(b"hello", peer.wait_for("ann+x@peer.test", 1)[0])

    def test_keeps_mail_for_a_peer_that_is_away(self):
        with Postfix(PEERS, self.tmp, relay_to=("127.0.0.1", free_port())) as peer:
            with smtplib.SMTP(peer.address, peer.port, timeout=30) as client:
                client.sendmail("x@y.test", ["ann@elsewhere.test"], MESSAGE)
            self.assertEqual(len(peer.queue_ids()), 1)

    def test_starttls_on_another_address(self):
        pair = (self.tmp / "cert.pem", self.tmp / "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-subj", "/CN=tls.test", "-days", "2", "-out", pair[0], "-keyout", pair[1]],
                       check=True, capture_output=True)
        with Postfix(PEERS, self.tmp, domains=["tls.test"], tls=pair, address="127.0.0.9") as peer:
            with smtplib.SMTP(peer.address, peer.port, timeout=30) as client:
                client.starttls()
                client.sendmail("x@y.test", ["ann@tls.test"], MESSAGE)
            self.assertEqual(len(peer.wait_for("ann@tls.test", 1)), 1)


if __name__ == "__main__":
    unittest.main()
