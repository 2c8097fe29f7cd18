"""Subscribers as a CSV file: reading one row by row with every broken row named, and writing one back.

Pure text in, rows and problems out; what is done with them is the caller's. Addresses are checked by their form
only (email-validator, RFC 5321 and 6531): no DNS is asked, and names under .test pass.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from email_validator import EmailNotValidError, validate_email

from newsletter.errors import UsageError
from newsletter.model import Cadence, Profile, Subscriber, SubscriberStatus, arxiv_id
from newsletter.pipeline.tastes import check_tastes
from newsletter.pipeline.wishes import LISTS, lists_from, profile_from, remarks_on
from newsletter.values import time_zones

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from newsletter.settings import SubscriberSettings

_COLUMNS = ("address", "topics", "interests", "cadence", "weekday", "time zone", "hour", "size")
_ALIASES = {"email": "address", "e-mail": "address", "timezone": "time zone", "time_zone": "time zone"}
_EXPORTED = (*_COLUMNS, *LISTS, "status", "liked", "disliked")
_FORMULA = (
    "=",
    "+",
    "-",
    "@",
    "\t",
)  # what a spreadsheet would run, https://owasp.org/www-community/attacks/CSV_Injection
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MAX_SIZE = 100
_MAX_HOUR = 23
_STORED_ID = re.compile(r"[\w.-]{1,100}:[!-~]{1,300}", re.ASCII)  # source:key, see `Paper.id`
_ENCODED_WORD = "=?"  # RFC 2047; a mail program would show another address than the mail goes to
_CONSENT = (SubscriberStatus.PENDING, SubscriberStatus.CONFIRMED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The good rows of a CSV file as subscribers, and one line for each row that was left out.

    `remarks` are on rows that were kept: see `wishes.remarks_on`.
    """

    subscribers: tuple[Subscriber, ...]
    problems: tuple[str, ...]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What a row gets where it says nothing, and the topic names it may use."""

    settings: SubscriberSettings
    status: SubscriberStatus
    topics: Collection[str]


def read_csv(text: str, *, where: str, defaults: Defaults) -> Sheet:
    """Read a CSV file with a header; several values in a cell are parted by `;`, ids of papers by white space.

    A row whose status says that somebody left, bounced or complained keeps it. A row that says pending or confirmed
    gets the status of the defaults: whether people agreed to be mailed is for the caller to know, not for a file.

    Raises:
        UsageError: no header with an address column, an unknown column, or no row at all.
    """
    rows = csv.reader(io.StringIO(text, newline=""))
    try:
        columns = _header(next(rows, []), where)
        return _rows(rows, columns, where, defaults)
    except csv.Error as error:
        raise UsageError(f"{where}, line {rows.line_num}: not readable as CSV: {error}") from None


def write_csv(subscribers: Iterable[Subscriber]) -> str:
    """Return the subscribers as CSV that `read_csv` reads back; cells that a spreadsheet would run are quoted by '."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(_EXPORTED)
    for one in subscribers:
        cells = (
            one.address,
            ";".join(one.profile.topics),
            ";".join(one.profile.interests),
            one.cadence,
            WEEKDAYS[one.weekday],
            one.timezone,
            str(one.hour),
            str(one.size),
            *(";".join(getattr(one.profile, name)) for name in LISTS),
            one.status,
            " ".join(one.profile.liked),
            " ".join(one.profile.disliked),
        )
        writer.writerow([f"'{cell}" if cell.startswith((*_FORMULA, "'")) else cell for cell in cells])
    return out.getvalue()


def subscriber_from(values: Mapping[str, str], defaults: Defaults) -> Subscriber:
    """Return the subscriber that column values describe; see `read_csv` for the status.

    Raises:
        UsageError: a value that is not allowed; the message names it.
    """
    settings = defaults.settings
    return Subscriber(
        address=normal_address(values.get("address", "")),
        status=_status(values.get("status", ""), defaults.status),
        profile=_profile(values, defaults.topics),
        cadence=_cadence(values.get("cadence", "") or settings.cadence),
        weekday=_weekday(values.get("weekday", "") or WEEKDAYS[0]),
        hour=_whole("hour", values.get("hour", "") or str(settings.hour), 0, _MAX_HOUR),
        timezone=_zone(values.get("time zone", "") or settings.timezone),
        size=_whole("size", values.get("size", "") or str(settings.size), 1, _MAX_SIZE),
    )


def edited(known: Subscriber, values: Mapping[str, str], *, topics: Collection[str]) -> Subscriber:
    """Return a subscriber with the column `values` that are given in place of what was there.

    Raises:
        UsageError: a value that is not allowed; the message names it.
    """
    wishes = profile_from(values.get("topics", ""), values.get("interests", ""), topics=topics)
    given = {"topics": wishes.topics, "interests": wishes.interests} | lists_from(values)
    return replace(
        known,
        profile=replace(known.profile, **{name: held for name, held in given.items() if name in values}),
        cadence=_cadence(values.get("cadence", known.cadence)),
        weekday=_weekday(values.get("weekday", WEEKDAYS[known.weekday])),
        hour=_whole("hour", values.get("hour", str(known.hour)), 0, _MAX_HOUR),
        timezone=_zone(values.get("time zone", known.timezone)),
        size=_whole("size", values.get("size", str(known.size)), 1, _MAX_SIZE),
    )


def _profile(values: Mapping[str, str], topics: Collection[str]) -> Profile:
    wishes = replace(
        profile_from(values.get("topics", ""), values.get("interests", ""), topics=topics), **lists_from(values)
    )
    liked, disliked = values.get("liked", ""), values.get("disliked", "")
    if not (liked or disliked):
        return wishes
    profile = replace(wishes, liked=_papers(liked), disliked=_papers(disliked))
    check_tastes(profile)
    return profile


def normal_address(text: str) -> str:
    """Return an address in its normal form.

    Raises:
        UsageError: it is no e-mail address.
    """
    shown = text.strip()[:100]
    try:
        address = validate_email(text.strip(), check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise UsageError(f"{shown!r} is no e-mail address: {str(error).rstrip('.')}") from None
    if _ENCODED_WORD in address:
        raise UsageError(f"{shown!r} cannot be mailed to: {_ENCODED_WORD} begins an encoded word in a mail's header")
    return address


def _header(cells: list[str], where: str) -> list[str]:
    names = [cell.strip().lower() for cell in cells]
    columns = [_ALIASES.get(name, name) for name in names]
    if "address" not in columns:
        raise UsageError(f"{where}: the first line must name the columns, with 'address' among them")
    if unknown := [name for name in columns if name not in _EXPORTED]:
        raise UsageError(f"{where}: unknown column {unknown[0]!r}; known are: {', '.join(_EXPORTED)}")
    if len(set(columns)) < len(columns):
        raise UsageError(f"{where}: a column stands there twice")
    return columns


def _rows(rows: Iterator[list[str]], columns: list[str], where: str, defaults: Defaults) -> Sheet:
    good: dict[str, Subscriber] = {}
    problems, remarks = [], []
    for lines, cells in _numbered(rows):
        try:
            one = _row(cells, columns, defaults)
        except UsageError as error:
            problems.append(f"{where}, {lines}: {error}")
            continue
        if one.address.casefold() in good:
            problems.append(f"{where}, {lines}: {one.address} stands there twice; the first row counts")
            continue
        good[one.address.casefold()] = one
        remarks += [f"{where}, {lines}: {remark}" for remark in remarks_on(one.profile)]
    if not good and not problems:
        raise UsageError(f"{where}: there is no row under the header")
    return Sheet(subscribers=tuple(good.values()), problems=tuple(problems), remarks=tuple(remarks))


def _numbered(rows: Iterator[list[str]]) -> Iterator[tuple[str, list[str]]]:
    """Yield each row that is not blank with the lines it stands on: an open quote may have swallowed many."""
    first = 2
    for cells in rows:
        last = getattr(rows, "line_num", first)
        if any(cell.strip() for cell in cells):
            yield (f"line {first}" if first >= last else f"lines {first} to {last} (an open quote?)"), cells
        first = last + 1


def _row(cells: list[str], columns: list[str], defaults: Defaults) -> Subscriber:
    if len(cells) != len(columns):
        raise UsageError(f"{len(cells)} cells where the header has {len(columns)}")
    return subscriber_from({name: _unquoted(cell.strip()) for name, cell in zip(columns, cells, strict=True)}, defaults)


def _unquoted(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith((*_FORMULA, "'")) else cell


def _papers(cell: str) -> tuple[str, ...]:
    """Return the ids in a cell; one that is none of arXiv's is a stored paper's, `source:key`, here or elsewhere."""
    ids = {text: arxiv_id(text) or text for text in cell.split()}
    if wrong := [text for text, paper in ids.items() if not (arxiv_id(paper) or _STORED_ID.fullmatch(paper))]:
        raise UsageError(f"{wrong[0][:100]!r} is no paper's id; part several by spaces")
    return tuple(dict.fromkeys(ids.values()))


def _status(text: str, default: SubscriberStatus) -> SubscriberStatus:
    if not text:
        return default
    try:
        status = SubscriberStatus(text.strip().lower())
    except ValueError:
        raise UsageError(f"unknown status {text!r}; one of: {', '.join(SubscriberStatus)}") from None
    return default if status in _CONSENT else status


def _cadence(text: str) -> Cadence:
    try:
        return Cadence(text.strip().lower())
    except ValueError:
        raise UsageError(f"unknown cadence {text!r}; one of: {', '.join(Cadence)}") from None


def _weekday(text: str) -> int:
    """Return the number of a day of the week, 0 is Monday, by its English name."""
    name = text.strip().lower()
    if name not in WEEKDAYS:
        raise UsageError(f"unknown weekday {text!r}; one of: {', '.join(WEEKDAYS)}")
    return WEEKDAYS.index(name)


def _zone(name: str) -> str:
    if name not in time_zones():
        raise UsageError(f"unknown time zone {name!r}; write an IANA name such as Europe/Berlin")
    return name


def _whole(what: str, text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit() and least <= int(text[:9]) <= most):
        raise UsageError(f"{what} {text!r} is no whole number from {least} to {most}")
    return int(text)
