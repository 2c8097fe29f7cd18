"""From a template's name and what it shows to a page: jinja2 over `templates/web/`, the style sheet and the one script.

The templates are an operator's to replace, so they run in the same sandbox as those of mails, escape everything, and
take the same design tokens. They are read once, when the server starts. It answers no request.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from newsletter.model import arxiv_id
from newsletter.render.clean import one_line
from newsletter.render.environment import environment, load_source, run, template_loader
from newsletter.render.page import masthead
from newsletter.render.tokens import load_tokens
from newsletter.resources import resource

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from newsletter.settings import Site

_FOLDER = "web"
_HASH_LENGTH = 16  # hexadecimal digits


class Pages:
    """The pages of one site. `base` is where it is reached, without a slash at its end; URLs are made from it alone."""

    def __init__(self, site: Site, *, template_folders: Sequence[Path], base: str) -> None:
        """Read and check the templates, the operator's folders first.

        Raises:
            TemplateError: a template or a design token is wrong; the message names it and the line.
        """
        loader = template_loader([*template_folders, resource("templates")])
        self._html, text = environment(loader, html=True), environment(loader, html=False)
        for path in sorted(resource("templates", _FOLDER).glob("*.html")):
            load_source(self._html, f"{_FOLDER}/{path.name}")
        tokens = load_tokens(self._html, site.accent)
        self.base = base
        self.thumbnails = site.thumbnails
        self.name = one_line(site.name)
        self.tagline = one_line(site.tagline)
        self.root = urlsplit(base).path
        self.css = run(text.get_template(f"{_FOLDER}/style.css"), tokens)
        self.icon = run(text.get_template(f"{_FOLDER}/favicon.svg"), tokens)
        self.css_name = _named(self.css, "css")
        self.script = run(text.get_template(f"{_FOLDER}/zone.js"), {})
        self.script_name = _named(self.script, "js")
        self._common = {"site": masthead(site), "root": self.root, "css": f"{self.root}/static/{self.css_name}"}

    def path(self, *parts: str) -> str:
        """Return a path within the site, from its root."""
        return "/".join((self.root, *(quote(part, safe="") for part in parts)))

    def html(self, name: str, **shown: object) -> str:
        """Return the page that the template `web/NAME.html` makes of what is `shown`.

        Every page is given `site`, `root` (the beginning of each link within the site) and `css`; `title` is the
        caller's to give, and so is `section`, the entry of the navigation that the page belongs to ("" for none).
        """
        given: dict[str, object] = {"section": "", "feeds": (), "canonical": "", **self._common, **shown}
        return run(self._html.get_template(f"{_FOLDER}/{name}.html"), given)

    def paper_path(self, paper_id: str) -> str:
        """Return the path of a paper's page within the site, from its root; only an arXiv id keeps its slash."""
        return f"{self.root}/papers/{quote(paper_id, safe='/' if arxiv_id(paper_id) else '')}"


def _named(content: str, ending: str) -> str:
    """Return a name for a file that changes with its content."""
    return f"{hashlib.sha256(content.encode()).hexdigest()[:_HASH_LENGTH]}.{ending}"
