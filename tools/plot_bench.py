"""Draws what `make bench-crypto` measured: SM2 verifications a second on one core, as an SVG of horizontal bars.

Usage: plot_bench.py CRYPTO_JSON SVG
"""

import json
import sys
from html import escape
from typing import NamedTuple

WIDTH, LABELS, VALUES = 760, 290, 84  # pixels: the whole, what stands left of the bars, what stands right of them
ROW, BAR, TOP = 30, 18, 78
OPERATIONS = {
    "verify_batch": "batch, prepared key",
    "verify_batch_new_key@1024": "batch, keys seen once",
    "verify_one": "one at a time",
    "verify_one_new_key": "one at a time, key seen once",
}
# Colours with contrast on white as on black; the text takes the reader's.
STYLE = """
text { font: 13px system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; fill: #1f2328 }
text.title { font-size: 16px; font-weight: 600 }
.small { font-size: 12px; fill: #59636e }
.ours { fill: #1a7f64 } .peer { fill: #8c959f } text.name { font-weight: 600 } .axis { stroke: #8c959f }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .small { fill: #9198a1 } .ours { fill: #2ea98a } .peer { fill: #6e7681 }
}
"""


class Bar(NamedTuple):
    name: str
    how: str
    rate: float
    ours: bool


def main() -> None:
    source, target = sys.argv[1:]
    with open(source, encoding="utf-8") as file:
        measured = json.load(file)
    with open(target, "w", encoding="utf-8") as file:
        file.write(draw(bars(measured), measured))


def bars(measured: dict) -> list[Bar]:
    """Of this library at its own level every way of verifying, of a peer the fastest with a key that it knows."""
    rates = {(rate["name"], rate["operation"]): rate["median"] for rate in measured["rates"]}
    found = []
    for peer in measured["peers"]:
        ours = peer["name"] == "sogov"
        if peer["missing"] is not None or peer["name"].startswith("sogov") and not ours:
            continue
        known = [(operation, rates.get((peer["name"], operation))) for operation in OPERATIONS]
        known = [(operation, rate) for operation, rate in known if rate is not None]
        if not ours:
            known = [max(known, key=lambda one: one[1])]
        title = "sogov" if ours else f"{peer['title']} {peer['version']}"
        for operation, rate in known:
            # That most peers verify one at a time need not be said.
            how = OPERATIONS[operation] if ours or operation.startswith("verify_batch") else ""
            found.append(Bar(title, how, rate, ours))
    return sorted(found, key=lambda bar: -bar.rate)


def draw(drawn: list[Bar], measured: dict) -> str:
    height = TOP + ROW * len(drawn) + 34
    longest = max(bar.rate for bar in drawn)
    missing = [peer["title"] for peer in measured["peers"] if peer["missing"] is not None]
    about = f"256-byte messages; {measured['processor']}; one run, the same core for all"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"',
        f'  width="{WIDTH}" height="{height}">',
        f"<title>SM2 verifications a second: {escape(summary(drawn))}</title>",
        f"<style>{STYLE}</style>",
        '<text class="title" x="16" y="28">SM2 verifications a second, one core</text>',
        f'<text class="small" x="16" y="48">{escape(about)}</text>',
    ]
    for i, bar in enumerate(drawn):
        top = TOP + ROW * i
        middle = top + BAR - 5
        label, fill = ("name", "ours") if bar.ours else ("", "peer")
        width = max(2.0, bar.rate / longest * (WIDTH - LABELS - VALUES))
        lines += [
            f'<text class="{label}" x="16" y="{middle}">{escape(bar.name)}'
            f'<tspan class="small" font-weight="400" dx="6">{escape(bar.how)}</tspan></text>',
            f'<rect class="{fill}" x="{LABELS}" y="{top}" width="{width:.1f}" height="{BAR}" rx="2"/>',
            f'<text x="{LABELS + width + 8:.1f}" y="{middle}">{bar.rate:,.0f}</text>',
        ]
    bottom = TOP + ROW * len(drawn) - 6
    lines.append(f'<line class="axis" x1="{LABELS}" y1="{TOP - 6}" x2="{LABELS}" y2="{bottom}"/>')
    note = "make bench-crypto" + (f"; not on this machine: {', '.join(missing)}" if missing else "")
    lines += [f'<text class="small" x="16" y="{height - 14}">{escape(note)}</text>', "</svg>", ""]
    return "\n".join(lines)


def summary(drawn: list[Bar]) -> str:
    return ", ".join(f"{bar.name} {bar.rate:,.0f}" for bar in drawn)


main()
