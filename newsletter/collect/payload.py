"""From bytes to text to JSON, with errors that say what came instead. It knows nothing of papers."""

from __future__ import annotations

import codecs
import json

from newsletter.errors import BadAnswerError

# UTF-32's little-endian mark begins with UTF-16's, so it goes first.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SHOWN = 24  # characters of a wrong answer that a message quotes


def decode_text(raw: bytes, *, where: str) -> str:
    """Return `raw` as text: UTF-8, or what its byte order mark says.

    Raises:
        BadAnswerError: it is neither.
    """
    codec = next((codec for mark, codec in _MARKS if raw.startswith(mark)), "utf-8")
    try:
        return raw.decode(codec)
    except UnicodeDecodeError as error:
        name = codec.removesuffix("-sig").upper()
        raise BadAnswerError(f"{where} is not {name} text (byte {error.start}); save it as UTF-8") from None


def load_json(text: str, *, where: str) -> object:
    """Return the one JSON value that `text` holds.

    Raises:
        BadAnswerError: it holds none, or a broken one; the message shows how it starts or where it breaks.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if text.lstrip()[:1] in {"{", "["}:
            place = f"line {error.lineno}, column {error.colno}"
            raise BadAnswerError(f"{where} is broken or cut off JSON ({place}: {error.msg})") from None
        raise BadAnswerError(f"{where} is not JSON: it {opening(text)}") from None
    except RecursionError:
        raise BadAnswerError(f"{where} is not JSON that can be read: it is nested too deeply") from None
    except ValueError:  # an integer of thousands of digits
        raise BadAnswerError(f"{where} is not JSON that can be read: it holds an endless number") from None


def opening(text: str) -> str:
    """Return how `text` starts, in words for a message; one line, whatever it holds."""
    start = " ".join(text[: 4 * _SHOWN].split())[:_SHOWN]
    return f"starts with {start!a}" if start else "is empty"
