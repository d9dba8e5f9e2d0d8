"""The numbers of the server as a monitor reads them: what happened is counted, and what is shipped names only what there is."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import unittest
import urllib.error
import urllib.request

from dns import Dns
from server import LISTENERS, PEERS, SECRET, SOURCE, Server, trusting, wait_until

ALICE, BOB = "alice@example.test", "bob@example.test"
MONITORING = SOURCE / "packaging/monitoring"
LINE = re.compile(r'^([a-z_]+)(?:\{((?:[a-z_]+="[^"]*",?)*)\})? (\S+)$')


def read(text):
    """{(name, labels): value}, and every line has to be one of the text format."""
    found, typed = {}, {}
    for line in text.splitlines():
        if line.startswith("# HELP "):
            continue
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in typed, f"{name} is there twice"
            typed[name] = kind
            continue
        match = LINE.match(line)
        assert match, f"no line of the text format: {line!r}"
        family = re.sub(r"_(bucket|sum|count)$", "", match[1])
        assert match[1] in typed or typed.get(family) == "histogram", f"{match[1]} has no type"
        found[match[1], tuple(sorted(re.findall(r'([a-z_]+)="([^"]*)"', match[2] or "")))] = float(match[3])
    return found


def names_in(text):
    return set(re.findall(r"\b(?:paquebot|process)_[a-z_]+", text))


class MonitoringTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server(accounts={ALICE: SECRET, BOB: SECRET}))

    def numbers(self):
        return read(self.server.must("metrics"))

    def grown(self, before, name, **labels):
        key = name, tuple(sorted(labels.items()))
        return self.numbers()[key] - before[key]

    def letter(self, subject):
        return f"From: {ALICE}\r\nTo: {BOB}\r\nSubject: {subject}\r\n\r\nx\r\n"

    def test_held_mail_and_what_the_doctor_found(self):
        with Dns("mx.example.test A 127.0.0.1") as dns, Server(accounts={ALICE: SECRET, BOB: SECRET}, dns=dns) as server:
            before = read(server.must("metrics"))
            self.assertEqual(before["paquebot_queue_recipients", (("state", "held"),)], 0)
            self.assertNotIn("paquebot_doctor_findings", {name for name, _ in before}, "there was no round yet")
            server.must("doctor", "--tell")
            found = wait_until(lambda: {labels: value for (name, labels), value in read(server.must("metrics")).items()
                                        if name == "paquebot_doctor_findings"}, "the findings", 60, pause=0.5)
            self.assertEqual({labels[0][1] for labels in found}, {"good", "note", "unknown", "warning", "wrong"})
            self.assertGreater(sum(found.values()), 10)

    def test_what_happens_is_counted(self):
        before = self.numbers()
        with self.server.smtp("submission") as client:
            client.starttls(context=trusting())
            client.login(ALICE, SECRET)
            client.sendmail(ALICE, [BOB], self.letter("counted"))
        with self.server.smtp("mx") as client:
            client.ehlo()
            client.mail("x@y.test")
            self.assertEqual(client.rcpt("nobody@example.test")[0], 550)
        self.assertEqual(len(self.server.mail(BOB)), 1)
        self.assertEqual(self.grown(before, "paquebot_messages_accepted_total"), 1)
        self.assertGreater(self.grown(before, "paquebot_messages_accepted_bytes_total"), 50)
        self.assertEqual(self.grown(before, "paquebot_connections_total", role="submission"), 1)
        self.assertEqual(self.grown(before, "paquebot_connections_total", role="mx"), 1)
        self.assertEqual(self.grown(before, "paquebot_logins_total", protocol="smtp", result="accepted"), 1)
        self.assertEqual(self.grown(before, "paquebot_refused_total", stage="recipient", **{"class": "5xx"}), 1)
        self.assertEqual(self.grown(before, "paquebot_smtp_replies_total", role="mx", **{"class": "5xx"}), 1)
        self.assertEqual(self.grown(before, "paquebot_acceptance_seconds_count"), 1)
        self.assertGreaterEqual(self.grown(before, "paquebot_store_commit_seconds_count", file="main"), 1)

    def test_nothing_from_outside_is_a_label(self):
        with self.server.smtp("mx") as client:
            client.ehlo("marker-helo.test")
            client.mail("marker-sender@marker-domain.test")
            client.rcpt("marker-recipient@example.test")
            client.docmd("MARKER-VERB")
        text = self.server.must("metrics")
        self.assertNotRegex(text, "(?i)marker|example\\.test|127\\.0\\.0\\.1")
        labels = {label for _, labels in read(text) for label, _ in labels}
        self.assertLessEqual(labels, {"class", "file", "kind", "le", "method", "protocol", "provider", "reason", "result", "role",
                                      "stage", "state", "tls", "version"})  # providers are named by the operator

    def test_what_is_shipped_and_told_names_what_there_is(self):
        text = self.server.must("metrics")
        # Of this server the certificate is self-signed, and its doctor had no round yet.
        there = names_in(text) | {"paquebot_certificate_expiry_timestamp_seconds", "paquebot_doctor_findings"}
        families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in there}
        for file in ("paquebot.rules.yml", "grafana-dashboard.json"):
            self.assertLessEqual(names_in((MONITORING / file).read_text()), there, file)
        document = (SOURCE / "docs/monitoring.md").read_text()
        told = set(re.findall(r"`((?:paquebot|process)_[a-z_]+)`", document))
        self.assertEqual(told, families)

    def test_the_dashboard_is_one(self):
        board = json.loads((MONITORING / "grafana-dashboard.json").read_text())
        panels = [panel for panel in board["panels"] if panel["type"] != "row"]
        self.assertGreater(len(panels), 15)
        self.assertEqual(len({panel["id"] for panel in board["panels"]}), len(board["panels"]))
        for panel in panels:
            self.assertTrue(panel["targets"] and all(target["expr"] for target in panel["targets"]), panel["title"])
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])

    def web(self, server, path, listener="https", **fields):
        request = urllib.request.Request(f"{listener}://127.0.0.1:{server.ports[listener]}{path}", headers=fields)
        try:
            with urllib.request.urlopen(request, timeout=30, context=trusting()) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    def test_who_may_look(self):
        listeners = {"https": {"role": "http", "tls": "implicit"}, "http": {"role": "http", "tls": "none"}, "mx": LISTENERS["mx"]}
        with Server(accounts={ALICE: SECRET}, listeners=listeners) as server:
            status, text = self.web(server, "/metrics")
            self.assertEqual(status, 200, text)
            self.assertIn(("paquebot_messages_accepted_total", ()), read(text))
            self.assertEqual(self.web(server, "/livez"), (200, "alive\n"))
            self.assertEqual(self.web(server, "/livez", "http"), (200, "alive\n"), "on the loopback without TLS, too")
            self.assertEqual(self.web(server, "/readyz"), (200, "ready\n"))
            self.assertEqual(self.web(server, "/metrics", **{"X-Forwarded-For": "192.0.2.1"})[0], 404)
            token = server.folder / "token"
            token.write_text("3c1f0c8ab1d7f2e4\n")
            server.extra["metrics"] = {"from": [], "token_file": token}
            server.write_config()
            server.must("reload")
            self.assertEqual(self.web(server, "/metrics")[0], 404)
            self.assertEqual(self.web(server, "/readyz", Authorization="Bearer 3c1f0c8ab1d7f2e5")[0], 404)
            self.assertEqual(self.web(server, "/readyz", Authorization="Bearer 3c1f0c8ab1d7f2e4"), (200, "ready\n"))
            self.assertEqual(self.web(server, "/readyz", "http", Authorization="Bearer 3c1f0c8ab1d7f2e4")[0], 404, "seen by all")

    def test_promtool(self):
        promtool = shutil.which("promtool") or PEERS / "bin/promtool"
        if not pathlib.Path(promtool).exists():
            if os.environ.get("PROGRAMS_ALL"):
                self.fail("promtool is not there: tools/peers prometheus")
            self.skipTest("promtool is large: make test-programs has it")

        def run(*words, text=""):
            done = subprocess.run([str(promtool), *map(str, words)], input=text, text=True, capture_output=True, timeout=120)
            self.assertEqual(done.returncode, 0, f"{words}:\n{done.stdout}{done.stderr}")

        run("check", "metrics", text=self.server.must("metrics"))
        run("check", "rules", MONITORING / "paquebot.rules.yml")
        run("test", "rules", SOURCE / "tests/monitoring/paquebot_rules_test.yml")


if __name__ == "__main__":
    unittest.main()
