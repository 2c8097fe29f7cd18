"""The mail's own check-list: rules over a finished mail, given as data.

Pure: it opens no file, no browser and no connection, and reads no clock; `newsletter.pipeline.checking` brings what a
browser and a validator measured. A rule whose tool is missing is skipped and says so; it never counts as kept. A tool
that broke on a mail makes the rule fail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from newsletter.render.checklist import document, envelope, leftovers, links, looks, outlook, plain, size, validity

if TYPE_CHECKING:
    from newsletter.render.checklist.evidence import Evidence
    from newsletter.render.checklist.rule import Outcome, Rule

__all__ = ["RULES", "check"]

# Any: each rule looks at a part of its own type, which only its own two functions know.
RULES: tuple[Rule[Any], ...] = tuple(
    rule
    for module in (document, links, leftovers, outlook, size, plain, envelope, looks, validity)
    for rule in module.RULES
)


def check(evidence: Evidence) -> tuple[Outcome, ...]:
    """Return how every rule goes for one mail, in the order of the list."""
    return tuple(rule.judge(evidence) for rule in RULES)
