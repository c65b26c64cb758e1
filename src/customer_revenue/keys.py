"""API keys: made, kept as hashes, compared, revoked."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
import secrets
from enum import StrEnum
from pathlib import Path

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from customer_revenue.errors import InvalidParameter

KEY_PREFIX = "cr_"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


class Scope(StrEnum):
    """What a key may do: ``read`` asks about one customer or the customer base, ``batch`` about many at once."""

    READ = "read"
    BATCH = "batch"


class ApiKey(BaseModel):
    """A key as it is kept. The key itself is shown once, when it is made, and nowhere kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    sha256: str
    scopes: frozenset[Scope]
    created_at: dt.datetime


_KEYS = TypeAdapter(list[ApiKey])


class KeyFile:
    """The keys of a service, in one JSON file that a running service reads again when it changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = FileLock(f"{path}.lock")
        self._read: tuple[int, list[ApiKey]] = (0, [])

    def all(self) -> list[ApiKey]:
        """The keys, oldest first.

        Raises:
            InvalidParameter: the file is not one of ours.
        """
        try:
            changed = self._path.stat().st_mtime_ns
        except FileNotFoundError:
            return []
        if self._read[0] != changed:
            try:
                self._read = (changed, _KEYS.validate_json(self._path.read_bytes()))
            except (OSError, ValidationError):
                raise InvalidParameter(f"{self._path} is not a file of API keys; `keys add` makes one") from None
        return self._read[1]

    def add(self, name: str, scopes: frozenset[Scope]) -> str:
        """Make a key and return it; it cannot be shown again.

        Raises:
            InvalidParameter: the name is taken or not a plain word, or there is no scope.
        """
        if not NAME.fullmatch(name):
            raise InvalidParameter("a key's name has lower-case letters, digits, dots, dashes; at most 63 of them")
        if not scopes:
            raise InvalidParameter(f"a key needs a scope: {', '.join(Scope)}")
        with self._changing():
            keys = self.all()
            if any(key.name == name for key in keys):
                raise InvalidParameter(f"there is a key named {name} already; revoke it first")
            secret = KEY_PREFIX + secrets.token_urlsafe(32)
            made = ApiKey(name=name, sha256=_hash(secret), scopes=scopes, created_at=dt.datetime.now(dt.UTC))
            self._write([*keys, made])
        return secret

    def revoke(self, name: str) -> None:
        """Remove a key.

        Raises:
            InvalidParameter: there is none of that name.
        """
        with self._changing():
            keys = self.all()
            kept = [key for key in keys if key.name != name]
            if len(kept) == len(keys):
                raise InvalidParameter(f"no key named {name}; there are {', '.join(k.name for k in keys) or 'none'}")
            self._write(kept)

    def match(self, secret: str) -> ApiKey | None:
        """The key that ``secret`` is, compared in constant time with every key there is."""
        digest = _hash(secret)
        found = None
        for key in self.all():
            if hmac.compare_digest(key.sha256, digest):
                found = key
        return found

    def _changing(self) -> FileLock:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return self._lock

    def _write(self, keys: list[ApiKey]) -> None:
        draft = self._path.with_suffix(".next")
        draft.write_bytes(_KEYS.dump_json(keys, indent=1))
        draft.chmod(0o600)
        draft.replace(self._path)
        self._read = (0, [])


def _hash(secret: str) -> str:
    """SHA-256 is enough for a key of 256 random bits: there is no password to guess."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
