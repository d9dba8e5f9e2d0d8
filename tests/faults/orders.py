"""An operator beside the soak's load: accounts that come and go with the mail in them and on its way to them, aliases, reloads.

Orders come at any time, also while the server is killed under them or is not there at all; then they may fail, and nobody knows what
became of them. While the server stands, none may fail.
"""

import contextlib
import os
import random
import signal
import subprocess
import threading
import time

from clock import ClockServer
from server import SECRET

TEMPS = [f"temp{number}@example.test" for number in range(3)]
CREW = "crew@example.test"
SECONDS = 60  # that a command may take


class OrderedServer(ClockServer):
    """Its configuration is what an operator made of it. Commands without it may have the store when it wants to start."""

    def write_config(self):
        if not self.config.exists():
            super().write_config()

    def change_config(self, change):
        fresh = self.config.with_suffix(".new")
        fresh.write_text(change(self.config.read_text()))
        fresh.replace(self.config)

    def start(self, command=None):
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                return super().start(command)
            except RuntimeError as refused:
                self.process.stderr.close()
                if " is held by " not in str(refused) or time.monotonic() > deadline:
                    raise


class Operator:
    """`gate`: what is done passes through it. `gone` of the soak learns what may be gone with an account."""

    def __init__(self, server, ledger, gate, gone, seed):
        self.server, self.ledger, self.gate, self.gone = server, ledger, gate, gone
        self.chance, self.problems = random.Random(seed), []
        self.there = dict.fromkeys((*TEMPS, CREW))  # None: nobody knows
        self.before = {}      # what an account that is gone had: it must not be in the next one of that name
        self.removed = 0
        self.lock, self.falls, self.standing = threading.Lock(), 0, True

    # --- whether the server stands ---------------------------------------------------------------

    @contextlib.contextmanager
    def falling(self):
        """While the server is killed and comes up again."""
        with self.lock:
            self.falls, self.standing = self.falls + 1, False
        yield
        with self.lock:
            self.standing = True

    def watch(self):
        with self.lock:
            return self.falls if self.standing else None

    def order(self, *words, **options):
        """True, False, or (since the server fell meanwhile) None: nobody knows."""
        before = self.watch()
        try:
            done = self.server.cli(*words, seconds=SECONDS, **options)
            failed = f"{' '.join(words)} ended with {done.returncode}: {done.stdout}{done.stderr}" if done.returncode else None
        except subprocess.TimeoutExpired:
            failed = f"{' '.join(words)} took more than {SECONDS} s"
        if failed is None:
            return True
        if before is None or self.watch() != before:
            return None
        self.problems.append(failed)
        return False

    # --- orders ----------------------------------------------------------------------------------

    def run(self, running):
        for login in TEMPS:
            self.account(login)
        while running():
            time.sleep(self.chance.uniform(0.05, 0.5))
            with self.gate:
                self.chance.choice((self.some_account, self.some_account, self.alias, self.reload))()

    def some_account(self):
        self.account(self.chance.choice(TEMPS))

    def account(self, login):
        if self.there[login] is None:
            self.there[login] = self.listed("account", "list", login)
        elif self.there[login]:
            self.remove(login)
        else:
            done = self.order("account", "add", login, password=SECRET)
            self.there[login] = True if done else done

    def remove(self, login):
        """What was written to it or by it until now may be gone, with the reports about it."""
        had = {one.number for one in list(self.ledger.sent) if login in one.local and one.code == 250 and one.attempts == 1 and not one.options}
        done = self.order("account", "remove", login, "--yes")
        for one in list(self.ledger.sent):
            if login == one.sender or login in one.local:
                self.gone.update((one.number, recipient) for recipient in one.bad + one.local)
        self.there[login] = False if done else None
        if done:
            self.before[login] = had
            self.removed += 1

    def alias(self):
        if self.there[CREW] is None:
            self.there[CREW] = self.listed("alias", "list", CREW)
        elif self.there[CREW]:
            self.there[CREW] = None if self.order("alias", "remove", CREW) is None else False
        else:
            self.there[CREW] = self.order("alias", "add", CREW, "bob@example.test")

    def listed(self, *words):
        done = self.server.cli(*words[:-1], seconds=SECONDS)
        return words[-1] in done.stdout if done.returncode == 0 else None

    def reload(self):
        """By the command or the signal; more connections of one address, or fewer."""
        change = self.chance.choice((("= 200\n", "= 250\n"), ("= 250\n", "= 200\n")))
        self.server.change_config(lambda text: text.replace("connections_per_address " + change[0], "connections_per_address " + change[1]))
        if self.chance.random() < 0.5:
            self.order("reload")
            return
        with self.lock:  # a server that stands is not killed meanwhile
            if self.standing:
                os.kill(self.server.pid, signal.SIGHUP)

    # --- the end ---------------------------------------------------------------------------------

    def settle(self):
        """What is there in the end is known, and the accounts are there."""
        for login in TEMPS:
            while not self.there[login]:
                self.account(login)
        return TEMPS

    def came_back(self, login, numbers):
        return [f"message {number} is in an account {login} that was made after it" for number in sorted(self.before.get(login, set()) & numbers)]
