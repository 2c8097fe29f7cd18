"""The sandbox that templates run in, and how its errors become one line that names the template.

Templates are an operator's to replace, so they run in jinja2's immutable sandbox: no reach to Python's internals, no
change of what they are given, an unknown name is an error, and what they may spend is bounded (`bounds`). HTML is
escaped always: the `safe` filter is taken away.
"""

from __future__ import annotations

import textwrap
import traceback
from typing import TYPE_CHECKING

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    Template,
    TemplateSyntaxError,
    UndefinedError,
    meta,
    nodes,
)
from jinja2.exceptions import SecurityError, TemplateNotFound

from newsletter.errors import TemplateError
from newsletter.render.bounds import BoundedEnvironment, printed
from newsletter.render.budget import BoundError, spending
from newsletter.render.clean import one_line, printable, safe_url

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from jinja2.sandbox import ImmutableSandboxedEnvironment

COLUMNS = 72
_LONGEST_REASON = 400
_LONGEST_QUOTE = 200
_NAMES = "the names a template may use stand in templates/README.md"

Place = tuple[str, int | None]


def environment(loader: BaseLoader, *, html: bool) -> ImmutableSandboxedEnvironment:
    """Return the sandbox for HTML templates, or the one for plain text, which escapes nothing."""
    sandbox = BoundedEnvironment(
        filters={"safe_url": safe_url, "wrap": wrap},
        loader=loader,
        autoescape=html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printed,
    )
    del sandbox.filters["safe"]
    return sandbox


def template_loader(folders: Sequence[Path]) -> TemplateSnapshot:
    """Return a loader that takes a template from the first folder that has it."""
    return TemplateSnapshot(ChoiceLoader([FileSystemLoader(folder) for folder in folders]))


class TemplateSnapshot(BaseLoader):
    """A loader that reads each file once.

    So whoever was made with it keeps what it was made from, whatever happens to the folders during a send.
    """

    def __init__(self, files: BaseLoader) -> None:
        """Read nothing yet; `files` is the loader that will."""
        self._files = files
        self._read: dict[str, tuple[str, str | None] | TemplateNotFound | UnicodeDecodeError | OSError] = {}

    def get_source(self, environment: Environment, template: str) -> tuple[str, str | None, None]:
        """Return a template's source as it was when it was asked for first.

        In place of the path of its file stands its name, which tracebacks then show.

        Raises:
            TemplateNotFound: it was not there then.
            UnicodeDecodeError: it was not UTF-8.
            OSError: it could not be read.
        """
        if template not in self._read:
            try:
                self._read[template] = self._files.get_source(environment, template)[:2]
            except (TemplateNotFound, UnicodeDecodeError, OSError) as error:
                self._read[template] = error
        found = self._read[template]
        if isinstance(found, Exception):
            raise found
        return found[0], template, None

    def texts(self) -> dict[str, str | None]:
        """Return every file that was asked for, by the order of names; None stands for one that could not be had."""
        found = sorted(self._read.items())
        return {name: None if isinstance(source, Exception) else source[0] for name, source in found}


def wrap(text: str, indent: int = 0, first: str | None = None) -> str:
    """Return `text` as lines of at most 72 columns, indented by `indent` spaces; a longer word stays whole.

    Line ends in `text` are kept. `first` stands in place of the first line's indentation.
    """
    margin = " " * indent
    joined = "\n".join([_filled(line, margin) for line in text.splitlines() or [""]])
    return joined if first is None else first + joined.removeprefix(margin)


def _filled(line: str, margin: str) -> str:
    if line.isprintable() and "  " not in line and line == line.strip(" "):
        return _filled_words(line, margin) if line else ""
    return textwrap.fill(
        line,
        COLUMNS,
        initial_indent=margin,
        subsequent_indent=margin,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _filled_words(line: str, margin: str) -> str:
    """Fill lines with words that stand one space apart, as textwrap does, at a tenth of its cost."""
    room = max(COLUMNS - len(margin), 0)
    lines, start = [], 0
    while len(line) - start > room:
        end = line.rfind(" ", start, start + room + 1)
        if end < 0 and (end := line.find(" ", start)) < 0:  # a longer word stays whole
            break
        lines.append(line[start:end])
        start = end + 1
    return margin + f"\n{margin}".join([*lines, line[start:]])


def fault(place: Place, reason: object) -> TemplateError:
    """Return the error for one place of a template: `template NAME, line N: REASON`."""
    name, line = place
    shown = f"template {name}" if line is None else f"template {name}, line {line}"
    return TemplateError(f"{shown}: {one_line(str(reason))[:_LONGEST_REASON]}")


def reason_of(error: Exception) -> str:
    """Return what a person is told of an error that jinja2, or something that a template did, raised."""
    if isinstance(error, BoundError):
        return str(error)
    message = error.message if isinstance(error, TemplateSyntaxError) else str(error)
    said = one_line(message or "")[:_LONGEST_QUOTE].rstrip(".")
    if isinstance(error, TemplateSyntaxError):
        return f"cannot be read (jinja2: {said}); mend the tag there"
    if isinstance(error, UndefinedError):
        return f"asks for what is not there (jinja2: {said}); {_NAMES}"
    if isinstance(error, SecurityError):
        return f"reaches for what no template may touch (jinja2: {said}); take it out"
    return f"fails when it is filled in ({type(error).__name__}: {said}); let it ask before it uses a value"


def unknown_name(name: str) -> str:
    """Return what a person is told of a name that a template is not given."""
    return f"unknown name {name!r}; {_NAMES}"


def load_source(sandbox: ImmutableSandboxedEnvironment, name: str, wanted_by: Place | None = None) -> str:
    """Return the source of a template, checked for its syntax.

    Raises:
        TemplateError: it is not there, is not UTF-8 or has a syntax error.
    """
    source = load_text(sandbox, name, wanted_by)
    try:
        sandbox.parse(source, name)
    except TemplateSyntaxError as error:
        raise fault((error.name or name, error.lineno), reason_of(error)) from None
    return source


def load_text(sandbox: ImmutableSandboxedEnvironment, name: str, wanted_by: Place | None = None) -> str:
    """Return a file of the template folders as it is.

    Raises:
        TemplateError: it is not there (told at the place that wanted it) or is not UTF-8.
    """
    assert sandbox.loader is not None  # noqa: S101 - `environment` always gives one; this tells the type checker
    try:
        return sandbox.loader.get_source(sandbox, name)[0]
    except TemplateNotFound:
        raise fault(wanted_by or (name, None), f"there is no template {name}") from None
    except UnicodeDecodeError:
        raise fault((name, None), "is not UTF-8; save it as UTF-8") from None
    except OSError as error:
        raise fault((name, None), f"cannot be read: {error.strerror}") from None


def unknown_names(tree: nodes.Template, known: AbstractSet[str]) -> list[tuple[str, int]]:
    """Return the names, with their lines, that a parsed template uses but neither gets nor sets."""
    found = list(tree.find_all(nodes.Name))
    own = {name.name for name in found if name.ctx != "load"}
    with spending():  # jinja2 works out what is constant
        missing = meta.find_undeclared_variables(tree) - known - own
    return [(name.name, name.lineno) for name in found if name.name in missing]


def run(template: Template, context: Mapping[str, object], lines: Mapping[int, Place] | None = None) -> str:
    """Render a template.

    `lines` tells from which template and line each line of a compiled template comes.

    Raises:
        TemplateError: the template failed; the message names it, the line and the reason.
    """
    try:
        with spending():
            return template.render(context)
    except Exception as error:  # noqa: BLE001 - an operator's template can raise anything
        name, line = failing_line(error, template)
        place = lines.get(line or 0, (name, None)) if lines is not None else (name, line)
        raise fault(place, reason_of(error)) from None


def _printed(value: object) -> object:
    """Check and count what a template prints (jinja2 `finalize`)."""
    return printable(printed(value))


def failing_line(error: Exception, template: Template | None) -> Place:
    """Return the innermost template frame; jinja2 rewrites tracebacks so that these name templates and their lines."""
    own = ("", "") if template is None else (template.name or "", template.filename)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if not frame.filename.endswith(".py") and not frame.filename.startswith("<frozen "):
            return own[0] if frame.filename == own[1] else frame.filename, frame.lineno
    return own[0], None
