"""What `doctor` says about the sender's domains: key files, SPF, DKIM, DMARC and the rules for bulk mail.

It reads key files and asks the DNS; it changes nothing. Without a DNS it says what could not be checked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.cli.checks import Check, Verdict
from newsletter.deliver.dkim_key import (
    MOST_RSA_BITS,
    NEW_RSA_BITS,
    DkimKey,
    kind_of,
    read_key,
    readable_by_others,
    record_of,
)
from newsletter.deliver.identity import mail_address
from newsletter.deliver.published.judge import judged, questions
from newsletter.deliver.published.lookup import look_up
from newsletter.deliver.published.records import Facts, OwnKey, Standing
from newsletter.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from newsletter.app import App
    from newsletter.config import Config

_VERDICTS = {
    Standing.GOOD: Verdict.GOOD,
    Standing.HINT: Verdict.HINT,
    Standing.UNKNOWN: Verdict.HINT,
    Standing.BAD: Verdict.BAD,
}
_NOT_PUBLIC = ("example", "test", "invalid", "localhost", "local", "internal", "intranet", "lan", "home.arpa")


def domain_checks(app: App) -> Iterator[Check]:
    """Yield a check for each key file, then one for each thing that the DNS says."""
    keys: list[OwnKey] = []
    for one in app.config.deliver.dkim:
        path = app.config.path(one.key_file)
        try:
            key = read_key(path)
        except ConfigError as error:
            yield Check(subject=f"DKIM key {one.selector}", verdict=Verdict.BAD, finding=str(error))
            continue
        keys.append(OwnKey(domain=one.domain, selector=one.selector, record=record_of(key)))
        yield _key_file(one.selector, key, path)
    if reason := _not_asked(app.config):
        yield Check(subject="domain", verdict=Verdict.GOOD, finding=f"SPF, DKIM and DMARC are not looked at: {reason}")
        return
    yield from _published(app.config, keys)


def _key_file(selector: str, key: DkimKey, path: Path) -> Check:
    subject = f"DKIM key {selector}"
    if readable_by_others(path):
        advice = f"{path} can be read by others on this machine, who could sign in your name; run: chmod 600 {path}"
        return Check(subject=subject, verdict=Verdict.HINT, finding=advice)
    bits = getattr(key, "key_size", NEW_RSA_BITS)
    if not NEW_RSA_BITS <= bits <= MOST_RSA_BITS:
        advice = f"{path} is {kind_of(key)}; receivers want {NEW_RSA_BITS}, make another with: newsletter dkim new"
        return Check(subject=subject, verdict=Verdict.HINT, finding=advice)
    return Check(subject=subject, verdict=Verdict.GOOD, finding=f"{path}, {kind_of(key)}")


def _not_asked(config: Config) -> str:
    """Return why the DNS has nothing to say about this sender, or ""."""
    if config.deliver.mailer == "folder" and not config.deliver.dkim:
        return "mails go into a folder and are not signed"
    domain = _domain(config.site.from_address)
    private = "." not in domain or domain.endswith(tuple(f".{name}" for name in _NOT_PUBLIC))
    if private and not config.deliver.dns_server:
        return f"{domain} is no public domain"
    return ""


def _published(config: Config, keys: Sequence[OwnKey]) -> Iterator[Check]:
    domain = _domain(config.site.from_address)
    facts = Facts(
        from_domain=domain,
        return_domain=_domain(config.bounces.return_path or config.site.from_address),
        keys=tuple(keys),
        one_click=config.site.web_url.startswith("https://"),
    )
    records = look_up(lambda known: questions(facts, known), server=config.deliver.dns_server)
    for finding in judged(records, facts):
        yield Check(subject=finding.subject, verdict=_VERDICTS[finding.standing], finding=finding.text)


def _domain(address: str) -> str:
    return mail_address(address).rpartition("@")[2].lower()
