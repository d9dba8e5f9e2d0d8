"""The console in Debian's chromium, driven by playwright-core: every page for every role, hostile mail shown inert, other sites kept out,
dangerous buttons, pictures. Each test of console.mjs, story.mjs and sink.mjs is one here. Large: `make test-programs`.

PAQUEBOT_PICTURES is where pictures go; by default build/pictures/console. PAQUEBOT_CONSOLE is a folder with console.js and console.css that are tried
instead of the program's own.
"""

import base64
import contextlib
import gzip
import json
import os
import pathlib
import re
import shutil
import smtplib
import socket
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from authority import NAME as AUTHORITY, Authority  # noqa: E402
from dns import Dns  # noqa: E402
from peer import Peer  # noqa: E402
from server import PEERS, SECRET, SOURCE, Server, free_port_everywhere, wait_until  # noqa: E402
from sink_test import Sink  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
PICTURES = pathlib.Path(os.environ.get("PAQUEBOT_PICTURES", SOURCE / "build/pictures/console"))
MODULES = PEERS / "npm/node_modules"
FILES = os.environ.get("PAQUEBOT_CONSOLE", "")
SECONDS = 600  # for all tests of one script

OPERATOR, KEEPER, ANN, BOB = "root@example.test", "keeper@example.test", "ann@example.test", "bob@example.test"
FOREIGNER, CAREFUL = "eve@other.test", "tess@other.test"
SECRETS = {login: SECRET for login in (OPERATOR, KEEPER, ANN, BOB, FOREIGNER, CAREFUL)}
LISTENERS = {"mx": {"role": "mx", "tls": "starttls"},
             "submission": {"role": "submission", "tls": "starttls"},
             "pop3-clear": {"role": "pop3", "tls": "none", "login_in_clear": True},
             "http": {"role": "http", "tls": "none", "redirect": False}}
PAGES = ["today", "trail", "queue", "live", "deliverability", "certificates", "domains", "accounts", "hooks", "tokens", "suppressions", "lists", "audit", "nodes", "settings"]
STUCK = 25
HOST, SECOND = "mx.example.test", "mail.example.test"
YESTERDAY = int(time.time()) // 86400 * 86400 - 86400  # reports are of the last days

EVIL = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'
LABEL = "<svg onload=pwned=1>"  # what is named may be 64 octets long
LETTER = "From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <{name}@far.test>\r\nDate: Mon, 30 Nov 2026 10:00:00 +0000\r\n"
HTML = """MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary=b\r
\r
--b\r
Content-Type: text/html; charset=utf-8\r
\r
<p>Hello from the frame<script>parent.pwned=1</script><img src=x onerror="parent.pwned=1"><img src="http://tracker.test:TRACKER/pixel.png">
<form action="http://evil.test/"><input autofocus onfocus="parent.pwned=1"></form><a href="javascript:parent.pwned=1">x</a>\r
--b\r
Content-Type: application/octet-stream; name="=?utf-8?q?=3Cimg_src=3Dx_onerror=3Dpwned=3D1=3E.pdf?="\r
Content-Disposition: attachment; filename="..\\\\..\\\\<svg onload=pwned=1>.html"\r
\r
x\r
--b--\r
"""


def dmarc_report(evil):
    evil = evil.replace("<", "&lt;")
    return f"""<?xml version="1.0"?><feedback><report_metadata><org_name>{evil}</org_name><email>a@far.test</email>
<report_id>1</report_id><date_range><begin>{YESTERDAY}</begin><end>{YESTERDAY + 86399}</end></date_range></report_metadata>
<policy_published><domain>example.test</domain><p>none</p></policy_published>
<record><row><source_ip>192.0.2.1</source_ip><count>3</count><policy_evaluated><disposition>none</disposition><dkim>fail</dkim>
<spf>fail</spf></policy_evaluated></row><identifiers><header_from>example.test</header_from></identifiers>
<auth_results><spf><domain>{evil}</domain><result>fail</result></spf></auth_results></record></feedback>"""


def tls_report(evil):
    day = time.strftime("%Y-%m-%d", time.gmtime(YESTERDAY))
    failure = {"result-type": "certificate-expired", "receiving-mx-hostname": evil, "failed-session-count": 5, "failure-reason-code": evil}
    policy = {"policy": {"policy-type": "no-policy-found", "policy-domain": "example.test"},
              "summary": {"total-successful-session-count": 15, "total-failure-session-count": 5}, "failure-details": [failure]}
    return json.dumps({"organization-name": evil, "contact-info": "a@far.test", "report-id": "1", "policies": [policy],
                       "date-range": {"start-datetime": f"{day}T00:00:00Z", "end-datetime": f"{day}T23:59:59Z"}})


def letter(name, sender, to, subject, rest="\r\nHello.\r\n"):
    text = LETTER.format(sender=sender, to=to, subject=subject, name=name) + rest
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode()


def report(name, kind, content):
    body = base64.encodebytes(gzip.compress(content.encode())).decode().replace("\n", "\r\n")
    return (LETTER.format(sender="a@far.test", to="dmarc@example.test", name=name,
                          subject="Report Domain: example.test Submitter: far.test Report-ID: 1") +
            f"MIME-Version: 1.0\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n"
            f'Content-Disposition: attachment; filename="far.test!example.test!{YESTERDAY}!{YESTERDAY + 86399}.gz"\r\n\r\n{body}').encode()


class Tracker:
    """Who would see that a remote picture is fetched."""

    def __enter__(self):
        self.seen, self.socket = 0, socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.count, daemon=True)
        self.thread.start()
        return self

    def count(self):
        with contextlib.suppress(OSError):
            while True:
                self.socket.accept()[0].close()
                self.seen += 1

    def __exit__(self, *failure):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()


class World:
    """A server with an owner, a keeper of one domain and people, and mail of all fates. `evil`: what strangers put into all of it."""

    def __init__(self, evil=EVIL):
        self.evil, self.said = evil, f"550 5.1.1 {evil} & \"no such user\"" if evil else "550 5.1.1 no such user here"

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            port = free_port_everywhere()
            stack.enter_context(Peer(address="127.0.0.1", port=port, replies={"RCPT": self.said}))
            dns = stack.enter_context(Dns(f"{AUTHORITY} A 127.0.0.1", f"{HOST} A 127.0.0.1"))
            web = free_port_everywhere()
            authority = stack.enter_context(Authority(dns, http=web))
            self.tracker = stack.enter_context(Tracker())
            self.server = stack.enter_context(
                Server(accounts=SECRETS, listeners=LISTENERS | {"http": LISTENERS["http"] | {"address": f"127.0.0.1:{web}"}}, dns=dns, hostname=HOST,
                       extra={"acme": authority.settings(challenges=["http-01"], names=[SECOND])},
                       routes=[{"to": "far.test", "host": f"127.0.0.1:{port}", "tls": "none"},
                               {"to": "nowhere.test", "host": "127.0.0.1:9", "tls": "none"}],
                       queue={"retry_first": "10m", "retry_most": "1h"},
                       limits={"command_timeout": "1h"}))  # the session that is shown is silent
            self.fill()
            session = stack.enter_context(self.server.smtp("mx"))  # that the page Live shows
            assert session.ehlo("client.far.test")[0] == 250
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *failure):
        self.stack.__exit__(*failure)

    def fill(self):
        server = self.server
        server.must("right", "add", OPERATOR, "--operator")
        server.must("right", "add", KEEPER, "--domain", "example.test")
        server.must("alias", "add", "dmarc@example.test", KEEPER)
        server.must("api", "domain.change", "domain=example.test", f"owner={KEEPER}")
        who = self.evil or "far.test"
        for address, of in (("gone@far.test", ""), ("full@far.test", ANN), ("angry@far.test", "example.test"), ("other@far.test", FOREIGNER)):
            server.must("api", "suppression.add", f"address={address}", f"note=she asked for it {self.evil}", *([f"of={of}"] if of else []))
        self.html = server.send("x@far.test", [ANN], letter("html", '"<svg onload=pwned=1>" <x@far.test>', ANN, f"Hello {self.evil}", HTML.replace("TRACKER", str(self.tracker.port))))
        server.send("x@far.test", ["dmarc@example.test"], report("report", "application/gzip", dmarc_report(who)))
        server.send("x@far.test", ["dmarc@example.test"], report("tls", "application/tlsrpt+gzip", tls_report(who)))
        self.bounced = server.send(ANN, ["nobody@far.test"], letter("bounced", ANN, "nobody@far.test", f"Lunch on Friday {self.evil}"), login=ANN)
        people = [f"friend{n}@nowhere.test" for n in range(STUCK)]
        for n in range(0, STUCK, 5):
            self.stuck = server.send(ANN, people[n:n + 5], letter(f"stuck{n}", ANN, people[n], f"Invitation {self.evil}"), login=ANN)
        wait_until(lambda: "failed" in json.dumps(server.trace(self.bounced)), "the failure")
        server.must("queue", "suspend", "moving.test", "--reason", f"they move {self.evil}")
        server.must("account", "hold", BOB, "--reason", f"her laptop was stolen {self.evil}")
        server.must("api", "app_password.add", f"login={ANN}", f"label=phone{self.evil and ' ' + LABEL}")
        server.must("api", "token.add", f"label=backup{self.evil and ' ' + LABEL}", f"login={ANN}", "scopes=trails.read")
        server.must("api", "hook.add", "url=https://hooks.far.test/paquebot", f"login={OPERATOR}")
        # One certificate is there; for the other name, which nobody can find, there is none.
        wait_until(lambda: [one["state"] for one in server.json("tls", "status")["certificates"] if one["name"] == HOST] == ["valid"], "a certificate")
        wait_until(lambda: any(one["name"] == SECOND and one["error"] for one in server.json("tls", "status")["certificates"]), "the failure of one")
        self.later = server.send(BOB, [ANN], letter("later", BOB, ANN, "From Bob"), login=BOB)

    def do_more(self):
        self.server.send(ANN, ["late@nowhere.test"], letter(f"more{os.urandom(4).hex()}", ANN, "late@nowhere.test", "One more"), login=ANN)

    def told(self):
        base = f"http://127.0.0.1:{self.server.ports['http']}"
        link = re.search(r"\S+/console/link#\S+", self.server.must("console", "link"))[0]
        role = lambda login: {"login": login, "password": SECRETS[login]}
        return {"base": base, "link": base + "/" + link.split("/", 3)[3], "modules": str(MODULES), "chromium": shutil.which("chromium"),
                "files": FILES, "pictures": str(PICTURES), "pages": PAGES,
                "roles": {"operator": role(OPERATOR), "domain": role(KEEPER), "account": role(ANN), "foreigner": role(FOREIGNER)},
                "bounced": self.bounced, "html": self.html, "said": self.said.split(" ", 2)[2],
                "hostile": [f"/console/trail/{self.html}", f"/console/trail/{self.bounced}", f"/console/trail?q={ANN}", "/console/queue?view=messages",
                            "/console/deliverability", "/console/deliverability/example.test", "/console/suppressions", "/console/queue?view=suspended", "/console/certificates"],
                "certificate": HOST, "refused_certificate": SECOND, "suppressed": {"server": "gone@far.test", "own": "full@far.test",
                "domain": "angry@far.test", "foreign": "other@far.test"},
                # Pages with what is dangerous, and how many buttons ask there at least.
                "dangerous": [[f"/console/accounts/{BOB}", 3], [f"/console/accounts/{ANN}", 3], [f"/console/accounts/{KEEPER}", 3], ["/console/accounts?view=aliases", 1],
                              ["/console/domains/example.test", 1], ["/console/hooks", 1], ["/console/tokens", 1], ["/console/suppressions", 4],
                              [f"/console/trail/{self.later}", 1], ["/console/queue?view=held", 1], ["/console/queue?view=suspended", 1], ["/console/live", 1, "client.far.test"]],
                "careful": {"login": CAREFUL, "password": SECRETS[CAREFUL]},
                "suspect": BOB, "stuck": {"destination": "nowhere.test", "count": STUCK}, "later": self.later}


class Sinked:
    """A sink, and what programs under test send to it."""

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.tracker, self.sink = stack.enter_context(Tracker()), stack.enter_context(Sink())
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *failure):
        self.stack.__exit__(*failure)

    def do_text(self):
        self.sink.send("Welcome", "Hello Bob,\r\nhere you are.")

    def do_order(self):
        self.sink.send("Your order", "One kettle: https://shop.example/orders/7\r\nYour code: 482913\r\n", login="checkout")

    def do_evil(self):
        html = HTML.replace("TRACKER", str(self.tracker.port))
        self.sink.send(message=letter("evil", '"<svg onload=pwned=1>" <x@far.test>', "bob@example.net", EVIL, html))

    def do_refused(self):
        try:
            self.sink.send("Not taken", to=["full@example.org"])
        except smtplib.SMTPRecipientsRefused as refused:
            assert refused.recipients["full@example.org"][0] in (452, 552), refused.recipients
        else:
            raise AssertionError("the full mailbox has taken it")

    def do_taken(self):
        self.sink.send("Taken again", to=["full@example.org"])

    def told(self):
        return {"base": f"http://127.0.0.1:{self.sink.port['http']}", "smtp": self.sink.port["smtp"], "modules": str(MODULES),
                "chromium": shutil.which("chromium"), "files": FILES, "pictures": str(PICTURES), "evil": EVIL}


class ConsoleTest(unittest.TestCase):
    def play(self, script, world):
        if shutil.which("chromium") is None or shutil.which("node") is None or not (MODULES / "playwright-core").is_dir():
            if os.environ.get("PROGRAMS_ALL"):
                self.fail("chromium, node or playwright-core is missing: tools/setup programs, tools/modules")
            self.skipTest("make test-programs has chromium and playwright-core")
        with world:
            process = subprocess.Popen(["node", str(HERE / script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            process.stdin.write(json.dumps(world.told()))
            process.stdin.close()
            seen = 0
            for line in process.stdout:
                told = json.loads(line)
                if "do" in told:
                    getattr(world, f"do_{told['do']}")()
                    continue
                seen += 1
                print(f"  {told['seconds']:5.1f} s  {told['name']}", file=sys.stderr)
                with self.subTest(told["name"]):
                    self.assertNotIn("failed", told, told.get("failed"))
            process.stdout.close()
            self.assertIn(process.wait(SECONDS), (0, 1), "the script itself failed")
            self.assertGreater(seen, 3)
            self.assertEqual(world.tracker.seen, 0, "a remote picture was fetched")

    def test_console(self):
        self.play("console.mjs", World())

    def test_gallery(self):
        self.play("gallery.mjs", World(evil=""))

    def test_story(self):
        self.play("story.mjs", World())

    def test_sink(self):
        self.play("sink.mjs", Sinked())


if __name__ == "__main__":
    unittest.main()
