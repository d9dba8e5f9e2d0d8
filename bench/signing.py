"""DKIM for the bench: OpenDKIM as Postfix's milter, and the proof that what came out carries valid signatures (python3-dkim)."""

import pathlib
import re
import subprocess

import dkim
import loads
from postfix import Sink
from servers import DOMAIN, wait_until
import world

SELECTOR = "bench"
OPENDKIM = """\
Socket local:{folder}/opendkim.sock
PidFile {folder}/opendkim.pid
UMask 000
Mode s
Domain {domain}
Selector {selector}
KeyFile {key}
RequireSafeKeys no
InternalHosts 127.0.0.1
Canonicalization relaxed/relaxed
SignatureAlgorithm rsa-sha256
Syslog no
"""


class OpenDkim:
    """Signs with RSA-2048 what Postfix takes. Its process belongs to whoever starts it."""

    def __init__(self, folder):
        self.folder, self.key, self.process = folder, folder / "dkim.pem", None
        self.socket = folder / "opendkim.sock"
        self.text = OPENDKIM.format(folder=folder, domain=DOMAIN, selector=SELECTOR, key=self.key)

    def start(self):
        subprocess.run(["openssl", "genrsa", "-out", self.key, "2048"], check=True, capture_output=True)
        config = self.folder / "opendkim.conf"
        config.write_text(self.text)
        with open(self.folder / "opendkim.log", "wb") as output:
            self.process = subprocess.Popen(["/usr/sbin/opendkim", "-f", "-x", config], stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        wait_until(lambda: self.process.poll() is not None or self.socket.exists(), 30, "OpenDKIM")
        if self.process.poll() is not None:
            raise RuntimeError("OpenDKIM did not start: " + (self.folder / "opendkim.log").read_text(errors="replace")[-500:])

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None

    def records(self):
        """{name: the TXT record there}."""
        done = subprocess.run(["openssl", "rsa", "-in", self.key, "-pubout"], check=True, capture_output=True, text=True)
        public = "".join(line for line in done.stdout.splitlines() if "-----" not in line)
        return {f"{SELECTOR}._domainkey.{DOMAIN}": f"v=DKIM1; k=rsa; p={public}"}


class ProofSink(Sink):
    """Beside the sink that counts: it keeps each message as a file, for whoever looks at a handful of them."""

    def __init__(self):
        folder = pathlib.Path(world.base()) / "proof"
        super().__init__(world.PEERS, dump=folder)

    def __exit__(self, *failure):
        super().__exit__(*failure)
        for file in self.dump.iterdir():
            file.unlink()


def whole(text):
    """A message of a dump file as it was sent: without the sink's own lines (X-Client-Addr and others) in front, with CR LF."""
    lines = text.replace(b"\r\n", b"\n").split(b"\n")
    while re.match(rb"X-[A-Za-z-]+: ", lines[0]):
        lines.pop(0)
    return b"\r\n".join(lines)


def valid_signatures(message, records):
    """The algorithms of its valid signatures, each of which covers From, Subject and the whole body; raises when one is not valid."""
    head = message.split(b"\r\n\r\n")[0]
    fields = re.findall(rb"(?im)^DKIM-Signature:(?:.*\r\n)(?:[ \t].*\r\n)*", head + b"\r\n")
    verifier = dkim.DKIM(message)
    txt = lambda name, timeout=5: records.get(name.decode().rstrip("."), "").encode() or None
    for index, field in enumerate(fields):
        if not verifier.verify(idx=index, dnsfunc=txt):
            raise RuntimeError(f"a signature is not valid: {field.decode(errors='replace')[:300]}")
    return sorted(re.search(rb"\ba=([a-z0-9-]+)", field)[1].decode() for field in fields)


def prove(server, sink, wanted, count=5):
    """Sends some messages through to `sink` and looks at the signature of each."""
    before = {file.name for file in sink.dump.iterdir()}
    loads.smtp_source(server.port, [server.recipient(1)], 4096, 1, count, sender=server.sender())
    arrived = lambda: [file for file in sink.dump.iterdir() if file.name not in before]
    wait_until(lambda: len(arrived()) >= count and all(file.stat().st_size > 4096 for file in arrived()), 60, "signed messages at the sink")
    for file in arrived():
        found = valid_signatures(whole(file.read_bytes()), server.key_records())
        if found != sorted(wanted):
            raise RuntimeError(f"{server.name} signed with {found or 'nothing'}, not with {wanted}")
