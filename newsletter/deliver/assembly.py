"""The fast path from a digest in pieces to a mail: a join of bytes that were mostly encoded for an earlier reader.

What comes out says the same as what `message.build_message` builds from the whole texts, which is the reference: the
headers come from the same function, and both parse to the same texts. The bytes differ in one way: a line of
quoted-printable may end wherever a piece ends. It signs nothing, hands nothing over and reads no clock.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Unpack

from newsletter.deliver.message import boundary_for, issue_headers, named_issue, site_address
from newsletter.model import Message, Passage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from newsletter.deliver.message import Addressed
    from newsletter.model import Piece, Pieces
    from newsletter.settings import Site

_LINE = 76  # octets in a line of quoted-printable, the "=" of a soft line break included (RFC 2045, section 6.7)
_SOFT = b"=\r\n"
_FIRST_DOTS = re.compile(rb"(?m)^\.+")
_DOT = b"=2E=\r\n"  # with a soft line break, for which there is always room
_GAPS = re.compile(rb" (?=[ \t])|\t")
_KEPT_BYTES = 20_000_000
_KEPT_FORM_BYTES = 6_000_000  # of passages: those of some hundred digests, which come one after another
_ENTRY = 200  # bytes that a kept piece takes beside its letters


class Assembly:
    """Builds the mails of a site from digests in pieces, and keeps the pieces' encoded form for the next mail."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._encoded = Encoded()

    def message(self, pieces: Pieces, **addressed: Unpack[Addressed]) -> Message:
        """Return one reader's mail; the arguments are those of `message.build_message`.

        Raises:
            DeliveryError: a header would hold a control character or is malformed, or a text is not Unicode.
        """
        with named_issue(addressed["issue_period"]):
            headers = issue_headers(pieces, self._site, addressed)
            return Message(
                message_id=addressed["message_id"],
                sender=site_address(self._site.from_address),
                recipient=headers["To"],
                content=self._content(headers, pieces),
                relaxed=True,  # see `quoted`, too
                smtp_ready=True,  # see `quoted`; no header begins with a dot or holds a line end of its own
            )

    def _content(self, headers: Mapping[str, str], pieces: Pieces) -> bytes:
        boundary = boundary_for(headers["Message-ID"])
        lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
        own = {stand_in: quoted(link) for stand_in, link in pieces.own.items()}
        return b"".join(
            [
                "".join(lines).encode(),
                f'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="{boundary}"\r\n'.encode(),
                _part_head(boundary, "plain"),
                *self._encoded.of(pieces.text, own),
                _part_head(boundary, "html"),
                *self._encoded.of(pieces.html, own),
                f"\r\n--{boundary}--\r\n".encode(),
            ]
        )


@dataclass(frozen=True, slots=True)
class _Form:
    """A passage as quoted-printable, in as few parts as it takes; at `places` come links of the reader's own."""

    parts: tuple[bytes, ...]
    places: tuple[tuple[int, str], ...]

    def filled(self, own: Mapping[str, bytes]) -> list[bytes]:
        parts = list(self.parts)
        for place, stand_in in self.places:
            parts[place] = own[stand_in]
        return parts


class Encoded(dict[str, bytes]):
    """Pieces as quoted-printable, each encoded once; all are forgotten when they become too many."""

    def __init__(self) -> None:
        super().__init__()
        self._bytes = 0
        self._forms: dict[tuple[Passage, frozenset[str]], _Form] = {}
        self._form_bytes = 0

    def of(self, pieces: Sequence[Piece], own: Mapping[str, bytes]) -> list[bytes]:
        """Return a text's pieces encoded, with a line end after the last."""
        encoded: list[bytes] = []
        stand_ins = frozenset(own)
        for piece in pieces:
            if isinstance(piece, Passage):
                encoded += (self._forms.get((piece, stand_ins)) or self._form(piece, stand_ins)).filled(own)
            else:
                encoded.append(own.get(piece) or self[piece])
        last = next(filter(None, reversed(encoded)), b"")
        if not last.endswith(b"\r\n") or last.endswith(_SOFT):
            encoded.append(b"\r\n")
        return encoded

    def _form(self, passage: Passage, stand_ins: frozenset[str]) -> _Form:
        parts: list[bytes] = []
        places: list[tuple[int, str]] = []
        for is_own, some in groupby(passage.pieces, stand_ins.__contains__):
            for piece in some if is_own else ():
                places.append((len(parts), piece))
                parts.append(b"")
            if not is_own:
                parts.append(b"".join(map(self.__getitem__, some)))
        self._form_bytes += sum(map(len, parts)) + _ENTRY
        if self._form_bytes > _KEPT_FORM_BYTES:
            self._forms.clear()
            self._form_bytes = 0
        form = self._forms[passage, stand_ins] = _Form(tuple(parts), tuple(places))
        return form

    def __missing__(self, piece: str) -> bytes:
        encoded = quoted(piece)
        self._bytes += len(encoded) + len(piece) + _ENTRY
        if self._bytes > _KEPT_BYTES:
            self.clear()
            self._bytes = 0
        self[piece] = encoded
        return encoded


def quoted(piece: str) -> bytes:
    """Return part of a text as quoted-printable, with CRLF; it ends with a line end, a soft one where it has none.

    So pieces can be put together in any order, and no line becomes too long. No line begins with a dot, which a mailer
    would have to double (RFC 5321, section 4.5.2). No two spaces follow each other, nor is there a tab: so a body of
    such pieces is its own relaxed form (RFC 6376, section 3.4.4), and a signature need not make it.

    Raises:
        UnicodeError: it holds half a surrogate pair.
    """
    if not piece:
        return b""
    encoded = binascii.b2a_qp(piece.encode(), istext=True).replace(b"\n", b"\r\n")
    if b"  " in encoded or b"\t" in encoded:
        encoded = _without_gaps(encoded)
    if encoded.endswith(b"\r\n"):
        return _undotted(encoded)
    if len(encoded) - encoded.rfind(b"\n") - 1 >= _LINE:  # no room for a "=" after the last character
        last = 3 if encoded[-3:-2] == b"=" else 1
        encoded = encoded[:-last] + _SOFT + encoded[-last:]
    return _undotted(encoded + _SOFT)


def _without_gaps(encoded: bytes) -> bytes:
    """Encode tabs, and each space before another one, and break the lines that become too long by that."""
    spelled = _GAPS.sub(lambda gap: b"=09" if gap[0] == b"\t" else b"=20", encoded)
    return b"\r\n".join(map(_broken, spelled.split(b"\r\n")))


def _broken(line: bytes) -> bytes:
    """Return a line with soft line breaks, none of them inside an encoded octet."""
    parts = []
    while len(line) > _LINE:
        escape = line.rfind(b"=", _LINE - 3, _LINE - 1)
        cut = escape if escape >= 0 else _LINE - 1
        parts.append(line[:cut] + _SOFT)
        line = line[cut:]
    return b"".join([*parts, line])


def _undotted(encoded: bytes) -> bytes:
    return _FIRST_DOTS.sub(lambda dots: _DOT * len(dots[0]), encoded)


def _part_head(boundary: str, subtype: str) -> bytes:
    return (
        f'\r\n--{boundary}\r\nContent-Type: text/{subtype}; charset="utf-8"\r\n'
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    ).encode()
