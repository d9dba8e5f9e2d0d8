"""The server under a service manager: what it tells it, the watchdog, and sockets that it is given. The manager is this test."""

import fcntl
import os
import pathlib
import re
import signal
import socket
import unittest

from server import Server, wait_until

ALICE = "alice@example.test"


class Manager:
    """The end of $NOTIFY_SOCKET: collects what comes."""

    def __init__(self, folder):
        self.path = folder / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.socket.setblocking(False)
        self.said = []

    def close(self):
        self.socket.close()

    def heard(self, words, times=1):
        """Waits until so many messages had this line (or its beginning, when it ends with "=")."""
        def enough():
            try:
                while True:
                    self.said.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                pass
            lines = [line for message in self.said for line in message.splitlines()]
            return sum(line.startswith(words) for line in lines) >= times
        wait_until(enough, lambda: f"{times} times {words!r} in {self.said}")

    def status(self):
        return [line[7:] for message in self.said for line in message.splitlines() if line.startswith("STATUS=")][-1]


class ServiceTest(unittest.TestCase):
    def server(self, **settings):
        server = Server(**settings)
        self.addCleanup(server.close)
        self.manager = Manager(server.folder)
        self.addCleanup(self.manager.close)
        return server

    def start(self, server, **variables):
        """Under the manager: words in front that put the variables into the server's environment only."""
        server.prepare()
        more = {"NOTIFY_SOCKET": self.manager.path} | variables
        return server.start(command=["env", *(f"{name}={value}" for name, value in more.items())])

    def test_it_tells_of_start_reload_and_end(self):
        server = self.start(self.server())
        self.manager.heard("READY=1")
        self.assertIn("is ready, on 6 listeners", self.manager.status())
        server.must("reload")
        self.manager.heard("RELOADING=1")
        self.manager.heard("MONOTONIC_USEC=")
        self.manager.heard("READY=1", 2)
        # A reload that is refused ends too, and the status says why.
        server.extra_server["hops"] = "many"
        server.write_config()
        server.signal(signal.SIGHUP)
        self.manager.heard("READY=1", 3)
        self.assertRegex(self.manager.status(), "^Reload refused, the old configuration is kept: .*hops")
        self.assertEqual(server.stop(), 0)
        self.manager.heard("STOPPING=1")
        self.assertFalse([one for one in self.manager.said if "WATCHDOG" in one], "nobody has asked for it")

    def test_the_watchdog_hears_of_it_again_and_again(self):
        server = self.start(self.server(), WATCHDOG_USEC=300000)
        self.manager.heard("WATCHDOG=1", 3)
        os.kill(server.pid, signal.SIGSTOP)  # nothing gets on
        try:
            self.manager.heard("READY=1")
            count = len(self.manager.said)
        finally:
            os.kill(server.pid, signal.SIGCONT)
        self.manager.heard("WATCHDOG=1", count + 1)

    def test_sockets_that_were_passed_on(self):
        """By address and by name; connections wait in them while there is no server, and the rest is opened as ever."""
        by_address, by_name, unused = (socket.create_server(("127.0.0.1", 0)) for _ in range(3))
        for one in (by_address, by_name, unused):
            self.addCleanup(one.close)
        port = by_address.getsockname()[1]
        server = self.server(listeners={
            "mx": {"role": "mx", "tls": "starttls", "address": f"127.0.0.1:{port}"},
            "submission": {"role": "submission", "tls": "starttls", "socket": "users"},
            "pop3": {"role": "pop3", "tls": "starttls"}})
        early = socket.create_connection(by_address.getsockname())
        self.addCleanup(early.close)
        server.prepare()
        high = [fcntl.fcntl(one, fcntl.F_DUPFD, 20) for one in (by_address, by_name, unused)]
        self.addCleanup(lambda: [os.close(one) for one in high])
        for one in high:
            os.set_inheritable(one, True)
        # Numbers from 3 on, and the number of the process, as a manager passes them on.
        script = ("exec 3<&{} 4<&{} 5<&{}; export LISTEN_FDS=3 LISTEN_PID=$$ LISTEN_FDNAMES=a:users:c; exec \"$@\"".format(*high))
        server.start(command=["bash", "-c", script, "bash"], descriptors=high)
        text = server.output.text()
        self.assertEqual(server.ports["mx"], port)
        self.assertEqual(server.ports["submission"], by_name.getsockname()[1])
        self.assertNotIn(server.ports["pop3"], [one.getsockname()[1] for one in (by_address, by_name, unused)])
        self.assertRegex(text, rf"event=socket-unused name=c address=127.0.0.1:{unused.getsockname()[1]} ")
        early.settimeout(30)
        self.assertTrue(early.recv(100).startswith(b"220 "))
        keepers = [pid for pid in os.listdir("/proc") if pid.isdigit() and
                   re.search(rf"^PPid:\t{server.pid}$", self.status_of(pid), re.M)]
        for pid in keepers:  # it would keep the ports taken
            links = [os.readlink(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd")]
            self.assertEqual(sum(one.startswith("socket:") for one in links), 1, links)
        self.assertEqual(len(keepers), 1)
        server.stop()
        waiting = socket.create_connection(by_address.getsockname())  # nobody is refused while there is no server
        waiting.close()

    def status_of(self, pid):
        try:
            return pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
        except OSError:
            return ""


if __name__ == "__main__":
    unittest.main()
