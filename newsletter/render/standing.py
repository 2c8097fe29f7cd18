"""The last good templates stay in use: a renderer for as long as a process runs, while its templates are edited.

A renderer keeps what it was made from. Here a new one is made when the files differ, and takes the place of the old one
only if all its templates compile and a sample digest renders; else the old one stays and `fault` names the template,
the line and the reason. The first one has none to stand in for it: its fault is raised.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from newsletter.errors import RenderError, TemplateError
from newsletter.links import MailLinks
from newsletter.model import Digest, Issue, Links, Paper, Profile, RankedPaper, Subscriber
from newsletter.render.digest import DigestRenderer, digest_templates
from newsletter.render.environment import environment, load_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from newsletter.config import Site
    from newsletter.model import Topic

_NOBODY = "https://newsletter.example/"


class StandingRenderer:
    """Gives the renderer of the newest templates that work; `fault` is what is wrong with newer ones, "" if nothing."""

    fault: str

    def __init__(self, site: Site, *, template_folders: Sequence[Path] = (), topics: Sequence[Topic] = ()) -> None:
        """Make the first renderer.

        Raises:
            TemplateError: a template is missing or wrong, and none was good before.
        """
        self.fault = ""
        self._site, self._folders, self._topics = site, tuple(template_folders), tuple(topics)
        self._looked_at: dict[str, str | None] = {}
        self._good = self._made()

    def current(self) -> DigestRenderer:
        """Return the renderer to use now; whoever sends an issue asks once and keeps it to the end."""
        if self._changed():
            try:
                self._good, self.fault = self._made(), ""
            except RenderError as error:
                self.fault = str(error)
        return self._good

    def _changed(self) -> bool:
        """Whether a file that was asked for last time is another now, be it wrong or gone; the others do not matter."""
        files = digest_templates(self._folders)
        sandbox = environment(files, html=False)
        for name in self._looked_at:
            with suppress(TemplateError):
                load_text(sandbox, name)
        return files.texts() != self._looked_at

    def _made(self) -> DigestRenderer:
        files = digest_templates(self._folders)
        try:
            renderer = DigestRenderer(self._site, topics=self._topics, snapshot=files)
            for digest in (_SAMPLE, Digest(issue=_SAMPLE.issue, subscriber=_SAMPLE.subscriber, papers=())):
                renderer.render(digest, links=_LINKS)
        finally:
            self._looked_at = files.texts()
        return renderer


_LINKS = MailLinks(
    unsubscribe=f"{_NOBODY}unsubscribe/x",
    preferences=f"{_NOBODY}preferences/x",
    view=f"{_NOBODY}view/x",
    feedback=f"{_NOBODY}feedback/x",
)
_PAPERS = tuple(
    Paper(
        id=f"sample:{number}",
        source="sample",
        title=f"A sample paper, number {number}",
        abstract="It shows that the templates work on all that a paper can have.",
        authors=("Ada Example", "Ben Example"),
        organisation="Example University",
        upvotes=number,
        comments=number,
        links=Links(page=f"https://papers.example/{number}", code=f"https://code.example/{number}", stars=number),
    )
    for number in range(1, 5)
)
_SAMPLE = Digest(
    issue=Issue(period="2026-07-14", note="A sample **note**."),
    subscriber=Subscriber(
        address="reader@newsletter.example", id=1, profile=Profile(topics=("sample",), interests=("samples",))
    ),
    papers=tuple(
        RankedPaper(paper=paper, score=1.0, reasons=("matches: sample",), matched=place < len(_PAPERS) // 2)
        for place, paper in enumerate(_PAPERS)
    ),
    left_out=3,
)
