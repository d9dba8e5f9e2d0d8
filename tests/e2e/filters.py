"""Content filters for the tests: opendkim, rspamd, clamd and a milter on libmilter (pymilter), unpacked by tools/peers, and
one that says whatever a test wants. Each is a context manager with an `address` for [[filter]]."""

import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

from server import PEERS, free_port_everywhere, wait_until

SHARE = PEERS / "root/usr/share/rspamd"
SIGNATURE = "PAQUEBOT-TEST-VIRUS"


class Program:
    """A program in a folder of its own; ready once its socket takes connections."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="paquebot-filter-"))
        self.folder.chmod(0o777)
        self.socket, self.port, self.process = self.folder / "socket", free_port_everywhere(), None

    def __enter__(self):
        self.log = open(self.folder / "output", "wb")
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        env=os.environ | self.environment(), cwd=self.folder)
        wait_until(self.ready, lambda: "the filter: " + (self.folder / "output").read_text(errors="replace")[-2000:], 60, 0.1)
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def stop(self):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.log.close()
            self.process = None

    def environment(self):
        return {}

    def ready(self):
        if self.process.poll() is not None:
            raise RuntimeError("the filter ended: " + (self.folder / "output").read_text(errors="replace")[-2000:])
        local = self.address.startswith("unix:")
        with socket.socket(socket.AF_UNIX if local else socket.AF_INET) as probe:
            return probe.connect_ex(str(self.socket) if local else ("127.0.0.1", self.port)) == 0

    @property
    def address(self):
        return f"unix:{self.socket}"

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path


class Clamd(Program):
    def command(self):
        (self.folder / "db").mkdir()
        self.write("db/test.ndb", f"Test-Signature:0:*:{SIGNATURE.encode().hex()}\n")
        config = self.write("clamd.conf", f"LocalSocket {self.socket}\nDatabaseDirectory {self.folder}/db\nForeground yes\n"
                            f"TemporaryDirectory {self.folder}\nStreamMaxLength 2M\nMaxThreads 2\n")
        return [PEERS / "bin/clamd", "-c", config]


class Rspamd(Program):
    RULES = """
local function subject_has(word)
  return function(task) return (task:get_header('Subject') or ''):find(word, 1, true) ~= nil end
end
rspamd_config.TEST_SPAM = { callback = subject_has('spamword'), score = 20 }
rspamd_config.TEST_TAG = { callback = subject_has('tagword'), score = 7 }
rspamd_config.TEST_SUBJECT = { callback = subject_has('subjectword'), score = 9 }
rspamd_config.TEST_LATER = { score = 1, callback = function(task)
  if not subject_has('laterword')(task) then return false end
  task:set_pre_result('soft reject', 'come back later')
  return true
end }
rspamd_config:register_symbol{ name = 'TEST_FACTS', type = 'idempotent', callback = function(task)
  if not subject_has('factsword')(task) then return end
  local from, to = (task:get_from('smtp') or {{}})[1], {}
  for _, one in ipairs(task:get_recipients('smtp') or {}) do to[#to + 1] = one.addr end
  task:set_milter_reply({ remove_headers = { ['X-Old'] = 0 }, add_headers = { ['X-Facts'] = table.concat({
    tostring(task:get_from_ip()), task:get_helo() or '-', from and from.addr or '-', table.concat(to, '+'),
    task:get_user() or '-', task:get_queue_id() or '-', tostring(task:get_size()) }, ' ') } })
end }
"""

    def command(self):
        rules, tld = self.write("rules.lua", self.RULES), self.write("tld", "com\ntest\n")
        config = self.write("rspamd.conf", f"""
lua = "{rules}";
options {{ pidfile = "{self.folder}/pid"; tempdir = "{self.folder}"; url_tld = "{tld}"; filters = "";
  dns {{ nameserver = ["127.0.0.1:9"]; timeout = 1s; }} }}
logging {{ type = "console"; level = "info"; }}
actions {{ reject = 15; rewrite_subject = 8; add_header = 6; subject = "*** %s"; }}
worker "normal" {{ bind_socket = "127.0.0.1:{self.port}"; count = 1; }}
worker "controller" {{ bind_socket = "{self.folder}/controller mode=0600"; count = 1; password = "x"; }}
""")
        folders = {"LUALIBDIR": SHARE / "lualib", "RULESDIR": SHARE / "rules", "SHAREDIR": SHARE,
                   "PLUGINSDIR": SHARE / "plugins", "DBDIR": self.folder, "RUNDIR": self.folder, "LOGDIR": self.folder}
        user = ["-u", "nobody", "-g", "nogroup"] if os.geteuid() == 0 else []
        return [PEERS / "bin/rspamd", "-f", "-i", *user, *(f"--var={name}={path}" for name, path in folders.items()), "-c", config]

    def environment(self):
        return {"LUALIBDIR": str(SHARE / "lualib"), "LUA_PATH": f"{SHARE}/lualib/?.lua;{SHARE}/lualib/?/init.lua"}

    @property
    def address(self):
        return f"inet:127.0.0.1:{self.port}"


class OpenDkim(Program):
    """Signs for example.test what comes by submission, and verifies the rest with the same key."""

    def command(self):
        key = self.folder / "key.pem"
        subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
        key.chmod(0o600)
        public = subprocess.run(["openssl", "rsa", "-in", key, "-pubout"], check=True, capture_output=True, text=True).stdout
        public = "".join(line for line in public.splitlines() if "-----" not in line)
        keys = self.write("public", f"sel._domainkey.example.test v=DKIM1; k=rsa; p={public}\n")
        config = self.write("opendkim.conf", f"""
Socket local:{self.socket}
PidFile {self.folder}/pid
Mode sv
Domain example.test
Selector sel
KeyFile {key}
TestPublicKeys {keys}
MTA submission
InternalHosts {self.write('internal', '192.0.2.1')}
RequireSafeKeys no
AlwaysAddARHeader yes
AuthservID filter.example.test
Syslog no
Canonicalization simple/simple
UMask 000
""")
        return [PEERS / "bin/opendkim", "-f", "-x", config]


class PyMilter(Program):
    """tests/e2e/milter_script.py, on libmilter: what it does is told by words in the message."""

    def command(self):
        return [sys.executable, pathlib.Path(__file__).with_name("milter_script.py"), self.socket, self.folder / "seen"]

    def environment(self):
        return {"PYTHONPATH": str(PEERS / "root/usr/lib/python3/dist-packages"),
                "LD_LIBRARY_PATH": (PEERS / "libs").read_text().strip()}

    def seen(self):
        """The lines that it noted: one for each callback."""
        path = self.folder / "seen"
        return path.read_text(errors="replace").splitlines() if path.exists() else []


class Script:
    """A filter that plays one part: `play(connection)` for each connection, on a thread of its own."""

    def __init__(self, play):
        self.play, self.listener = play, socket.create_server(("127.0.0.1", 0))
        self.address = f"inet:127.0.0.1:{self.listener.getsockname()[1]}"
        self.ended, self.connections = threading.Event(), 0

    def __enter__(self):
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.listener.close()

    def _serve(self):
        while not self.ended.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection):
        with connection:
            try:
                self.play(connection)
            except OSError:
                pass
