"""The book of what IMAP clients were promised of their messages, a client that keeps it, and the judge of a mailbox.

Every message has a mark of its own in a field, and one client that changes it. What a client begins is written down before, as one
more state that may be; what was acknowledged is the only one. Flags that several clients set on messages that stay where they are
(each its own keyword) are a part of the book of their own. A copy has the mark of what it was copied from: the book has it beside that.
"""

import re
import socket
import threading

BROKEN = (OSError, EOFError)
FETCHED = re.compile(rb"\* \d+ FETCH \(")
MARK = re.compile(rb"X-Ledger: (\S+)", re.I)
GONE = None  # the state of a message that is nowhere; else (box, uid or None when nobody knows, flags)


def numbers(text):
    """Those of a sequence-set."""
    found = []
    for part in text.split(","):
        first, _, last = part.partition(":")
        found += range(int(first), int(last or first) + 1)
    return found


def ranges(uids):
    return ",".join(str(uid) for uid in sorted(uids))


class Refused(Exception):
    """A NO or BAD where only OK is right, once no fault can explain it."""


class Copy:
    """Of a message, in a mailbox. `uid`, `flags`: None when nobody knows. `lost`: it may be nowhere."""

    def __init__(self, box, flags):
        self.box, self.uid, self.flags, self.lost = box, None, flags, True

    def fits(self, place):
        return self.box == place[0] and self.uid in (None, place[1]) and self.flags in (None, place[2])


class Book:
    def __init__(self):
        self.lock = threading.Lock()
        self.states = {}       # mark: states that may be
        self.copies = {}       # mark: its copies
        self.modseqs = {}      # mark: the modseq that was told with its last state, when it was
        self.validity = {}     # box: UIDVALIDITY
        self.given = {}        # (box, uid): mark
        self.highest = {}      # box: the highest modseq that was told
        self.keywords = {}     # (mark, keyword): the truths that may be
        self.problems = []

    def may(self, mark, state):
        with self.lock:
            self.states.setdefault(mark, {GONE}).add(state)
            self.modseqs.pop(mark, None)

    def sure(self, mark, state, modseq=None):
        with self.lock:
            self.states[mark] = {state}
            self.modseqs[mark] = modseq
            if state is not GONE and state[1] is not None:
                other = self.given.setdefault((state[0], state[1]), mark)
                if other != mark:
                    self.problems.append(f"uid {state[1]} of {state[0]} was given to {other} and to {mark}")
            if state is not GONE and modseq is not None:
                self.highest[state[0]] = max(modseq, self.highest.get(state[0], 0))

    def saw_validity(self, box, validity):
        with self.lock:
            if self.validity.setdefault(box, validity) != validity:
                self.problems.append(f"{box} has UIDVALIDITY {validity}, it was {self.validity[box]}")

    def known(self, marks, box):
        """{mark: state} of those whose state is sure, and in this mailbox."""
        with self.lock:
            sure = {mark: next(iter(self.states[mark])) for mark in marks if len(self.states.get(mark, ())) == 1}
        return {mark: state for mark, state in sure.items() if state is not GONE and state[0] == box and state[1] is not None}

    def fits(self, mark, found):
        """Whether a message may be as it was found: (box, uid, flags, modseq) or None."""
        if found is None:
            return GONE in self.states[mark]
        told = self.modseqs.get(mark)
        if told is not None and told != found[3]:
            return False
        return any(state is not GONE and state[0] == found[0] and state[1] in (None, found[1]) and state[2] == found[2]
                   for state in self.states[mark])

    def copied(self, mark, box, flags):
        """One that is begun."""
        copy = Copy(box, flags)
        with self.lock:
            self.states.setdefault(mark, {GONE})
            self.copies.setdefault(mark, []).append(copy)
        return copy

    def sure_copy(self, mark, copy, uid):
        """`uid` None: it is gone."""
        with self.lock:
            if uid is None:
                self.copies[mark].remove(copy)
                return
            copy.uid, copy.lost = uid, False
            other = self.given.setdefault((copy.box, uid), mark)
            if other != mark:
                self.problems.append(f"uid {uid} of {copy.box} was given to {other} and to {mark}")

    def explain(self, mark, places):
        """(the place of the message itself or None, {copy: its place}), or None when no promise allows what was found."""
        for own in [*places, None]:
            if not self.fits(mark, own):
                continue
            left, found = [place for place in places if place is not own], {}
            for copy in self.copies.get(mark, ()):
                if place := next((place for place in left if copy.fits(place)), None):
                    left.remove(place)
                    found[copy] = place
                elif not copy.lost:
                    break
            else:
                if not left:
                    return own, found
        return None

    def check(self, boxes, listings):
        """A line for each promise that is broken. `listings`: {box: Listing}."""
        problems, found = list(self.problems), {}
        for box, listing in listings.items():
            if self.validity.get(box, listing.validity) != listing.validity:
                problems.append(f"{box} has another UIDVALIDITY")
            if listing.highest < self.highest.get(box, 0):
                problems.append(f"HIGHESTMODSEQ of {box} went back from {self.highest[box]} to {listing.highest}")
            for uid, one in listing.messages.items():
                found.setdefault(one.mark, []).append((box, uid, one.flags, one.modseq))
                if uid >= listing.uidnext or one.modseq > listing.highest:
                    problems.append(f"uid {uid} of {box} is beyond {listing.uidnext} or {one.modseq} beyond {listing.highest}")
                if (box, uid) in self.given and self.given[box, uid] != one.mark:
                    problems.append(f"uid {uid} of {box} was {self.given[box, uid]}, and is {one.mark}")
        common = {mark for mark, _ in self.keywords}
        for mark, places in found.items():
            if len(places) > 1 and mark not in self.copies:
                problems.append(f"{mark} is there {len(places)} times: {places}")
            if mark in common:
                for (which, keyword), truths in self.keywords.items():
                    if which == mark and (keyword in places[0][2]) not in truths:
                        problems.append(f"{keyword} of {mark}: only {truths} may be, it has {sorted(places[0][2])}")
            elif mark not in self.states:
                problems.append(f"{places} has a message that nobody put there: {mark}")
        for mark in common - set(found):
            problems.append(f"{mark} is lost")
        for mark, states in self.states.items():
            there = found.get(mark, [])
            if mark not in common and self.explain(mark, there) is None:
                copies = [vars(copy) for copy in self.copies.get(mark, ())]
                problems.append(f"{mark} is {there}, and may only be {states} (modseq {self.modseqs.get(mark)}), copies {copies}")
        return problems


class Message:
    def __init__(self, mark, flags, modseq):
        self.mark, self.flags, self.modseq = mark, flags, modseq


class Listing:
    """A mailbox as a fresh SELECT and a FETCH of all show it."""

    def __init__(self, validity, uidnext, highest):
        self.validity, self.uidnext, self.highest, self.messages = validity, uidnext, highest, {}

    def flags(self):
        return {uid: one.flags for uid, one in self.messages.items()}


class ImapClient:
    """A session that asks for QRESYNC. Replies are octets; literals stand in their lines."""

    def __init__(self, port, login, secret, timeout=20):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        try:
            self.file = self.socket.makefile("rb")
            self.line()
            self.number, self.box, self.uids = 0, None, set()
            self.must(f'LOGIN {login} "{secret}"')
            self.must("ENABLE QRESYNC")
        except BaseException:
            self.close()
            raise

    def close(self):
        if hasattr(self, "file"):
            self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.close()

    # --- the wire ------------------------------------------------------------------------------

    def line(self):
        whole = self.file.readline()
        if not whole.endswith(b"\r\n"):
            raise EOFError("the server closed")
        while literal := re.search(rb"\{(\d+)\}\r\n$", whole):
            octets = self.file.read(int(literal[1]))
            rest = self.file.readline()
            if len(octets) != int(literal[1]) or not rest.endswith(b"\r\n"):
                raise EOFError("the server closed")
            whole += octets + rest
        return whole

    def ask(self, text, literal=None):
        """Untagged lines, and the one with the tag behind it."""
        self.number += 1
        tag = b"t%d" % self.number
        command = tag + b" " + text.encode()
        if literal is not None:
            command += b" {%d+}\r\n" % len(literal) + literal
        self.socket.sendall(command + b"\r\n")
        lines = []
        while not (line := self.line()).startswith(tag + b" "):
            self.notice(line)
            lines.append(line)
        return lines, line[len(tag) + 1:].decode()

    def must(self, text, literal=None):
        lines, end = self.ask(text, literal)
        if not end.startswith("OK"):
            raise Refused(f"{text}: {end}")
        return lines, end

    def notice(self, line):
        """Keeps what the session has told of the selected mailbox's messages by their uids."""
        if vanished := re.match(rb"\* VANISHED (?:\(EARLIER\) )?([\d:,]+)", line):
            self.uids -= set(numbers(vanished[1].decode()))
        elif FETCHED.match(line) and (uid := re.search(rb"UID (\d+)", line)):
            self.uids.add(int(uid[1]))

    # --- reading -------------------------------------------------------------------------------

    def select(self, box, resync=None):
        """The lines, and what they say of it as an empty Listing."""
        self.uids = set()
        lines, _ = self.must(f"SELECT {box}" + (f" (QRESYNC ({resync[0]} {resync[1]}))" if resync else ""))
        text = b"".join(lines)
        self.box = box
        return lines, Listing(*(int(re.search(rb"\[%s (\d+)" % word, text)[1]) for word in (b"UIDVALIDITY", b"UIDNEXT", b"HIGHESTMODSEQ")))

    def listing(self, box):
        _, listing = self.select(box)
        command = "UID FETCH 1:* (FLAGS MODSEQ BODY.PEEK[HEADER.FIELDS (X-LEDGER)])"
        lines, end = self.ask(command)
        if not end.startswith("OK") and "[EXPUNGEISSUED]" not in end:  # others delete meanwhile
            raise Refused(f"{command}: {end}")
        for line in lines:
            if FETCHED.match(line) and MARK.search(line):
                uid, flags, modseq = self.facts(line)
                listing.messages[uid] = Message(MARK.search(line)[1].decode(), flags, modseq)
        return listing

    @staticmethod
    def facts(line):
        """(uid, flags, modseq) of a FETCH."""
        uid, flags, modseq = re.search(rb"UID (\d+)", line), re.search(rb"FLAGS \(([^)]*)\)", line), re.search(rb"MODSEQ \((\d+)\)", line)
        return int(uid[1]), frozenset(flags[1].decode().split()) if flags else None, int(modseq[1]) if modseq else None

    def resync(self, box, old):
        """{uid: flags} that a client has which knows the Listing `old` and asks for what is new (RFC 7162)."""
        lines, now = self.select(box, (old.validity, old.highest))
        known = old.flags() if now.validity == old.validity else {}
        for line in lines:
            if vanished := re.match(rb"\* VANISHED \(EARLIER\) ([\d:,]+)", line):
                for uid in numbers(vanished[1].decode()):
                    known.pop(uid, None)
            elif FETCHED.match(line):
                uid, flags, _ = self.facts(line)
                known[uid] = flags
        return known

    # --- changing, with the book ---------------------------------------------------------------

    def append(self, book, box, mark, flags=(), size=200):
        """True, or None when nobody knows. A NO is such a case: it says that the server can't tell that it is durable."""
        flags = frozenset(flags)
        book.may(mark, (box, None, flags))
        _, end = self.ask(f"APPEND {box} ({' '.join(sorted(flags))})", self.message(mark, size))
        return self.appended(book, mark, (box, flags), end)

    @staticmethod
    def message(mark, size):
        return f"Subject: {mark}\r\nX-Ledger: {mark}\r\n\r\n".encode() + (b"0123456789" * 7 + b"\r\n") * (size // 72 + 1)

    @staticmethod
    def appended(book, mark, where, told):
        box, flags = where
        done = re.match(r"(?:\* )?OK \[APPENDUID (\d+) (\d+)\]", told)
        if not done:
            return None
        book.saw_validity(box, int(done[1]))
        book.sure(mark, (box, int(done[2]), flags))
        return True

    def store(self, book, states, how, flags):
        """`states`: {mark: its sure state in the selected mailbox}. Gives the marks of which the answer told."""
        flags, after = set(flags), {}
        for mark, (box, uid, old) in states.items():
            new = {"+": old | flags, "-": old - flags, "": frozenset(flags)}[how]
            after[uid] = (mark, (box, uid, frozenset(new)))
            book.may(mark, after[uid][1])
        lines, end = self.ask(f"UID STORE {ranges(after)} {how}FLAGS ({' '.join(sorted(flags))})")
        told = {}
        for line in lines:
            if FETCHED.match(line):
                uid, found, modseq = self.facts(line)
                if uid in after and found is not None:
                    told[uid] = (found, modseq)
        if not end.startswith("OK"):
            return []
        for uid, (mark, state) in after.items():
            found, modseq = told.get(uid, (None, None))
            if found is not None and found != state[2]:
                with book.lock:
                    book.problems.append(f"STORE of {mark} told {sorted(found)}, not {sorted(state[2])}")
            book.sure(mark, state, modseq)
        return [mark for mark, _ in after.values()]

    def move(self, book, states, to):
        for mark, (_, _, flags) in states.items():
            book.may(mark, (to, None, flags))
        lines, end = self.ask(f"UID MOVE {ranges(state[1] for state in states.values())} {to}")
        done = re.search(rb"\[COPYUID (\d+) (\S+) (\S+)\]", b"".join(lines))
        if not end.startswith("OK") or not done:
            return
        book.saw_validity(to, int(done[1]))
        pairs = dict(zip(numbers(done[2].decode()), numbers(done[3].decode())))
        for mark, (_, uid, flags) in states.items():
            if uid not in pairs:
                with book.lock:
                    book.problems.append(f"MOVE to {to} did not tell what became of {mark}")
                continue
            book.sure(mark, (to, pairs[uid], flags))

    def replace(self, book, old, state, mark, to, flags=(), size=200):
        """Another message instead of `old` (RFC 8508). Both may be there for a while."""
        flags = frozenset(flags)
        book.may(mark, (to, None, flags))
        book.may(old, GONE)
        lines, end = self.ask(f"UID REPLACE {state[1]} {to} ({' '.join(sorted(flags))})", self.message(mark, size))
        for told in [*(line.decode("latin-1") for line in lines), end]:
            self.appended(book, mark, (to, flags), told)
        if end.startswith("OK"):
            book.sure(old, GONE)

    def copy(self, book, states, to):
        copies = {mark: book.copied(mark, to, flags) for mark, (_, _, flags) in states.items()}
        lines, end = self.ask(f"UID COPY {ranges(state[1] for state in states.values())} {to}")
        done = re.search(r"\[COPYUID (\d+) (\S+) (\S+)\]", end)
        if not end.startswith("OK") or not done:
            return
        book.saw_validity(to, int(done[1]))
        pairs = dict(zip(numbers(done[2]), numbers(done[3])))
        for mark, (_, uid, _) in states.items():
            if uid not in pairs:
                with book.lock:
                    book.problems.append(f"COPY to {to} did not tell what became of {mark}")
                continue
            book.sure_copy(mark, copies[mark], pairs[uid])

    def drop_copy(self, book, mark, copy):
        """Of the selected mailbox."""
        with book.lock:
            copy.lost, copy.flags = True, None
        _, end = self.ask(f"UID STORE {copy.uid} +FLAGS.SILENT (\\Deleted)")
        if end.startswith("OK"):
            _, end = self.ask(f"UID EXPUNGE {copy.uid}")
            if end.startswith("OK"):
                book.sure_copy(mark, copy, None)

    def expunge(self, book, states):
        """Those that have \\Deleted already."""
        for mark in states:
            book.may(mark, GONE)
        _, end = self.ask(f"UID EXPUNGE {ranges(state[1] for state in states.values())}")
        if end.startswith("OK"):
            for mark in states:
                book.sure(mark, GONE)

    def delete(self, book, states):
        done = self.store(book, states, "+", [r"\Deleted"])
        if sure := book.known(done, self.box):
            self.expunge(book, sure)

    def set_keyword(self, book, marks_to_uids, keyword, truth):
        """Of messages that others have keywords at, too."""
        with book.lock:
            for mark in marks_to_uids:
                book.keywords[mark, keyword] = book.keywords[mark, keyword] | {truth}
        _, end = self.ask(f"UID STORE {ranges(marks_to_uids.values())} {'+' if truth else '-'}FLAGS.SILENT ({keyword})")
        if end.startswith("OK"):
            with book.lock:
                for mark in marks_to_uids:
                    book.keywords[mark, keyword] = {truth}
