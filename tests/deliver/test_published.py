"""What is published about the sender's domains, asked of a real DNS server on loopback, and judged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from newsletter.deliver.published.dmarc import organisation, walk
from newsletter.deliver.published.judge import judged, questions
from newsletter.deliver.published.lookup import look_up
from newsletter.deliver.published.records import Answer, Facts, Finding, OwnKey, Question, Standing
from newsletter.values import name_server as parsed_server
from tests.nameserver import NameServer, name_server

if TYPE_CHECKING:
    from collections.abc import Iterator

OWN = OwnKey(domain="group.example", selector="first", record="v=DKIM1; k=rsa; p=" + "MIIB" * 90)
FACTS = Facts(from_domain="group.example", return_domain="group.example", keys=(OWN,), one_click=True)
GOOD, HINT, BAD, UNKNOWN = Standing.GOOD, Standing.HINT, Standing.BAD, Standing.UNKNOWN


@pytest.fixture
def dns() -> Iterator[NameServer]:
    with name_server() as server:
        server.records["group.example", "MX"] = ["10 mail.group.example."]
        server.txt("group.example", "some-site-verification=1", "v=spf1 include:relay.example -all")
        server.txt("relay.example", "v=spf1 ip4:192.0.2.0/24 -all")
        server.txt(OWN.name, OWN.record)
        server.txt("_dmarc.group.example", "v=DMARC1; p=quarantine; rua=mailto:dmarc@group.example")
        yield server


def looked_at(dns: NameServer, facts: Facts = FACTS) -> dict[str, Finding]:
    """Return the findings by their subjects."""
    found = judged(look_up(lambda known: questions(facts, known), server=dns.address), facts)
    return {finding.subject: finding for finding in found}


def test_a_sender_in_order(dns: NameServer) -> None:
    found = looked_at(dns)
    assert {subject: finding.standing for subject, finding in found.items()} == {
        "SPF": GOOD,
        "DKIM": GOOD,
        "DMARC": GOOD,
        "bulk mail": GOOD,
    }
    assert "p=quarantine at _dmarc.group.example" in found["DMARC"].text
    assert "DKIM (first of group.example) and SPF (group.example)" in found["DMARC"].text
    assert "reverse" in found["bulk mail"].text
    assert len(set(dns.asked)) == len(dns.asked), "nothing is asked twice"


def test_nothing_published_at_all(dns: NameServer) -> None:
    dns.records.clear()
    found = looked_at(dns, replace(FACTS, keys=(), one_click=False))
    assert {subject: finding.standing for subject, finding in found.items()} == {
        "return path": BAD,
        "SPF": HINT,
        "DKIM": HINT,
        "DMARC": HINT,
        "bulk mail": HINT,
    }
    assert "newsletter dkim new" in found["DKIM"].text
    assert "v=DMARC1; p=none; rua=mailto:dmarc@group.example" in found["DMARC"].text
    for missing in ("SPF", "a DKIM signature", "p=none", "one-click", "5,000"):
        assert missing in found["bulk mail"].text


@pytest.mark.parametrize(
    ("records", "standing", "says"),
    [
        (["v=spf1 -all", "v=spf1 ~all"], BAD, "2 SPF records"),
        (["v=spf1 +all"], BAD, "everybody"),
        (["v=spf1 ALL"], BAD, "everybody"),
        (["v=spf1 include:nowhere.example -all"], BAD, "nowhere.example"),
        (["v=spf1 redirect=nowhere.example"], BAD, "nowhere.example"),
        (["v=spf1 " + " ".join(f"a:h{n}.example" for n in range(11)) + " -all"], BAD, "needs 11"),
        (["v=spf1 include:deep.example mx a ptr exists:%{i}.example -all"], BAD, "needs 12"),
        (["v=spf10 -all"], HINT, "no SPF record"),
        (["V=SPF1 a mx ~all"], GOOD, "one record"),
        (["v=spf1 include:%{d}.relay.example -all"], GOOD, "one record"),
        (["v=spf1 include:group.example include:relay.example -all"], GOOD, "one record"),
    ],
)
def test_spf(dns: NameServer, records: list[str], standing: Standing, says: str) -> None:
    dns.txt("deep.example", "v=spf1 a mx a:b.example mx:c.example exists:d.example ptr include:relay.example -all")
    dns.txt("group.example", *records)
    found = looked_at(dns)["SPF"]
    assert found.standing is standing, found.text
    assert says in found.text


@pytest.mark.parametrize(
    ("records", "standing", "says"),
    [
        ([], BAD, "has no record"),
        ([OWN.record, OWN.record + ";"], BAD, "2 records"),
        (["v=DKIM1; k=rsa; p="], BAD, "withdrawn"),
        (["hello"], BAD, "no DKIM key (hello)"),
        (["v=DKIM2; p=MIIB"], BAD, "no DKIM key"),
        (["v=DKIM1; k=rsa; p=AAAA"], BAD, "another key file"),
        ([OWN.record.replace("k=rsa", "k=ed25519")], BAD, "another key file"),
        ([OWN.record + "; h=sha1"], BAD, "h="),
        ([OWN.record + "; s=tlsrpt"], BAD, "s="),
        ([OWN.record + "; t=y:s"], HINT, "t=y"),
        ([OWN.record.replace("k=rsa; ", "").replace("v=DKIM1; ", "")], GOOD, "has the key"),
        ([OWN.record.replace("MIIBMIIB", "MIIB MIIB") + "; h=sha1:sha256; s=email; n=a note"], GOOD, "has the key"),
    ],
)
def test_dkim(dns: NameServer, records: list[str], standing: Standing, says: str) -> None:
    dns.records.pop((OWN.name, "TXT"))
    if records:
        dns.txt(OWN.name, *records)
    found = looked_at(dns)
    assert found["DKIM"].standing is standing, found["DKIM"].text
    assert says in found["DKIM"].text
    assert ("that can be checked" in found["bulk mail"].text) is (standing is BAD)


@pytest.mark.parametrize(
    ("key", "bounces", "tags", "standing", "says"),
    [
        ("group.example", "group.example", "p=none", GOOD, "DKIM (first of group.example) and SPF"),
        ("group.example", "relay.example", "p=reject", GOOD, "DKIM (first of group.example);"),
        ("relay.example", "group.example", "p=reject", GOOD, "aligns with SPF (group.example);"),
        ("mail.group.example", "relay.example", "p=reject", GOOD, "DKIM (first of mail.group.example);"),
        ("mail.group.example", "relay.example", "p=reject; adkim=s", BAD, "aligns with no signature's domain"),
        ("mail.group.example", "relay.example", "p=none; adkim=s", HINT, "aligns with no signature's domain"),
        ("relay.example", "mail.group.example", "p=reject", GOOD, "SPF (mail.group.example);"),
        ("relay.example", "mail.group.example", "p=reject; aspf=s", BAD, "sign with a key of group.example"),
        ("relay.example", "relay.example", "p=quarantine", BAD, "aligns with no"),
        ("relay.example", "relay.example", "p=later", HINT, "p=none at"),
        ("relay.example", "relay.example", "rua=mailto:a@b.example", HINT, "p=none at"),
    ],
)
def test_dmarc(dns: NameServer, key: str, bounces: str, tags: str, standing: Standing, says: str) -> None:
    own = replace(OWN, domain=key)
    dns.txt(own.name, own.record)
    dns.txt("mail.group.example", "v=spf1 -all")
    dns.records["mail.group.example", "A"] = dns.records["relay.example", "A"] = ["192.0.2.1"]
    dns.txt("_dmarc.group.example", "v=DMARC1; " + tags)
    found = looked_at(dns, replace(FACTS, keys=(own,), return_domain=bounces))
    assert found["DMARC"].standing is standing, found["DMARC"].text
    assert says in found["DMARC"].text
    assert "return path" not in found


def test_a_signature_that_cannot_be_checked_aligns_with_nothing(dns: NameServer) -> None:
    dns.records.pop((OWN.name, "TXT"))
    found = looked_at(dns, replace(FACTS, return_domain="relay.example"))
    assert found["DMARC"].standing is BAD


def test_a_policy_for_names_below_it(dns: NameServer) -> None:
    dns.txt("_dmarc.group.example", "v=DMARC1; p=reject; sp=none")
    facts = replace(FACTS, from_domain="digest.mail.group.example", return_domain="relay.example", keys=())
    found = looked_at(dns, facts)["DMARC"]
    assert found.standing is HINT
    assert "p=none at _dmarc.group.example" in found.text
    assert "have your relay sign" in found.text


def test_two_dmarc_records_are_none(dns: NameServer) -> None:
    dns.txt("_dmarc.group.example", "v=DMARC1; p=none", "v=DMARC1; p=reject")
    assert "no DMARC record" in looked_at(dns)["DMARC"].text


@pytest.mark.parametrize(
    ("published", "expected"),
    [
        ({}, "a.b.c.example"),
        ({"c.example": ""}, "c.example"),
        ({"a.b.c.example": "", "b.c.example": "", "c.example": ""}, "c.example"),
        ({"b.c.example": "; psd=n", "c.example": ""}, "b.c.example"),
        ({"c.example": "; psd=y"}, "b.c.example"),
        ({"example": "; psd=y", "c.example": ""}, "c.example"),
        ({"a.b.c.example": "; psd=y", "c.example": ""}, "c.example"),
    ],
)
def test_the_organisation_of_a_domain(published: dict[str, str], expected: str) -> None:
    """RFC 9989, section 4.10.2."""
    records = {
        Question(f"_dmarc.{name}"): Answer(records=(f"v=DMARC1; p=none{tags}",)) for name, tags in published.items()
    }
    assert organisation("a.b.c.example", records) == expected


def test_long_names_are_not_walked_label_by_label() -> None:
    names = walk(".".join("abcdefghijkl") + ".example")
    assert len(names) == 8
    assert names[:2] == ["a.b.c.d.e.f.g.h.i.j.k.l.example", "g.h.i.j.k.l.example"]
    assert walk("group.example") == ["group.example", "example"]


def test_somebody_elses_domain_is_refused_without_more_words(dns: NameServer) -> None:
    found = looked_at(dns, replace(FACTS, from_domain="gmail.com"))
    assert found["sender"].standing is BAD
    assert len(found) == 1


def test_a_domain_that_says_it_takes_no_mail(dns: NameServer) -> None:
    dns.records["group.example", "MX"] = ["0 ."]
    assert looked_at(dns)["return path"].standing is BAD


@pytest.mark.parametrize("fault", ["failing", "silent"])
def test_without_an_answer_nothing_is_called_wrong(dns: NameServer, fault: str) -> None:
    setattr(dns, fault, True)
    facts = FACTS
    records = look_up(lambda known: questions(facts, known), server=dns.address, patience=0.4)
    standings = {finding.subject: finding.standing for finding in judged(records, facts)}
    assert standings == {"SPF": UNKNOWN, "DKIM": UNKNOWN, "DMARC": UNKNOWN, "bulk mail": UNKNOWN}
    assert all("could not be checked" in finding.text for finding in judged(records, facts))


def test_when_patience_is_over_nothing_more_is_asked(dns: NameServer) -> None:
    records = look_up(lambda known: questions(FACTS, known), server=dns.address, patience=0)
    assert all(answer.problem for answer in records.values())
    assert dns.asked == []


def test_nobody_there_to_ask() -> None:
    records = look_up(lambda _: [Question("group.example")], server="127.0.0.1:1", patience=0.4)
    assert records[Question("group.example")].problem


def test_names_that_cannot_be_asked() -> None:
    names = [Question("a" * 64 + ".example"), Question("a..example"), Question(".".join(["abcdefgh"] * 40))]
    records = look_up(lambda _: names, server="127.0.0.1:1", patience=0.4)
    assert all(records[name].problem for name in names)


def test_records_are_texts_whatever_they_hold(dns: NameServer) -> None:
    dns.records["group.example", "TXT"] = [r'"v=spf1 \255\000\010" " -all"', '"a" "b"']
    answer = look_up(lambda _: [Question("group.example")], server=dns.address)[Question("group.example")]
    assert set(answer.records) == {"v=spf1 \ufffd\x00\n -all", "ab"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("192.0.2.1:5353", ("192.0.2.1", 5353)),
        ("2001:db8::1", ("2001:db8::1", 53)),
        ("[2001:db8::1]:5353", ("2001:db8::1", 5353)),
    ],
)
def test_name_servers(text: str, expected: tuple[str, int]) -> None:
    assert parsed_server(text) == expected


@pytest.mark.parametrize("text", ["dns.example", "192.0.2.1:0", "192.0.2.1:70000", "192.0.2.1:", "1.2.3", "[::1"])
def test_what_is_no_name_server(text: str) -> None:
    with pytest.raises(ValueError, match="must be an IP address"):
        parsed_server(text)
