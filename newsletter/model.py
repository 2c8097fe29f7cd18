"""The types that flow through the house, all frozen.

A module without behaviour of its own, but for the two rules of identity that every room shares: the version-less
arXiv id and the normalised title. It reads no clock, no file and no network.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date, datetime

# arXiv's own two schemes, https://info.arxiv.org/help/arxiv_identifier.html: 2607.10383 since 2007, before it
# hep-th/9901001 or math.GT/0309136; a trailing v2 is the version and never part of an identity.
_ARXIV_NEW = r"\d{4}\.\d{4,5}"
_ARXIV_OLD = r"[a-z][a-z-]*(?:\.[A-Z]{2})?/\d{7}"
_ARXIV_ID = re.compile(rf"({_ARXIV_NEW}|{_ARXIV_OLD})(?:v\d+)?", re.ASCII)
_ARXIV_URL = re.compile(
    rf"https?://(?:[a-z]+\.)?arxiv\.org/(?:abs|pdf|html)/({_ARXIV_NEW}|{_ARXIV_OLD})(?:v\d+)?(?:\.pdf)?/?(?:[?#].*)?",
    re.ASCII,
)
_NOT_WORD = re.compile(r"[\W_]+")


def arxiv_id(text: str) -> str | None:
    """Return the version-less arXiv id that `text` is (bare, `arXiv:`-prefixed or an arxiv.org URL), else None."""
    bare = text.strip().removeprefix("arXiv:").removeprefix("oai:arXiv.org:")
    match = _ARXIV_ID.fullmatch(bare) or _ARXIV_URL.fullmatch(bare)
    return match.group(1) if match else None


def title_key(title: str) -> str:
    """Return the title as it is compared: NFKC, case-folded, runs of anything but letters and digits as one space."""
    return _NOT_WORD.sub(" ", unicodedata.normalize("NFKC", title).casefold()).strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Where a paper can be read; empty strings where a source names none. Only http(s) URLs are kept."""

    page: str = ""
    pdf: str = ""
    code: str = ""
    stars: int | None = None
    project: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A paper as a community listed it.

    `id` is the version-less arXiv id, else `source:key`. `title`, `abstract` and `summary` are cleaned plain text
    (no HTML, no control characters, white space folded); the `raw_` twins are what the source gave. `author_count`
    is at least `len(authors)`: some sources give the number alone. `published` and `listed_on` are UTC days.
    `upvotes` and `comments` are None where the source does not count them. `growth` is the upvotes gained per day of
    late, never negative; the store derives it from its snapshots, and it is None where no older count is known.
    """

    id: str
    source: str
    title: str
    abstract: str = ""
    authors: tuple[str, ...] = ()
    author_count: int = 0
    organisation: str = ""
    published: date | None = None
    listed_on: date | None = None
    upvotes: int | None = None
    comments: int | None = None
    growth: int | None = None
    keywords: tuple[str, ...] = ()
    summary: str = ""
    links: Links = Links()
    thumbnail: str = ""
    raw_title: str = ""
    raw_abstract: str = ""

    @property
    def has_own_id(self) -> bool:
        """Whether the id is an arXiv id, good in every source; else papers are matched by their titles."""
        return arxiv_id(self.id) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Votes:
    """A paper's upvotes and comments as they stood at `taken_at` (aware, UTC)."""

    paper_id: str
    taken_at: datetime
    upvotes: int | None = None
    comments: int | None = None


class DayState(StrEnum):
    """What is known of a source's list for a date; the three must never be confused."""

    NOT_COLLECTED = "not collected"
    EMPTY = "empty"
    COLLECTED = "collected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """What one source listed for one UTC day, last asked at `collected_at` (aware, UTC)."""

    source: str
    day: date
    state: DayState
    papers: int = 0
    collected_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A named topic of `topics.toml`. `phrases` raise a paper, `negative` phrases take it out of the topic."""

    name: str
    title: str
    description: str = ""
    phrases: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a reader wants: topic names, free-text interests, and lists of things to lift or mute."""

    topics: tuple[str, ...] = ()
    interests: tuple[str, ...] = ()
    muted: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    organisations: tuple[str, ...] = ()
    liked: tuple[str, ...] = ()
    disliked: tuple[str, ...] = ()


class Cadence(StrEnum):
    """How often a reader wants a digest."""

    DAILY = "daily"
    WEEKDAYS = "weekdays"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class SubscriberStatus(StrEnum):
    """Where a subscriber stands; only `confirmed` ones are mailed."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """A person and how they want to be mailed. `id` is 0 until stored; `hour` is local to the IANA `timezone`.

    `weekday` is for weekly readers, 0 is Monday. `paused_until` is the first day, in the reader's own zone, on which
    mails leave again. `link_epoch` says how often the reader's links were revoked.
    """

    address: str
    id: int = 0
    status: SubscriberStatus = SubscriberStatus.PENDING
    profile: Profile = Profile()
    cadence: Cadence = Cadence.DAILY
    hour: int = 7
    timezone: str = "UTC"
    size: int = 10
    created_at: datetime | None = None
    weekday: int = 0
    paused_until: date | None = None
    link_epoch: int = 0


class IssueState(StrEnum):
    """The life of an issue: draft, approved, sending, sent; or cancelled."""

    DRAFT = "draft"
    APPROVED = "approved"
    SENDING = "sending"
    SENT = "sent"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One number of the newsletter.

    `period` is `2026-07-14`, `2026-W29` or `2026-07`. `papers` are the candidates as they stood when the issue was
    drafted (texts and votes), so every preview and the send see the same. `approved_hash` is the content hash that
    the approval is bound to. `subject` is the editor's; where it is empty, each reader's names their own first paper.
    `note` is the editor's Markdown; `pins` and `hides` are paper ids. `corpus_mark` is the newest paper (a number of
    the store's) that was known then: the ranking learns from none later.
    """

    period: str
    subject: str = ""
    papers: tuple[Paper, ...] = ()
    id: int = 0
    state: IssueState = IssueState.DRAFT
    note: str = ""
    pins: tuple[str, ...] = ()
    hides: tuple[str, ...] = ()
    approved_hash: str = ""
    corpus_mark: int = 0
    created_at: datetime | None = None
    approved_at: datetime | None = None
    paused_at: datetime | None = None
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedPaper:
    """A paper in its place for one reader; `matched` ones stand under "For you", the rest under "Popular".

    `reasons` name only what raised the score, in plain words, strongest first.
    """

    paper: Paper
    score: float
    reasons: tuple[str, ...] = ()
    matched: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """An issue made for one subscriber: the ranked papers in order, and how many more the period had."""

    issue: Issue
    subscriber: Subscriber
    papers: tuple[RankedPaper, ...]
    left_out: int = 0


class Letter(StrEnum):
    """A mail about one reader's own subscription, by the name of its template folder.

    `address` goes to a new address, to be confirmed there, `address_changed` to the one before it.
    """

    CONFIRM = "confirm"
    WELCOME = "welcome"
    PREFERENCES = "preferences"
    GOODBYE = "goodbye"
    ADDRESS = "address"
    ADDRESS_CHANGED = "address_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A mail's three texts. `html` is a whole document, `text` has LF line ends and 72 columns where words allow."""

    subject: str
    html: str
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Passage:
    """Pieces that follow each other in many mails: the very same object in each, so that work on it is done once."""

    pieces: tuple[str, ...]


Piece = str | Passage


@dataclass(frozen=True, slots=True, kw_only=True)
class Pieces:
    """A mail's three texts in pieces, most of which are the very same strings in many mails of an issue.

    A piece that is a key of `own` stands for its value, a link of the reader's own. Put together, they are `Rendered`.
    """

    subject: str
    html: Sequence[Piece]
    text: Sequence[Piece]
    own: Mapping[str, str]

    def whole(self) -> Rendered:
        """Return the three texts put together."""
        own = self.own
        html, text = ("".join([own.get(one, one) for one in flat(pieces)]) for pieces in (self.html, self.text))
        return Rendered(subject=self.subject, html=html, text=text)


def flat(pieces: Iterable[Piece]) -> Iterator[str]:
    """Yield pieces one by one, those of passages too."""
    for piece in pieces:
        if isinstance(piece, Passage):
            yield from piece.pieces
        else:
            yield piece


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """The bytes of one mail (CRLF line ends) for one recipient, with a Message-ID from (issue, subscriber).

    `smtp_ready` says that its builder made sure, piece by piece and once for many mails, that every line end is CRLF
    and no line begins with a dot: then nobody need look through all of it again. `relaxed` says in the same way that
    the body is its own relaxed form (RFC 6376, section 3.4.4).
    """

    message_id: str
    sender: str
    recipient: str
    content: bytes = field(repr=False)
    smtp_ready: bool = False
    relaxed: bool = False


class DeliveryState(StrEnum):
    """Where one mail to one subscriber stands."""

    QUEUED = "queued"
    IN_FLIGHT = "in_flight"
    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One mail to one subscriber for one issue; unique on the two. `reply` is the mailer's or server's last word.

    `subscriber_id` is None where the subscriber was forgotten since.
    """

    id: int
    issue_id: int
    subscriber_id: int | None
    state: DeliveryState
    digest_id: int | None = None
    attempts: int = 0
    reply: str = ""
    retry_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a mailer says of one message: accepted, deferred (try later) or failed (never), and the reply's text."""

    state: DeliveryState
    reply: str


class BounceKind(StrEnum):
    """What a mail that came back for one of ours means; `hard` and `soft` count against the address.

    `policy` is a refusal for the sender's sake or the mail's, and `delayed` is no refusal yet: neither counts.
    """

    HARD = "hard"
    SOFT = "soft"
    POLICY = "policy"
    DELAYED = "delayed"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """A mail that came back, as it is kept. `mail` is its digest, `at` (aware, UTC) is when it was read.

    `issue_id` is None for a letter, `status` is an RFC 3463 code or "", `diagnostic` one line of the other server's.
    """

    subscriber_id: int
    kind: BounceKind
    mail: str
    at: datetime
    issue_id: int | None = None
    status: str = ""
    diagnostic: str = ""


class SuppressionReason(StrEnum):
    """Why an address gets no mail, whoever asks for some; `requested` is the operator's or the person's word."""

    BOUNCED = "bounced"
    COMPLAINED = "complained"
    REQUESTED = "requested"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """An address that gets no mail. It is kept as a keyed hash: `address` is "" unless a subscriber still has it."""

    reason: SuppressionReason
    since: datetime
    address: str = ""
