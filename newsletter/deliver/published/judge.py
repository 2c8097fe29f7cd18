"""What the DNS says about the sender's domains, judged: SPF, DKIM, DMARC, and what large mailbox providers ask. Pure.

The rules for bulk senders are Gmail's (https://support.google.com/a/answer/81126), Yahoo's
(https://senders.yahooinc.com/best-practices/) and Outlook.com's
(https://techcommunity.microsoft.com/blog/microsoftdefenderforoffice365blog/4399730), which agree: SPF and DKIM both,
DMARC with p=none or more, one of the two aligned with From, one-click unsubscribing, TLS, reverse DNS, few complaints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.deliver.published.dkim import dkim_finding
from newsletter.deliver.published.dmarc import aligned, dmarc_for, dmarc_name, dmarc_questions, unanswered
from newsletter.deliver.published.records import Finding, Question, Standing, answer_to, could_not
from newsletter.deliver.published.spf import spf_finding, spf_questions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from newsletter.deliver.published.dmarc import Dmarc
    from newsletter.deliver.published.records import Facts, Records

# Whoever has such an address cannot send in its name from elsewhere: their DMARC policies tell receivers to refuse it.
_MAILBOX_PROVIDERS = frozenset(
    ("gmail.com", "googlemail.com", "yahoo.com", "ymail.com", "aol.com", "outlook.com", "hotmail.com", "live.com")
)
_REACHED_BY = ("MX", "A", "AAAA")  # RFC 5321, section 5.1
_NO_MAIL = "0 ."  # RFC 7505: an MX record that says so
_UNSEEN = (
    "not to be seen from here: that your relay's address has a name and that name the address (reverse and forward "
    "DNS), that it sends on with TLS, and that complaints stay under 0.3 % (see Google's Postmaster Tools)"
)


def questions(facts: Facts, records: Records) -> Collection[Question]:
    """Return everything to be asked, as far as the answers so far lead; ask again until nothing new is in it."""
    wanted = [
        *(Question(facts.return_domain, kind) for kind in _REACHED_BY),
        *spf_questions(facts.return_domain, records),
        *(Question(key.name) for key in facts.keys),
        *dmarc_questions(_domains(facts)),
    ]
    return list(dict.fromkeys(wanted))


def judged(records: Records, facts: Facts) -> Sequence[Finding]:
    """Return what was found, one line each."""
    if facts.from_domain in _MAILBOX_PROVIDERS:
        return [
            _finding(
                "sender",
                Standing.BAD,
                f"mails from {facts.from_domain} are refused unless its owner sends them; use a domain of your own",
            )
        ]
    return [
        *_reached(facts, records),
        spf_finding(facts.return_domain, records),
        *_signatures(facts, records),
        _dmarc(facts, records),
        _bulk(facts, records),
    ]


def _finding(subject: str, standing: Standing, text: str) -> Finding:
    return Finding(subject=subject, standing=standing, text=text)


def _domains(facts: Facts) -> Sequence[str]:
    return (facts.from_domain, facts.return_domain, *(key.domain for key in facts.keys))


def _reached(facts: Facts, records: Records) -> Iterator[Finding]:
    """A return path that takes no mail loses every bounce, and many receivers refuse mails that have one."""
    answers = [answer_to(records, facts.return_domain, kind) for kind in _REACHED_BY]
    if not any(answer.problem or set(answer.records) - {_NO_MAIL} for answer in answers):
        text = f"{facts.return_domain} takes no mail (no MX and no address), so bounces are lost; publish an MX record"
        yield _finding("return path", Standing.BAD, text)


def _signatures(facts: Facts, records: Records) -> Iterator[Finding]:
    yield from (dkim_finding(key, records) for key in facts.keys)
    if not facts.keys:
        text = "mails are not signed here; if your relay does not sign them either, run: newsletter dkim new"
        yield _finding("DKIM", Standing.HINT, text)


def _dmarc(facts: Facts, records: Records) -> Finding:
    if problem := unanswered(_domains(facts), records):
        return could_not("DMARC", dmarc_name(facts.from_domain), problem)
    policy = dmarc_for(facts.from_domain, records)
    if policy is None:
        text = (
            f"{facts.from_domain} has no DMARC record; publish one at {dmarc_name(facts.from_domain)}, such as "
            f'"v=DMARC1; p=none; rua=mailto:dmarc@{facts.from_domain}"'
        )
        return _finding("DMARC", Standing.HINT, text)
    where = f"p={policy.policy} at {dmarc_name(policy.domain)}"
    if ways := list(_aligned(facts, policy, records)):
        reports = "" if policy.reports else "; add rua=mailto:... to hear of mails that fail"
        return _finding("DMARC", Standing.GOOD, f"{where}; From aligns with {' and '.join(ways)}{reports}")
    text = f"{where}, but From ({facts.from_domain}) aligns with no signature's domain and not with the return path's"
    if not facts.keys:  # then the relay may sign, with a domain that is not known here
        return _finding("DMARC", Standing.HINT, f"{text} ({facts.return_domain}); have your relay sign with From's")
    standing = Standing.HINT if policy.policy == "none" else Standing.BAD
    return _finding("DMARC", standing, f"{text} ({facts.return_domain}); sign with a key of {facts.from_domain}")


def _aligned(facts: Facts, policy: Dmarc, records: Records) -> Iterator[str]:
    """Yield what aligns with From. Only what can pass is counted: a published key, an SPF record in order."""
    for key in facts.keys:
        signed = dkim_finding(key, records).standing in (Standing.GOOD, Standing.HINT)
        if signed and aligned(facts.from_domain, key.domain, records, strict=policy.strict_dkim):
            yield f"DKIM ({key.selector} of {key.domain})"
    passes = spf_finding(facts.return_domain, records).standing is Standing.GOOD
    if passes and aligned(facts.from_domain, facts.return_domain, records, strict=policy.strict_spf):
        yield f"SPF ({facts.return_domain})"


def _bulk(facts: Facts, records: Records) -> Finding:
    subject = "bulk mail"
    missing = list(_missing(facts, records))
    if missing:
        text = f"Gmail, Yahoo and Outlook.com ask whoever sends 5,000 a day for more: {'; '.join(missing)}. {_UNSEEN}"
        return _finding(subject, Standing.HINT, text)
    if any(answer.problem for answer in records.values()):
        return could_not(subject, "what Gmail, Yahoo and Outlook.com ask", f"the DNS did not answer all. {_UNSEEN}")
    return _finding(subject, Standing.GOOD, f"has what Gmail, Yahoo and Outlook.com ask; {_UNSEEN}")


def _missing(facts: Facts, records: Records) -> Iterator[str]:
    """Yield the rules that are broken for certain; what could not be asked is not."""
    if spf_finding(facts.return_domain, records).standing in (Standing.HINT, Standing.BAD):
        yield f"an SPF record of {facts.return_domain} that holds"
    standings = [dkim_finding(key, records).standing for key in facts.keys]
    if not standings:
        yield "a DKIM signature, unless your relay makes it"
    elif all(standing is Standing.BAD for standing in standings):
        yield "a DKIM signature that can be checked"
    dmarc = _dmarc(facts, records)
    if dmarc.standing in (Standing.HINT, Standing.BAD):
        known = dmarc_for(facts.from_domain, records)
        yield f"a domain that aligns with {facts.from_domain} (DMARC)" if known else "a DMARC record, p=none or more"
    if not facts.one_click:
        yield "one-click unsubscribing: set [site] web_url to an https address"
