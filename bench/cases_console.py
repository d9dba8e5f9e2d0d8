"""The console of a server with much in it, in a browser: times until one can go on."""

import json
import pathlib
import shutil
import subprocess
import time

import measure
import world
from servers import DOMAIN, PASSWORD, Job, Paquebot, free_port, table

WAITING, ACCOUNTS, DESTINATIONS, PAGES = 1_000_000, 100_000, 50, 20
QUICK_WAITING, QUICK_ACCOUNTS = 20_000, 2_500
FIRST_LOAD = 150 * 1024  # octets
MODULES = world.PEERS / "npm/node_modules"
TIMES = pathlib.Path(__file__).resolve().parent / "tools/console_times.mjs"
OPERATOR = f"u0@{DOMAIN}"


class Consoled(Paquebot):
    """Ours with a console, and with messages and accounts in its store."""

    def __init__(self, job, waiting, accounts):
        super().__init__(job)
        self.http_port, self.waiting, self.accounts = free_port(), waiting, accounts

    def toml(self):
        http = {"role": "http", "address": f"127.0.0.1:{self.http_port}", "tls": "none", "redirect": False}
        return super().toml() + "\n" + table("listener", http, double=True)

    def prepare(self):
        super().prepare()
        self.fill("--directory", self.data, "--mode", "accounts", "--domain", "people.test", "--count", self.accounts)
        for number in range(DESTINATIONS):
            name = f"d{number}.test"
            self.fill("--directory", self.data, "--mode", "waiting", "--destination", name, "--domain", name,
                      "--count", self.waiting // DESTINATIONS, "--size", 300)
        self.hand_over()
        self.cli("right", "add", OPERATOR, "--operator")


def look(server):
    told = json.dumps({"base": f"http://127.0.0.1:{server.http_port}", "login": OPERATOR, "password": PASSWORD, "modules": str(MODULES),
                       "chromium": shutil.which("chromium"), "pages": PAGES})
    done = subprocess.run(["node", str(TIMES)], input=told, stdout=subprocess.PIPE, text=True, check=True, timeout=600)
    return json.loads(done.stdout)


def console(results, plan):
    """Ours only: chromium on a CPU of its own, an operator's session. A time ends when what was asked for is on the page and no task of 50 ms or more
    runs. "The next page" is pressed 19 times a round, in a list that is 20 pages long or longer."""
    if shutil.which("chromium") is None or shutil.which("node") is None or not (MODULES / "playwright-core").is_dir():
        raise RuntimeError("chromium, node or playwright-core is missing: tools/setup programs, tools/modules")
    waiting, accounts = (QUICK_WAITING, QUICK_ACCOUNTS) if plan.quick else (WAITING, ACCOUNTS)
    began = time.monotonic()
    server = Consoled(Job("pop3"), waiting, accounts)
    server.prepare()
    results.note(f"{waiting:,} messages wait for {DESTINATIONS} destinations, and there are {accounts:,} accounts: "
                 f"filled in {time.monotonic() - began:.0f} s")
    with server:
        measure.settle()
        for _ in range(plan.rounds):
            told = look(server)
            for cell, times in told["interactive"].items():
                for value in times:
                    results.add("interactive", cell, server.name, value)
            results.add("frame", "Queue, message by message, scrolled to its end", server.name, told["frame"])
            results.add("rows", "at most", server.name, told["rows"])
            results.add("load", "first load", server.name, told["octets"] / 1024)
        results.cell_done("Queue, by destination")
        results.settings["paquebot"] = server.settings()
    slowest = {cell: max(values[server.name]) for cell, values in results.values["interactive"].items()}
    results.note("slowest of all rounds: " + ", ".join(f"{cell} {value:.0f} ms" for cell, value in slowest.items()))
    if told["octets"] > FIRST_LOAD:
        raise AssertionError(f"the first load has {told['octets']} octets: more than {FIRST_LOAD}")
