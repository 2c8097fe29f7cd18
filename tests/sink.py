"""An SMTP server that writes down every mail it answers 250 to, in a process of its own: `python -m tests.sink FILE`.

It prints its port. A line of FILE is the recipient and the Message-ID, written before the answer leaves, so that no
mail whose 250 was seen can be missing. It takes everything, offers PIPELINING, and answers after a short random while,
as relays do, so that a sender is often killed between a mail and its answer.
"""

from __future__ import annotations

import asyncio
import random
import re
import sys
from pathlib import Path

_MESSAGE_ID = re.compile(rb"(?im)^message-id:\s*(<[^>\r\n]+>)")
_LONGEST_WAIT = 0.004  # seconds
_PROMPT = {b"EHLO": b"250-sink\r\n250-PIPELINING\r\n250-SIZE 50000000\r\n250 8BITMIME\r\n", b"QUIT": b"221 bye\r\n"}


async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, log: Path) -> None:
    writer.write(b"220 sink\r\n")
    recipient = b""
    with log.open("ab", buffering=0) as out:
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"RCPT":
                recipient = line[line.index(b"<") + 1 : line.index(b">")]
            if verb == b"DATA":
                writer.write(b"354 go on\r\n")
                content = await reader.readuntil(b"\r\n.\r\n")
                await asyncio.sleep(random.random() * _LONGEST_WAIT)  # noqa: S311 - a moment, not a secret
                found = _MESSAGE_ID.search(content)
                assert found
                out.write(recipient + b" " + found.group(1) + b"\n")
                writer.write(b"250 2.0.0 taken\r\n")
                continue
            writer.write(_PROMPT.get(verb, b"250 2.0.0 ok\r\n"))
            if verb == b"QUIT":
                break
    writer.close()


async def serve(log: Path) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer, log)
        except (ConnectionError, asyncio.IncompleteReadError):
            writer.close()  # its sender was killed: a mail without its final dot is none

    server = await asyncio.start_server(accept, "127.0.0.1", 0, limit=1 << 24)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
