"""Programs that we did not write and that judge or sign many messages at once, and ours beside them:

    ours(dns, [Case(file, ...)])                    `paquebot message check`, one process
    python_verify(data, keys)                       python3-dkim
    perl(script, dns, lines)                        Mail::DKIM and Mail::SPF, by tests/support/*.pl
    shown_authors(folder, values)               what programs in Perl, JavaScript, Python and Go read in From
    opendkim_verify(folder, messages, keys) / opendkim_sign(...)      opendkim as a milter
"""

import dataclasses
import email
import email.errors
import email.policy
import email.utils
import json
import os
import shutil
import subprocess

import dkim

from milter_client import Milter
from server import BINARY, PEERS, SOURCE, wait_until


@dataclasses.dataclass
class Case:
    file: str = ""
    ip: str = ""
    helo: str = ""
    sender: str = ""


def ours(folder, dns, cases):
    """What we say of each, as `message check --json` does."""
    listing = folder / "list"
    listing.write_text("".join(f"{case.ip}\t{case.helo}\t{case.sender}\t{case.file}\n" for case in cases))
    words = [BINARY, "message", "check", "--config", folder / "none.toml", "--resolver", dns.address, "--list", listing, "--json"]
    done = subprocess.run(words, capture_output=True, timeout=300, env={key: value for key, value in os.environ.items() if key != "PAQUEBOT_CONFIG"})
    if done.returncode not in (0, 1) or done.stderr:
        raise AssertionError(f"{done.returncode}: {done.stderr.decode()}")
    return json.loads(done.stdout)["messages"]


def perl(script, dns, lines):
    """The lines that a script in tests/support gives for these."""
    host, port = dns.address.rsplit(":", 1)
    paths = ":".join(map(str, [PEERS / "root/usr/share/perl5", *PEERS.glob("root/usr/lib/*/perl5/5.*")]))
    done = subprocess.run(["perl", SOURCE / "tests/support" / script, host, port], input="".join(line + "\n" for line in lines).encode(),
                          capture_output=True, timeout=300, env={"PERL5LIB": paths, "PATH": "/usr/bin:/bin"})
    answers = done.stdout.decode(errors="replace").splitlines()
    if done.returncode != 0 or len(answers) != len(lines):
        raise AssertionError(f"{script} ended with {done.returncode} after {len(answers)} of {len(lines)}: {done.stderr.decode(errors='replace')}")
    return answers


def python_verify(data, keys):
    """Whether python3-dkim takes the first signature."""
    try:
        return dkim.verify(data, dnsfunc=lambda name, timeout=5: keys.get(name.decode().rstrip(".")))
    except (dkim.DKIMException, ValueError):
        return False


def shown_authors(folder, values):
    """Of raw values of From: {program: [the addresses that it reads in each]}, and of programs that are not there {program: how to get it}."""
    lines = b"".join(value.hex().encode() + b"\n" for value in values)
    root, support = PEERS / "root", SOURCE / "tests/support"
    paths = ":".join(map(str, [root / "usr/share/perl5", *root.glob("usr/lib/*/perl5/5.*")]))
    scripts = root / "usr/share/nodejs"
    commands = {"Perl": ["perl", support / "read_from.pl"]}
    missing = {}
    if shutil.which("node"):
        commands["JavaScript"] = ["node", support / "read_from.js", scripts / "nodemailer/lib/addressparser", scripts / "addressparser"]
    else:
        missing["JavaScript"] = "tools/setup programs"
    for name in ("postal-mime", "mailparser"):  # Debian has neither; tools/modules fetches them for `make test-programs` where it can
        module = PEERS / "npm/node_modules" / name
        if shutil.which("node") and module.exists():
            commands[name] = ["node", support / "read_message.js", name, module]
        else:
            missing[name] = "tools/setup programs; tools/modules (only their ancestors judge: nodemailer's parser and addressparser)"
    unpacked = root / "usr/lib/go-1.19/bin/go"  # by `make test-programs`
    if go := unpacked if unpacked.exists() else shutil.which("go"):
        commands["Go"] = [go, "run", support / "read_from.go"]
    else:
        missing["Go"] = "tools/peers golang-1.19-go golang-1.19-src"
    if os.environ.get("PROGRAMS_ALL") and (lacking := missing.keys() & {"Go", "JavaScript"}):
        raise FileNotFoundError(f"{lacking} must judge: {missing}")
    shown = {}
    for program, command in commands.items():
        done = subprocess.run(command, input=lines, capture_output=True, timeout=300, check=True,
                              env={"PERL5LIB": paths, "PATH": os.environ["PATH"], "HOME": str(folder), "GOFLAGS": "-mod=mod", "GO111MODULE": "off"})
        answers = done.stdout.decode().splitlines()
        if len(answers) != len(values):
            raise AssertionError(f"{program} answered {len(answers)} of {len(values)}: {done.stderr.decode(errors='replace')}")
        shown[program] = [[bytes.fromhex(one).decode("latin-1") for one in answer.split("\t") if one] for answer in answers]
    shown["Python, as text"] = [[address for _, address in email.utils.getaddresses([value.decode("latin-1")])] for value in values]
    shown["Python, a message"] = [_of_message(value) for value in values]
    return shown, missing


def _of_message(value):
    """What Python's newer parser reads; it has faults of its own with some fields, and then shows nothing."""
    try:
        field = email.message_from_bytes(b"From: " + value + b"\r\n\r\n", policy=email.policy.default)["From"]
        return [address.addr_spec for address in field.addresses]
    except (AttributeError, IndexError, TypeError, UnicodeError, ValueError, email.errors.MessageError):
        return []


class OpenDkim:
    """opendkim as a milter, fed by milter_client: it signs what comes from 127.0.0.1, or verifies."""

    def __init__(self, folder, config):
        self.socket, path = folder / "opendkim.socket", folder / "opendkim.conf"
        self.socket.unlink(missing_ok=True)
        path.write_text(f"Socket local:{self.socket}\nPidFile {folder}/opendkim.pid\nSyslog no\nRequireSafeKeys no\nUMask 000\n"
                        f"AlwaysAddARHeader yes\nTemporaryDirectory {folder}\n{config}")
        self.process = subprocess.Popen([PEERS / "bin/opendkim", "-f", "-x", path], stdin=subprocess.DEVNULL)

    def __enter__(self):
        wait_until(self.socket.exists, "the socket of opendkim")
        return self

    def __exit__(self, *failure):
        self.process.kill()  # libmilter takes five seconds to end
        self.process.wait()

    def judge(self, client, messages):
        """For each message the field that it puts in front, or nothing."""
        found = []
        with Milter(self.socket) as milter:
            milter.connect(client)
            for data in messages:
                inserted = [octets for letter, octets in milter.message(data) if letter == b"i"]
                fields = [octets[4:].rstrip(b"\0").replace(b"\0", b":").replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") for octets in inserted]
                found.append(fields[0] + b"\r\n" if fields else b"")
        return found


def opendkim_verify(folder, messages, keys):
    """Whether it passes each; `keys`: {name: record}."""
    known = folder / "opendkim.keys"
    known.write_text("".join(f"{name} {record}\n" for name, record in keys.items()))
    with OpenDkim(folder, f"Mode v\nTestPublicKeys {known}\n") as program:
        return [b"dkim=pass" in field for field in program.judge("192.0.2.1", messages)]


def opendkim_sign(folder, messages, key, selector, algorithm, forms, more=""):
    """A signature's field for each."""
    with OpenDkim(folder, f"Mode s\nDomain signed.test\nSelector {selector}\nKeyFile {key}\nSignatureAlgorithm {algorithm}\n"
                          f"Canonicalization {forms}\n{more}") as program:
        return program.judge("127.0.0.1", messages)
