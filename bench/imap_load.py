"""A client for the IMAP case: it writes commands and looks for the end of the last one, and parses nothing besides."""

import re
import socket
import ssl
import time

BLOCK = 1 << 20


class Client:
    def __init__(self, port, login, password, tls=False):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.socket = context.wrap_socket(self.socket)
        self.number = 0
        self.until(b"\r\n")
        self.must(f'LOGIN "{login}" "{password}"')

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.socket.close()

    def until(self, end):
        """The last octets, once `end` has come."""
        tail = b""
        while end not in tail:
            piece = self.socket.recv(BLOCK)
            if not piece:
                raise OSError("the server closed")
            tail = tail[-200:] + piece
        return tail

    def must(self, *commands):
        """Sends them at once; seconds until the last is done, and the end of what came. An answer that is not OK raises."""
        first = self.number + 1
        self.number += len(commands)
        text = "".join(f"t{number} {command}\r\n" for number, command in enumerate(commands, first))
        began = time.monotonic()
        self.socket.sendall(text.encode())
        tail = self.until(b"t%d " % self.number)
        while not tail.endswith(b"\r\n"):
            tail += self.socket.recv(BLOCK)
        took = time.monotonic() - began
        if b"t%d OK" % self.number not in tail:
            raise RuntimeError(f"{commands[-1]}: {tail[-200:]!r}")
        return took, tail

    def append(self, box, message):
        self.number += 1
        self.socket.sendall(b"t%d APPEND %s {%d}\r\n" % (self.number, box.encode(), len(message)))
        self.until(b"+ ")
        self.socket.sendall(message + b"\r\n")
        self.until(b"t%d OK" % self.number)

    def idle(self):
        self.number += 1
        self.socket.sendall(b"t%d IDLE\r\n" % self.number)
        self.until(b"+ ")

    def done(self):
        self.socket.sendall(b"DONE\r\n")
        self.until(b"t%d OK" % self.number)

    def count(self, box):
        _, told = self.must(f"STATUS {box} (MESSAGES)")
        return int(re.search(rb"MESSAGES (\d+)", told)[1])
