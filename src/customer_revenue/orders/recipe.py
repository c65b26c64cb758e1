"""Expressions by name, which are built only where their SQL is not known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ibis.expr.types as ir


@dataclass(frozen=True)
class Recipe:
    """A function that builds an expression, and the arguments after its table or tables.

    The function is one of a module and depends on nothing but its arguments, whose ``repr`` distinguishes them: plain
    values and frozen models. What differs from run to run, such as a day, is a ``parameter`` instead.

    Raises:
        ValueError: the function is a lambda or was defined inside another one, whose variables could differ.
    """

    build: Callable[..., ir.Table]
    arguments: tuple[object, ...] = ()
    complete: tuple[str, ...] = ()
    """The names of those tables that have their optional columns too, null where the store lacks them."""

    def __post_init__(self) -> None:
        if "<" in self.build.__qualname__:
            raise ValueError(f"{self.build.__qualname__} is not a function of a module")

    @property
    def key(self) -> str:
        """What distinguishes it from others."""
        optional = f" with optional columns of {', '.join(self.complete)}" if self.complete else ""
        return f"{self.build.__module__}.{self.build.__qualname__} {self.arguments!r}{optional}"

    @property
    def name(self) -> str:
        """The name of its function."""
        return self.build.__name__.lstrip("_")

    def over(self, tables: Any) -> ir.Table:
        """Build the expression over a table, or over the tables of a store."""
        return self.build(tables, *self.arguments)
