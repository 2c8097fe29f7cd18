from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.config import load_config
from newsletter.deliver.return_path import LETTER, Mailing, return_path, whose
from newsletter.errors import ConfigError, DeliveryError

if TYPE_CHECKING:
    from pathlib import Path

    from newsletter.settings import BounceSettings

KEY, OLD_KEY = b"k" * 32, b"o" * 32


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> BounceSettings:
    home: Path = tmp_path_factory.mktemp("home")
    (home / "newsletter.toml").write_text('[bounces]\nreturn_path = "bounces@newsletter.example"\n')
    return load_config(home, {}).bounces


def test_it_is_short_small_and_the_same_on_every_attempt(settings: BounceSettings) -> None:
    path = return_path(settings, KEY, 12, 345)
    assert path == return_path(settings, KEY, 12, 345)
    assert path.startswith("bounces+12.345.")
    assert path.endswith("@newsletter.example")
    assert path == path.lower()
    assert len(path.partition("@")[0]) <= 64


@given(issue=st.integers(0, 10**9), subscriber=st.integers(0, 10**12), old=st.booleans(), shout=st.booleans())
def test_what_was_signed_is_read_back(
    settings: BounceSettings, issue: int, subscriber: int, old: bool, shout: bool
) -> None:
    path = return_path(settings, OLD_KEY if old else KEY, issue, subscriber)
    text = f"<{path.upper() if shout else path}>"
    assert whose(settings, [OLD_KEY, KEY], [text]) == Mailing(issue_id=issue, subscriber_id=subscriber)


def test_a_letter_has_one_too(settings: BounceSettings) -> None:
    path = return_path(settings, KEY, LETTER, 7)
    assert whose(settings, [KEY], [path]) == Mailing(issue_id=LETTER, subscriber_id=7)


def test_every_letter_of_it_is_signed(settings: BounceSettings) -> None:
    path = return_path(settings, KEY, 12, 345)
    local = path.partition("@")[0]
    for place in range(len(local)):
        for other in "a2.0+":
            if other != local[place]:
                forged = f"{local[:place]}{other}{local[place + 1 :]}@newsletter.example"
                assert whose(settings, [KEY], [forged]) is None, forged


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.replace("newsletter.example", "newsletter.example.evil"),
        lambda path: path.replace("newsletter.example", "evil-newsletter.example"),
        lambda path: path.replace("@", "@x."),
        lambda path: "x" + path,
        lambda path: path.replace("+12.", "+012."),
        lambda path: path.replace("+12.345", "+1.2345"),
        lambda path: path.replace("+", "-"),
        lambda _path: "",
    ],
)
def test_what_is_not_ours_is_nobodys(settings: BounceSettings, change: object) -> None:
    assert callable(change)
    assert whose(settings, [KEY], [change(return_path(settings, KEY, 12, 345))]) is None


def test_another_key_signs_otherwise(settings: BounceSettings) -> None:
    assert whose(settings, [OLD_KEY], [return_path(settings, KEY, 12, 345)]) is None


def test_without_a_setting_there_is_none(settings: BounceSettings) -> None:
    none = settings.model_copy(update={"return_path": ""})
    assert return_path(none, KEY, 12, 345) == ""
    assert whose(none, [KEY], ["bounces+12.345.aaaaaaaaaaaaaaaa@newsletter.example"]) is None


def test_another_delimiter_is_one(settings: BounceSettings) -> None:
    dashed = settings.model_copy(update={"delimiter": "-"})
    path = return_path(dashed, KEY, 12, 345)
    assert path.startswith("bounces-12.345.")
    assert whose(dashed, [KEY], [path]) == Mailing(issue_id=12, subscriber_id=345)


@pytest.mark.parametrize("numbers", [(10**20, 10**20), (-1, 1)])
def test_numbers_that_do_not_fit_are_refused(settings: BounceSettings, numbers: tuple[int, int]) -> None:
    with pytest.raises(DeliveryError, match="no return path"):
        return_path(settings, KEY, *numbers)


def test_a_key_that_is_no_secret_is_refused(settings: BounceSettings) -> None:
    with pytest.raises(DeliveryError, match="16 or more"):
        return_path(settings, b"short", 1, 1)


@pytest.mark.parametrize("address", ["b" * 21 + "@x.example", "bünces@x.example", "nobody"])
def test_a_return_path_that_leaves_no_room_is_refused(tmp_path: Path, address: str) -> None:
    (tmp_path / "newsletter.toml").write_text(f'[bounces]\nreturn_path = "{address}"\n', "utf-8")
    with pytest.raises(ConfigError, match=r"bounces\.return_path"):
        load_config(tmp_path, {})
