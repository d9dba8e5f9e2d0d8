"""Counting and delaying the calls that wait for the disk, in every program alike: bench/tools/sync_shim.cc, preloaded by the
loader's own file in the bench's private /etc, so that programs that change their user or run set-uid have it too."""

import contextlib
import mmap
import pathlib
import struct

import world

FILE = pathlib.Path("/run/paquebot-bench/sync")
PRELOAD = pathlib.Path("/etc/ld.so.preload")
NAMES = ("fsync", "fdatasync", "sync_file_range", "msync", "syncfs", "sync")


class Syncs:
    """Programs started while it is entered are counted and delayed, until they end."""

    def __enter__(self):
        FILE.write_bytes(bytes(8 * (1 + len(NAMES))))
        FILE.chmod(0o666)
        with FILE.open("r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 0)
        shim = pathlib.Path("/run/paquebot-bench/sync_shim.so")
        shim.write_bytes((world.TOOLS / "sync_shim.so").read_bytes())
        shim.chmod(0o755)
        PRELOAD.write_text(f"{shim}\n")
        return self

    def __exit__(self, *failure):
        PRELOAD.unlink()
        self.delay(0)
        self.memory.close()

    def delay(self, milliseconds):
        self.memory[:8] = struct.pack("<Q", milliseconds * 1000)

    def counts(self):
        """{call: how often} since it was entered."""
        return dict(zip(NAMES, struct.unpack(f"<{len(NAMES)}Q", self.memory[8:])))

    @contextlib.contextmanager
    def counted(self):
        """Gives a dictionary that holds the calls made inside, once it is left."""
        before, found = self.counts(), {}
        yield found
        found.update({name: count - before[name] for name, count in self.counts().items()})
