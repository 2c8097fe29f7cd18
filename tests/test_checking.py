"""What the check-list is fed with: tools found or told missing, a browser that reaches nothing, a sample of readers."""

from __future__ import annotations

import os
import socket
import stat
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Self

import pytest
from PIL import Image

from newsletter.errors import RenderError
from newsletter.pipeline.checking import Checked, evidence
from newsletter.pipeline.checking.browser import Viewer, viewer
from newsletter.pipeline.checking.pixels import painted
from newsletter.pipeline.checking.sample import sample
from newsletter.pipeline.checking.tools import Tools, find_tools
from newsletter.pipeline.checking.validator import complaints
from newsletter.render.checklist import check
from newsletter.render.checklist.evidence import Given, Missing, mail_from_html
from newsletter.render.checklist.rule import State
from tests.conftest import require
from tests.render.digests import digest_of, made_up_papers
from tests.tools import TOOLS

if TYPE_CHECKING:
    from pathlib import Path

    from newsletter.model import Digest

NOTHING = Missing(reason="not here")
NO_TOOLS = Tools(chromium=NOTHING, axe=NOTHING, java=NOTHING, validator=NOTHING)


class Listener:
    """A server on loopback that takes every connection and keeps what it is asked."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._listen)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:  # shut down
                return
            with connection:
                connection.settimeout(1)
                try:
                    self.heard.append(connection.recv(1_000))
                except OSError:
                    self.heard.append(b"")  # connected, and asked nothing
                connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def talkative(url: str) -> str:
    """Return a mail that tries every way out."""
    return f"""<!DOCTYPE html><html lang="en"><head><title>x</title>
<link rel="preconnect" href="{url}"><link rel="dns-prefetch" href="{url}"><link rel="prefetch" href="{url}/1">
<link rel="stylesheet" href="{url}/2.css"><meta http-equiv="refresh" content="0;url={url}/3">
<style>@import "{url}/4.css"; @font-face {{ font-family: f; src: url({url}/5.woff) }}
p {{ font-family: f; background: url({url}/6.png) }}</style></head>
<body><p>Words<img src="{url}/7.png"><iframe src="{url}/8"></iframe><object data="{url}/9"></object>
<embed src="{url}/10"><video src="{url}/11" autoplay></video><img srcset="{url}/12.png 1x">
<script src="{url}/13.js"></script><script>fetch("{url}/14"); new WebSocket("{url}".replace("http", "ws"));
navigator.sendBeacon("{url}/15"); window.open("{url}/16"); document.title = "ran"</script></body></html>"""


@pytest.mark.browser
def test_the_browser_reaches_nothing_and_runs_nothing_of_a_mail() -> None:
    if isinstance(TOOLS.chromium, Missing):
        require("Chromium", TOOLS.chromium.reason)
    with Listener() as listener, viewer(TOOLS) as eyes:
        assert isinstance(eyes, Viewer)
        looks = eyes.look(talkative(listener.url))
        eyes._show(talkative(listener.url))
        assert eyes._page.evaluate("document.title") == "x"
    assert [text.shown for text in looks.light] == ["Words"]
    assert listener.heard == []


@pytest.mark.browser
def test_the_same_mail_in_a_browser_left_alone_reaches_out() -> None:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only here

    if isinstance(TOOLS.chromium, Missing):
        require("Chromium", TOOLS.chromium.reason)
    with Listener() as listener, sync_playwright() as running:
        browser = running.chromium.launch(executable_path=TOOLS.chromium)
        page = browser.new_page()
        with page.expect_response("**/2.css"):
            page.set_content(talkative(listener.url), wait_until="commit")
        browser.close()
        assert any(b"/2.css" in asked for asked in listener.heard)


def program(folder: Path, name: str, script: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_a_browser_that_does_not_start_is_missing_and_says_so(tmp_path: Path) -> None:
    tools = replace(NO_TOOLS, chromium=program(tmp_path, "chromium", "exit 3"))
    with viewer(tools) as eyes:
        assert isinstance(eyes, Missing)
        assert eyes.reason.startswith("Chromium does not start")


def test_without_a_browser_there_is_no_viewer_but_a_reason() -> None:
    with viewer(NO_TOOLS) as eyes:
        assert eyes == NOTHING


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 'no such option' >&2; exit 1", "failed: no such option"),
        ("""echo '{"messages":[{"type":"non-document-error","message":"cannot read"}]}' >&2""", "failed: cannot read"),
        ("""echo '{"other":1}' >&2""", "install vnu-jar again"),
    ],
)
def test_a_validator_that_fails_is_told(tmp_path: Path, script: str, said: str) -> None:
    tools = replace(NO_TOOLS, java=program(tmp_path, "java", script), validator=tmp_path / "vnu.jar")
    with pytest.raises(RenderError, match=said):
        complaints(["<p>x"], tools)


def test_a_validator_that_cannot_be_run_is_told(tmp_path: Path) -> None:
    tools = replace(NO_TOOLS, java=tmp_path / "java", validator=tmp_path / "vnu.jar")
    with pytest.raises(RenderError, match="check your Java"):
        complaints(["<p>x"], tools)


def test_tools_are_found_in_the_folders_and_on_the_paths(tmp_path: Path) -> None:
    axe = tmp_path / "home" / "node_modules" / "axe-core" / "axe.min.js"
    jar = tmp_path / "global" / "vnu-jar" / "build" / "dist" / "vnu.jar"
    for file in (axe, jar):
        file.parent.mkdir(parents=True)
        file.touch()
    java, chromium = (program(tmp_path, name, "") for name in ("java", "chromium-browser"))
    environ = {"PATH": str(tmp_path), "NODE_PATH": os.pathsep.join(["", str(tmp_path / "global")])}
    found = find_tools([tmp_path / "here", tmp_path / "home"], environ)
    assert found == Tools(chromium=chromium, axe=axe, java=java, validator=jar)


def test_each_missing_tool_says_how_it_is_had(tmp_path: Path) -> None:
    found = find_tools([tmp_path], {"PATH": str(tmp_path)})
    reasons = [
        tool.reason for tool in (found.chromium, found.axe, found.java, found.validator) if isinstance(tool, Missing)
    ]
    for reason, part in zip(reasons, ("chromium", "npm install axe-core", "jre", "npm install vnu-jar"), strict=True):
        assert part in reason


def test_colours_are_read_from_the_pixels_of_a_text() -> None:
    picture = Image.new("RGB", (100, 40), "#102030")
    for column in range(20, 30):
        picture.putpixel((column, 20), (200, 210, 220))
        picture.putpixel((column, 21), (90, 100, 110))
    picture.putpixel((50, 10), (255, 255, 255))  # at the edge of the box: a border, not a stroke
    assert painted(picture, [(10, 10, 60, 20)]) == ("#c8d2dc", "#102030")
    assert painted(picture, [(60, 0, 30, 30), (10, 10, 60, 20)]) == ("#c8d2dc", "#102030")
    assert painted(picture, [(90, 0, 30, 30), (0, -5, 10, 20), (5, 5, 0, 0)]) is None


def page_as_mail(name: str, html: str) -> Checked:
    return Checked(mail=mail_from_html(html, name=name), given=Given())


def test_a_validator_that_fails_breaks_its_own_rule_and_no_other(tmp_path: Path) -> None:
    tools = replace(NO_TOOLS, java=program(tmp_path, "java", "exit 1"), validator=tmp_path / "vnu.jar")
    (found,) = evidence([page_as_mail("a.html", "<p>x")], tools)
    states = {one.rule: one.state for one in check(found)}
    assert (states["valid-html"], states["contrast"]) == (State.FAILED, State.SKIPPED)


@pytest.mark.browser
def test_a_mail_that_the_browser_fails_on_is_broken_and_the_next_one_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    if isinstance(TOOLS.chromium, Missing):
        require("Chromium", TOOLS.chromium.reason)
    shown = Viewer._show

    def show(eyes: Viewer, html: str) -> None:
        if "closing" in html:
            eyes._page.close()  # as good as a page that crashed
        shown(eyes, html)

    monkeypatch.setattr(Viewer, "_show", show)
    mails = [page_as_mail("a.html", "<p>closing"), page_as_mail("b.html", "<title>x</title><p>words")]
    first, second = evidence(mails, replace(TOOLS, validator=NOTHING))
    (told,) = (one for one in check(first) if one.rule == "contrast")
    assert told.state is State.FAILED
    assert told.findings[0].what.startswith("Chromium cannot show this mail")
    assert not isinstance(second.looks, Missing)
    assert [text.shown for text in second.looks.light] == ["words"]


def digest(reader: int, *, papers: int, matched: int = 1) -> Digest:
    made = digest_of(made_up_papers(papers), matched=matched)
    return replace(made, subscriber=replace(made.subscriber, id=reader))


def ids(digests: tuple[Digest, ...]) -> list[int]:
    return [one.subscriber.id for one in digests]


def test_a_sample_has_each_different_digest_once_and_the_extremes() -> None:
    digests = [
        digest(1, papers=5),
        digest(2, papers=5),
        digest(3, papers=0),
        digest(4, papers=4),
        digest(5, papers=6),
        digest(6, papers=9),
        digest(7, papers=3, matched=0),
        digest(8, papers=2),
    ]
    assert ids(sample(digests, most=2)) == [1, 4, 6, 7, 8]
    assert ids(sample(digests, most=0)) == [6, 7, 8]
    assert ids(sample(digests, most=100)) == [1, 4, 5, 6, 7, 8]
    assert ids(sample(iter(digests[2:3]), most=5)) == []
