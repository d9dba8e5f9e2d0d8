"""For programs that run in namespaces of their own: entering them, their first process, their loopback."""

import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys

SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def run_inside(arguments, more):
    """Runs this program again in mount, network and process namespaces that end with it, whatever ends it; its first process is to be
    be_init(). `more`: variables of its environment. Gives its exit code."""
    words = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc",
             "--propagation", "private", sys.executable, *arguments]
    process = subprocess.Popen(words, env=os.environ | more)
    # Ctrl-C goes to the program inside as well, which saves what it has and ends its servers in order.
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: process.kill())
    code = process.wait()
    return code if code >= 0 else 128 - code


def be_init(arguments):
    """The first process of the namespace: runs the program, and reaps what other programs leave behind."""
    signal.signal(signal.SIGINT, lambda *_: None)
    program = subprocess.Popen([sys.executable, *arguments])
    while (ended := os.wait())[0] != program.pid:
        pass
    return os.waitstatus_to_exitcode(ended[1]) % 256


def raise_loopback():
    """What `ip link set lo up` does."""
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
