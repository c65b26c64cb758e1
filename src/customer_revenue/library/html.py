"""What a notebook shows of an object: its short description, and its essentials as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import pandas as pd

MAX_ROWS = 20


def as_html(title: str, frames: Mapping[str, pd.DataFrame], lines: Sequence[str] = ()) -> str:
    """HTML of an object.

    Args:
        title: its ``repr``.
        frames: tables by their headings; only the first rows of a long one are shown.
        lines: shown before the tables, one per line.
    """
    parts = [f"<p><code>{escape(title)}</code></p>"]
    if lines:
        parts.append("<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>")
    for heading, frame in frames.items():
        more = f" (the first {MAX_ROWS} of {len(frame):,} rows)" if len(frame) > MAX_ROWS else ""
        table = frame.head(MAX_ROWS).to_html(border=0, float_format=lambda value: f"{value:,.4g}")
        parts.append(f"<p>{escape(heading)}{more}</p>{table}")
    return "".join(parts)
