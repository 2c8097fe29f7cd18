"""The rule on Outlook's conditional comments: whole, paired, and letter for letter those of the template.

Outlook for Windows reads what stands in `<!--[if mso]>...<![endif]-->` as markup; any other client sees a comment.
`<!--[if !mso]><!-->...<!--<![endif]-->` is the other way round. One that is broken shows its markup or hides the mail.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from newsletter.render.checklist.document import page_as_made
from newsletter.render.checklist.evidence import Comment, Conditional
from newsletter.render.checklist.rule import Finding, Rule, excerpt
from newsletter.render.markup import VOID

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from newsletter.render.checklist.document import PageAsMade
    from newsletter.render.flatten import Piece

_COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)
_OPENERS = frozenset({"if", "for"})
_CLOSERS = frozenset({"endif", "endfor"})
_HIDDEN = re.compile(r"\[if [^\]<>]+\]>(.*)<!\[endif\]", re.DOTALL)
_OPENS = re.compile(r"\[if [^\]<>]+\]><!(?:-->)?")
_CLOSES = re.compile(r"<!\[endif\]")
_SPEAKS_OF_IT = re.compile(r"\[\s*(?:if\b|endif)", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([a-zA-Z][\w:]*)([^<>]*)>")


def is_conditional(comment: str) -> bool:
    """Tell whether a comment (what stands between `<!--` and `-->`) speaks to Outlook."""
    return _SPEAKS_OF_IT.search(comment) is not None


def conditionals(pieces: Iterable[Piece]) -> tuple[Conditional, ...]:
    """Return the conditional comments of a flattened template, in order."""
    found: list[Conditional] = []
    depth = 0
    for piece in pieces:
        depth += (piece.word in _OPENERS) - (piece.word in _CLOSERS)
        texts = _COMMENT.findall(piece.text) if piece.word is None else ()
        found += [Conditional(text=text, always=depth == 0) for text in texts if is_conditional(text)]
    return tuple(found)


def _conditionals(made: PageAsMade) -> Iterator[Finding]:
    found = [comment for comment in made.page.comments if is_conditional(comment.text)]
    yield from _shapes(found)
    yield from _balance(found)
    if made.given.conditionals is not None:
        yield from _as_in_the_template(found, made.given.conditionals)


def _shapes(found: Sequence[Comment]) -> Iterator[Finding]:
    shows: Comment | None = None
    for comment in found:
        opens, closes = (pattern.fullmatch(comment.text) is not None for pattern in (_OPENS, _CLOSES))
        if opens or closes:
            if (shows is not None) is opens:
                yield _finding(comment, "has no partner; write <!--[if !mso]><!--> before and <!--<![endif]--> after")
            shows = comment if opens else None
        elif not _HIDDEN.fullmatch(comment.text):
            yield _finding(comment, "is broken; it must read <!--[if mso]>...<![endif]-->")
    if shows is not None:
        yield _finding(shows, "is never closed; write <!--<![endif]--> after what it shows")


def _balance(found: Iterable[Comment]) -> Iterator[Finding]:
    """What opens in one hidden comment closes in a later one."""
    still_open: list[tuple[str, Comment]] = []
    for comment in found:
        match = _HIDDEN.fullmatch(comment.text)
        for closing, name, rest in _TAG.findall(match[1] if match else ""):
            if closing:
                if not still_open or still_open.pop()[0] != name.lower():
                    yield _finding(comment, f"closes a <{name}> that no comment before it left open")
            elif name.lower() not in VOID and not rest.endswith("/"):
                still_open.append((name.lower(), comment))
    for name, comment in still_open:
        yield _finding(comment, f"opens a <{name}> that no later comment closes")


def _as_in_the_template(found: Sequence[Comment], wanted: Sequence[Conditional]) -> Iterator[Finding]:
    have = {_folded(comment.text) for comment in found}
    known = {_folded(one.text) for one in wanted}
    for comment in found:
        if _folded(comment.text) not in known:
            yield _finding(comment, "is not as the template has it; compare the two")
    for one in wanted:
        if one.always and _folded(one.text) not in have:
            yield Finding(where="the HTML", what=f"has lost the template's <!--{excerpt(one.text)}-->")


def _folded(text: str) -> str:
    return " ".join(text.split())


def _finding(comment: Comment, what: str) -> Finding:
    return Finding(where=f"line {comment.line}, <!--{excerpt(comment.text)}-->", what=what)


RULES = (Rule(name="outlook", demand="conditional comments are intact", part=page_as_made, look=_conditionals),)
