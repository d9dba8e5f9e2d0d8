"""A server whose wall clock a test sets, also while it runs."""

import os
import pathlib
import struct

from server import Server

SHIM = pathlib.Path(os.environ.get("PAQUEBOT_SHIM", "build/release/tests/faults/fault_shim.so")).resolve()
DAY = 86400


class ClockServer(Server):
    """The commands have the same clock."""

    def __init__(self, **options):
        super().__init__(**options)
        self.ahead = self.folder / "ahead"
        self.jump(0)

    def environment(self, **more):
        return super().environment(LD_PRELOAD=str(SHIM), FAULT_CLOCK=str(self.ahead), **more)

    def jump(self, days):
        """From now on it is so many days ahead."""
        octets = struct.pack("<q", round(days * DAY))
        if not self.ahead.exists():
            self.ahead.write_bytes(octets)
            return
        with self.ahead.open("r+b") as file:  # the file stays: it is mapped
            file.write(octets)
