"""Thunderbird as Debian ships it, driven by its Marionette socket, within the network and the files of a namespace.

    with Namespace(folder, {"hosts": "127.0.0.1 mx.example.test"}) as inside, Thunderbird(folder, inside.command) as program:
        program.run("return Services.appinfo.version")

It runs on a virtual screen (Xvfb), with a profile of its own. Scripts run with the rights of the program itself ("chrome").
"""

import json
import os
import pathlib
import socket
import subprocess
import time

from server import PEERS

START_SECONDS = 180
PREFERENCES = {
    "marionette.port": 0,
    "app.update.enabled": False,
    "app.donation.eoy.version.viewed": 999,
    "browser.shell.checkDefaultClient": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "datareporting.policy.dataSubmissionPolicyBypassNotification": True,
    "extensions.update.enabled": False,
    "mail.provider.suppress_dialog_on_startup": True,
    "mail.spotlight.firstRunDone": True,
    "mail.winsearch.firstRunDone": True,
    "mail.warn_on_send_accel_key": False,
    "mailnews.start_page.enabled": False,
    "mail.rights.version": 1,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "security.enterprise_roots.enabled": False,
    "signon.rememberSignons": True,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
}


class ScriptError(Exception):
    """A script, or the program, said no."""


def can_run():
    """Whether both are unpacked and there may be namespaces with overlays in them."""
    root = PEERS.resolve() / "root"
    if os.geteuid() != 0 or not (root / "usr/lib/thunderbird/thunderbird-bin").exists() or not (root / "usr/bin/Xvfb").exists():
        return False
    script = 'mount -t overlay overlay -o "lowerdir=$0/usr:/usr" /usr'
    return subprocess.run(["unshare", "-m", "-n", "sh", "-c", script, str(root)], capture_output=True, check=False).returncode == 0


class Namespace:
    """A network with nothing but its loopback, or ours, and files of which /usr has those of the peers too, /etc those given here."""

    UP = ("/usr/bin/python3 -c 'import fcntl, socket, struct; s = socket.socket(); "
          "fcntl.ioctl(s, 0x8914, struct.pack(\"16sh14x\", b\"lo\", 0x41))'")  # SIOCSIFFLAGS: up and running

    def __init__(self, folder, etc, network=True):
        """`network`: one of its own."""
        self.network = ["-n"] if network else []
        self.etc = pathlib.Path(folder) / "etc"
        for name, text in etc.items():
            (self.etc / name).parent.mkdir(parents=True, exist_ok=True)
            (self.etc / name).write_text(text)

    def __enter__(self):
        script = f"""set -e
mount -t overlay overlay -o "lowerdir={PEERS.resolve()}/root/usr:/usr" /usr
mount -t overlay overlay -o "lowerdir={self.etc}:/etc" /etc
mount -t tmpfs tmpfs /run
{self.UP if self.network else ''}
echo ready
exec cat"""
        self.process = subprocess.Popen(["unshare", "-m", *self.network, "sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError("no namespace could be made")
        self.command = ["nsenter", "-m", *self.network, "-t", str(self.process.pid), "--"]
        return self

    def __exit__(self, *_):
        self.process.stdin.close()  # cat ends
        self.process.wait(30)
        self.process.stdout.close()


class Marionette:
    """Its protocol: "LENGTH:JSON", [0, id, command, parameters] and [1, id, error, result]."""

    def __init__(self, path):
        """`path`: a local socket that leads to the program's port."""
        self.last = 0
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(START_SECONDS)
        self.socket.connect(str(path))
        self.rest = b""
        self.hello = self.receive()

    def receive(self):
        while b":" not in self.rest:
            self.rest += self.more()
        length, _, self.rest = self.rest.partition(b":")
        while len(self.rest) < int(length):
            self.rest += self.more()
        text, self.rest = self.rest[:int(length)], self.rest[int(length):]
        return json.loads(text)

    def more(self):
        piece = self.socket.recv(65536)
        if not piece:
            raise ScriptError("Thunderbird has ended")
        return piece

    def call(self, command, **parameters):
        self.last += 1
        text = json.dumps([0, self.last, command, parameters]).encode()
        self.socket.sendall(b"%d:%s" % (len(text), text))
        kind, number, error, result = self.receive()
        assert (kind, number) == (1, self.last), "an answer to something else"
        if error:
            raise ScriptError(f"{error['error']}: {error['message']}\n{error.get('stacktrace', '')}")
        return result


class Thunderbird:
    """One running program; `command` is that of its Namespace."""

    def __init__(self, folder, command, preferences=None):
        self.folder, self.command = pathlib.Path(folder), list(command)
        self.profile = self.folder / "profile"
        self.preferences = PREFERENCES | (preferences or {})
        self.processes, self.marionette = [], None

    def __enter__(self):
        self.profile.mkdir(parents=True)
        (self.profile / "user.js").write_text("".join(
            f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in self.preferences.items()))
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def spawn(self, *words, **options):
        process = subprocess.Popen([*self.command, *map(str, words)], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                   **options)
        self.processes.append(process)
        return process

    def start(self):
        self.log = open(self.folder / "thunderbird.log", "wb")
        reads, writes = os.pipe()
        self.spawn("/usr/bin/Xvfb", "-displayfd", writes, "-screen", "0", "1280x1024x24", "-nolisten", "tcp",
                   pass_fds=[writes])
        os.close(writes)
        with os.fdopen(reads) as display:
            number = display.readline().strip()  # ends when Xvfb does
        if not number:
            raise RuntimeError("Xvfb did not start: " + self.words())
        environment = os.environ | {"DISPLAY": f":{number}", "HOME": str(self.folder), "MOZ_CRASHREPORTER_DISABLE": "1",
                                    "GDK_BACKEND": "x11", "NO_AT_BRIDGE": "1"}
        thunderbird = self.spawn("/usr/lib/thunderbird/thunderbird-bin", "--marionette", "--remote-allow-system-access", "--no-remote", "--profile", self.profile, env=environment)
        port = self.profile / "MarionetteActivePort"
        until = time.monotonic() + START_SECONDS
        while not port.exists() or not port.read_text().strip():
            if thunderbird.poll() is not None or time.monotonic() > until:
                raise RuntimeError("Thunderbird did not start: " + self.words())
            time.sleep(0.2)  # there is nothing else to wait on
        self.marionette = self.connect(int(port.read_text()))
        self.marionette.call("WebDriver:NewSession", strictFileInteractability=False)
        self.marionette.call("Marionette:SetContext", value="chrome")
        self.marionette.call("WebDriver:SetTimeouts", script=120_000)

    def connect(self, port):
        """Its port is in the namespace: a helper there carries octets between it and a local socket."""
        path = self.folder / "marionette"
        relay = ("import socket, sys, threading\n"
                 "inside = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n"
                 "listener = socket.socket(socket.AF_UNIX); listener.bind(sys.argv[2] + '~'); listener.listen()\n"
                 "import os; os.rename(sys.argv[2] + '~', sys.argv[2])\n"
                 "outside, _ = listener.accept()\n"
                 "def carry(source, target):\n"
                 "    while piece := source.recv(65536): target.sendall(piece)\n"
                 "threading.Thread(target=carry, args=(inside, outside), daemon=True).start()\n"
                 "carry(outside, inside)\n")
        self.spawn("/usr/bin/python3", "-c", relay, port, path)
        until = time.monotonic() + 30
        while True:
            if path.exists() and path.is_socket():
                return Marionette(path)
            if time.monotonic() > until:
                raise RuntimeError("no way to Marionette: " + self.words())
            time.sleep(0.1)

    def run(self, script, *arguments):
        """Runs the body of an async function; what it throws is a ScriptError."""
        body = ("const [args, resolve] = [Array.from(arguments).slice(0, -1), arguments[arguments.length - 1]];\n"
                f"(async () => {{ {script} }})().then(value => resolve({{value: value === undefined ? null : value}}),\n"
                "  error => resolve({error: String(error) + '\\n' + (error && error.stack || '')}));")
        answer = self.marionette.call("WebDriver:ExecuteAsyncScript", script=body, args=list(arguments), newSandbox=False,
                                      sandbox="system")["value"]
        if "error" in answer:
            raise ScriptError(answer["error"])
        return answer["value"]

    def words(self):
        self.log.flush()
        return (self.folder / "thunderbird.log").read_text(errors="replace")[-3000:]

    def close(self):
        if self.marionette:
            self.marionette.socket.close()
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.log.close()
