"""The value of a new customer: recovered from cells that are known, shrunk where few are seen, continued where none."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from customer_revenue.modeling.new_customer_value import AGE_ENDS, NewCustomerValue, ShrunkEffects

FIRST, LATER = 5_000.0, 1_000.0


def value_of(groups: dict[str, tuple[int, float]], months: int = 24, window_days: int = 10_000) -> NewCustomerValue:
    """A shop whose groups (customers per month, multiple of what others bring) are acquired every 30 days."""
    acquired, values, total, squares = [], [], np.zeros(2), np.zeros(2)
    for level, (count, times) in groups.items():
        for cohort in range(months):
            observed = (months - cohort) * 30
            acquired.append({"level": level, "cohort": cohort, "observed_days": observed, "customers": count})
            ages = [end for end in AGE_ENDS if end <= observed and observed - end < window_days]
            for end in ages:
                cents = times * (FIRST if end == 0 else LATER)
                values.append({"level": level, "cohort": cohort, "age_end": end, "net_cents": round(count * cents)})
                total += np.array([end > 0, end == 0]) * count * cents
                squares += np.array([end > 0, end == 0]) * count * cents**2 * 4
    spread = [{"is_first": n, "net_cents": round(total[n]), "squares": squares[n]} for n in (0, 1)]
    tables = [pa.Table.from_pylist(rows) for rows in (acquired, values, spread)]
    return NewCustomerValue.of(tables[0], tables[1], tables[2], window_days)


def test_constant_cells_are_recovered() -> None:
    value = value_of({"all": (100, 1.0)})
    assert value.cumulative([30, 90, 365]).tolist() == [pytest.approx([6_000, 8_000, 18_000])]
    assert value.customers.tolist() == [2_400]
    low, high = value.interval([90])
    assert low[0, 0] < 8_000 < high[0, 0]


def test_groups_differ_where_many_say_so() -> None:
    value = value_of({"good": (100, 3.0), "bad": (100, 1.0)})
    bad, good = value.cumulative([90])[:, 0]
    assert value.levels == ("bad", "good")
    assert good == pytest.approx(24_000, rel=0.05)
    assert bad == pytest.approx(8_000, rel=0.1)


def test_few_customers_are_shrunk_towards_all() -> None:
    few, many = (value_of({"good": (count, 1.3), "usual": (200, 1.0)}, months=6) for count in (5, 100))
    assert 1.0 <= few.later.effect[0] < many.later.effect[0]


def test_tiny_groups_are_one() -> None:
    value = value_of({"a": (1, 9.0), "b": (1, 1.0), "usual": (200, 1.0)}, months=12)
    assert value.levels == ("usual", "(other)")
    assert value.customers.tolist() == [2_400, 24]


def test_what_nobody_has_shown_continues_the_curve() -> None:
    value = value_of({"all": (100, 1.0)}, months=6)
    assert value.is_observed(180)
    assert not value.is_observed(365)
    half, year, two = value.cumulative([180, 365, 730])[0]
    assert half < year < two
    assert (value.standard_deviations([730]) / two)[0, 0] > (value.standard_deviations([180]) / half)[0, 0]


def test_effects_are_1_where_groups_differ_by_chance_alone() -> None:
    shrunk = ShrunkEffects.of(np.array([90.0, 110.0]), np.array([100.0, 100.0]), 10.0)
    assert (shrunk.effect.tolist(), shrunk.between) == ([1.0, 1.0], 0.0)
