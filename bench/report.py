"""What was measured, and how it is shown: a Markdown table and an SVG plot for each figure, medians over the rounds."""

import collections
import datetime
import html
import json

import world
from measure import load_average, median, spread

RESULTS = world.SOURCE / "bench/results"
OURS = "paquebot"
# name: (title, unit, whether more is better)
FIGURES = {
    "cpu": ("CPU a message, whole process tree", "µs", False),
    "rate": ("Throughput", "messages/s", True),
    "drain": ("POP3 drain alone: RETR, DELE, QUIT of ten mailboxes at once", "messages/s", True),
    "fast": ("To the fast destination, beside a slow one", "messages/s", True),
    "syncs": ("Sync calls a message", "calls", False),
    "counts": ("Counts for monitors a message", "counts", False),
    "counting": ("Counting, of the processor's time for a message", "%", False),
    "p50": ("Latency of acceptance, median", "µs", False),
    "p99": ("Latency of acceptance, 99th percentile", "µs", False),
    "login": ("Connect, login and STAT", "ms", False),
    "select": ("SELECT", "ms", False),
    "search": ("SEARCH of all messages", "ms", False),
    "idle": ("A session in IDLE, memory of all processes", "KiB", False),
    "news": ("From APPEND to EXISTS in another session's IDLE", "ms", False),
    "interactive": ("In the browser: time to interactive", "ms", False),
    "frame": ("In the browser: longest frame", "ms", False),
    "rows": ("In the browser: rows of tables on a page", "rows", False),
    "load": ("In the browser: first load, compressed", "KiB", False),
    "memory": ("Memory", "MiB", False),
    "start": ("From start to the first delivery", "s", False),
    "drained": ("Until 99 of 100 messages have arrived", "s", False),
    "missing": ("Not arrived when the cell ended", "%", False),
    "deferred": ("Temporary refusals a message", "", False),
    "blocks": ("Times that a host blocked the sender", "", False),
    "lone": ("A lone message on its way, 99th percentile", "ms", False),
    "resumed": ("TLS sessions resumed", "%", True),
}


class Results:
    """Values of one case: figure, cell (a row of the table), server, a list of one value a round."""

    def __init__(self, case, progress=""):
        self.progress = progress  # anything whose text tells how far the bench is
        self.case, self.values, self.notes, self.settings = case, collections.OrderedDict(), [], collections.OrderedDict()
        self.loads = [load_average()]

    def add(self, figure, cell, server, value):
        self.values.setdefault(figure, {}).setdefault(cell, {}).setdefault(server, []).append(value)

    def note(self, text):
        print(f"  {text}", flush=True)
        self.notes.append(text)

    def cell_done(self, cell):
        self.loads.append(load_average())
        words = [f"{figure} " + ", ".join(f"{server} {short(median(values))}" for server, values in cells[cell].items())
                 for figure, cells in self.values.items() if cell in cells]
        print(f"  [{self.progress}] {cell}: " + "; ".join(words), flush=True)

    # --- output --------------------------------------------------------------------------------

    def save(self, how):
        """Writes the files; gives the Markdown."""
        RESULTS.mkdir(exist_ok=True)
        stem = RESULTS / f"{datetime.datetime.now():%Y-%m-%d-%H%M%S}-{self.case}"
        text = self.markdown(how)
        stem.with_suffix(".md").write_text(text)
        stem.with_suffix(".json").write_text(json.dumps({"case": self.case, "how": how, "load": self.loads, "notes": self.notes, "values": self.values}, indent=1))
        stem.with_suffix(".svg").write_text(plot(self.case, self.values))
        return text

    def markdown(self, how):
        parts = [f"## {self.case}\n", f"{how}; load average {min(self.loads):.1f} to {max(self.loads):.1f} during the run.\n"]
        for figure in [figure for figure in FIGURES if figure in self.values]:  # CPU first, whatever was measured first
            parts.append(table(figure, self.values[figure]))
        parts += [f"- {note}" for note in self.notes]
        if self.settings:
            parts.append("\n### Settings\n")
            parts += [f"{name}:\n\n```\n{text.strip()}\n```\n" for name, text in self.settings.items()]
        return "\n".join(parts) + "\n"


def short(value):
    """A number with about three digits that count."""
    if value != value:
        return "-"
    size = abs(value)
    return f"{value:.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 0.01 or value == 0 else f"{value:.4f}"


def servers_of(cells):
    return list(dict.fromkeys(server for columns in cells.values() for server in columns))


def table(figure, cells):
    """One row a cell; for each peer how many times as good ours is."""
    title, unit, more = FIGURES[figure]
    servers = servers_of(cells)
    lines = [f"**{title}** ({unit})\n", "| | " + " | ".join(servers) + " |", "|---" * (len(servers) + 1) + "|"]
    for cell, columns in cells.items():
        ours, words = median(columns.get(OURS, [])), []
        for server in servers:
            if not columns.get(server):
                words.append("-")
                continue
            value = median(columns[server])
            text = short(value) + (f" ±{spread(columns[server]):.0%}" if len(columns[server]) > 1 else "")
            if server != OURS and ours == ours and ours and value:
                text += f" (ours ×{short(ours / value)})"
            words.append(text)
        lines.append(f"| {cell} | " + " | ".join(words) + " |")
    lines.append("")
    return "\n".join(lines)


COLOURS = ("#1b6ca8", "#9aa5b1", "#d1495b", "#edae49", "#66a182", "#8d6a9f")


def plot(title, figures):
    """Bars on a linear scale, one panel a figure, one group a cell."""
    width, bar, gap, left = 900, 14, 12, 340
    parts, y = [], 28
    for figure, cells in figures.items():
        name, unit, _ = FIGURES[figure]
        servers = servers_of(cells)
        most = max((median(values) for columns in cells.values() for values in columns.values() if values), default=0) or 1
        parts.append(text_at(8, y + 12, f"{name} ({unit})", bold=True))
        y += 26
        for cell, columns in cells.items():
            parts.append(text_at(8, y + 11, cell))
            for server, values in columns.items():
                value = median(values)
                length = max(1.0, (width - left - 150) * value / most)
                colour = COLOURS[servers.index(server) % len(COLOURS)]
                parts.append(f'<rect x="{left}" y="{y}" width="{length:.1f}" height="{bar - 2}" fill="{colour}"/>')
                parts.append(text_at(left + length + 5, y + 10, f"{server} {short(value)}"))
                y += bar
            y += gap
        y += gap
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y}" font-family="sans-serif" font-size="11">'
    return "\n".join([head, f'<rect width="{width}" height="{y}" fill="white"/>', text_at(8, 18, f"make bench: {title}", bold=True), *parts, "</svg>", ""])


def text_at(x, y, words, bold=False):
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{weight}>{html.escape(words)}</text>'
