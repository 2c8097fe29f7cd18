"""What the rules make of measurements, without a browser: each measurement that breaks one, and the reasons to skip."""

from __future__ import annotations

from dataclasses import replace

import pytest

from newsletter.render.checklist import check
from newsletter.render.checklist.evidence import Evidence, Looks, Missing, Overflow, TextLook, Violation
from newsletter.render.checklist.rule import State
from tests.render.mails import usual

LIGHT = TextLook(where="<p>", shown="Words that are read", ink="#222222", ground="#ffffff", large=False)
DARK = replace(LIGHT, ink="#eeeeee", ground="#111111")
GOOD = Looks(
    light=(LIGHT,), dark=(DARK,), bare=(LIGHT,), forced=(DARK,), forced_bare=(DARK,), overflows=(), violations=()
)
PALE = replace(LIGHT, ink="#999999")
DIM = replace(DARK, ink="#555555")


def states(looks: Looks | Missing) -> dict[str, State]:
    one = usual()
    return {found.rule: found.state for found in check(Evidence(one.mail, one.given, looks=looks))}


BREAKS = {
    "contrast": replace(GOOD, light=(PALE,)),
    "dark-contrast": replace(GOOD, dark=(DIM,)),
    "dark": replace(GOOD, dark=(LIGHT,)),
    "forced-dark": replace(GOOD, forced_bare=(DIM,)),
    "no-styles": replace(GOOD, bare=(LIGHT, replace(LIGHT, shown="More words"))),
    "overflow": replace(GOOD, overflows=(Overflow(width=320, styled=False, where="<p>", pixels=3),)),
    "axe": replace(GOOD, violations=(Violation(rule="link-name", scheme="light", where="a", what="Add a name"),)),
}


@pytest.mark.parametrize("rule", BREAKS)
def test_a_bad_measurement_breaks_its_rule_alone(rule: str) -> None:
    good, bad = states(GOOD), states(BREAKS[rule])
    assert good[rule] is State.OK
    assert {name for name in BREAKS if bad[name] is State.FAILED} == {rule}


@pytest.mark.parametrize("ink", ["#767676", "#949494"])
def test_large_text_needs_less_contrast(ink: str) -> None:
    text = replace(LIGHT, ink=ink)  # 4.54 and 3.03
    assert states(replace(GOOD, light=(text,)))["contrast"] is (State.OK if ink == "#767676" else State.FAILED)
    assert states(replace(GOOD, light=(replace(text, large=True),)))["contrast"] is State.OK


def test_one_bright_label_leaves_dark_mode_dark() -> None:
    long, label = replace(DARK, shown="words " * 40), replace(LIGHT, shown="New")
    one = replace(GOOD, light=(LIGHT,) * 2, dark=(long, label))
    found = states(replace(one, light=(replace(LIGHT, shown=long.shown), label)))
    assert found["dark"] is State.OK


def test_without_a_browser_its_rules_are_skipped_and_without_axe_its_own() -> None:
    missing = Missing(reason="no browser")
    assert {states(missing)[name] for name in BREAKS} == {State.SKIPPED}
    found = states(replace(GOOD, violations=Missing(reason="no axe-core")))
    assert [name for name in BREAKS if found[name] is State.SKIPPED] == ["axe"]
