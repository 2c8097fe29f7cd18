"""What a rule is, and what comes of it. A rule only judges; it measures nothing and prints nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, TypeVar

from newsletter.render.checklist.evidence import Missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from newsletter.render.checklist.evidence import Evidence

_Part = TypeVar("_Part")
_LONGEST = 80


class State(StrEnum):
    """How a rule went: kept, kept with something to think about, broken, or not looked at."""

    OK = "ok"
    HINT = "hint"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that breaks a rule: where it stands, what it is and what to do."""

    where: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one rule went for one mail; `why` is told where it was skipped."""

    mail: str
    rule: str
    demand: str
    state: State
    why: str = ""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Generic[_Part]):
    """A demand on a mail. `part` takes what it needs from the evidence, `look` finds what is wrong there.

    What a rule with `hint` finds is advice: it makes no mail fail.
    """

    name: str
    demand: str
    part: Callable[[Evidence], _Part | Missing]
    look: Callable[[_Part], Iterable[Finding]]
    hint: bool = False

    def judge(self, evidence: Evidence) -> Outcome:
        """Return how the rule goes for one mail."""
        part = self.part(evidence)
        name = evidence.mail.name
        if isinstance(part, Missing) and not part.failed:
            return Outcome(mail=name, rule=self.name, demand=self.demand, state=State.SKIPPED, why=part.reason)
        if isinstance(part, Missing):
            broke = (Finding(where="the mail", what=part.reason),)
            return Outcome(mail=name, rule=self.name, demand=self.demand, state=State.FAILED, findings=broke)
        found = tuple(self.look(part))
        state = (State.HINT if self.hint else State.FAILED) if found else State.OK
        return Outcome(mail=name, rule=self.name, demand=self.demand, state=state, findings=found)


def excerpt(text: str) -> str:
    """Return the beginning of a text on one line, as a finding quotes it."""
    folded = " ".join(text.split())
    return folded if len(folded) <= _LONGEST else folded[: _LONGEST - 1] + "…"
