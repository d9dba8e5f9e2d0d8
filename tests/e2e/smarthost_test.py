"""Mail out through a provider's server: [[route]] with a login, over STARTTLS and implicit TLS. The provider is a second server."""

import unittest

from server import SECRET, Server, letter, wait_until

ALICE, CUSTOMER, ANN = "alice@example.test", "customer@isp.test", "ann@isp.test"


class SmarthostTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # The provider lets this customer send as the address that our mail comes from.
        cls.isp = Server(accounts={CUSTOMER: SECRET, ANN: SECRET}, domains=["example.test"], hostname="localhost")
        cls.addClassCleanup(cls.isp.close)
        cls.isp.start()
        cls.isp.must("alias", "add", ALICE, "--account", CUSTOMER)

    def start(self, tls, password=SECRET, port=None, **more):
        server = Server(accounts={ALICE: SECRET})
        self.addCleanup(server.close)
        secret = server.folder / "secret"
        secret.write_text(password + "\n")
        listener = "submissions" if tls == "implicit" else "submission"
        server.routes = [{"to": "*", "host": f"localhost:{port or self.isp.ports[listener]}", "tls": tls, "user": CUSTOMER,
                          "password_file": secret, "ca_file": self.isp.data / "self-signed.crt"} | more]
        return server.start()

    def relayed(self, server, subject):
        ident = server.send(ALICE, [ANN], letter(ALICE, ANN, subject=subject), login=ALICE)
        wait_until(lambda: server.trace(ident)["recipients"][0]["state"] == "relayed", lambda: f"relayed: {server.trace(ident)}", pause=0.1)
        return [m for m in self.isp.mail(ANN) if f"Subject: {subject}".encode() in m]

    def test_starttls_and_implicit_tls(self):
        for tls in ("required", "implicit"):
            with self.subTest(tls):
                [message] = self.relayed(self.start(tls), f"by.{tls}")
                self.assertIn(b"with ESMTPSA", message)

    def test_a_route_for_one_domain_only(self):
        server = self.start("required", to="isp.test")
        self.assertEqual(len(self.relayed(server, "one.domain")), 1)
        ident = server.send(ALICE, ["x@other.test"], letter(ALICE, "x@other.test"), login=ALICE)
        wait_until(lambda: "DNS" in str(server.trace(ident)), "the other domain to be looked up", pause=0.1)

    def waits(self, server, *words):
        ident = server.send(ALICE, [ANN], letter(ALICE, ANN, subject=f"waits {self.id()}"), login=ALICE)
        def told():
            [message] = server.queued()
            reply = message["recipients"][0]["last_reply"]
            return reply if all(word in reply for word in words) else None
        wait_until(told, lambda: f"a reason with {words}; {server.queued()}", pause=0.1)
        self.assertIn(words[0], server.must("queue", "list"))
        self.assertEqual(server.trace(ident)["recipients"][0]["state"], "waiting")
        self.assertEqual([m for m in self.isp.mail(ANN) if f"Subject: waits {self.id()}".encode() in m], [])
        return ident

    def test_wrong_password_waits_and_says_so(self):
        server = self.start("required", password="wrong one")
        ident = self.waits(server, "535")
        (server.folder / "secret").write_text(SECRET)
        server.must("reload")
        server.must("queue", "retry", "--all")
        wait_until(lambda: server.trace(ident)["recipients"][0]["state"] == "relayed", "relayed after the mend", pause=0.1)

    def test_certificate_that_is_not_the_providers(self):
        server = self.start("required", ca_file=self.start("implicit").data / "self-signed.crt")
        self.waits(server, "certificate")

    def test_the_systems_roots_are_read_again_at_a_reload(self):
        """What the system trusts has changed: nobody has to restart for it."""
        server = Server(accounts={ALICE: SECRET})
        self.addCleanup(server.close)
        (server.folder / "secret").write_text(SECRET)
        roots = server.folder / "roots.pem"
        other = self.start("required")
        roots.write_text((other.data / "self-signed.crt").read_text())
        environment = server.environment
        server.environment = lambda **more: environment(SSL_CERT_FILE=str(roots), **more)
        server.routes = [{"to": "*", "host": f"localhost:{self.isp.ports['submission']}", "tls": "required", "user": CUSTOMER,
                          "password_file": server.folder / "secret"}]
        server.start()
        ident = self.waits(server, "certificate")
        roots.write_text((self.isp.data / "self-signed.crt").read_text())
        server.must("reload")
        server.must("queue", "retry", "--all")
        wait_until(lambda: server.trace(ident)["recipients"][0]["state"] == "relayed", lambda: f"relayed: {server.trace(ident)}", pause=0.1)

    def test_tls_that_is_not_offered(self):
        clear = Server(accounts={ANN: SECRET}, listeners={"submission": {"role": "submission", "tls": "none", "login_in_clear": True}})
        self.addCleanup(clear.close)
        clear.start()
        server = self.start("required", port=clear.ports["submission"])
        self.waits(server, "TLS")

    def test_provider_away(self):
        server = self.start("required", port=9)
        self.waits(server, "localhost")


if __name__ == "__main__":
    unittest.main()
