"""Contrast by the WCAG formula, and tokens and accents that can be read."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.render.colour import AA, contrast, mixed, readable
from newsletter.render.environment import environment, template_loader
from newsletter.render.tokens import load_tokens
from newsletter.resources import resource

COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")
TOKENS = tomllib.loads(resource("templates", "email", "tokens.toml").read_text("utf-8"))


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#ffffff", "#ffffff", 1.0),
        ("#777777", "#ffffff", 4.48),  # the best known pair that just fails AA
        ("#767676", "#ffffff", 4.54),  # and the one that just passes
        ("#ff0000", "#ffffff", 4.0),
        ("#0000ff", "#ffffff", 8.59),
    ],
)
def test_contrast_is_that_of_wcag(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == pytest.approx(ratio, abs=0.005)
    assert contrast(other, one) == contrast(one, other)


@given(COLOURS)
def test_any_accent_becomes_readable_on_both_palettes(accent: str) -> None:
    for palette in ("light", "dark"):
        grounds = [TOKENS[palette][ground] for ground in ("page", "sheet")]
        assert all(contrast(readable(accent, grounds), ground) >= AA for ground in grounds)


@settings(deadline=None)
@given(COLOURS)
def test_any_accent_can_be_read_on_every_ground_its_own_tint_included(accent: str) -> None:
    tables = load_tokens(environment(template_loader([resource("templates")]), html=True), accent)
    for palette in ("light", "dark"):
        own = tables[palette]
        assert min(contrast(own["accent"], own[ground]) for ground in ("page", "sheet", "tint")) >= AA
        assert contrast(own["tint"], own["sheet"]) < 2, "a tint is a breath of colour, no second sheet"


def test_an_accent_that_can_be_read_stays_as_it_is() -> None:
    assert readable("#0b6e5f", ["#ffffff", "#f3f1ec"]) == "#0b6e5f"
    assert readable("#000000", ["#ffffff"]) == "#000000"


def test_an_accent_moves_no_further_than_it_must() -> None:
    assert contrast(readable("#ffcc00", ["#ffffff"]), "#ffffff") < AA + 0.4


@pytest.mark.parametrize("palette", ["light", "dark"])
@pytest.mark.parametrize("ink", ["ink", "soft", "mute"])
@pytest.mark.parametrize("ground", ["page", "sheet"])
def test_the_tokens_can_be_read(palette: str, ink: str, ground: str) -> None:
    assert contrast(TOKENS[palette][ink], TOKENS[palette][ground]) >= AA


def test_colours_mix_channel_by_channel() -> None:
    assert mixed("#000000", "#ff8000", 0.5) == "#804000"
    assert mixed("#123456", "#ffffff", 0) == "#123456"
