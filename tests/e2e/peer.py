"""A scriptable SMTP server: what it says to each command is up to the test, and it remembers what it was told.

    with Peer(address="127.0.0.2", port=port, replies={"RCPT": "450 4.2.1 later"}) as peer:
        ...
        peer.messages[0].data
    def script(session, verb, line):       # None: the usual reply; a text: that; CLOSE, HANG, ENDLESS
        return CLOSE if verb == "DATA" else None
    with Peer(script=script) as peer: ...
    with Peer(lmtp=True, replies={".": ["250 2.0.0 ok", "452 4.2.2 full", CLOSE]}) as peer: ...   # one for each recipient
"""

import dataclasses
import socket
import ssl
import threading

CLOSE, HANG, ENDLESS = object(), object(), object()
EXTENSIONS = ("PIPELINING", "SIZE 104857600", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES")


@dataclasses.dataclass
class Message:
    sender: str           # what was behind MAIL, with its parameters
    recipients: list      # what was behind each accepted RCPT, with its parameters
    data: bytes           # with dots unstuffed
    tls: bool
    session: int          # number of the connection
    chunks: int = 0       # BDAT commands it came by; 0: DATA


class Session:
    """One connection."""

    def __init__(self, peer, number, connection):
        self.peer, self.number, self.connection = peer, number, connection
        self.source = connection.getpeername()[0]
        self.file, self.tls, self.ended = connection.makefile("rb"), False, False
        self.sender, self.recipients, self.commands, self.chunks = None, [], [], []

    def run(self):
        try:
            if self.say(self.asked("CONNECT", "", f"220 {self.peer.name} ESMTP peer")):
                while not self.ended and (line := self.file.readline(8192)):
                    self.command(line.rstrip(b"\r\n").decode("utf-8", "replace"))
        except (OSError, ValueError, ssl.SSLError):
            pass
        finally:
            self.close()

    def close(self):
        """Both directions at once: the file beside the socket would keep it open."""
        for end in (lambda: self.connection.shutdown(socket.SHUT_RDWR), self.file.close, self.connection.close):
            try:
                end()
            except OSError:
                pass

    def asked(self, verb, line, usual):
        """The test's answer to a command, or the usual one."""
        answer = self.peer.script(self, verb, line) if self.peer.script else None
        if answer is None:
            answer = self.peer.replies.get(verb)
        return usual if answer is None else answer

    def say(self, reply):
        """Sends a reply. Gives whether it was a positive one and the session goes on."""
        if reply is CLOSE:
            self.ended = True
        elif reply is HANG:
            self.peer.hanging.wait()
            self.ended = True
        elif reply is ENDLESS:
            self.ended = True
            while not self.peer.hanging.is_set():
                self.connection.sendall(b"250-and so on, and so on, and so on, and so on\r\n" * 50)
        else:
            octets = reply if isinstance(reply, bytes) else (reply + "\r\n").encode("utf-8")
            self.connection.sendall(octets)
            if octets[:3] in (b"421", b"521"):
                self.ended = True
            return octets[:1] in (b"2", b"3")
        return False

    def command(self, line):
        verb = line[:4].upper()
        verb = "STARTTLS" if line.upper() == "STARTTLS" else verb
        self.commands.append(line)
        with self.peer.lock:
            self.peer.commands.append(line)
        method = getattr(self, "do_" + verb.lower(), None)
        if method:
            method(line)
        else:
            self.say(self.asked(verb, line, "500 5.5.1 what?"))

    def do_ehlo(self, line):
        extensions = [one for one in self.peer.extensions if one != "STARTTLS" or not self.tls]
        lines = [self.peer.name, *extensions]
        usual = "\r\n".join(f"250{'-' if i + 1 < len(lines) else ' '}{text}" for i, text in enumerate(lines))
        if self.peer.helo_only:
            usual = "502 5.5.1 EHLO is not known here"
        self.say(self.asked("EHLO", line, usual))

    def do_lhlo(self, line):
        if not self.peer.lmtp:
            self.say("500 5.5.1 this is not LMTP")
        else:
            self.do_ehlo(line)

    def do_helo(self, line):
        self.say(self.asked("HELO", line, f"250 {self.peer.name}"))

    def do_starttls(self, line):
        if not self.say(self.asked("STARTTLS", line, "220 2.0.0 go on")):
            return
        if self.peer.tls is None:  # a peer that offers what it can't do
            self.connection.sendall(b"this is not a handshake\r\n")
            self.ended = True
            return
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.peer.tls)
        self.file.close()
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.file, self.tls = self.connection.makefile("rb"), True

    def do_mail(self, line):
        self.sender, self.recipients, self.chunks = None, [], []
        if self.say(self.asked("MAIL", line, "250 2.1.0 ok")):
            self.sender = line[10:]

    def do_rcpt(self, line):
        if self.say(self.asked("RCPT", line, "250 2.1.5 ok" if self.sender is not None else "503 5.5.1 MAIL first")):
            self.recipients.append(line[8:])

    def do_data(self, line):
        usual = "354 go on" if self.recipients else "554 5.5.1 no valid recipients"
        if not self.say(self.asked("DATA", line, usual)):
            return
        lines = []
        while (text := self.file.readline()) not in (b".\r\n", b""):
            lines.append(text[1:] if text.startswith(b".") else text)
        if text == b"":
            self.ended = True
            return
        message = Message(self.sender, self.recipients, b"".join(lines), self.tls, self.number)
        if self.peer.lmtp:
            self.verdicts(line, message)
        elif self.say(self.asked(".", line, "250 2.0.0 taken")):
            with self.peer.lock:
                self.peer.messages.append(self.peer.keep(message))
        self.sender, self.recipients = None, []

    def verdicts(self, line, message):
        """LMTP: a reply for each recipient; the message is remembered with those who got it."""
        wanted = self.asked(".", line, "250 2.0.0 taken")
        replies = wanted if isinstance(wanted, list) else [wanted] * len(message.recipients)
        taken = []
        for recipient, reply in zip(message.recipients, replies):
            if self.ended:
                break
            if self.say(reply):
                taken.append(recipient)
        if taken:
            with self.peer.lock:
                self.peer.messages.append(self.peer.keep(dataclasses.replace(message, recipients=taken)))

    def do_bdat(self, line):
        """RFC 3030; offer CHUNKING (and BINARYMIME) in `extensions`. "BDAT" and "LAST" are the verbs for `replies`."""
        _, size, *last = line.split()
        octets = self.file.read(int(size))
        if len(octets) < int(size):
            self.ended = True
            return
        self.chunks.append(octets)
        if not last:
            self.say(self.asked("BDAT", line, "250 2.0.0 got it"))
            return
        message = Message(self.sender, self.recipients, b"".join(self.chunks), self.tls, self.number, len(self.chunks))
        if self.say(self.asked("LAST", line, "250 2.0.0 taken")):
            with self.peer.lock:
                self.peer.messages.append(self.peer.keep(message))
        self.sender, self.recipients, self.chunks = None, [], []

    def do_rset(self, line):
        self.sender, self.recipients, self.chunks = None, [], []
        self.say(self.asked("RSET", line, "250 2.0.0 ok"))

    def do_noop(self, line):
        self.say(self.asked("NOOP", line, "250 2.0.0 ok"))

    def do_quit(self, line):
        self.say(self.asked("QUIT", line, "221 2.0.0 bye"))
        self.ended = True


class Peer:
    """The server. `replies` maps a verb (CONNECT, EHLO, …, "." for the end of data) to what is said instead of the usual.
    `keep` makes of each message what is remembered of it in `messages`; None: the message."""

    def __init__(self, address="127.0.0.1", port=0, name="peer.test", extensions=EXTENSIONS, replies=None, script=None,
                 tls=None, helo_only=False, lmtp=False, keep=None):
        self.wanted, self.name, self.extensions = (address, port), name, tuple(extensions)
        self.replies, self.script, self.tls, self.helo_only = dict(replies or {}), script, tls, helo_only
        self.lmtp, self.keep = lmtp, keep or (lambda message: message)
        self.lock, self.hanging = threading.Lock(), threading.Event()
        self.messages, self.commands, self.sessions, self.threads = [], [], [], []

    def __enter__(self):
        family = socket.AF_INET6 if ":" in self.wanted[0] else socket.AF_INET
        self.socket = socket.create_server(self.wanted, family=family, backlog=64)
        self.address, self.port = self.socket.getsockname()[:2]
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *failure):
        self.hanging.set()
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(10)
        for session in self.sessions:
            try:
                session.connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self.threads:
            thread.join(10)

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            session = Session(self, len(self.sessions), connection)
            self.sessions.append(session)
            self.threads.append(threading.Thread(target=session.run, daemon=True))
            self.threads[-1].start()
