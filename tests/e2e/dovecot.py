"""Dovecot as another store in tests: an instance of its own, unpacked by tools/peers, never the machine's.

    with Dovecot(peers, tmp, users={"ann@peer.test": "secret"}) as store:
        ... deliver by LMTP to 127.0.0.1, store.lmtp, or to store.socket ...
        [message] = store.wait_for("ann@peer.test", 1)

Its paths are compiled in, so it runs in a mount namespace of its own in which the unpacked files lie over /usr. That
needs root: can_run() tells.
"""

import os
import pathlib
import poplib
import pwd
import socket
import subprocess

from postfix import free_port, wait_until

READY_SECONDS = 30
CONFIG = """\
base_dir = {base}/run
state_dir = {base}/run
protocols = lmtp pop3{imap}
log_path = {base}/log
default_internal_user = {owner}
default_internal_group = {group}
default_login_user = nobody
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{base}/mail/%u
mail_uid = {owner}
mail_gid = {group}
first_valid_uid = 1
first_valid_gid = 1
{more}
passdb {{
  driver = passwd-file
  args = {base}/users
}}
userdb {{
  driver = passwd-file
  args = {base}/users
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
  unix_listener lmtp {{
    mode = 0666
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    address = 127.0.0.1
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
"""


IMAP = """\
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
"""


def has_imap(peers):
    return (pathlib.Path(peers).resolve() / "root/usr/lib/dovecot/imap").exists() and can_run(peers)


def can_run(peers):
    """Whether it is unpacked and may have a mount namespace of its own with an overlay in it."""
    root = pathlib.Path(peers).resolve() / "root"
    if os.geteuid() != 0 or not (root / "usr/sbin/dovecot").exists():
        return False
    return subprocess.run(["unshare", "-m", "sh", "-c", 'mount -t overlay overlay -o "lowerdir=$0/usr:/usr" /usr', str(root)],
                          capture_output=True, check=False).returncode == 0


class Dovecot:
    """One running Dovecot. `more`: further lines of its configuration. `imap`: it speaks that too, at the port self.imap."""

    def __init__(self, peers, tmp, users, more="", imap=False):
        self.root = pathlib.Path(peers).resolve() / "root"
        self.base = pathlib.Path(tmp).resolve() / "dovecot"
        self.users, self.more, self.process = dict(users), more, None
        self.imap = free_port() if imap else None

    def __enter__(self):
        return self.start()

    def __exit__(self, *failure):
        self.stop()

    def start(self):
        owner = pwd.getpwnam("mail")
        for folder in ("", "run", "mail"):
            (self.base / folder).mkdir(mode=0o755, exist_ok=True)
        self.base.parent.chmod(0o755)
        os.chown(self.base / "mail", owner.pw_uid, owner.pw_gid)
        (self.base / "users").write_text("".join(f"{user}:{{PLAIN}}{password}::::::\n" for user, password in self.users.items()))
        self.lmtp, self.pop3, self.socket = free_port(), free_port(), self.base / "run/lmtp"
        config = self.base / "dovecot.conf"
        config.write_text(CONFIG.format(base=self.base, owner="mail", group="mail", lmtp=self.lmtp, pop3=self.pop3, imap=" imap" if self.imap else "", more=self.more) +
                          (IMAP.format(imap=self.imap) if self.imap else ""))
        script = 'mount -t overlay overlay -o "lowerdir=$0/usr:/usr" /usr && exec /usr/sbin/dovecot -F -c "$1"'
        self.output = open(self.base / "output", "wb")
        self.process = subprocess.Popen(["unshare", "-m", "sh", "-c", script, str(self.root), str(config)],
                                        stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output)
        wait_until(lambda: self.process.poll() is not None or self.greets(), READY_SECONDS, "Dovecot to greet")
        if self.process.poll() is not None:
            self.stop()
            raise RuntimeError("Dovecot did not start:\n" + (self.base / "output").read_text(errors="replace") + self.log())
        return self

    def greets(self):
        try:
            with socket.create_connection(("127.0.0.1", self.lmtp), timeout=2) as connection:
                return connection.recv(4) == b"220 "
        except OSError:
            return False

    def stop(self):
        """Ends the master, which ends its processes. Safe to call twice."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.output.close()
        self.process = None

    def log(self):
        file = self.base / "log"
        return file.read_text(errors="replace")[-3000:] if file.exists() else ""

    def mail(self, user):
        """All messages of a mailbox, as bytes with CRLF line ends."""
        client = poplib.POP3("127.0.0.1", self.pop3, timeout=30)
        client.user(user)
        client.pass_(self.users[user])
        try:
            return [b"\r\n".join(client.retr(number + 1)[1]) + b"\r\n" for number in range(client.stat()[0])]
        finally:
            client.quit()

    def wait_for(self, user, count, seconds=30):
        """The same, once there are at least `count`."""
        def enough():
            found = self.mail(user)
            return found if len(found) >= count else None
        return wait_until(enough, seconds, f"{count} messages for {user}; Dovecot's log: {self.log()}")
