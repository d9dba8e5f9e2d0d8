"""The recipes of docs/testing.md, each run as it stands there; and npm's client of Mailpit's API against the sink.

pytest is Debian's. What is npm's runs in `make test-programs` only, which fetches it (tools/modules)."""

import http.server
import os
import pathlib
import re
import shutil
import smtplib
import subprocess
import tempfile
import threading
import unittest
import urllib.parse

from server import BINARY, PEERS, SOURCE
from sink_test import Sink

MODULES = PEERS / "npm-sink/node_modules"
CHROMIUM = shutil.which("chromium")
PROGRAMS = os.environ.get("PROGRAMS_ALL")


def recipe(folder, heading):
    """Writes the files of a section into the folder."""
    text = (SOURCE / "docs/testing.md").read_text(encoding="utf-8")
    section = re.search(rf"^## {heading}$(.*?)(?=^## |\Z)", text, re.M | re.S)[1]
    files = re.findall(r"`([\w.]+\.(?:py|js))`[^`]*\n\n```\w+\n(.*?)^```$", section, re.M | re.S)
    for name, content in files:
        (pathlib.Path(folder) / name).write_text(content, encoding="utf-8")
    return [name for name, _ in files]


class Application(http.server.BaseHTTPRequestHandler):
    """A program under test: whoever signs up gets a mail with a link."""
    smtp = None

    def page(self, html):
        content = f"<!doctype html><title>Shop</title>{html}".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self):
        if self.path.startswith("/confirm"):
            return self.page("<h1>Welcome</h1>")
        return self.page("<form method=post><label>Address <input name=address></label><button>Sign up</button></form>")

    def do_POST(self):
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        link = f"http://127.0.0.1:{self.server.server_port}/confirm?k=9f2c"
        with smtplib.SMTP("127.0.0.1", self.smtp, timeout=30) as client:
            client.sendmail("shop@example.org", form["address"],
                            f"Subject: Welcome\r\nContent-Type: text/html\r\n\r\n<a href='{link}'>Confirm</a><script>document.body.remove()</script>\r\n")
        self.page("<p>Look at your mail.</p>")

    def log_message(self, *_):
        pass


class RecipeCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_in(self, command, seconds=240, **environment):
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=seconds,
                              env={**os.environ, "HOME": str(self.folder), **environment})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout + done.stderr


class PytestTest(RecipeCase):
    def test_recipe(self):
        self.assertEqual(recipe(self.folder, "pytest"), ["conftest.py", "test_signup.py"])
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        (self.folder / "bin").mkdir()
        (self.folder / "bin/paquebot").symlink_to(BINARY)
        said = self.run_in(["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider"], PATH=path)
        self.assertIn("2 passed", said)


@unittest.skipUnless(PROGRAMS, "npm's programs are for `make test-programs`")
class ProgramsTest(RecipeCase):
    def setUp(self):
        super().setUp()
        self.assertTrue(MODULES.exists(), "tools/modules sink")
        self.sink = Sink()
        self.addCleanup(self.sink.close)
        self.where = {"SINK_SMTP": self.sink.ready["smtp"][0], "SINK_HTTP": self.sink.ready["http"][0], "NODE_PATH": str(MODULES)}

    def modules(self, text):
        (self.folder / "package.json").write_text(text, encoding="utf-8")
        (self.folder / "node_modules").symlink_to(MODULES)

    def test_mailpit_api(self):
        said = self.run_in(["node", SOURCE / "tests/support/judge_mailpit.js", MODULES, self.where["SINK_HTTP"], self.where["SINK_SMTP"]])
        self.assertIn("mailpit-api agrees", said)

    def test_jest_recipe(self):
        self.modules('{"name": "recipe"}')
        self.assertEqual(recipe(self.folder, "Jest"), ["signup.test.js"])
        said = self.run_in(["node", MODULES / "jest/bin/jest.js", "--watchman=false"], **self.where)
        self.assertIn("2 passed", said)

    def test_playwright_recipe(self):
        self.modules('{"name": "recipe"}')
        self.assertEqual(recipe(self.folder, "Playwright"), ["signup.spec.js"])
        launch = {"executablePath": CHROMIUM, "args": ["--no-sandbox"]}
        (self.folder / "playwright.config.js").write_text(f"module.exports = {{ use: {{ launchOptions: {launch!r} }} }};\n", encoding="utf-8")
        Application.smtp = self.sink.port["smtp"]
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Application)
        self.addCleanup(server.server_close)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        said = self.run_in(["node", MODULES / "@playwright/test/cli.js", "test", "--reporter=line"],
                           APP_URL=f"http://127.0.0.1:{server.server_port}", **self.where)
        self.assertIn("1 passed", said)


if __name__ == "__main__":
    unittest.main()
