"""arXiv's query API as a source: what was submitted on a UTC day in the configured categories and queries.

The `arxiv` package pages, waits and retries; the bytes come through the house's own `HttpClient`, because the package
has no time-out and no bound, takes an error for an empty list, and gives up a whole page for one broken entry.
API and its terms (one request in three seconds, for all machines together):
https://info.arxiv.org/help/api/user-manual.html, https://info.arxiv.org/help/api/tou.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import arxiv  # type: ignore[import-untyped]  # the package ships no types

from newsletter.collect.arxiv_answer import BROKEN, checked
from newsletter.collect.base import Batch
from newsletter.collect.clean import clean_name, clean_text, clean_title, storable
from newsletter.errors import ConfigError, SourceRefusedError, SourceUnreachableError
from newsletter.model import Links, Paper, arxiv_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from newsletter.collect.base import Rejected, Validators
    from newsletter.collect.http import HttpClient
    from newsletter.settings import ArxivSettings

ENDPOINT = "https://export.arxiv.org/api/query"
_LARGEST_PAGE = 500  # entries; arXiv allows 2,000 and is slow to answer then
_LONGEST_PAUSE = 60.0  # seconds
_TRY_AGAIN = 503  # the package retries on any status but 200


class Arxiv:
    """What was submitted to arXiv on a day.

    One object serves a whole run, so that its pause holds between all requests. `attempts` counts the calls for one
    page; after a failed one the pause doubles. `endpoint` is replaced in tests.
    """

    name = "arxiv"

    def __init__(self, settings: ArxivSettings, http: HttpClient, *, attempts: int, endpoint: str = ENDPOINT) -> None:
        self._settings = settings
        self._attempts = attempts
        self._client = _Client(http, endpoint, settings.pause_seconds)

    def on(self, day: date, *, now: datetime, validators: Validators | None = None) -> Batch:
        """Return what was submitted on the UTC `day`, the latest first, each paper once.

        Where there are more than `max_results`, a note says how many were left out.

        Raises:
            ConfigError: neither a category nor a query is configured.
            SourceUnreachableError: no answer, or only errors, after all attempts.
            SourceRefusedError: arXiv refuses the query; the message has arXiv's reason.
            BadAnswerError: the answer is not arXiv's Atom.
        """
        most = self._settings.max_results
        query = f"{_any_of(self._settings)} AND submittedDate:[{day:%Y%m%d}0000 TO {day:%Y%m%d}2359]"
        found = self._client.ask(query, most=most, attempts=self._attempts, about=f"arXiv, {day}")
        papers = {paper.id: paper for result in found.results if (paper := _paper(result, day))}
        note = f"arXiv, {day}: {found.total} papers, only the latest {most} were taken; raise collect.arxiv.max_results"
        return Batch(
            source=self.name,
            papers=tuple(papers.values()),
            entries=len(papers) + len(found.rejected),
            taken_at=now,
            rejected=tuple(found.rejected),
            notes=(note,) if found.total > most else (),
        )

    def check(self) -> str:
        """Ask for one paper, once.

        Raises:
            ConfigError: neither a category nor a query is configured.
            CollectError: arXiv cannot be reached or refuses the query.
        """
        self._client.ask(_any_of(self._settings), most=1, attempts=1, about="arXiv")
        return f"arXiv answers at {urlsplit(self._client.query_url_format).netloc}"


@dataclass(frozen=True, slots=True)
class _Found:
    results: Sequence[arxiv.Result]
    rejected: Sequence[Rejected]
    total: int


@dataclass(frozen=True, slots=True)
class _Response:
    """The part of a `requests` response that the package reads."""

    content: bytes
    status_code: int = 200


class _Client(arxiv.Client):  # type: ignore[misc]  # untyped, see above
    """The package's client over our own HTTP, which it knows as its session."""

    def __init__(self, http: HttpClient, endpoint: str, pause_seconds: float) -> None:
        super().__init__(delay_seconds=pause_seconds)
        self.query_url_format = endpoint + "?{}"
        self._session = self  # of a session the package uses nothing but `get`
        self._http = http
        self._pause = pause_seconds
        self._about = ""
        self._rejected: dict[str, Rejected] = {}
        self._total = 0
        self._fault: SourceUnreachableError | None = None

    def ask(self, query: str, *, most: int, attempts: int, about: str) -> _Found:
        """Return up to `most` results; `about` is what messages call the request."""
        self.page_size, self.num_retries, self._about = min(most, _LARGEST_PAGE), attempts - 1, about
        self._rejected, self._total, self._fault = {}, 0, None
        search = arxiv.Search(query, max_results=most, sort_by=arxiv.SortCriterion.SubmittedDate)
        try:
            results = list(self.results(search))
        except arxiv.ArxivError as error:
            fault = self._fault or f"{about}: {error.message} {attempts} times; try again later"
            raise SourceUnreachableError(str(fault)) from None
        finally:
            self.delay_seconds = self._pause
        return _Found(results, tuple(self._rejected.values()), self._total)

    def get(self, url: str, **_: object) -> _Response:
        """Answer as the package's session: bytes that it can read without losing any, or an error that it retries."""
        try:
            answer = self._http.get(url, about=self._about, attempts=1)
        except SourceUnreachableError as fault:
            self._fault = fault
            self.delay_seconds = min(self.delay_seconds * 2, max(_LONGEST_PAUSE, self._pause))
            raise arxiv.HTTPError(url, 0, _TRY_AGAIN) from None
        except SourceRefusedError as fault:
            raise SourceRefusedError(f"{fault}; check collect.arxiv.categories and queries") from None
        self._fault = None
        self.delay_seconds = self._pause
        page = checked(answer.body, where=self._about)
        self._rejected |= {broken.where: broken for broken in page.rejected}
        self._total = page.total
        return _Response(page.body)


def _any_of(settings: ArxivSettings) -> str:
    asked = [f"cat:{category}" for category in settings.categories] + [f"({query})" for query in settings.queries]
    if not asked:
        raise ConfigError("collect.arxiv names no category and no query; set one in newsletter.toml")
    return f"({' OR '.join(asked)})"


def _paper(result: arxiv.Result, day: date) -> Paper | None:
    if result.entry_id == BROKEN:
        return None
    key = arxiv_id(result.entry_id) or ""
    authors = tuple(name for author in result.authors if (name := clean_name(author.name)))
    return Paper(
        id=key,
        source=Arxiv.name,
        title=clean_title(result.title),
        abstract=clean_text(result.summary),
        authors=authors,
        author_count=len(authors),
        published=result.published.date(),
        listed_on=day,
        # arXiv's categories are no keywords: thousands of papers a week share each.
        links=Links(page=f"https://arxiv.org/abs/{key}", pdf=f"https://arxiv.org/pdf/{key}"),
        raw_title=storable(result.title),
        raw_abstract=storable(result.summary),
    )
