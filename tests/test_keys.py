"""API keys are made, matched and revoked, and never kept."""

import pytest

from customer_revenue.choices import Scope
from customer_revenue.errors import InvalidParameter, KeysUnavailable
from customer_revenue.keys import KeyFile


@pytest.fixture
def keys(tmp_path):
    return KeyFile(tmp_path / "folder" / "keys.json")


def test_a_key_matches_until_it_is_revoked(keys):
    secret = keys.add("shop", frozenset({Scope.READ}))
    other = KeyFile(keys._path)
    found = other.match(secret)
    assert found is not None
    assert found.name == "shop"
    assert other.match(secret + "x") is None
    assert other.match("") is None
    keys.revoke("shop")
    assert other.match(secret) is None


def test_the_file_holds_no_key_and_is_its_owners(keys):
    secret = keys.add("shop", frozenset(Scope))
    assert secret.encode() not in keys._path.read_bytes()
    assert keys._path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["", "A b", "../x", "x" * 64])
def test_odd_names_are_refused(keys, name):
    with pytest.raises(InvalidParameter):
        keys.add(name, frozenset(Scope))


def test_a_name_is_given_once_and_an_unknown_one_is_told(keys):
    keys.add("shop", frozenset(Scope))
    with pytest.raises(InvalidParameter, match="already"):
        keys.add("shop", frozenset(Scope))
    with pytest.raises(InvalidParameter, match="shop"):
        keys.revoke("till")


def test_a_damaged_file_lets_no_one_in(keys):
    keys.add("shop", frozenset(Scope))
    keys._path.write_text("[{}]")
    with pytest.raises(KeysUnavailable, match="not a file of API keys"):
        keys.match("anything")


def test_a_lost_file_lets_no_one_in_and_an_empty_one_is_required(keys):
    assert not keys.required()
    keys.add("shop", frozenset(Scope))
    keys.revoke("shop")
    assert (keys.all(), keys.required()) == ([], True)
    keys._path.unlink()
    for file in (keys, KeyFile(keys._path)):
        assert file.required()
        with pytest.raises(KeysUnavailable, match="is gone"):
            file.match("anything")
