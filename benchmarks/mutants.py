"""Mutants of the code against its tests: all of the specification's fields, and a random sample of others.

Run by ``make mutants``, with mutmut: it changes one operator, number, name or argument at a time, and runs the tests
that reach the changed function. A mutant that no test kills shows what no test looks at.
"""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

DEFINITIONS = ("revenue.summary", "revenue.counted_refunds", "revenue.segments", "revenue.arithmetic")
"""The modules that define the fields of the specification: none of their mutants may survive."""

PACKAGES = ("revenue", "features", "modeling", "orders.imports", "actions")
"""Where the sample is drawn from, as many from each."""

SEED = 1
KILLED = frozenset({"killed", "timeout", "caught by type check", "segfault"})
TYPES = re.compile(r"\bcast\((?:None|\"[^\"]*\"), ")
RESULT = re.compile(r"^\s*(customer_revenue\.\S+): (.+?)\s*$", re.MULTILINE)


def mutmut(*words: str) -> str:
    """Run mutmut; its standard output.

    Raises:
        subprocess.CalledProcessError: it fails, for example since a test fails without any mutant.
    """
    program = Path(sys.executable).with_name("mutmut")
    return subprocess.run([str(program), *words], check=True, stdout=subprocess.PIPE, text=True).stdout


def results() -> dict[str, str]:
    """The state of each mutant by its name; ``not checked`` before it is run."""
    return dict(RESULT.findall(mutmut("results", "--all", "true")))


def changes_only_types(name: str) -> bool:
    """Whether a mutant changes only what type checkers read, or the case of a column's type: it computes the same."""
    lines = mutmut("show", name).splitlines()
    old, new = (
        [TYPES.sub("cast(", line[1:]).lower() for line in lines if line[:1] == sign and line[:3] != sign * 3]
        for sign in "-+"
    )
    return bool(old) and old == new


def is_of(name: str, place: str) -> bool:
    """Whether a mutant is of a module or a package of ours."""
    return name.startswith(f"customer_revenue.{place}.")


def sample(names: Iterable[str], size: int, seed: int = SEED) -> list[str]:
    """So many mutants, evenly over the packages; always the same of the same code."""
    drawn = random.Random(seed)  # noqa: S311  # no secret
    known = sorted(names)
    each = [[name for name in known if is_of(name, package)] for package in PACKAGES]
    return [name for of in each for name in sorted(drawn.sample(of, min(len(of), size // len(PACKAGES))))]


def table(states: Mapping[str, str], places: Iterable[str]) -> str:
    """How many mutants of each place are in each state."""
    lines = []
    for place in places:
        counts = Counter(state for name, state in states.items() if is_of(name, place))
        lines.append(f"{place:<24}" + ", ".join(f"{number} {state}" for state, number in counts.most_common()))
    return "\n".join(lines)


def main(size: int) -> int:
    """Try the mutants and print what became of them; 1 if one of the specification's fields survived."""
    mutmut("run", *(f"customer_revenue.{module}.*" for module in DEFINITIONS))
    states = results()
    defined = {name: state for name, state in states.items() if any(is_of(name, module) for module in DEFINITIONS)}
    print("The fields of the specification\n" + table(defined, DEFINITIONS))
    drawn = sample(states.keys() - defined.keys(), size)
    if drawn:
        mutmut("run", *drawn)
        after = results()
        print("A sample of the rest\n" + table({name: after[name] for name in drawn}, PACKAGES))
        defined = {name: after[name] for name in defined}
        states = {**{name: after[name] for name in drawn}, **defined}
    alive = sorted(name for name in (defined.keys() | set(drawn)) if states[name] not in KILLED)
    alive = [name for name in alive if not changes_only_types(name)]
    print("\n".join(["Not killed", *(f"  {name}: {states[name]}" for name in alive)]))
    return int(any(name in defined for name in alive))


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 40))
