"""DMARC (RFC 9989): the policy that holds for a From domain, and which domains align with it. Pure.

A domain's organisation is found by the tree walk of section 4.10, which needs no list of public suffixes. RFC 7489,
which some receivers still follow, differs where a domain above has no record of its own: there it counts more domains
as aligned than are counted here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.deliver.published.records import Question, answer_to, tags_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from newsletter.deliver.published.records import Records

_MOST_LABELS = 7  # of the names above the first that are asked (section 4.10)
_POLICIES = ("none", "quarantine", "reject")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dmarc:
    """What holds for a From domain: the policy, where it stands, and how alike domains must be to align."""

    domain: str
    policy: str
    strict_dkim: bool
    strict_spf: bool
    reports: bool


def dmarc_name(domain: str) -> str:
    """Return where a domain's DMARC record stands."""
    return f"_dmarc.{domain}"


def walk(domain: str) -> Sequence[str]:
    """Return the domain and those above it, in the order in which their records are asked for."""
    labels = domain.split(".")
    above = range(max(1, len(labels) - _MOST_LABELS), len(labels))
    return [domain, *(".".join(labels[start:]) for start in above)]


def dmarc_questions(domains: Sequence[str]) -> Sequence[Question]:
    """Return what to ask for the policy of domains and for who is of one organisation."""
    return [Question(dmarc_name(name)) for domain in dict.fromkeys(domains) for name in walk(domain)]


def unanswered(domains: Sequence[str], records: Records) -> str:
    """Return why the DMARC records of domains are not all known, or "".

    Names of one label are left out: the top of the DNS may go unanswered without harm.
    """
    asked = [question.name for question in dmarc_questions(domains) if question.name.count(".") > 1]
    return next((problem for name in asked if (problem := answer_to(records, name).problem)), "")


def record_at(domain: str, records: Records) -> Mapping[str, str] | None:
    """Return the tags of a domain's own record; None where there is none or, which counts the same, several."""
    found = [tags_of(text) for text in answer_to(records, dmarc_name(domain)).records if _is_dmarc(text)]
    return found[0] if len(found) == 1 else None


def organisation(domain: str, records: Records) -> str:
    """Return the organisational domain (section 4.10.2)."""
    found = domain
    below = domain
    for name in walk(domain):
        tags = record_at(name, records) or {}
        if tags.get("psd") == "n":
            return name
        if tags.get("psd") == "y" and name != domain:
            return below
        found = name if tags else found
        below = name
    return found


def dmarc_for(domain: str, records: Records) -> Dmarc | None:
    """Return what holds for mails from a domain, or None where no record says anything (section 4.10.1)."""
    for name in dict.fromkeys((domain, organisation(domain, records))):
        if (tags := record_at(name, records)) is not None:
            policy = tags.get("p", "none") if name == domain else tags.get("sp", tags.get("p", "none"))
            return Dmarc(
                domain=name,
                policy=policy.lower() if policy.lower() in _POLICIES else "none",
                strict_dkim=tags.get("adkim", "r").lower() == "s",
                strict_spf=tags.get("aspf", "r").lower() == "s",
                reports=bool(tags.get("rua")),
            )
    return None


def aligned(one: str, other: str, records: Records, *, strict: bool) -> bool:
    """Whether two domains align: the same one, or where not `strict`, of one organisation (section 4.4)."""
    return one == other or (not strict and organisation(one, records) == organisation(other, records))


def _is_dmarc(text: str) -> bool:
    first = text.partition(";")[0]
    return first.replace(" ", "") == "v=DMARC1"
