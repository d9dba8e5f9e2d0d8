"""What counting costs: of the processor's time that a message takes on its way in, the share of its counts (docs/monitoring.md)."""

import functools
import json
import re
import subprocess

from cases_smtp import KIB, send
from rounds import measured, running
from servers import Job, Paquebot

ALLOWED = 1.0  # per cent


def counts_in(text):
    """Additions to counters and histograms so far; octets are one addition for each message."""
    total = 0.0
    for name, _, value in re.findall(r"^(paquebot_[a-z_]+_(?:total|count))(\{[^}]*\})? (\S+)$", text, re.M):
        total += 0 if name.endswith("_bytes_total") else float(value)
        total += float(value) if name == "paquebot_messages_accepted_total" else 0
    return total


def nanoseconds():
    """What one costs at worst: an addition or a duration, on one to four threads at once."""
    words = [Paquebot.tools / "metrics_bench", "--benchmark_filter=^(count|observe)", "--benchmark_format=json", "--benchmark_min_time=0.2"]
    done = subprocess.run([*map(str, words)], check=True, capture_output=True, text=True)
    return max(one["cpu_time"] for one in json.loads(done.stdout)["benchmarks"] if one["time_unit"] == "ns")


def counting(server, count, cost):
    """One round: the load, what was counted for it, and which share of the time that took."""
    before, cpu = counts_in(server.cli("metrics")), server.group.cpu()
    figures = send(server, count, 4 * KIB, 100, True)
    spent = (server.group.cpu() - cpu) / count
    each = (counts_in(server.cli("metrics")) - before) / count
    return {**figures, "counts": each, "counting": each * cost * 1e-9 / spent * 100}


def counters(results, plan):
    """Counting beside accepting (4 KiB, 100 kept), in one run: counts a message, times what one costs at worst in memory that all
    threads use (metrics_bench, now), as a share of the processor's time for a message. At most 1 % is allowed."""
    cost = nanoseconds()
    results.note(f"one count: {cost:.1f} ns at worst")
    with running(results, (Paquebot,), lambda kind: Job("accept")) as started:
        measured(results, plan, "4 KiB, 100 kept", started, functools.partial(counting, cost=cost), least=100)
    shares = [value for servers in results.values.get("counting", {}).values() for values in servers.values() for value in values]
    if not shares or max(shares) > ALLOWED:
        raise AssertionError(f"counting takes {shares} per cent of accepting: more than {ALLOWED}")
