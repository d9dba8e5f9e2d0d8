"""The tests' name server (tests/support/dns_server.py) with a zone that can be changed while it runs.

    with Dns("peer.test MX 10 mx.peer.test", "mx.peer.test A 127.0.0.2") as dns:
        ... dns.address ...
        dns.add("other.test SERVFAIL")
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import threading

from server import SOURCE

PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable


class Dns:
    def __init__(self, *records, ttl=1):
        self.records, self.ttl = list(records), ttl
        self.folder, self.process, self.address = None, None, None

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="paquebot-dns-")
        self.zone = pathlib.Path(self.folder.name) / "zone"
        self.questions = pathlib.Path(self.folder.name) / "questions"
        self._write()
        words = [PYTHON, str(SOURCE / "tests/support/dns_server.py"), str(self.zone), "--ttl", str(self.ttl),
                 "--questions", str(self.questions)]
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().strip()
        if not self.address:
            self.process.wait()
            raise RuntimeError("the name server did not start")
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        return self

    def __exit__(self, *failure):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()

    def _write(self):
        fresh = self.zone.with_suffix(".new")
        fresh.write_text("".join(record + "\n" for record in self.records))
        fresh.replace(self.zone)

    def add(self, *records):
        self.records += records
        self._write()

    def remove(self, *names):
        """Forgets all records of these names."""
        self.records = [record for record in self.records if record.split()[0] not in names]
        self._write()

    def asked(self):
        """The questions so far, as "NAME TYPE udp|tcp"."""
        return self.questions.read_text().splitlines() if self.questions.exists() else []
