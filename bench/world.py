"""A place of its own for the peers: a mount, process and network namespace in which their files lie where they were built to lie.

Inside it, /usr is this machine's with the unpacked packages of build/peers/root on top, /etc is a throw-away copy with the
users that the peers need, and /run, /var/spool, /var/lib and /var/log are empty folders. There is
no network but the loopback, with a name server that knows nothing but says so at once. Nothing of it is seen outside, nothing stays.
"""

import atexit
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[1]
PEERS = (SOURCE / "build/peers").resolve()
TOOLS = SOURCE / "build/release/bench"
sys.path.append(str(SOURCE / "tests/support"))

from namespaces import be_init, raise_loopback, run_inside  # noqa: E402

MARK = "PAQUEBOT_BENCH_WORLD"
USERS = ("postfix", "Debian-exim", "opensmtpd", "opensmtpq", "dovecot", "dovenull", "opendkim", "vmail")
FIRST_ID = 20000


def enter(arguments):
    """Runs this program again inside; gives its exit code, or None when we are inside already. All that runs inside ends with it,
    whatever ends it: it has a process namespace of its own, whose first process is be_init()."""
    if MARK in os.environ:
        if os.getpid() == 1:
            return be_init(arguments)
        build()
        return None
    if os.geteuid() != 0:
        print("bench: needs root: mail servers change their user, and they get a mount namespace of their own", file=sys.stderr)
        return 2
    base = pathlib.Path(tempfile.mkdtemp(prefix="paquebot-bench-", dir=os.environ.get("BENCH_DIR", "/var/tmp")))
    base.chmod(0o755)
    try:
        return run_inside(arguments, {MARK: str(base)})
    finally:
        remove_groups(base.name)
        shutil.rmtree(base, ignore_errors=True)


def remove_groups(prefix):
    """Control groups of a run that was killed; it takes a moment until their processes are gone."""
    for folder in [*pathlib.Path("/sys/fs/cgroup/cpuacct").glob(f"{prefix}-*"), *pathlib.Path("/sys/fs/cgroup").glob(f"{prefix}-*")]:
        for _ in range(100):
            try:
                folder.rmdir()
                break
            except OSError:
                time.sleep(0.1)


def base():
    """The folder for everything that a run leaves on the disk: it lies on the real file system that is measured."""
    return pathlib.Path(os.environ[MARK])


def mount(*words):
    subprocess.run(["mount", *map(str, words)], check=True)


def start_name_server():
    """The tests' one, with a name for 127.0.0.1: some servers look up whoever connects. It ends with this program."""
    (base() / "zone").write_text("1.0.0.127.in-addr.arpa PTR client.bench.test\nclient.bench.test A 127.0.0.1\n")
    words = [sys.executable, str(SOURCE / "tests/support/dns_server.py"), str(base() / "zone"), "--port", "53", "--ttl", "3600"]
    server = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    server.stdout.readline()
    atexit.register(server.kill)
    pathlib.Path("/etc/resolv.conf").write_text("nameserver 127.0.0.1\n")


def build():
    raise_loopback()
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
    for name in ("/run/paquebot-bench", "/var/lib/dovecot", "/var/lib/opensmtpd/empty", "/etc/exim4"):
        pathlib.Path(name).mkdir(parents=True, exist_ok=True)
    os.chmod("/var/lib/opensmtpd/empty", 0o711)
    add_users()
    start_name_server()
    if pathlib.Path("/usr/sbin/smtpctl").exists():  # not every case needs it
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
