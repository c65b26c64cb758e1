"""API keys: creation, storage as hashes, comparison and revocation."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
import secrets
import time
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from customer_revenue.choices import Scope
from customer_revenue.errors import InvalidParameter, KeysUnavailable

KEY_PREFIX = "cr_"
USE_SECONDS = 60.0
"""How exactly the last use of a key is known."""
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


class ApiKey(BaseModel):
    """A key as it is kept. The key itself is shown once, when it is made, and nowhere kept."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    name: str
    sha256: str
    scopes: frozenset[Scope]
    created_at: dt.datetime
    expires_at: dt.datetime | None = None

    def is_expired(self) -> bool:
        """Whether it is of no use any more."""
        return self.expires_at is not None and dt.datetime.now(dt.UTC) >= self.expires_at


_KEYS = TypeAdapter(list[ApiKey])


class KeyFile:
    """The API keys in one JSON file, which a running service reads again when it changes.

    Once there has been a key, keys are required: the list may be empty, and a file that is gone or damaged lets nobody
    in. A mark next to it, ``keys.json.required``, says that there has been one. The folder ``keys.json.used`` has an
    empty file for each key, whose time is that of the key's last use.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = FileLock(f"{path}.lock")
        self._mark = path.with_name(f"{path.name}.required")
        self._read: tuple[int, list[ApiKey]] = (0, [])
        self._uses = path.with_name(f"{path.name}.used")
        self._noted: dict[str, float] = {}
        self._seen = False
        """Whether the file has been there."""

    def required(self) -> bool:
        """Whether every request needs a key: there are some, or there have been."""
        return self._path.exists() or self._seen or self._mark.exists()

    def all(self) -> list[ApiKey]:
        """The keys, oldest first; none where there has never been one.

        Raises:
            KeysUnavailable: the file is gone, or is not a file of API keys.
        """
        advice = f"restore it, or remove it and {self._mark} and add keys again"
        try:
            changed = self._path.stat().st_mtime_ns
        except FileNotFoundError:
            if self._seen or self._mark.exists():
                raise KeysUnavailable(f"the file of API keys {self._path} is gone: {advice}") from None
            return []
        self._seen = True
        if self._read[0] != changed:
            try:
                self._read = (changed, _KEYS.validate_json(self._path.read_bytes()))
            except (OSError, ValidationError):
                raise KeysUnavailable(f"{self._path} is not a file of API keys: {advice}") from None
        return self._read[1]

    def add(self, name: str, scopes: frozenset[Scope], days: int | None = None) -> str:
        """Create a key and return it; only its hash is stored.

        Args:
            name: of the key.
            scopes: its permissions.
            days: after which it expires; never by default.

        Raises:
            InvalidParameter: the name is taken or has other characters than those allowed, or no scope is given.
        """
        if not NAME.fullmatch(name):
            raise InvalidParameter("a key's name has 1 to 63 lower-case letters, digits, dots, dashes, underscores")
        if not scopes:
            raise InvalidParameter(f"a key needs a scope: {', '.join(Scope)}")
        with self._changing():
            keys = self.all()
            if any(key.name == name for key in keys):
                raise InvalidParameter(f"a key named {name} exists already; revoke it first")
            secret = KEY_PREFIX + secrets.token_urlsafe(32)
            now = dt.datetime.now(dt.UTC)
            expires = None if days is None else now + dt.timedelta(days=days)
            made = ApiKey(name=name, sha256=_hash(secret), scopes=scopes, created_at=now, expires_at=expires)
            self._write([*keys, made])
        return secret

    def revoke(self, name: str) -> None:
        """Remove a key.

        Raises:
            InvalidParameter: no key has that name.
        """
        with self._changing():
            keys = self.all()
            kept = [key for key in keys if key.name != name]
            if len(kept) == len(keys):
                raise InvalidParameter(f"no key named {name}; the keys are {', '.join(k.name for k in keys) or 'none'}")
            self._write(kept)
        (self._uses / name).unlink(missing_ok=True)

    def note_use(self, name: str) -> None:
        """Note that a key has been used, once in :data:`USE_SECONDS`. Where that cannot be written, it is left out."""
        now = time.monotonic()
        if now - self._noted.get(name, -USE_SECONDS) < USE_SECONDS:
            return
        self._noted[name] = now
        with suppress(OSError):
            self._uses.mkdir(mode=0o700, exist_ok=True)
            (self._uses / name).touch(mode=0o600)

    def used_at(self, name: str) -> dt.datetime | None:
        """When a key was last used, to :data:`USE_SECONDS`; ``None`` if it never was."""
        try:
            return dt.datetime.fromtimestamp((self._uses / name).stat().st_mtime, dt.UTC).replace(microsecond=0)
        except OSError:
            return None

    def match(self, secret: str) -> ApiKey | None:
        """The key with this secret, compared in constant time with every key; ``None`` if no valid one matches."""
        digest = _hash(secret)
        found = None
        for key in self.all():
            if hmac.compare_digest(key.sha256, digest):
                found = key
        return None if found is None or found.is_expired() else found

    def _changing(self) -> FileLock:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return self._lock

    def _write(self, keys: list[ApiKey]) -> None:
        draft = self._path.with_suffix(".next")
        draft.write_bytes(_KEYS.dump_json(keys, indent=1))
        draft.chmod(0o600)
        self._mark.touch(mode=0o600)
        draft.replace(self._path)
        self._read = (0, [])


def _hash(secret: str) -> str:
    """SHA-256 is enough: a key has 256 random bits, so it cannot be guessed like a password."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
