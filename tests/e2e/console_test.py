"""The console's door, as browsers knock: sessions, second factor, links, forged requests, and the files that are served.

The default settings; a cookie jar and the fields of a browser's fetch(), by http.client.
"""

import base64
import contextlib
import gzip
import hashlib
import hmac
import http.client
import json
import re
import smtplib
import struct
import time
import unittest
from email.message import EmailMessage

from api import Api
from server import SECRET, Server, accepted_id, trusting, wait_until

ALICE, BOB, EVE = "alice@example.test", "bob@example.test", "eve@other.test"
HOST = "mx.example.test"
LISTENERS = {"mx": {"role": "mx", "tls": "starttls"},
             "submissions": {"role": "submission", "tls": "implicit"},
             "https": {"role": "http"},
             "clear": {"role": "http", "tls": "none", "redirect": False}}


def totp(secret, when=None):
    """The code of RFC 6238 that a telephone shows."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    mac = hmac.new(key, struct.pack(">Q", int(when if when is not None else time.time()) // 30), hashlib.sha1).digest()
    at = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[at:at + 4])[0] & 0x7fffffff) % 1_000_000:06}"


class Browser:
    """One browser: its cookies, and what it says of its own accord."""

    def __init__(self, server, listener="https", api=None):
        self.server, self.listener, self.cookies, self.set_cookie = server, listener, {}, ""
        self.api = api or Api(server)

    def raw(self, method, path, content=None, fields=None, host=HOST):
        port = self.server.ports[self.listener]
        client = (http.client.HTTPSConnection("127.0.0.1", port, context=trusting(), timeout=60) if self.listener == "https"
                  else http.client.HTTPConnection("127.0.0.1", port, timeout=60))
        headers = {"Host": f"{host}:{port}"} | (fields or {})
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        with contextlib.closing(client):
            client.request(method, path, body=content, headers=headers)
            answer = client.getresponse()
            self.set_cookie = answer.getheader("Set-Cookie", "")
            if self.set_cookie:
                name, _, value = self.set_cookie.partition(";")[0].partition("=")
                self.cookies.pop(name, None)
                if value:
                    self.cookies[name] = value
            return self.api.judged(method, path, answer.status, dict(answer.getheaders()), answer.read())

    def ask(self, method, path, body=None, fields=None):
        """What a page's fetch() does: status, and the JSON of the answer."""
        said = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Content-Type": "application/json"} | (fields or {})
        status, _, content = self.raw(method, path, None if body is None else json.dumps(body), said)
        return status, json.loads(content)

    def log_in(self, login, password=SECRET, **more):
        status, told = self.ask("POST", "/v1/session", {"login": login, "password": password, **more})
        return status, told.get("code", told.get("role"))


class ConsoleTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(accounts={ALICE: SECRET, BOB: SECRET, EVE: SECRET}, listeners=LISTENERS, hostname=HOST)
        cls.addClassCleanup(cls.server.close)
        cls.server.start()
        cls.server.must("right", "add", BOB, "--domain", "example.test")
        cls.api = Api(cls.server)

    def browser(self, listener="https"):
        return Browser(self.server, listener, self.api)

    def smtp_login(self, login, password):
        with smtplib.SMTP_SSL("127.0.0.1", self.server.ports["submissions"], context=trusting(), timeout=60) as client:
            try:
                return client.login(login, password)[0]
            except smtplib.SMTPAuthenticationError as refused:
                return refused.smtp_code

    def test_log_in_and_out(self):
        browser = self.browser()
        self.assertEqual(browser.ask("GET", "/v1/me")[0], 401)
        self.assertEqual(browser.log_in(ALICE), (200, "account"))
        self.assertRegex(browser.set_cookie, r"^__Host-paquebot=[a-z0-9]{32}; Path=/; HttpOnly; SameSite=Strict; Secure$")
        self.assertEqual(browser.ask("GET", "/v1/me")[1]["login"], ALICE)
        self.assertEqual(browser.ask("GET", f"/v1/accounts/{BOB}")[0], 404)
        stolen = dict(browser.cookies)
        self.assertEqual(browser.ask("DELETE", "/v1/session")[0], 200)
        self.assertEqual(browser.cookies, {})
        browser.cookies = stolen
        self.assertEqual(browser.ask("GET", "/v1/me")[0], 401)
        kept = b"".join(file.read_bytes() for file in self.server.data.glob("paquebot.db*"))
        self.assertNotIn(stolen["__Host-paquebot"].encode(), kept)
        self.assertNotIn(stolen["__Host-paquebot"], self.server.log())

    def test_in_clear_on_this_machine(self):
        browser = self.browser("clear")
        self.assertEqual(browser.log_in(ALICE), (200, "account"))
        self.assertRegex(browser.set_cookie, r"^paquebot=[a-z0-9]{32}; Path=/; HttpOnly; SameSite=Strict$")
        self.assertEqual(browser.ask("GET", "/v1/me")[1]["login"], ALICE)

    def test_a_fixed_session_is_not_gone_on_with(self):
        evil, victim = self.browser(), self.browser()
        self.assertEqual(evil.log_in(EVE)[0], 200)
        fixed = dict(evil.cookies)
        victim.cookies = dict(fixed)
        self.assertEqual(victim.log_in(ALICE)[0], 200)
        self.assertNotEqual(victim.cookies, fixed)
        self.assertEqual(evil.ask("GET", "/v1/me")[0], 401)

    def test_sessions_and_tokens_of_a_deleted_account(self):
        login = "short@other.test"
        self.server.add_account(login)
        browser = self.browser()
        self.assertEqual(browser.log_in(login)[0], 200)
        token = self.server.json("token", "add", "script", "accounts.read", "--account", login)["token"]
        mine = {"Authorization": f"Bearer {token}"}
        self.assertEqual(self.browser().raw("GET", "/v1/me", fields=mine)[0], 200)
        self.server.must("account", "remove", login, "--yes")
        self.assertEqual(browser.ask("GET", "/v1/me")[0], 401)
        self.assertEqual(self.browser().raw("GET", "/v1/me", fields=mine)[0], 401)
        self.server.add_account(login)
        self.assertEqual(browser.ask("GET", "/v1/me")[0], 401, "whoever gets the name is another")

    def test_forged_requests(self):
        browser = self.browser()
        self.assertEqual(browser.log_in(BOB)[0], 200)
        path, wish = f"/v1/accounts/{ALICE}", json.dumps({"quota": 5_000_000})
        for fields in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "none"},
                       {"Origin": "https://evil.example"}, {"Origin": "null"}, {}):
            status, _, content = browser.raw("PATCH", path, wish, {"Content-Type": "application/json", **fields})
            self.assertEqual((status, json.loads(content)["code"]), (403, "cross_site"), fields)
        same = {"Sec-Fetch-Site": "same-origin"}
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            status, _, content = browser.raw("PATCH", path, wish, {"Content-Type": kind, **same})
            self.assertEqual((status, json.loads(content)["code"]), (415, "content_type"), kind)
        # A form of another site logs nobody in either.
        other = self.browser()
        login = json.dumps({"login": EVE, "password": SECRET})
        self.assertEqual(other.raw("POST", "/v1/session", login, {"Content-Type": "text/plain", "Sec-Fetch-Site": "cross-site"})[0], 403)
        self.assertEqual(other.cookies, {})
        port = self.server.ports["https"]
        status, _, _ = browser.raw("PATCH", path, wish, {"Content-Type": "application/json", "Origin": f"https://{HOST}:{port}"})
        self.assertEqual(status, 200, "an old browser says no more than its origin")
        self.assertNotIn("Access-Control-Allow-Origin", browser.raw("OPTIONS", path, fields={"Origin": "https://evil.example"})[1])

    def test_names_of_others_are_not_served(self):
        """Who points his name at us (DNS rebinding) gets neither pages nor answers."""
        browser = self.browser()
        for path in ("/console/", "/console/assets/index.html", "/v1/me", "/console/message/1/html"):
            self.assertEqual(browser.raw("GET", path, host="evil.example")[0], 421, path)
        self.assertEqual(browser.raw("POST", "/v1/session", "{}", {"Content-Type": "application/json"}, host="evil.example")[0], 421)
        for host in ("localhost", "127.0.0.1", "[::1]"):
            self.assertEqual(browser.raw("GET", "/console/", host=host)[0], 200, host)

    def test_odd_content(self):
        browser = self.browser()
        self.assertEqual(browser.log_in(ALICE)[0], 200)
        path = f"/v1/accounts/{ALICE}/password"
        fields = {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"}
        for content in ('{"password":"one two three","password":"four five six"}', '{"password":"one two three","role":"operator"}',
                        '{"password":' + "[" * 100_000, '{"password":"one two three"}x', "{", "[]", '{"password":5}',
                        '{"pass\\u0000word":"one two three"}', '{"password":"one two three"' + " " * 100 + '\x00}'):
            self.assertEqual(browser.raw("POST", path, content, fields)[0], 400, content[:60])
        # What is too large is refused by its head, and not read.
        self.assertEqual(browser.raw("POST", path, None, fields | {"Content-Length": "600000"})[0], 413)
        self.assertEqual(self.browser().raw("POST", "/v1/session", None, fields | {"Content-Length": "70000"})[0], 413)
        self.assertEqual(browser.log_in(ALICE)[0], 200, "nothing was changed")

    def test_files_and_rules_for_browsers(self):
        browser = self.browser()
        status, fields, page = browser.raw("GET", "/console/")
        self.assertEqual((status, fields["Content-Type"]), (200, "text/html; charset=utf-8"))
        policy = fields["Content-Security-Policy"]
        for rule in ("default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'",
                     "require-trusted-types-for 'script'"):
            self.assertIn(rule, policy)
        self.assertNotIn("unsafe", policy)
        self.assertEqual(fields["X-Content-Type-Options"], "nosniff")
        self.assertEqual(fields["Referrer-Policy"], "no-referrer")
        self.assertEqual(fields["Cross-Origin-Opener-Policy"], "same-origin")
        self.assertEqual(fields["Cross-Origin-Resource-Policy"], "same-origin")
        self.assertEqual(browser.raw("GET", "/console/queue/some.example")[2], page)
        status, fields, packed = browser.raw("GET", "/console/", fields={"Accept-Encoding": "gzip"})
        self.assertEqual((fields["Content-Encoding"], gzip.decompress(packed)), ("gzip", page))
        status, _, nothing = browser.raw("GET", "/console/", fields={"Accept-Encoding": "gzip", "If-None-Match": fields["ETag"]})
        self.assertEqual((status, nothing), (304, b""))
        for path in ("/", "/console"):
            status, fields, _ = browser.raw("GET", path)
            self.assertEqual((status, fields["Location"]), (302, "/console/"), path)
        self.assertEqual(browser.raw("POST", "/console/", "x")[0], 405)

    def test_no_way_out_of_the_files(self):
        browser = self.browser()
        for path in ("/console/assets/../../etc/passwd", "/console/assets/%2e%2e/%2e%2e/etc/passwd", "/console/assets/..%2f..%2fetc/passwd",
                     "/console/assets/%00", "/console/assets//etc/passwd", "/console/assets/..\\..\\etc\\passwd",
                     "/v1/accounts/../status", "/v1/accounts/%2e%2e/status"):
            status, _, content = browser.raw("GET", path)
            self.assertIn(status, (400, 401, 404), path)
            self.assertNotIn(b"root:", content)

    def test_a_second_factor(self):
        login = "carol@example.test"
        self.server.add_account(login)
        browser, other = self.browser(), self.browser()
        self.assertEqual(browser.log_in(login)[0], 200)
        self.assertEqual(self.smtp_login(login, SECRET), 235)
        status, begun = browser.ask("POST", "/v1/me/totp", {"password": SECRET})
        self.assertEqual(status, 200)
        self.assertIn(f"secret={begun['secret']}", begun["uri"])
        now = time.time()
        status, done = browser.ask("POST", "/v1/me/totp/confirm", {"code": totp(begun["secret"], now)})
        self.assertEqual((status, len(done["recovery"])), (200, 10))
        self.assertEqual(other.log_in(login), (401, "second_factor"))
        self.assertEqual(other.log_in(login, code=totp(begun["secret"], now)), (401, "wrong_code"), "that one was used")
        self.assertEqual(other.log_in(login, code=totp(begun["secret"], now + 30)), (200, "account"))
        self.assertEqual(self.browser().log_in(login, code=totp(begun["secret"], now + 30)), (401, "wrong_code"))
        self.assertEqual(self.browser().log_in(login, code=done["recovery"][0].upper()), (200, "account"))
        self.assertEqual(self.browser().log_in(login, code=done["recovery"][0]), (401, "wrong_code"))
        # Mail programs need a password of their own.
        self.assertEqual(self.smtp_login(login, SECRET), 535)
        app = other.ask("POST", f"/v1/accounts/{login}/app-passwords", {"label": "phone"})[1]["password"]
        self.assertEqual(self.smtp_login(login, app), 235)
        basic = "Basic " + base64.b64encode(f"{login}:{SECRET}".encode()).decode()
        self.assertEqual(self.browser().raw("GET", "/v1/me", fields={"Authorization": basic})[0], 401)
        kept = b"".join(file.read_bytes() for file in self.server.data.glob("paquebot.db*"))
        self.assertNotIn(done["recovery"][1].encode(), kept)
        self.server.must("account", "second-factor", "remove", login)
        self.assertEqual(self.browser().log_in(login), (200, "account"))
        self.assertEqual(self.smtp_login(login, SECRET), 235)

    def test_links(self):
        said = self.server.must("console", "link")
        url = said.split()[-1]
        self.assertTrue(url.startswith(f"http://127.0.0.1:{self.server.ports['clear']}/console/link#"), url)
        token = url.partition("#")[2]
        browser = self.browser()
        self.assertEqual(browser.raw("GET", "/console/link")[0], 200)
        status, me = browser.ask("POST", "/v1/session/link", {"token": token})
        self.assertEqual((status, me["role"], "login" in me), (200, "operator", False))
        self.assertEqual(browser.ask("GET", "/v1/accounts")[0], 200)
        status, told = self.browser().ask("POST", "/v1/session/link", {"token": token})
        self.assertEqual((status, told["code"]), (404, "link_used"))
        self.server.add_account("dave@example.test")
        admin, owner = self.browser(), self.browser()
        self.assertEqual(admin.log_in(BOB), (200, "domain administrator"))
        self.assertEqual(owner.log_in("dave@example.test")[0], 200)
        status, made = admin.ask("POST", "/v1/accounts/dave@example.test/reset-link")
        self.assertEqual(status, 200)
        token = made["url"].partition("/console/reset#")[2]
        self.assertEqual(admin.ask("POST", f"/v1/accounts/{EVE}/reset-link")[0], 404)
        status, _ = self.browser().ask("POST", "/v1/session/reset", {"token": token, "password": "a new password"})
        self.assertEqual(status, 200)
        self.assertEqual(owner.ask("GET", "/v1/me")[0], 401)
        self.assertEqual(self.browser().log_in("dave@example.test", "a new password")[0], 200)
        self.assertEqual(self.browser().ask("POST", "/v1/session/reset", {"token": token, "password": "another one"})[0], 404)
        self.assertNotIn(token, self.server.log())

    def test_who_did_what(self):
        browser = self.browser()
        self.assertEqual(browser.log_in(BOB)[0], 200)
        self.assertEqual(browser.ask("POST", "/v1/accounts", {"login": "new@example.test", "password": "looking glass"})[0], 200)
        self.assertEqual(browser.ask("DELETE", "/v1/accounts/new@example.test")[0], 200)
        self.assertEqual(browser.ask("GET", "/v1/audit")[0], 403)
        entries = self.server.json("audit", "new@example.test")["entries"]
        self.assertEqual([(one["action"], one["who"], one["from"], one["result"]) for one in entries],
                         [("account.remove", BOB, "127.0.0.1", "done"), ("account.add", BOB, "127.0.0.1", "done")])
        self.assertIn("account.remove", self.server.must("audit", "--action", "account.remove", "--limit", "5"))
        self.assertNotIn("looking glass", self.server.must("audit", "--limit", "1000"))
        opened = [one for one in self.server.json("audit", "--action", "session.open")["entries"] if one["who"] == BOB]
        self.assertEqual(opened[0]["role"], "domain administrator")

    def test_what_is_in_a_message(self):
        """Its HTML stands in a frame that can do nothing; a picture in it has a name that works once."""
        picture = b"\x89PNG\r\n\x1a\n" + b"p" * 300
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = BOB, ALICE, "caf\u00e9 <script>alert(1)</script>"
        message.set_content("Un caf\u00e9\n")
        message.add_alternative('<script>alert(1)</script><img src="cid:flag@x"><img src="http://far.example/p.png">', subtype="html")
        message.get_payload()[1].add_related(picture, "image", "png", cid="<flag@x>")
        message.add_attachment(b"x", maintype="application", subtype="zip", filename="../../r\u00e9sum\u00e9.zip")
        with smtplib.SMTP_SSL("127.0.0.1", self.server.ports["submissions"], context=trusting(), timeout=60) as client:
            client.login(BOB, SECRET)
            client.mail(BOB)
            client.rcpt(ALICE)
            ident = accepted_id(client.data(message.as_bytes())[1])
        alice, bob, eve = self.browser(), self.browser(), self.browser()
        for browser, login in ((alice, ALICE), (bob, BOB), (eve, EVE)):
            self.assertEqual(browser.log_in(login)[0], 200)
        wait_until(lambda: alice.ask("GET", f"/v1/messages/{ident}/content")[0] == 200, "the message in the mailbox")
        told = alice.ask("GET", f"/v1/messages/{ident}/content")[1]
        self.assertEqual((told["text"].strip(), told["html"], told["subject"]), ("Un caf\u00e9", True, "caf\u00e9 <script>alert(1)</script>"))
        self.assertEqual([one["name"] for one in told["attachments"]], ["", "../../r\u00e9sum\u00e9.zip"])
        self.assertEqual(eve.ask("GET", f"/v1/messages/{ident}/content")[0], 404)
        path, same = f"/console/message/{ident}/html", {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "iframe"}
        self.assertEqual(eve.raw("GET", path, fields=same)[0], 404)
        self.assertEqual(self.browser().raw("GET", path, fields=same)[0], 401)
        self.assertEqual(alice.raw("GET", path, fields={"Sec-Fetch-Site": "cross-site"})[0], 403)
        status, fields, page = alice.raw("GET", path, fields=same)
        self.assertEqual((status, fields["Content-Type"]), (200, "text/html; charset=utf-8"))
        policy = fields["Content-Security-Policy"]
        self.assertTrue(policy.startswith("sandbox; default-src 'none'; "), policy)
        self.assertNotIn("allow-", policy)
        self.assertNotIn(" https:;", policy)
        [url] = re.findall(rb'src="(/console/picture/[a-z0-9]+)"', page)
        self.assertIn(f"img-src https://{HOST}:{self.server.ports['https']}/console/picture/;", policy)
        stranger = self.browser()  # the frame has no cookie
        status, fields, got = stranger.raw("GET", url.decode(), fields={"Sec-Fetch-Site": "cross-site"})
        self.assertEqual((status, fields["Content-Type"], got), (200, "image/png", picture))
        self.assertEqual(fields["Cross-Origin-Resource-Policy"], "cross-origin")
        self.assertEqual(stranger.raw("GET", url.decode())[0], 404, "once")
        self.assertIn("/console/picture/ https: http:;", alice.raw("GET", path + "?pictures=1", fields=same)[1]["Content-Security-Policy"])

    def test_a_part_of_a_message_is_saved(self):
        """By whoever's it is and nobody else, whatever it is called and whatever it says that it is."""
        large = bytes(range(256)) * 12_000
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = BOB, ALICE, "files"
        message.set_content("see there\n")
        message.add_attachment(large, maintype="application", subtype="zip", filename="..\\..\\r\u00e9sum\u00e9.zip")
        message.add_attachment(b"<script>alert(1)</script>", maintype="text", subtype="html", filename='a"; filename=evil.html')
        message.add_attachment(b"<svg onload='alert(1)'/>", maintype="image", subtype="svg+xml", filename="\u202egpj.exe")
        message.add_attachment(b"", maintype="application", subtype="x-none")
        with smtplib.SMTP_SSL("127.0.0.1", self.server.ports["submissions"], context=trusting(), timeout=60) as client:
            client.login(BOB, SECRET)
            client.mail(BOB)
            client.rcpt(ALICE)
            ident = accepted_id(client.data(message.as_bytes())[1])
        alice, eve = self.browser(), self.browser()
        for browser, login in ((alice, ALICE), (eve, EVE)):
            self.assertEqual(browser.log_in(login)[0], 200)
        wait_until(lambda: alice.ask("GET", f"/v1/messages/{ident}/content")[0] == 200, "the message in the mailbox")
        parts = [one["part"] for one in alice.ask("GET", f"/v1/messages/{ident}/content")[1]["attachments"]]
        same = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "document"}
        wanted = (("application/zip", large, "attachment; filename=\"_.._r_sum_.zip\"; filename*=UTF-8''_.._r%C3%A9sum%C3%A9.zip"),
                  ("application/octet-stream", b"<script>alert(1)</script>", 'attachment; filename="a_; filename=evil.html"'),
                  ("application/octet-stream", b"<svg onload='alert(1)'/>", 'attachment; filename="_gpj.exe"'),
                  ("application/octet-stream", b"", f'attachment; filename="part-{parts[3]}"'))
        for part, (media, octets, disposition) in zip(parts, wanted):
            path = f"/console/message/{ident}/part/{part}"
            status, fields, got = alice.raw("GET", path, fields=same)
            self.assertEqual((status, fields["Content-Type"], fields["Content-Disposition"]), (200, media, disposition))
            self.assertTrue(got == octets, f"{len(got)} octets of {part}")
            self.assertEqual((fields["X-Content-Type-Options"], fields["Content-Security-Policy"], fields["Cache-Control"]),
                             ("nosniff", "sandbox; default-src 'none'", "no-store"))
            self.assertEqual(eve.raw("GET", path, fields=same)[0], 404)
            self.assertEqual(self.browser().raw("GET", path, fields=same)[0], 401)
            self.assertEqual(alice.raw("GET", path, fields={"Sec-Fetch-Site": "cross-site"})[0], 403)
        for odd in ("9", "0", "", "1/..", "%2e%2e", "..%2f..%2fetc%2fpasswd", "1%00"):
            self.assertIn(alice.raw("GET", f"/console/message/{ident}/part/{odd}", fields=same)[0], (400, 404), odd)

    def test_ones_own_sessions(self):
        login = "sessions@example.test"
        self.server.add_account(login)
        first, second, third, eve = (self.browser() for _ in range(4))
        for browser in (first, second, third):
            self.assertEqual(browser.log_in(login)[0], 200)
        self.assertEqual(eve.log_in(EVE)[0], 200)
        sessions = first.ask("GET", "/v1/me/sessions")[1]["sessions"]
        self.assertEqual([one["from"] for one in sessions], ["127.0.0.1"] * 3)
        self.assertEqual(sum(one["current"] for one in sessions), 1)
        other = next(one["id"] for one in second.ask("GET", "/v1/me/sessions")[1]["sessions"] if one["current"])
        self.assertEqual(eve.ask("DELETE", f"/v1/me/sessions/{other}")[0], 404)
        self.assertEqual(second.ask("GET", "/v1/me")[0], 200)
        self.assertEqual(first.ask("DELETE", f"/v1/me/sessions/{other}"), (200, {"ended": 1}))
        self.assertEqual((second.ask("GET", "/v1/me")[0], third.ask("GET", "/v1/me")[0]), (401, 200))
        self.assertEqual(first.ask("DELETE", "/v1/me/sessions"), (200, {"ended": 1, "login": login}))
        self.assertEqual((third.ask("GET", "/v1/me")[0], first.ask("GET", "/v1/me")[0]), (401, 200))
        self.assertIn("1 browser", self.server.must("account", "logout", login))
        self.assertEqual((first.ask("GET", "/v1/me")[0], eve.ask("GET", "/v1/me")[0]), (401, 200))

    def test_a_session_outlives_a_restart(self):
        browser = self.browser()
        self.assertEqual(browser.log_in(ALICE)[0], 200)
        self.server.restart()
        self.assertEqual(browser.ask("GET", "/v1/me")[0], 200)


if __name__ == "__main__":
    unittest.main()
