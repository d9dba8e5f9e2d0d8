"""The API over HTTPS, as programs ask with tokens and passwords: who reaches what, and what is written down."""

import base64
import contextlib
import http.client
import json
import re
import unittest

from api import Api
from server import SECRET, Server, trusting, wait_until

ALICE, BOB, EVE = "alice@example.test", "bob@example.test", "eve@other.test"
LISTENERS = {"https": {"role": "http"}}


class ApiTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(accounts={ALICE: SECRET, BOB: SECRET, EVE: SECRET}, listeners=LISTENERS)
        cls.addClassCleanup(cls.server.close)
        cls.server.start()
        cls.api = Api(cls.server)
        cls.server.must("right", "add", BOB, "--domain", "example.test")

    def ask(self, path, body=None, method=None, **fields):
        """Status, fields and JSON of an answer, which was judged by the server's own document."""
        return self.api.ask(path, body, method, **fields)

    def token(self, label, *words):
        return self.server.json("token", "add", label, *words)["token"]

    @staticmethod
    def basic(login, password=SECRET):
        return "Basic " + base64.b64encode(f"{login}:{password}".encode()).decode()

    def test_a_token_reaches_what_it_says(self):
        token = self.token("shop", "accounts.write", "--domain", "example.test")
        mine = {"Authorization": f"Bearer {token}"}
        status, fields, told = self.ask("/v1/accounts", **mine)
        self.assertEqual((status, fields["Content-Type"], fields["Cache-Control"]), (200, "application/json", "no-store"))
        self.assertEqual([one["login"] for one in told["accounts"]], [ALICE, BOB])
        self.assertEqual(self.ask(f"/v1/accounts/{EVE}", **mine)[0], 404)
        self.assertEqual(self.ask("/v1/queue", **mine)[0], 403)
        status, _, made = self.ask("/v1/accounts", {"login": "new@example.test", "password": "wonder land"}, **mine)
        self.assertEqual((status, made["login"]), (200, "new@example.test"))
        [line] = wait_until(lambda: [one for one in self.server.log().splitlines()
                                     if "action=account.add" in one and "new@example.test" in one], "the line in the log")
        self.assertRegex(line, r"who=\"the server's token shop\" from=127\.0\.0\.1 .* outcome=done")
        self.assertNotIn(token, self.server.log())
        self.assertNotIn("wonder land", self.server.log())
        self.assertNotIn(token.encode(), b"".join(file.read_bytes() for file in self.server.data.glob("paquebot.db*")))
        [kept] = [one for one in self.server.json("token", "list")["tokens"] if one["label"] == "shop"]
        self.assertEqual(kept["used_from"], "127.0.0.1")
        self.server.must("token", "remove", str(kept["id"]))
        self.assertEqual(self.ask("/v1/accounts", **mine)[0], 401)

    def test_a_password_reaches_ones_own_things(self):
        alice, bob = {"Authorization": self.basic(ALICE)}, {"Authorization": self.basic(BOB)}
        self.assertEqual(self.ask("/v1/me", **alice)[2]["role"], "account")
        self.assertEqual(self.ask(f"/v1/accounts/{ALICE}", **alice)[2]["login"], ALICE)
        self.assertEqual(self.ask(f"/v1/accounts/{BOB}", **alice)[0], 404)
        self.assertEqual(self.ask("/v1/status", **alice)[0], 403)
        self.assertEqual(self.ask("/v1/me", **bob)[2]["domains"], ["example.test"])
        self.assertEqual(self.ask(f"/v1/accounts/{ALICE}/limits", **bob)[0], 200)
        self.assertEqual(self.ask(f"/v1/accounts/{EVE}", **bob)[0], 404)

    def test_what_has_been_seen_is_changed(self):
        bob = {"Authorization": self.basic(BOB)}
        _, fields, _ = self.ask(f"/v1/accounts/{ALICE}", **bob)
        path, tag = f"/v1/accounts/{ALICE}", {"If_Match": fields["ETag"]}
        self.assertEqual(self.ask(path, {"quota": 5_000_000}, "PATCH", **bob, **tag)[0], 200)
        status, fields, told = self.ask(path, {"quota": 6_000_000}, "PATCH", **bob, **tag)
        self.assertEqual((status, told["code"], fields["Content-Type"]), (412, "changed", "application/problem+json"))

    def test_strangers_and_other_sites_get_nothing(self):
        status, fields, told = self.ask("/v1/domains")
        self.assertEqual((status, told["code"]), (401, "login_required"))
        self.assertIn("Bearer", fields["WWW-Authenticate"])
        self.assertEqual(self.ask("/v1/domains", Authorization="Bearer pq_" + "a" * 32)[0], 401)
        status, _, told = self.ask("/v1/domains", Authorization=self.basic(BOB), Sec_Fetch_Site="cross-site")
        self.assertEqual((status, told["code"]), (403, "cross_site"))

    def test_names_with_a_slash_are_reached(self):
        self.server.must("block", "add", "198.51.100.0/24")
        self.assertIn("198.51.100.0/24", self.server.must("block", "list"))
        self.server.must("block", "remove", "198.51.100.0/24")
        self.assertNotIn("198.51.100.0/24", self.server.must("block", "list"))
        status, _, told = self.ask("/v1/accounts/a~1b%40example.test", Authorization=self.basic(BOB))
        self.assertEqual((status, told["detail"]), (404, "there is no account a/b@example.test"))

    def test_other_names_than_ours_are_not_served(self):
        """A page of whoever has pointed a name of his at us could read what we answer it."""
        self.assertEqual(self.ask("/v1/me", Authorization=self.basic(BOB), Host="evil.example")[0], 421)

    def test_it_describes_itself(self):
        _, _, document = self.ask("/v1/openapi.json", Authorization=self.basic(ALICE))
        self.assertEqual(document["openapi"], "3.1.0")
        known = set(re.findall(r"^(\w+\.\w+) ", self.server.must("api"), re.M))
        ids = {one["operationId"] for path in document["paths"].values() for one in path.values()}
        self.assertEqual(ids, known)


if __name__ == "__main__":
    unittest.main()
