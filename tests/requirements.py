"""What some tests need beyond Python: without it they are skipped, and fail where ``CI`` is set."""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import pytest


def missing(what: str, remedy: str) -> NoReturn:
    """Skip the test, or fail it in CI, with one line that says how to get what is missing."""
    why = f"{what} is missing: {remedy}"
    if os.environ.get("CI"):
        pytest.fail(why, pytrace=False)
    pytest.skip(why)


def program(name: str, folders: Iterable[str] = ()) -> Path | None:
    """A program in the path, or in folders (patterns below the root) that are often not in it."""
    if found := shutil.which(name):
        return Path(found).resolve()
    places = (place / name for pattern in folders for place in sorted(Path("/").glob(pattern), reverse=True))
    return next((place for place in places if os.access(place, os.X_OK)), None)


def account(*names: str) -> str | None:
    """The user that a server runs as: the first of some that exists, or this one if it is not root."""
    if os.geteuid():
        return pwd.getpwuid(os.geteuid()).pw_name
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in (*names, "nobody") if name in known), None)
