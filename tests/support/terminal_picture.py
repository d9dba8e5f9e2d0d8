"""What a terminal shows, as a picture (SVG): `picture(command, text)`. The same words give the same octets."""

import html
import textwrap

WIDTH, MARGIN, LINE, LETTER = 100, 16, 19, 8.4
COLOURS = {"== ": "#7dcfff", "$ ": "#9ece6a"}


def picture(command, text, title="paquebot"):
    """`command` stands behind a prompt (empty: nothing was typed), `text` below it; long lines go on in the next one."""
    lines = ["$ " + command] if command else []
    for line in text.strip("\n").expandtabs().split("\n"):
        lines += textwrap.wrap(line, WIDTH, drop_whitespace=False, break_on_hyphens=False) or [""]
    lines = [line.rstrip() for line in lines]
    width, height = round(2 * MARGIN + WIDTH * LETTER), 2 * MARGIN + LINE * len(lines) + 24
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
           f'aria-label="{html.escape(title)}">',
           f'<rect width="{width}" height="{height}" rx="8" fill="#1a1b26"/>',
           '<g fill="#565f89"><circle cx="20" cy="18" r="5"/><circle cx="38" cy="18" r="5"/><circle cx="56" cy="18" r="5"/></g>',
           '<g font-family="ui-monospace, Menlo, Consolas, monospace" font-size="14" fill="#c0caf5" xml:space="preserve">']
    for number, line in enumerate(lines):
        colour = next((f' fill="{value}"' for start, value in COLOURS.items() if line.startswith(start)), "")
        y = MARGIN + 24 + LINE * number + 12
        if line:
            out.append(f'<text x="{MARGIN}" y="{y}"{colour} textLength="{round(len(line) * LETTER, 1)}">{html.escape(line)}</text>')
    return "\n".join([*out, "</g>", "</svg>"]) + "\n"
