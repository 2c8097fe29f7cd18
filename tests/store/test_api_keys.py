"""Keys of the JSON API: shown once, known by their digest, of no use once revoked."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from newsletter.access import Scope
from newsletter.errors import UsageError
from newsletter.pipeline.api_keys import key_for, new_key, revoke_key, scopes_from
from newsletter.store.schema import api_keys
from tests.store.sending import NOW

if TYPE_CHECKING:
    from newsletter.store import Store


def test_a_key_is_known_again_with_its_scopes(store: Store) -> None:
    key = new_key(store, " website ", scopes_from(["papers:read", "issues:read"]), now=NOW)
    other = new_key(store, "import", [Scope.SUBSCRIBERS_IMPORT], now=NOW)
    assert key != other
    found = key_for(store, key, now=NOW)
    assert found
    assert found.name == "website"
    assert found.scopes == {Scope.PAPERS_READ, Scope.ISSUES_READ}
    for wrong in ("", key[:-1], key + "x", key.upper(), "\ud800", "nlk_", "' OR 1=1"):
        assert key_for(store, wrong, now=NOW) is None


def test_the_key_itself_is_nowhere_in_the_store(store: Store) -> None:
    key = new_key(store, "website", [Scope.PAPERS_READ], now=NOW)
    with store._database.reading() as connection:
        (row,) = connection.execute(select(api_keys)).all()
    assert key not in str(tuple(row))


def test_a_revoked_key_is_of_no_use_and_its_name_stays_taken(store: Store) -> None:
    key = new_key(store, "website", [Scope.PAPERS_READ], now=NOW)
    revoke_key(store, "website", now=NOW)
    assert key_for(store, key, now=NOW) is None
    with pytest.raises(UsageError, match="no key 'website' in use"):
        revoke_key(store, "website", now=NOW)
    with pytest.raises(UsageError, match="choose another name"):
        new_key(store, "website", [Scope.PAPERS_READ], now=NOW)
    assert [one.revoked_at for one in store.api_keys.all()] == [NOW]


def test_the_last_use_is_noted_once_an_hour(store: Store) -> None:
    key = new_key(store, "website", [Scope.PAPERS_READ], now=NOW)
    used = []
    for minutes in (0, 30, 61):
        key_for(store, key, now=NOW + timedelta(minutes=minutes))
        used.append(store.api_keys.all()[0].used_at)
    assert used == [NOW, NOW, NOW + timedelta(minutes=61)]


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "a\nb"])
def test_a_key_has_a_name_that_can_be_read(store: Store, name: str) -> None:
    with pytest.raises(UsageError, match="name"):
        new_key(store, name, [Scope.PAPERS_READ], now=NOW)


@pytest.mark.parametrize("names", [[], ["papers:write"]])
def test_a_key_has_scopes_that_are_known(names: list[str]) -> None:
    with pytest.raises(UsageError, match="papers:read"):
        scopes_from(names)
