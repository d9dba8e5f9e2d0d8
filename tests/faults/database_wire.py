"""Between a server and its database: a proxy that knows PostgreSQL's messages, and ends a connection at one of them.

    with Wire(database_folder, database_port) as wire:       # wire.folder, wire.port: where a client finds it
        with wire.counted() as places: ...                    # every message to the database meanwhile, as a Place
        with wire.cut([Cut(place, after=False)]) as cuts: ... # cuts.done: how many of them were made, one after the other

A message is known by what it is about, not by its number: other connections speak at the same time.
"""

import collections
import contextlib
import dataclasses
import pathlib
import shutil
import socket
import struct
import tempfile
import threading

NAMES = {"P": "Parse", "B": "Bind", "D": "Describe", "E": "Execute", "S": "Sync", "H": "Flush", "Q": "Query", "C": "Close", "X": "Terminate"}
WAITED_FOR = ("Sync", "Query")  # that a server answers with "ready"
PATIENCE = 30  # seconds that the database has for an answer


@dataclasses.dataclass(frozen=True)
class Place:
    """The n-th message of this kind about this statement since counting began, on connections that do the same (`role`)."""
    role: str
    statement: str
    kind: str
    number: int

    def __str__(self):
        return f"{self.kind} {self.number} of {self.role}: {self.statement[:150]}"


@dataclasses.dataclass(frozen=True)
class Cut:
    """`after`: the database has got the message, and has done what it says, but nobody hears so. `statement` of the place may be the beginning
    of one that ends in "…", and number 0 is whichever comes next."""
    place: Place
    after: bool

    def meets(self, place):
        mine = self.place
        if (mine.kind, mine.role) != (place.kind, place.role) or mine.number not in (0, place.number):
            return False
        return mine.statement == place.statement or (mine.statement.endswith("…") and place.statement.startswith(mine.statement[:-1]))

    def __str__(self):
        return ("after " if self.after else "before ") + str(self.place)


class Cuts:
    def __init__(self, cuts):
        self.left, self.made = list(cuts), []

    @property
    def done(self):
        return len(self.made)


class Wire:
    def __init__(self, folder, port):
        self.target = f"{folder}/.s.PGSQL.{port}"
        self.folder, self.port = pathlib.Path(tempfile.mkdtemp(prefix="paquebot-wire-")), port
        self.lock = threading.Lock()
        self.seen, self.places, self.cuts = collections.Counter(), None, None
        self.listener = socket.socket(socket.AF_UNIX)

    def __enter__(self):
        self.folder.chmod(0o755)
        path = self.folder / f".s.PGSQL.{self.port}"
        self.listener.bind(str(path))
        path.chmod(0o777)
        self.listener.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *failure):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            database = socket.socket(socket.AF_UNIX)
            try:
                database.connect(self.target)
            except OSError:
                client.close()
                database.close()
                continue
            Line(self, client, database)

    @contextlib.contextmanager
    def counted(self):
        places = []
        with self.lock:
            self.seen.clear()
            self.places = places
        try:
            yield places
        finally:
            with self.lock:
                self.places = None

    @contextlib.contextmanager
    def cut(self, cuts):
        mine = Cuts(cuts)
        with self.lock:
            self.seen.clear()
            self.cuts = mine
        try:
            yield mine
        finally:
            with self.lock:
                self.cuts = None

    def told(self, role, statement, kind):
        """A message is there: the Cut to be made at it, or None."""
        with self.lock:
            key = (role, statement, kind)
            self.seen[key] += 1
            place = Place(*key, self.seen[key])
            if self.places is not None:
                self.places.append(place)
            cuts = self.cuts
            if cuts is None or not cuts.left or not cuts.left[0].meets(place):
                return None
            made = cuts.left.pop(0)
            cuts.made.append(made)
            return made


class Line:
    """One connection. `role`: "reader", "pulse" (says that a node lives) or "writer", as far as its statements have shown."""

    def __init__(self, wire, client, database):
        self.wire, self.client, self.database = wire, client, database
        self.role, self.statements, self.about = "writer", {}, "connect"
        self.mute, self.ready = False, threading.Event()
        threading.Thread(target=self.upwards, daemon=True).start()
        threading.Thread(target=self.downwards, daemon=True).start()

    def end(self):
        for one in (self.client, self.database):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self.ready.set()

    def upwards(self):
        buffer, started = b"", False
        try:
            while octets := self.client.recv(1 << 18):
                buffer += octets
                while (size := self.size_of(buffer, started)) is not None:
                    message, buffer = buffer[:size], buffer[size:]
                    if not self.pass_on(message, started):
                        return
                    started = True
        except OSError:
            pass
        finally:
            self.end()
            self.client.close()

    @staticmethod
    def size_of(buffer, started):
        """Of the first message, whole; None while it isn't. The one that begins a connection has no kind in front."""
        head = 1 if started else 0
        if len(buffer) < head + 4:
            return None
        size = head + struct.unpack_from("!I", buffer, head)[0]
        return size if len(buffer) >= size else None

    def pass_on(self, message, started):
        kind = NAMES.get(chr(message[0]), chr(message[0])) if started else "Startup"
        self.understand(kind, message[5:])
        cut = None if kind == "Terminate" else self.wire.told(self.role, self.about, kind)
        if cut is None:
            self.database.sendall(message)
            return True
        if cut.after:
            self.ready.clear()
            self.mute = True
            self.database.sendall(message)
            if kind in WAITED_FOR:
                self.ready.wait(PATIENCE)
        return False

    def understand(self, kind, content):
        def text(at):
            end = content.index(b"\0", at)
            return content[at:end].decode(errors="replace"), end + 1
        if kind == "Query":
            self.about, _ = text(0)
            if "synchronous_commit TO off" in self.about:
                self.role = "pulse"
            if "default_transaction_read_only" in self.about:
                self.role = "reader"
        elif kind == "Parse":
            name, at = text(0)
            self.about, _ = text(at)
            self.statements[name] = self.about
        elif kind == "Bind":
            _, at = text(0)
            name, _ = text(at)
            self.about = self.statements.get(name, "?")

    def downwards(self):
        buffer = b""
        try:
            while octets := self.database.recv(1 << 18):
                if not self.mute:
                    self.client.sendall(octets)
                buffer += octets
                while (size := self.size_of(buffer, True)) is not None:
                    if buffer[:1] == b"Z":
                        self.ready.set()
                    buffer = buffer[size:]
        except OSError:
            pass
        finally:
            self.end()
            self.database.close()
