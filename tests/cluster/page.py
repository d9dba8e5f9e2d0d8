"""docs/cluster.md, so that what it tells people to write and to run is what is tried here."""

import functools
import pathlib
import re
import shlex

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/cluster.md"


@functools.cache
def blocks():
    """The texts that stand apart, without their indentation, in their order."""
    found = re.findall(r"(?:^    .*\n)+", PAGE.read_text(), re.M)
    return ["".join(line[4:] + "\n" for line in block.splitlines()) for block in found]


def block(first):
    """The one text that begins so."""
    [one] = [text for text in blocks() if text.startswith(first)]
    return one


@functools.cache
def quoted():
    """What stands between backticks within sentences."""
    prose = "\n".join(line for line in PAGE.read_text().splitlines() if not line.startswith("    "))
    return [re.sub(r"\s+", " ", text) for text in re.findall(r"`([^`]+)`", prose)]


def words_of(line):
    """Of a command, without what is said about it."""
    return shlex.split(line, comments=True)


def sql(first):
    """The statement in the page's `psql -c` that begins so."""
    [one] = [words[-1] for text in blocks() for words in map(words_of, text.splitlines() if "psql -c" in text else []) if words[-1].startswith(first)]
    return one


def settings(text):
    """{name: value} of lines NAME=VALUE or NAME = VALUE."""
    return {name.strip(): value.strip() for name, _, value in (line.partition("=") for line in text.splitlines() if "=" in line)}


def replaced(text, changes):
    """With each of these texts in the place of another; every one of them must be there."""
    for before, after in changes.items():
        if before not in text:
            raise AssertionError(f"docs/cluster.md no longer says {before!r}")
        text = text.replace(before, str(after))
    return text
