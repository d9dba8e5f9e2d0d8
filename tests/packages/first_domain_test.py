"""From a bare machine to mail that others trust, as docs/first-domain.md tells it: the package in a bare root, one command, the records
put into a signed zone as they are printed, and then a certificate, a green doctor, mail from and to an independent Postfix over verified
TLS, a Thunderbird that sets itself up, and metrics that promtool reads. All in namespaces, with Knot, Unbound and pebble for the
rest of the Internet. Each step tells how long it took; all of it has five minutes.

PAQUEBOT_BINARY     the program to pack
PAQUEBOT_PICTURES   a folder: the pictures of docs/first-domain.md are made there
"""

import contextlib
import email.utils
import json
import os
import pathlib
import poplib
import re
import smtplib
import ssl
import subprocess
import sys
import threading
import time
import unittest

from bare_root import SOURCE, BareRoot
from small_world import HERE, OTHER_PEER, PEER, PEERS, RESOLVER, SERVER, SmallWorld, run, wait_until

sys.path.append(str(SOURCE / "tests/support"))
from postfix import Postfix  # noqa: E402
from terminal_picture import picture  # noqa: E402
from thunderbird import Namespace, Thunderbird, can_run  # noqa: E402
from thunderbird_test import ACCOUNT, FETCH, SEND, SET_UP  # noqa: E402

DOMAIN, HOST, ANN, BOB, CAROL = "example.test", "mx.example.test", "ann@example.test", "bob@peer.test", "carol@peer.test"
FIVE_MINUTES = 300
# Asks who is below to start it, and waits for his answer.
SYSTEMCTL = """#!/bin/sh
echo "$*" >>/run/systemctl.calls
case "$*" in *"enable --now paquebot"*) echo "$*" >/run/asked && read -r answer </run/answered && [ "$answer" = started ] ;; esac
"""
ALWAYS_ANOTHER = (
    (r"(?<=shown this once:  )\S+", "kw7-Rt2m-Xa9p"), (r"p=[A-Za-z0-9+/=]{30,}[^\n]*", "p=MIIBIjANBgkqhkiG9w0B…"),
    (r'"[A-Za-z0-9+/=]{100,}" \)', '"…IDAQAB" )'), (r"\bpq\d{8}", "pq20270301"), (r"\d+ seconds? ago", "50 seconds ago"),
    (r"\b[0-9a-f]{64}\b", "3f58f212a94ce474fa51ada23ef66f41c63db3e344e56fedc8baa9f007195b98"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?", "2027-03-01 10:42"), (r"192\.175\.48\.", "192.0.2."), (r"48\.175\.192", "2.0.192"),
    (r"(?<=id=)[0-9a-zA-Z]+", "20261201"), (r"\n  (missing|unknown|another)  [^\n]*", ""))
# Who judges what came to him: SPF, DKIM and DMARC by python3-authheaders, with what Postfix has written down of the way.
JUDGE = """
import re, sys
import authheaders
data = sys.stdin.buffer.read()
sender = re.search(rb"(?m)^Return-Path: <(.*)>", data)[1].decode()
helo, client = re.search(rb"(?m)^Received: from (\\S+) \\(\\S+ \\[([0-9.]+)\\]\\)", data).groups()
print(authheaders.authenticate_message(data, "mx.peer.test", ip=client.decode(), mail_from=sender, helo=helo.decode(),
                                       spf=True, dkim=True, dmarc=True))
"""


class FirstDomainTest(BareRoot):
    def setUp(self):
        missing = [name for name in ("knotd", "unbound", "pebble", "promtool") if not (PEERS / "bin" / name).exists()]
        if missing or not can_run():
            self.fail(f"not there: {missing or 'Thunderbird, Xvfb or overlays'} (make test-programs unpacks them)")
        super().setUp()
        self.apt("update")
        self.world = self.enterContext(SmallWorld(self.folder, self.network.pid, [DOMAIN]))
        self.outside = self.world.outside
        self.roots = self.folder / "roots.pem"
        self.roots.write_text(self.world.authority.roots(), encoding="ascii")
        self.trusting = ssl.create_default_context(cafile=self.roots)
        self.peer = self.enterContext(self.postfix("mx.peer.test", PEER, "verify"))
        self.shown = {}

    def postfix(self, name, address, level):
        """A peer that takes mail for peer.test, and sends with verified TLS or not at all."""
        return Postfix(PEERS, self.folder, hostname=name, domains=["peer.test"], address=address, port=25, main={
            "inet_interfaces": address, "mynetworks": HERE, "default_transport": "smtp", "smtp_host_lookup": "dns",
            "smtp_dns_support_level": "dnssec", "smtp_tls_security_level": level, "smtp_tls_CAfile": self.roots,
            "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination", "smtp_tls_loglevel": "1"})

    @contextlib.contextmanager
    def step(self, words):
        """Without the first two steps nothing goes; one of the others that fails does not keep the rest from being looked at."""
        began = time.monotonic()
        with self.subTest(words):
            yield
        now = time.monotonic()
        print(f"{now - self.began:6.1f} s  {words} ({now - began:.1f} s)", file=sys.stderr, flush=True)

    # --- the machine ---------------------------------------------------------------------------

    def install_package(self):
        said = self.install(self.new)
        self.assertIn("sudo paquebot setup", said)
        authority = self.root / "usr/local/share/ca-certificates/world.crt"  # this Internet has one authority
        authority.write_text(self.roots.read_text(encoding="ascii"), encoding="ascii")
        self.run_in("update-ca-certificates")
        # From here on it is as if systemd ran.
        (self.root / "etc/resolv.conf").write_text(f"nameserver {RESOLVER}\n", encoding="ascii")
        (self.root / "run/systemd/system").mkdir(parents=True)
        tool = self.root / "usr/bin/systemctl"
        tool.unlink(missing_ok=True)
        tool.write_text(SYSTEMCTL, encoding="ascii")
        tool.chmod(0o755)
        for name in ("asked", "answered"):
            os.mkfifo(self.root / "run" / name)
        threading.Thread(target=self.be_systemd, daemon=True).start()

    def be_systemd(self):
        """Starts the server by its unit when it is asked to."""
        (self.root / "run/asked").read_text(encoding="ascii")
        answer = "failed"
        try:
            self.server = self.start()
            answer = "started"
        finally:
            (self.root / "run/answered").write_text(answer + "\n", encoding="ascii")

    def paquebot(self, *words, code=0):
        """What a person who is root sees of it."""
        return self.run_in("paquebot", *words, inside=True, code=code)

    # --- setup ---------------------------------------------------------------------------------

    def set_up(self):
        """The command, and a person who puts the records where they belong as soon as they are printed."""
        for name, source in (("root.key", self.world.anchor), ("authority.pem", self.world.authority.ca)):
            (self.root / name).write_text(source.read_text(encoding="ascii"), encoding="ascii")
        words = ["setup", ANN, "--yes", "--agree-tos", "--acme-directory", self.world.authority.url("/dir"), "--acme-ca-file",
                 "/authority.pem", "--resolver", f"{RESOLVER}:53", "--trust-anchor", "/root.key", "--wait", "200s"]
        process = subprocess.Popen(self.entering("paquebot", *words, inside=True), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"})
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        said, pasted = "", False
        for line in process.stdout:
            said += line
            if line.startswith("== Looking into the DNS") and not pasted:
                self.paste(said)
                pasted = True
        self.assertEqual(process.wait(60), 0, said + self.log())
        self.assertTrue(pasted, said)
        self.password = re.search(r"^Its password, shown this once:  (\S+)$", said, re.M)[1]
        return said

    def paste(self, said):
        zone = said[said.index("as lines of a zone file"):said.index("\n== The same for a form")]
        self.world.zone(DOMAIN).append(zone[zone.index("\n") + 1:])
        form = said[said.index("== The same for a form"):]
        for name, value in re.findall(r"^  PTR +(\S+) +(\S+)$", form, re.M):  # with who gave the address
            self.world.zone(".").append(f"{name}. PTR {value}.")

    def log(self):
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace") if (self.folder / "log").exists() else ""

    # --- what others see -----------------------------------------------------------------------

    def letters(self):
        box = poplib.POP3_SSL(HOST, context=self.trusting, timeout=60)
        try:
            box.user(ANN)
            box.pass_(self.password)
            return [b"\n".join(box.retr(number + 1)[1]) for number in range(box.stat()[0])]
        finally:
            box.quit()

    def from_peer(self, peer, subject):
        with smtplib.SMTP(peer.address, 25, "mx.peer.test", timeout=60) as client:
            client.sendmail(CAROL, [ANN], f"From: Carol <{CAROL}>\r\nTo: {ANN}\r\nSubject: {subject}\r\nDate: {email.utils.formatdate()}\r\n"
                                          f"Message-ID: <{time.monotonic_ns()}@peer.test>\r\n\r\nHello\r\n")
        [letter] = wait_until(lambda: [one for one in self.letters() if f"Subject: {subject}".encode() in one],
                              lambda: f"{subject}:\n{peer.log()[-3000:]}{self.log()[-3000:]}", 60, pause=0.5)
        self.assertRegex(peer.log(), rf"Verified TLS connection established to {re.escape(HOST)}\[{re.escape(SERVER)}\]:25")
        return letter

    def publish_keys(self):
        """The TLSA records of the keys, as `tls status` prints them."""
        lines = re.findall(r"(?m)^(?:; TLSA: .*|_25\._tcp\..*)$", said := self.paquebot("tls", "status"))
        own = [line for line in lines if line.startswith(f"_25._tcp.{HOST}. IN TLSA 3 1 1 ")]
        self.assertEqual(len(own), 2, said)
        self.world.zone(DOMAIN).append("\n".join(lines))

    def judge(self, data):
        path = f"{PEERS}/root/usr/lib/python3/dist-packages:/usr/lib/python3/dist-packages"
        done = subprocess.run(["/usr/bin/python3", "-c", JUDGE], input=data, capture_output=True, check=False, timeout=120,
                              env={"PYTHONPATH": path, "PATH": os.environ["PATH"]})
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        said = done.stdout.decode()
        for method in ("spf=pass", "dkim=pass", "dmarc=pass"):
            self.assertIn(method, said)

    def use_thunderbird(self):
        folder = self.folder / "thunderbird"
        folder.mkdir(mode=0o755)
        policies = {"policies": {"Certificates": {"Install": [str(self.roots)]}, "DisableTelemetry": True, "DisableAppUpdate": True}}
        inside = self.enterContext(Namespace(folder, {"hosts": "127.0.0.1 localhost\n", "resolv.conf": f"nameserver {RESOLVER}\n",
                                                      "thunderbird/policies/policies.json": json.dumps(policies)}, network=False))
        with Thunderbird(folder, inside.command) as program:
            with self.step("Thunderbird is set up by address and password"):
                program.run(SET_UP, ANN, self.password)
                self.assertEqual(program.run(ACCOUNT), {"incoming": [HOST, 993, 3, ANN], "outgoing": [HOST, 465, 3, ANN]})
            with self.step("it sends to the peer, who verifies SPF, DKIM and DMARC"):
                program.run(SEND, ANN, BOB, "from Thunderbird", str(folder))
                [data] = self.peer.wait_for(BOB, 1, 60)
                self.assertIn(b"Subject: from Thunderbird", data)
                self.judge(data)
            with self.step("it fetches what the peer has sent"):
                self.assertIn("over verified TLS", program.run(FETCH))

    def check_doctor(self):
        self.shown["doctor"] = self.paquebot("doctor")
        answer = json.loads(self.paquebot("doctor", "--json"))
        for one in answer["findings"]:
            if one["level"] != "good":
                print(f"{'':10}{one['level']:8} {one['check']}: {one['seen']}", file=sys.stderr)
        self.assertEqual([one for one in answer["findings"] if one["level"] in ("warning", "wrong")], [])
        levels = {one["check"]: one["level"] for one in answer["findings"]}
        for check in ("resolver", "name", "port-25-out", "tls", "mx", "spf", "dkim", "dmarc"):
            self.assertEqual(levels[check], "good", check)

    # --- pictures ------------------------------------------------------------------------------

    def draw(self, folder):
        """What the terminal showed, without what is another thing each time."""
        setup = self.shown["setup"]
        records, form, rest = (setup.index(f"\n== {words}") for words in ("What belongs", "The same for a form", "The service"))
        command = f"sudo paquebot setup {ANN} --agree-tos"
        for name, words, text in (("setup", command, setup[:records] + "\n…"), ("records", "", setup[records + 1:form]),
                                  ("ready", "", setup[rest + 1:]), ("doctor", "sudo paquebot doctor", self.shown["doctor"])):
            for pattern, usual in ALWAYS_ANOTHER:
                text = re.sub(pattern, usual, text)
            (pathlib.Path(folder) / f"first-domain-{name}.svg").write_text(picture(words, text, f"paquebot: {name}"), encoding="utf-8")

    # --- all of it -----------------------------------------------------------------------------

    def test_from_a_bare_machine_to_mail_that_others_trust(self):
        print(file=sys.stderr)
        self.began = time.monotonic()
        with self.step("the package is installed"):
            self.install_package()
        with self.step("setup has made all, seen all records in the DNS, and waited for the certificates"):
            self.shown["setup"] = self.set_up()
        self.assertIn("setup", self.shown)
        with self.step("a mail has come over verified TLS"):
            self.from_peer(self.peer, "over verified TLS")
        with self.step("one has come by DANE, with the TLSA records in the zone"):
            self.publish_keys()
            with self.postfix("mx2.peer.test", OTHER_PEER, "dane-only") as other:
                self.from_peer(other, "by DANE")
        self.use_thunderbird()
        with self.step("promtool reads the metrics"):
            run(PEERS / "bin/promtool", "check", "metrics", input=self.paquebot("metrics"))
        with self.step("the doctor finds all good, or says that it can't be seen"):
            self.check_doctor()
        self.assertLess(time.monotonic() - self.began, FIVE_MINUTES)
        if folder := os.environ.get("PAQUEBOT_PICTURES"):
            self.draw(folder)


if __name__ == "__main__":
    unittest.main()
