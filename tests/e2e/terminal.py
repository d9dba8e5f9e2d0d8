"""Programs that want a terminal."""

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import termios
import threading


def at_terminal(words, folder, environment, seconds=120):
    """Runs a program at a terminal of its own, in `folder`, until it ends or has to; what it wrote."""
    master, slave = pty.openpty()
    program = subprocess.Popen(list(map(str, words)), stdin=slave, stdout=slave, stderr=slave, cwd=folder, start_new_session=True, env=environment)
    os.close(slave)
    screen, late = [], threading.Timer(seconds, program.kill)
    late.start()
    try:
        while program.poll() is None:
            try:
                screen.append(os.read(master, 4096))
            except OSError:  # the terminal's other end is closed
                break
        program.wait(seconds)
    finally:
        late.cancel()
        if program.poll() is None:
            program.kill()
            program.wait()
        os.close(master)
    return b"".join(screen).decode(errors="replace")


class Terminal:
    """A program at a terminal of 100 columns and 30 lines, for keys one after the other."""

    def __init__(self, words, folder, environment):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.program = subprocess.Popen(list(map(str, words)), stdin=slave, stdout=slave, stderr=slave, cwd=folder, start_new_session=True,
                                        env=environment, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        self.wrote = b""
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        if self.program.poll() is None:
            self.program.kill()
        self.program.wait()
        self.reader.join(10)
        os.close(self.master)

    def read(self):
        with contextlib.suppress(OSError):  # the other end is closed
            while piece := os.read(self.master, 4096):
                self.wrote += piece

    def type(self, keys):
        os.write(self.master, keys.encode())

    def text(self):
        """All that was written so far."""
        return self.wrote.decode(errors="replace")
