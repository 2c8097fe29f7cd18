"""Keys of the JSON API: made, known again, and of no use any more. A key is shown once and kept as its digest alone.

A key is 256 random bits, so a plain SHA-256 of it cannot be tried out; it is looked up by that digest, in a time that
tells nothing of the key.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from newsletter.access import Scope
from newsletter.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from newsletter.access import ApiKey
    from newsletter.store import Store

_MARK = "nlk_"  # by which a key is known as one where it should not stand, in a repository for example
_RANDOM_BYTES = 32
_LONGEST_NAME = 80
_USE_IS_NOTED_EVERY = timedelta(hours=1)


def scopes_from(names: Collection[str]) -> frozenset[Scope]:
    """Return the scopes of these names.

    Raises:
        UsageError: there are none, or one that is not known.
    """
    if unknown := [name for name in names if name not in frozenset(Scope)]:
        raise UsageError(f"unknown scope {unknown[0]!r}; known are: {', '.join(Scope)}")
    if not names:
        raise UsageError(f"a key without a scope opens nothing; name one or more of: {', '.join(Scope)}")
    return frozenset(Scope(name) for name in names)


def new_key(store: Store, name: str, scopes: Collection[Scope], *, now: datetime) -> str:
    """Make a key and return it; nobody can show it again.

    Raises:
        UsageError: the name is empty, too long or taken, or there is no scope.
    """
    shown = name.strip()
    if not shown or len(shown) > _LONGEST_NAME or not shown.isprintable():
        raise UsageError(f"a key's name has 1 to {_LONGEST_NAME} printable characters; say who will use it")
    if not scopes:
        raise UsageError("a key without a scope opens nothing; name one or more")
    key = _MARK + secrets.token_urlsafe(_RANDOM_BYTES)
    if not store.api_keys.add(shown, _digest(key), scopes, now=now):
        raise UsageError(f"there is, or was, a key named {shown!r}; choose another name")
    return key


def key_for(store: Store, text: str, *, now: datetime) -> ApiKey | None:
    """Return the key that somebody shows, None where it is none or was revoked; its use is noted once an hour."""
    found = store.api_keys.find(_digest(text))
    if found and (found.used_at is None or now - found.used_at >= _USE_IS_NOTED_EVERY):
        store.api_keys.used(found.id, now=now)
    return found


def revoke_key(store: Store, name: str, *, now: datetime) -> None:
    """Let a key be of no use from now on.

    Raises:
        UsageError: there is none of this name that is of use.
    """
    if not store.api_keys.revoke(name.strip(), now=now):
        raise UsageError(f"there is no key {name!r} in use; list them with: newsletter keys list")


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
