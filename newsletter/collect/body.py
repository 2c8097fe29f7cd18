"""Reads the body of an answer with a bound on what it may grow to, packed or not. It asks for nothing itself."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from newsletter.errors import BadAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterable

_GZIP_FRAME = 31  # zlib's wbits for a gzip header and a 32 KiB window
_ENCODINGS = {"": False, "identity": False, "gzip": True, "x-gzip": True}


def read_body(chunks: Iterable[bytes], *, encoding: str, limit: int, where: str) -> bytes:
    """Join the raw `chunks` of a body sent with that Content-Encoding, and unpack it to at most `limit` bytes.

    httpx's own decoders unpack each chunk, and each layer of packing, without a bound; this holds no more than
    `limit` bytes and one chunk.

    Raises:
        BadAnswerError: it is larger, cut off, no gzip, or packed as something that was not asked for.
    """
    packed = _ENCODINGS.get(encoding.strip().lower())
    if packed is None:
        raise BadAnswerError(f"{where}: the answer is packed as {encoding[:20]!r}, which was not asked for")
    parts = _inflated(chunks, limit=limit, where=where) if packed else chunks
    body = bytearray()
    for part in parts:
        body += part
        if len(body) > limit:
            raise BadAnswerError(f"{where}: the answer is larger than {limit} bytes (max_answer_bytes)")
    return bytes(body)


def _inflated(chunks: Iterable[bytes], *, limit: int, where: str) -> Iterable[bytes]:
    inflate = zlib.decompressobj(_GZIP_FRAME)
    try:
        for chunk in chunks:
            yield inflate.decompress(chunk, limit + 1)
    except zlib.error:
        raise BadAnswerError(f"{where}: the answer should be gzip and is not; try again later") from None
    if not inflate.eof:
        raise BadAnswerError(f"{where}: the packed answer is cut off; try again later")
