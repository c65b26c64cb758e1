"""A rule that chooses customers, such as ``net_revenue >= 200 and churn_risk > 0.5``: read, and never executed."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np

from customer_revenue.arrays import Floats, Marks, Texts
from customer_revenue.errors import InvalidParameter

RULE_NUMBERS = ("net_revenue", "expected_revenue", "orders", "days_since_order", "churn_risk", "next_purchase")
"""What a rule may compare with a number: money in units of the currency, chances from 0 to 1."""
RULE_WORDS = ("segment", "stage", "rfm_group", "decision")
"""What a rule may compare with words."""
MAX_RULE_LENGTH = 500

RuleColumns = Mapping[str, Floats | Texts]
Condition = Callable[[RuleColumns], Marks]

_ORDERS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
_COMPARED: dict[str, Callable[[Floats, float], Marks]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


@dataclass(frozen=True)
class AudienceRule:
    """Conditions on customers, joined by ``and``, ``or`` and ``not``.

    A condition compares one of :data:`RULE_NUMBERS` with a number by ``<``, ``<=``, ``>``, ``>=``, ``==`` or ``!=``, or
    one of :data:`RULE_WORDS` with a word by ``==`` or ``!=`` or with words in brackets by ``in`` or ``not in``. Words
    may stand in quotation marks. The grammar is that of Python's expressions; everything else in them is refused.

    Args:
        text: the rule.
        names: what it asks about.
        condition: marks the customers whom it chooses.

    >>> words = {"segment": ["whale", "vip"]}
    >>> rule = AudienceRule.parse("30 <= days_since_order < 90 and segment in (whale, vip)", words)
    >>> columns = {"days_since_order": np.array([20.0, 40.0]), "segment": np.array(["vip", "vip"], object)}
    >>> rule.condition(columns).tolist()
    [False, True]
    """

    text: str
    names: frozenset[str]
    condition: Condition

    @classmethod
    def parse(cls, text: str, words: Mapping[str, Collection[str]]) -> AudienceRule:
        """The rule that a text states.

        Args:
            text: the rule.
            words: those that there are, by the name that is compared with them.

        Raises:
            InvalidParameter: the text is no such rule; says where, and what is allowed.
        """
        if len(text) > MAX_RULE_LENGTH:
            raise InvalidParameter(f"rule: longer than {MAX_RULE_LENGTH} characters")
        try:
            tree = ast.parse(text.strip(), mode="eval")
        except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
            place = f" at character {error.offset}" if isinstance(error, SyntaxError) else ""
            raise InvalidParameter(f"rule: {text[:80]!r} cannot be read{place}") from None
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} & {*RULE_NUMBERS, *RULE_WORDS}
        return cls(text.strip(), frozenset(names), _Reader(text.strip(), words).condition(tree.body))


class _Reader:
    def __init__(self, text: str, words: Mapping[str, Collection[str]]) -> None:
        self._text, self._words = text, words

    def condition(self, node: ast.expr) -> Condition:
        match node:
            case ast.BoolOp(op=op, values=values):
                parts = [self.condition(value) for value in values]
                joined = np.logical_and if isinstance(op, ast.And) else np.logical_or
                return lambda columns: np.asarray(joined.reduce([part(columns) for part in parts]), np.bool_)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                inner = self.condition(operand)
                return lambda columns: ~inner(columns)
            case ast.Compare(left=left, ops=ops, comparators=rights):
                sides = [left, *rights]
                pairs = [self._pair(*pair) for pair in zip(sides[:-1], ops, sides[1:], strict=True)]
                return lambda columns: np.asarray(np.logical_and.reduce([pair(columns) for pair in pairs]), np.bool_)
        raise self._refusal(node)

    def _pair(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Condition:
        name, turned = self._name(left), False
        if name is None:
            left, right, name, turned = right, left, self._name(right), True
        if name is None:
            raise self._refusal(left)
        sign = _ORDERS.get(type(op))
        if name in RULE_NUMBERS and sign is not None:
            compare, number = _COMPARED[_TURNED[sign] if turned else sign], self._number(right)
            return lambda columns: np.asarray(compare(np.asarray(columns[name], np.float64), number), np.bool_)
        if name in RULE_WORDS and sign in ("==", "!="):
            return self._among(name, [right], denied=sign == "!=")
        if name in RULE_WORDS and not turned and isinstance(op, ast.In | ast.NotIn):
            if isinstance(right, ast.Tuple | ast.List | ast.Set) and right.elts:
                return self._among(name, right.elts, denied=isinstance(op, ast.NotIn))
            return self._among(name, [right], denied=isinstance(op, ast.NotIn))
        kind = "a number by <, <=, >, >=, == or !=" if name in RULE_NUMBERS else "words by ==, !=, in or not in"
        raise InvalidParameter(f"rule: {name} is compared with {kind}")

    def _among(self, name: str, nodes: list[ast.expr], *, denied: bool) -> Condition:
        allowed = self._words.get(name, ())
        wanted = [self._word(node) for node in nodes]
        for word in wanted:
            if word not in allowed:
                raise InvalidParameter(f"rule: {name} {word[:40]!r} is not one of {', '.join(allowed)}", list(allowed))
        return lambda columns: np.isin(columns[name].astype(str), wanted, invert=denied)

    def _name(self, node: ast.expr) -> str | None:
        if isinstance(node, ast.Name) and node.id in (*RULE_NUMBERS, *RULE_WORDS):
            return node.id
        return None

    def _number(self, node: ast.expr) -> float:
        match node:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return float(value)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self._number(operand)
        raise self._refusal(node)

    def _word(self, node: ast.expr) -> str:
        match node:
            case ast.Name(id=word) | ast.Constant(value=str() as word):
                return word
        raise self._refusal(node)

    def _refusal(self, node: ast.expr) -> InvalidParameter:
        found = (ast.get_source_segment(self._text, node) or self._text)[:60]
        names = [*RULE_NUMBERS, *RULE_WORDS]
        return InvalidParameter(
            f"rule: {found!r} cannot be used; a condition compares one of {', '.join(names)}", names
        )
