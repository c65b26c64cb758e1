"""Draw the layers of the import contracts into ``docs/images/layers.svg``: ``make docs`` does it first.

The picture is made from ``pyproject.toml``, so that it shows the contracts that import-linter holds. A test compares
the two.
"""

from __future__ import annotations

import tomllib
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "images" / "layers.svg"
PACKAGE = "customer_revenue."

WIDTH, ROW, GAP, BOX, MARGIN = 980, 74, 14, 46, 16
FONT = 'font-family="system-ui, sans-serif" font-size="15"'


def layers() -> list[list[str]]:
    """The layers, the uppermost first: packages of one layer do not import each other, or (``:``) may."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (contract,) = (found for found in contracts if found["type"] == "layers")
    return [
        [name.strip().removeprefix(PACKAGE) for name in layer.replace(":", "|").split("|")]
        for layer in contract["layers"]
    ]


def drawn(rows: list[list[str]]) -> str:
    """The layers as SVG; each imports only those below it."""
    height = MARGIN * 2 + ROW * len(rows)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
            f' aria-label="Layers of the packages; each imports only those below it">'
        ),
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    for place, names in enumerate(rows):
        top = MARGIN + place * ROW
        width = (WIDTH - 2 * MARGIN - GAP * (len(names) - 1)) / len(names)
        for number, name in enumerate(names):
            left = MARGIN + number * (width + GAP)
            parts.append(
                f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{BOX}" rx="7" fill="#eef3f8"'
                f' stroke="#34526f"/><text x="{left + width / 2:.1f}" y="{top + BOX / 2 + 5:.0f}" text-anchor="middle"'
                f' fill="#16283a" {FONT}>{escape(name)}</text>'
            )
        if place < len(rows) - 1:
            middle, bottom = WIDTH / 2, top + BOX
            parts.append(
                f'<path d="M {middle} {bottom + 5} V {bottom + ROW - BOX - 8} m -5 -6 l 5 6 l 5 -6" fill="none"'
                f' stroke="#34526f" stroke-width="1.6"/>'
            )
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    PICTURE.write_text(drawn(layers()), "utf-8")
