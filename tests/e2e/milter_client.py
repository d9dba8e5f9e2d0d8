"""The mail server's side of the milter protocol (version 6), as little as a test needs: one message through a filter that listens on a
local socket, with each octet of the head as it is.

    changes = filter_message("/run/socket", data, client="192.0.2.1")    # [(letter, octets)]
"""

import socket
import struct

LEADING_SPACE = 0x00100000  # SMFIP_HDR_LEADSPC: values of fields with the blanks behind the colon
ACTIONS = 0x1FF
CHUNK = 65535
FINAL = b"acdrty"  # accept, continue, discard, reject, tempfail, reply code


class Milter:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(str(path))
        self.file = self.socket.makefile("rb")
        self.send(b"O", struct.pack(">III", 6, ACTIONS, LEADING_SPACE))
        self.read()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.file.close()
        self.socket.close()

    def send(self, letter, octets=b""):
        self.socket.sendall(struct.pack(">I", len(octets) + 1) + letter + octets)

    def read(self):
        size = struct.unpack(">I", self.file.read(4))[0]
        packet = self.file.read(size)
        return packet[:1], packet[1:]

    def ask(self, letter, octets=b""):
        """What the filter says up to its verdict."""
        self.send(letter, octets)
        said = []
        while not said or said[-1][0] not in FINAL:
            said.append(self.read())
        return said

    def connect(self, client):
        self.ask(b"C", b"mx.test\x004" + struct.pack(">H", 25) + client.encode() + b"\0")
        self.ask(b"H", b"mx.test\0")

    def message(self, data, sender="ann@signed.test", macros=None):
        """The changes that the filter wishes, and its verdict last."""
        head, _, body = data.partition(b"\r\n\r\n")
        if macros:
            self.send(b"D", b"M" + b"".join(part.encode() + b"\0" for pair in macros.items() for part in pair))
        self.ask(b"M", f"<{sender}>".encode() + b"\0")
        self.ask(b"R", b"<bob@peer.test>\0")
        for raw in fields_of(head):
            name, _, value = raw.partition(b":")
            said = self.ask(b"L", name + b"\0" + value.replace(b"\r\n", b"\n") + b"\0")
            if said[-1][0] == b"a":
                return said
        self.ask(b"N")
        for at in range(0, len(body), CHUNK):
            if self.ask(b"B", body[at:at + CHUNK])[-1][0] == b"a":
                break
        return self.ask(b"E")


def fields_of(head):
    """The fields of a header block without its last CRLF."""
    fields = []
    for line in head.split(b"\r\n"):
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1] += b"\r\n" + line
        else:
            fields.append(line)
    return fields
