"""The API over HTTPS, as programs ask with tokens and passwords: who reaches what, and what is written down."""

import base64
import re
import unittest

from api import Api
from server import SECRET, Server, wait_until

ALICE, BOB, EVE = "alice@example.test", "bob@example.test", "eve@other.test"
LISTENERS = {"https": {"role": "http"}, "submission": {"role": "submission", "tls": "none", "login_in_clear": True}}


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

    def test_the_life_of_things_is_as_described(self):
        """Each answer is judged by the document; what an action answers is seen with something in it."""
        must = self.api.must
        must("/v1/domains", {"name": "life.test"})
        must("/v1/domains", {"name": "alias.test", "alias_of": "life.test"})
        login = "one@life.test"
        must("/v1/accounts", {"login": login, "password": SECRET})
        must("/v1/domains/life.test", {"owner": login}, "PATCH")
        must(f"/v1/accounts/{login}", {"quota": 1_000_000, "disabled": False}, "PATCH")
        must(f"/v1/accounts/{login}/password", {"password": SECRET + " again"})
        must(f"/v1/accounts/{login}/limits", {"messages_per_hour": 5, "bytes_per_day": None}, "PATCH")
        must(f"/v1/accounts/{login}/app-passwords", {"label": "phone"})
        must("/v1/aliases", {"address": "all@life.test", "targets": [login, ALICE], "senders": ["domain"]})
        must("/v1/aliases/all@life.test", {"senders": ["members", "friend.test"]}, "PATCH")
        must("/v1/rights", {"login": login, "domain": "life.test"})
        token = must("/v1/tokens", {"login": login, "label": "program", "scopes": ["accounts.read"], "domains": ["life.test"],
                                    "networks": ["127.0.0.0/8"], "expires": "2099-01-01T00:00:00Z"})
        must(f"/v1/accounts/{login}/suspicion", {"reason": "a test"})
        must("/v1/lists/block", {"what": "192.0.2.0/24", "reason": "a test", "seconds": 3600})
        must("/v1/domains/life.test/dkim/rotate", {})
        for path in ("/v1/domains", "/v1/domains/life.test", "/v1/domains/life.test/dns", "/v1/dkim?domain=life.test", "/v1/accounts?limit=1",
                     f"/v1/accounts/{login}", f"/v1/accounts/{login}/limits", f"/v1/accounts/{login}/app-passwords", "/v1/aliases?limit=1",
                     "/v1/aliases/all@life.test", "/v1/addresses/all@alias.test", "/v1/rights", "/v1/tokens", "/v1/suspicions",
                     "/v1/lists/block"):
            must(path)
        must("/v1/lists/block/192.0.2.0~124", method="DELETE")
        must(f"/v1/accounts/{login}/suspicion?drop=1", method="DELETE")
        must(f"/v1/tokens/{token['id']}", method="DELETE")
        must(f"/v1/rights/{login}?domain=life.test", method="DELETE")
        must("/v1/aliases/all@life.test", method="DELETE")
        must(f"/v1/accounts/{login}/app-passwords/phone", method="DELETE")
        must(f"/v1/accounts/{login}", method="DELETE")
        must("/v1/domains/alias.test", method="DELETE")
        must("/v1/domains/life.test", method="DELETE")

    def test_mail_is_as_described(self):
        """A message that waits, is held, released and dropped; its trail, and the destination that it waits for."""
        must = self.api.must
        with self.server.smtp("submission") as client:
            client.login(ALICE, SECRET)
            client.sendmail(ALICE, [BOB, "x@far.test"], "Subject: x\r\n\r\nx\r\n")
        [message] = must(f"/v1/queue?address={ALICE}&limit=1")["messages"]
        path = f"/v1/queue/{message['id']}"
        must(path)
        must(f"/v1/messages/{message['id']}")
        must(f"/v1/messages?address={ALICE}")
        must("/v1/destinations")
        wait_until(lambda: must("/v1/queue/hold", {"id": message["id"]})["recipients"], "a recipient that is not in hand")
        self.assertEqual(must("/v1/queue/count", {"order": "release", "id": message["id"]})["recipients"], 1)
        held = [one for one in must(path)["recipients"] if one["state"] == "held"]
        self.assertEqual([(one["hold"], one["yours"]) for one in held], [("order", True)])
        mine = {"Authorization": self.basic(ALICE)}
        self.assertEqual(self.ask(path + "/release", {}, **mine)[0], 403)  # an operator's order
        self.assertEqual(must(path + "/drop", {})["recipients"], 1)
        words = {one["address"]: one["words"] for one in must(f"/v1/messages/{message['id']}")["recipients"]}
        self.assertEqual(words[BOB], f"It is in the mailbox of {BOB}.")
        self.assertIn("dropped", words["x@far.test"])

    def test_it_describes_itself(self):
        _, _, document = self.ask("/v1/openapi.json", Authorization=self.basic(ALICE))
        self.assertEqual(document["openapi"], "3.1.0")
        known = set(re.findall(r"^(\w+\.\w+) ", self.server.must("api"), re.M))
        ids = {one["operationId"] for path in document["paths"].values() for one in path.values()}
        self.assertEqual(ids, known)


if __name__ == "__main__":
    unittest.main()
