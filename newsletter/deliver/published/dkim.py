"""DKIM (RFC 6376): whether the record that is published belongs to the key that signs. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.deliver.published.records import Finding, Standing, answer_to, could_not, shown, tags_of

if TYPE_CHECKING:
    from newsletter.deliver.published.records import OwnKey, Records

_SUBJECT = "DKIM"
_SHOW = "see it with: newsletter dkim show"


def dkim_finding(key: OwnKey, records: Records) -> Finding:
    """Judge what is published of one key."""
    answer = answer_to(records, key.name)
    if answer.problem:
        return could_not(_SUBJECT, key.name, answer.problem)
    if fault := _fault(key, answer.records):
        return Finding(subject=_SUBJECT, standing=Standing.BAD, text=f"{key.name} {fault}")
    if "y" in _listed(answer.records[0], "t"):
        text = f"{key.name} has the key, but says that it is being tested (t=y); take that out when mails arrive signed"
        return Finding(subject=_SUBJECT, standing=Standing.HINT, text=text)
    return Finding(subject=_SUBJECT, standing=Standing.GOOD, text=f"{key.name} has the key that signs the mails")


def _fault(key: OwnKey, found: tuple[str, ...]) -> str:
    """Return why receivers cannot check this key's signatures, or ""."""
    if not found:
        return f"has no record, so no signature can be checked; publish it, {_SHOW}"
    if len(found) > 1:
        return f"has {len(found)} records, and receivers take any one; leave the right one, {_SHOW}"
    return _another_key(found[0], key) or _no_use(found[0])


def _another_key(record: str, key: OwnKey) -> str:
    published, own = tags_of(record), tags_of(key.record)
    if published.get("v", "DKIM1") != "DKIM1" or "p" not in published:
        return f"has something that is no DKIM key ({shown(record)}); publish the right one, {_SHOW}"
    if not published["p"]:
        return f"has a key that was withdrawn (an empty p=); publish the right one, {_SHOW}"
    if published.get("k", "rsa").lower() != own["k"] or "".join(published["p"].split()) != own["p"]:
        return f"has the key of another key file, so every signature fails; publish the right one, {_SHOW}"
    return ""


def _no_use(record: str) -> str:
    if not _listed(record, "h") & {"", "sha256"}:
        return "allows other hashes only (h=), and mails are signed with sha256; take h= out"
    if not _listed(record, "s") & {"", "*", "email"}:
        return "has a key that is not for mail (s=); take s= out"
    return ""


def _listed(record: str, tag: str) -> set[str]:
    """Return the words of a tag that lists them (`a:b`); {""} where it is not there."""
    return {word.strip().lower() for word in tags_of(record).get(tag, "").split(":")}
