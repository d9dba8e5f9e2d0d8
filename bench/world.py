"""A place of its own for the peers: a mount namespace in which their files lie where they were built to lie.

Inside it, /usr is this machine's with the unpacked packages of build/peers/root on top, /etc is a throw-away copy with the
users that the peers need, and /run, /var/spool, /var/lib and /var/log are empty folders. Nothing of it is seen outside, nothing stays.
"""

import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[1]
PEERS = (SOURCE / "build/peers").resolve()
TOOLS = SOURCE / "build/release/bench"
MARK = "PAQUEBOT_BENCH_WORLD"
USERS = ("postfix", "Debian-exim", "opensmtpd", "opensmtpq", "dovecot", "dovenull", "opendkim", "vmail")
FIRST_ID = 20000


def enter(arguments):
    """Runs this program again inside; gives its exit code, or None when we are inside already."""
    if MARK in os.environ:
        build()
        return None
    if os.geteuid() != 0:
        print("bench: needs root: mail servers change their user, and they get a mount namespace of their own", file=sys.stderr)
        return 2
    base = pathlib.Path(tempfile.mkdtemp(prefix="paquebot-bench-", dir=os.environ.get("BENCH_DIR", "/var/tmp")))
    base.chmod(0o755)
    words = ["unshare", "--mount", "--propagation", "private", sys.executable, *arguments]
    try:
        return subprocess.run(words, env=os.environ | {MARK: str(base)}, check=False).returncode
    finally:
        shutil.rmtree(base, ignore_errors=True)


def base():
    """The folder for everything that a run leaves on the disk: it lies on the real file system that is measured."""
    return pathlib.Path(os.environ[MARK])


def mount(*words):
    subprocess.run(["mount", *map(str, words)], check=True)


def build():
    layers = base() / "layers"
    layers.mkdir()
    mount("-t", "tmpfs", "-o", "mode=755", "none", layers)
    for name, lower in (("usr", f"{PEERS}/root/usr:/usr"), ("etc", "/etc")):
        for part in ("upper", "work"):
            (layers / name / part).mkdir(parents=True)
            (layers / name / part).chmod(0o755)
        mount("-t", "overlay", "-o", f"lowerdir={lower},upperdir={layers}/{name}/upper,workdir={layers}/{name}/work", "overlay", f"/{name}")
    for name in ("run", "var/spool", "var/lib", "var/log"):
        folder = base() / name
        folder.mkdir(parents=True)
        folder.chmod(0o755)
        mount("--bind", folder, f"/{name}")
    for name in ("/run/paquebot-bench", "/run/dovecot", "/var/lib/dovecot", "/var/lib/opensmtpd/empty", "/etc/dovecot", "/etc/exim4"):
        pathlib.Path(name).mkdir(parents=True, exist_ok=True)
    os.chmod("/var/lib/opensmtpd/empty", 0o711)
    add_users()
    # What its package's installation does: smtpctl refuses to work without.
    shutil.chown("/usr/sbin/smtpctl", "root", "opensmtpq")
    os.chmod("/usr/sbin/smtpctl", 0o2755)
    # A generator with 500 connections, and servers that size themselves by what they may open.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 65536), most))


def add_users():
    passwd, group = pathlib.Path("/etc/passwd"), pathlib.Path("/etc/group")
    known = {line.split(":")[0] for line in passwd.read_text().splitlines()}
    users = groups = ""
    for number, name in enumerate(USERS, FIRST_ID):
        if name not in known:
            users += f"{name}:x:{number}:{number}::/var/lib/opensmtpd/empty:/usr/sbin/nologin\n"
            groups += f"{name}:x:{number}:\n"
    passwd.write_text(passwd.read_text() + users)
    group.write_text(group.read_text() + groups + ("" if "postdrop:" in group.read_text() else "postdrop:x:20100:\n"))
