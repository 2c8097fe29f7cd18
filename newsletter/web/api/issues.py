"""Issues: those that are on their way or were sent. Drafts are for the editors, and no scope opens them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import Path as InPath
from fastapi import Query
from starlette.exceptions import HTTPException

from newsletter.period import PeriodKind
from newsletter.web.api.asked import Number, Size
from newsletter.web.api.shapes import Issue, IssueEntry, IssueList

if TYPE_CHECKING:
    from newsletter.web.parts import Parts

Kind = Annotated[PeriodKind, Query(description="Whether of a day, a week or a month.")]
PeriodText = Annotated[str, InPath(max_length=10, description="`2026-07-14`, `2026-W29` or `2026-07`.")]


class IssueOperations:
    """The operations on issues."""

    def __init__(self, parts: Parts) -> None:
        self._pages = parts.pages
        self._archive = parts.app.store.archive

    def list_issues(self, kind: Kind = PeriodKind.DAY, page: Number = 1, size: Size = 50) -> IssueList:
        """List the published issues of one kind, newest first."""
        total = self._archive.count(kind)
        filed = self._archive.page(kind, offset=(page - 1) * size, limit=size)
        return IssueList(
            issues=[IssueEntry.of(one, self._pages) for one in filed],
            total=total,
            next_page=page + 1 if page * size < total else None,
        )

    def get_issue(self, period: PeriodText) -> Issue:
        """Return a published issue with all its papers."""
        issue = self._archive.get(period)
        if issue is None:
            raise HTTPException(404)
        return Issue.whole(issue, self._pages)
