"""A PostgreSQL server for a test: its own, in a temporary folder, on a local socket."""

import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import unittest


def programs():
    """The folder of the newest installed version, or None."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    return found[-1].parent if found else None


class Postgres:
    def __init__(self):
        self.programs = programs()
        if self.programs is None:
            raise unittest.SkipTest("PostgreSQL is not installed (tools/setup test)")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="paquebot-pg-"))
        self.user = None
        if os.geteuid() == 0:  # it does not run as root
            self.user = pwd.getpwnam("postgres")
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        self.folder.chmod(0o755)
        self.process = None

    def __enter__(self):
        self.run("initdb", "-D", self.folder / "data", "-U", "paquebot", "--auth=trust", "--encoding=SQL_ASCII", "--locale=C",
                 "--no-sync")
        self.start()
        self.run("createdb", "-h", self.folder, "-U", "paquebot", "mail")
        return self

    def __exit__(self, *failure):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def as_user(self):
        return {} if self.user is None else {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}

    def run(self, program, *words):
        done = subprocess.run([self.programs / program, *map(str, words)], capture_output=True, text=True, cwd=self.folder,
                              **self.as_user())
        if done.returncode != 0:
            raise AssertionError(f"{program} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [self.programs / "postgres", "-D", self.folder / "data", "-k", self.folder, "-c", "listen_addresses=", "-c",
                 "fsync=off", "-c", "max_connections=60"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                **self.as_user())
        ready = [self.programs / "pg_isready", "-q", "-h", str(self.folder), "-U", "paquebot", "-d", "postgres"]
        for _ in range(600):
            if subprocess.run(ready).returncode == 0:
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise AssertionError("the database server does not start:\n" + (self.folder / "log").read_text(errors="replace"))

    def stop(self, number=signal.SIGQUIT):
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(60)
            self.process = None

    @property
    def url(self):
        return f"postgresql://paquebot@/mail?host={self.folder}"
