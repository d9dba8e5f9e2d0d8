"""Programs that want a terminal."""

import os
import pty
import subprocess
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
