"""The page that monitoring writes: one file, charts within it, nothing loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from io import StringIO

from customer_revenue.currencies import minor_units
from customer_revenue.monitoring.bands import Band
from customer_revenue.monitoring.findings import Finding
from customer_revenue.monitoring.realised import EVERYONE, RealisedGroup
from customer_revenue.plots.realised_over_predicted import realised_over_predicted
from customer_revenue.plots.style import detached_figure
from customer_revenue.workflows.monitoring.checks import Monitored

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2933; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
table { border-collapse: collapse; font-size: .9rem; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #d9e2ec; vertical-align: top; }
td.n, th.n { text-align: right; } td.n, td:first-child { white-space: nowrap; }
.alarm { color: #a03c0a; font-weight: 600; } .ok { color: #3d6b22; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 1rem; }
.charts svg { width: 100%; height: auto; } figure { margin: 0; } figcaption { font-weight: 600; }
.wide { overflow-x: auto; } p.note { color: #52606d; max-width: 48rem; }
"""
CHARTED = (("buyers", "Customers who bought"), ("purchases", "Purchases"), ("revenue", "Revenue"))
DRIFTED = 12
"""Lines of the drift table."""


def page(found: Monitored, currency: str) -> str:
    """The whole page."""
    alarms = found.alarms
    verdict = f'<p class="alarm">{_number(len(alarms), "alarm")}</p>' if alarms else '<p class="ok">No alarm</p>'
    parts = [
        f"<h1>Monitoring as of {found.day}</h1>",
        f"<p>Model in use: {escape(found.version or 'none')}</p>",
        verdict,
        "<ul>" + "".join(f'<li class="alarm">{escape(alarm)}</li>' for alarm in alarms) + "</ul>" if alarms else "",
        "<h2>Orders that came in</h2>",
        _findings(found.feed),
        "<h2>Customers and predictions since training</h2>",
        _findings(found.drift[:DRIFTED]) if found.drift else "<p>The model was trained within a week.</p>",
        "<h2>Realised against predicted</h2>",
        *_realised(found, currency),
    ]
    title = f"<title>Monitoring {found.day}</title>"
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width">{title}'
    return (
        f'<!doctype html><html lang="en"><head>{head}<style>{STYLE}</style></head><body>{"".join(parts)}</body></html>'
    )


def _realised(found: Monitored, currency: str) -> Iterable[str]:
    if not found.groups:
        yield "<p>No logged prediction's horizon is over yet.</p>"
        return
    yield (
        '<p class="note">A point is a week of predictions; its line is what chance explains, wide enough for all the '
        "looks that are taken in a year. Grey is what the policy tolerates. A point whose whole line is outside "
        "raises an alarm.</p>"
    )
    yield '<div class="charts">'
    for horizon in sorted({group.horizon_days for group in found.groups}):
        for figure, words in CHARTED:
            yield _chart(found, horizon, figure, f"{words}, {horizon} days ahead")
    yield "</div>"
    for title, groups in (
        ("By week", [g for g in found.groups if g.segment == EVERYONE]),
        ("By segment, latest week", _latest([g for g in found.groups if g.segment != EVERYONE])),
    ):
        yield f'<h2>{title}</h2><div class="wide">{_groups(groups, currency)}</div>'


def _chart(found: Monitored, horizon: int, figure: str, title: str) -> str:
    groups = [g for g in found.groups if g.horizon_days == horizon and g.segment == EVERYONE and figure in g.bands]
    if not groups:
        return ""
    drawing, axes = detached_figure(height=3.0)
    bands = [(g.bands[figure].value, g.bands[figure].low, g.bands[figure].high) for g in groups]
    wrong = [figure in g.alarms for g in groups]
    realised_over_predicted([g.week for g in groups], bands, wrong, found.policy.ratio_tolerance, axes)
    text = StringIO()
    drawing.savefig(text, format="svg", metadata={"Date": None})
    svg = text.getvalue()
    return f"<figure><figcaption>{escape(title)}</figcaption>{svg[svg.index('<svg') :]}</figure>"


def _groups(groups: Sequence[RealisedGroup], currency: str) -> str:
    names = ("Week", "Days ahead", "Segment", "Customers", "Buyers", "of predicted", "Purchases", "of predicted")
    more = (f"Revenue, {currency}", "of predicted", "Intervals held: purchases", "revenue", "stated", "Ranking (AUC)")
    rows = []
    for group in groups:
        cells = [str(group.week), f"{group.horizon_days}", escape(group.segment), f"{group.customers:,}"]
        for total, figure in (("buyers", "buyers"), ("purchases", "purchases"), ("revenue_cents", "revenue")):
            cells += [_total(group, total, currency), _band(group, figure)]
        cells += [_band(group, "purchases_coverage"), _band(group, "revenue_coverage"), _plain(group.stated)]
        rows.append([*cells, _band(group, "ranking")])
    return _table((*names, *more), rows)


def _latest(groups: Sequence[RealisedGroup]) -> list[RealisedGroup]:
    latest = {
        horizon: max(g.week for g in groups if g.horizon_days == horizon)
        for horizon in {g.horizon_days for g in groups}
    }
    return [g for g in groups if g.week == latest[g.horizon_days]]


def _total(group: RealisedGroup, name: str, currency: str) -> str:
    if name not in group.totals:
        return ""
    scale = minor_units(currency) if name.endswith("_cents") else 1
    predicted, actual = (value / scale for value in group.totals[name])
    return f"{actual:,.0f} of {predicted:,.0f}"


def _band(group: RealisedGroup, figure: str) -> str:
    band: Band | None = group.bands.get(figure)
    if band is None or band.value != band.value:  # NaN is not itself
        return ""
    text = f"{band.value:.2f} ({band.low:.2f}–{band.high:.2f})"
    return f'<span class="alarm">{text}</span>' if figure in group.alarms else text


def _plain(value: float) -> str:
    return f"{value:.2f}" if value == value else ""  # NaN is not itself


def _findings(findings: Sequence[Finding]) -> str:
    rows = [
        [
            f'<span class="{"alarm" if f.alarm else "ok"}">{"alarm" if f.alarm else "ok"}</span>',
            escape(f.name.replace("_", " ")),
            escape(f.text),
        ]
        for f in findings
    ]
    return _table(("", "Looked at", "Seen"), rows)


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    numbers = len(names) > 3
    kind = [' class="n"' if numbers and place not in (0, 2) else "" for place in range(len(names))]
    head = "".join(f"<th{one}>{escape(name)}</th>" for name, one in zip(names, kind, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{one}>{cell}</td>" for cell, one in zip(row, kind, strict=True)) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
