"""Each reader's digest: who gets an issue, which papers, and the finished mail.

Preview and send both come through here, so they cannot differ. It chooses and renders; it hands nothing over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from itertools import islice
from typing import TYPE_CHECKING

from newsletter.deliver.assembly import Assembly
from newsletter.deliver.identity import message_id_for, unsubscribe_url
from newsletter.links import MailLinks, Purpose, mail_links
from newsletter.model import Cadence, Digest, Subscriber, SubscriberStatus
from newsletter.period import PeriodKind, parse_period
from newsletter.pipeline.drafting import corpus_of
from newsletter.pipeline.tastes import settled

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from newsletter.links import LinkSigner
    from newsletter.model import Issue, Message, Pieces, Profile, RankedPaper, Rendered
    from newsletter.pipeline.fitting import Fits
    from newsletter.rank.ranker import Ranker
    from newsletter.render.digest import DigestRenderer
    from newsletter.settings import Site
    from newsletter.store import Store

_BLOCK = 5_000  # subscribers chosen for at a time, so that memory stays flat
_KEPT_CHOICES = 5_000  # which later blocks share; a selection told in words takes some 4 KB
_NOBODY = 0  # no subscriber has this number


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """What turns a digest into a mail: the renderer, the sender's identity, the secret of this home and its links."""

    renderer: DigestRenderer
    site: Site
    key: bytes = field(repr=False)
    signer: LinkSigner = field(repr=False)
    assembly: Assembly = field(init=False, repr=False, compare=False)
    _nobody: dict[str, MailLinks] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "assembly", Assembly(self.site))  # frozen, and made from another field

    def rendered(self, digest: Digest, *, test: bool = False) -> Rendered:
        """Return the three texts of a digest as they are sent; with `test`, those of the editor's test of it."""
        return self._pieces(digest, self._links(digest, test=test), test=test).whole()

    def message(self, digest: Digest, *, now: datetime, test: bool = False) -> Message:
        """Return the finished mail, dated `now`; its Message-ID is the same for every attempt.

        A test has one of its own, so that it never stands in the way of the mail that it tests.
        """
        links = self._links(digest, test=test)
        period = digest.issue.period
        return self.assembly.message(
            self._pieces(digest, links, test=test),
            recipient=digest.subscriber.address,
            issue_period=period,
            message_id=message_id_for(
                self.key,
                issue_period=f"{period}.test.{int(now.timestamp())}" if test else period,
                subscriber_id=digest.subscriber.id,
                domain=self.site.from_address.rpartition("@")[2],
            ),
            date=now,
            unsubscribe=None if links is None or test else self._mailto(links),
            unsubscribe_page=links.unsubscribe if links and self.site.web_url else "",
        )

    def _pieces(self, digest: Digest, links: MailLinks | None, *, test: bool) -> Pieces:
        period = digest.issue.period
        nobody = self._nobody.get(period) or self._nobody.setdefault(period, self._links_of(_NOBODY, 0, period))
        return self.renderer.pieces(digest, links=links, nobody=nobody, test=test)

    def _links(self, digest: Digest, *, test: bool) -> MailLinks | None:
        """Return the reader's links; none in the public edition, and in a test those of nobody."""
        if digest.subscriber.id == _NOBODY:
            return None
        reader, period = digest.subscriber, digest.issue.period
        return self._links_of(_NOBODY, 0, period) if test else self._links_of(reader.id, reader.link_epoch, period)

    def _links_of(self, subscriber_id: int, epoch: int, period: str) -> MailLinks:
        if self.site.web_url:
            return mail_links(self.signer, self.site.web_url, subscriber_id, period=period, epoch=epoch)
        token = self.signer.token(Purpose.UNSUBSCRIBE, subscriber_id)
        return MailLinks(unsubscribe=unsubscribe_url(self.site, token))

    def _mailto(self, links: MailLinks) -> str:
        """Return the mailto: URL beside the page to unsubscribe; the two carry one token."""
        if not self.site.web_url:
            return links.unsubscribe
        return unsubscribe_url(self.site, links.unsubscribe.rpartition("/")[2])


# What a choice follows from, for readers of one issue: their wishes, which papers they know, and how many they want.
_Wanted = tuple["Profile", frozenset[str], int]
_Choice = tuple[tuple["RankedPaper", ...], int]


class Chooser:
    """Chooses each reader's papers of one issue with a fitted ranker, many readers at a time.

    Readers who want and know the same get the same: it is chosen once for them, and they are handed one tuple.
    """

    def __init__(self, store: Store, issue: Issue, ranker: Ranker) -> None:
        self._store = store
        self._issue = issue
        self._ranker = ranker
        self._now = _judged_at(issue)
        self._choices: dict[_Wanted, _Choice] = {}

    def for_all(self, subscribers: Iterable[Subscriber]) -> Iterator[tuple[Subscriber, tuple[RankedPaper, ...], int]]:
        """Yield each subscriber with the papers in order and how many more the issue has.

        None comes that they already got, or said that they like or dislike: these are known to them. What they got is
        looked up when the first one is asked for.
        """
        papers = [paper.id for paper in self._issue.papers]
        sent = self._store.deliveries.already_sent(self._issue.id, papers)
        former = self._store.lookup.former()
        rest = iter(subscribers)
        while block := list(islice(rest, _BLOCK)):
            wanted = self._wanted(block, sent, former)
            self._choose(wanted)
            for subscriber, one in zip(block, wanted, strict=True):
                yield subscriber, *self._choices[one]

    def _wanted(
        self, block: Sequence[Subscriber], sent: Mapping[int, Collection[str]], former: Mapping[str, str]
    ) -> list[_Wanted]:
        profiles = [settled(subscriber.profile, former) for subscriber in block]
        known = {place: frozenset(sent[one.id]) for place, one in enumerate(block) if one.id in sent}
        for place, judged in self._judged(profiles, former):
            known[place] = judged | known.get(place, frozenset())
        return [(profiles[place], known.get(place, frozenset()), one.size) for place, one in enumerate(block)]

    def _choose(self, wanted: Sequence[_Wanted]) -> None:
        """Choose for all who want something that is not chosen yet."""
        new = [one for one in dict.fromkeys(wanted) if one not in self._choices]
        if len(self._choices) + len(new) > _KEPT_CHOICES:
            self._choices.clear()
            new = list(dict.fromkeys(wanted))
        if not new:
            return
        selections = self._ranker.rank_many(
            self._issue.papers,
            [profile for profile, _, _ in new],
            now=self._now,
            size=max(size for _, _, size in new),
            pins=self._issue.pins,
            hides=self._issue.hides,
            already_sent={place: known for place, (_, known, _) in enumerate(new) if known},
        )
        for place, one in enumerate(new):
            papers = selections[place][: one[2]]
            self._choices[one] = papers, selections.open_to(place) - len(papers)

    def _judged(self, profiles: Sequence[Profile], former: Mapping[str, str]) -> Iterator[tuple[int, frozenset[str]]]:
        """Yield the places of profiles that like or dislike papers, with those of the issue that they do."""
        present = {former.get(paper.id, paper.id): paper.id for paper in self._issue.papers}
        for place, profile in enumerate(profiles):
            if profile.liked or profile.disliked:
                held = (*profile.liked, *profile.disliked)
                yield place, frozenset(present[key] for key in held if key in present)


def _judged_at(issue: Issue) -> datetime:
    """Return the moment that an issue's votes are judged at: when it was drafted, but no day of its papers before.

    It follows from what the issue holds, so that every preview and the send judge alike.
    """
    assert issue.created_at is not None, "a stored issue has its date"  # noqa: S101 - narrows the type, never input
    days = [paper.listed_on for paper in issue.papers if paper.listed_on]
    return max([issue.created_at, *(datetime.combine(day, time.max, tzinfo=UTC) for day in days)])


def chooser_for(store: Store, issue: Issue, ranker: Fits) -> Chooser:
    """Return the chooser of an issue, fitted on what the issue's ranking learns from."""
    return Chooser(store, issue, ranker.fit(corpus_of(store, issue)))


def digest_for(store: Store, issue: Issue, subscriber: Subscriber, ranker: Fits) -> Digest:
    """Return one reader's digest: the frozen one where the issue is on its way, else as it would be frozen now."""
    delivery = store.deliveries.of(issue.id, subscriber.id)
    if delivery and delivery.digest_id is not None:
        papers, left_out = store.deliveries.selection(delivery.digest_id, issue)
    else:
        ((_, papers, left_out),) = chooser_for(store, issue, ranker).for_all([subscriber])
    return Digest(issue=issue, subscriber=subscriber, papers=papers, left_out=left_out)


def public_reader(site: Site, *, size: int) -> Subscriber:
    """Return the reader of the public edition: no topics, so the order is the votes'."""
    return Subscriber(address=site.from_address, status=SubscriberStatus.CONFIRMED, size=size)


def recipients(store: Store, issue: Issue) -> Iterator[Subscriber]:
    """Return the confirmed subscribers whose cadence this issue serves, in the order they joined."""
    return store.subscribers.all(statuses=(SubscriberStatus.CONFIRMED,), cadences=cadences_for(issue.period))


def cadences_for(text: str) -> Collection[Cadence]:
    """Return which cadences an issue of this period serves: a week's issue the weekly readers, and so on."""
    period = parse_period(text)
    if period.kind is PeriodKind.WEEK:
        return (Cadence.WEEKLY,)
    if period.kind is PeriodKind.MONTH:
        return (Cadence.MONTHLY,)
    return (Cadence.DAILY,) if period.is_weekend_day else (Cadence.DAILY, Cadence.WEEKDAYS)
