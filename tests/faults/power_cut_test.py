"""The power goes: images of the disk at that moment keep every promise, also under the real server; with syncing switched off they
must not, or this suite would prove nothing.

FAULTS_FULL=1: at every record of the log; otherwise at a sample (FAULTS_SEED).
"""

import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from server import Server
from sweep import JOBS

FULL = os.environ.get("FAULTS_FULL") == "1"
SEED = os.environ.get("FAULTS_SEED", "4")
PROGRAM = pathlib.Path(os.environ.get("PAQUEBOT_POWER_CUT", "build/release/tests/faults/power_cut")).resolve()
ANNA, SECRET = "anna@example.test", "secret of anna"
SERVED = None if FULL else 4  # how many of the images that were kept, each tenth


class PowerCutTest(unittest.TestCase):
    def setUp(self):
        place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="paquebot-cut-", dir=place))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def cut(self, mode, *words):
        (self.folder / "work").mkdir()
        done = subprocess.run([str(PROGRAM), mode, str(self.folder / "work"), "--seed", SEED, *map(str, words)], capture_output=True,
                              text=True, timeout=3000, check=False)
        shutil.rmtree(self.folder / "work")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_every_promise_is_kept(self):
        found = self.cut("sweep", "--rounds", 12, "--every", 1 if FULL else 25, "--save", self.folder)
        self.assertEqual(found["problems"], [])
        self.assertGreater(found["promises"], 20)
        step = max(1, found["saved"] // SERVED) if SERVED else 1
        with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
            served = list(pool.map(self.serve, [self.folder / str(n) for n in range(0, found["saved"], step)]))
        print(f"{found['cuts']} cuts, {found['images']} images, {len(served)} of them under the real server")

    def serve(self, folder):
        """The real server on such an image: all that was acknowledged can be read or traced, and mail comes in."""
        server = Server(accounts={}, folder=folder)
        server.prepared = True
        with server:
            for ident in (folder / "accepted").read_text().split():
                states = {r["address"]: r["state"] for r in server.trace(ident)["recipients"]}
                self.assertEqual(states[ANNA], "in mailbox")
            before = len(server.mail(ANNA, SECRET))
            server.send("x@y.test", [ANNA], "Subject: after\r\n\r\nafter the cut\r\n")
            self.assertEqual(len(server.mail(ANNA, SECRET)), before + 1)
            self.assertEqual(server.findings(), [])
            server.stop(kill=True)  # its queue has a place that nobody can reach
            self.assertEqual(server.findings(), [])
        return folder

    def test_without_syncing_promises_are_broken(self):
        found = self.cut("sweep", "--rounds", 12, "--every", 1 if FULL else 40, "--no-sync")
        self.assertGreater(found["broken"], 0)
        self.assertTrue(any("is lost" in line or "can't be opened" in line for line in found["problems"]), found["problems"])
        print(f"negative control: {found['broken']} of {found['images']} images are broken without syncing")

    def test_a_failed_sync_then_a_kill_then_new_mail_then_the_cut(self):
        found = self.cut("story", "--rounds", 5, "--every", 2 if FULL else 12)
        self.assertEqual(found["problems"], [])
        print(f"failed syncs: {found['cuts']} cuts, {found['images']} images")


if __name__ == "__main__":
    unittest.main()
