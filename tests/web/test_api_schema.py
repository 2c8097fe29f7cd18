"""The API against its own document: requests of every kind, made by schemathesis, get answers that it describes.

`positive_data_acceptance` alone is not asked for: the document cannot say which addresses can be mailed to, which
topics a site has or which days are still to come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
import schemathesis
from schemathesis.engine import from_schema
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished

from newsletter.access import Scope
from newsletter.app import App
from newsletter.config import CONFIG_NAME
from newsletter.model import Subscriber, SubscriberStatus
from newsletter.pipeline.api_keys import new_key
from tests.web.conftest import served
from tests.web.home import NOW, fill

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from schemathesis.engine.recorder import CheckNode

_EXAMPLES = 20


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    folder: Path = tmp_path_factory.mktemp("described")
    (folder / CONFIG_NAME).write_text("[signup]\nnetwork_hour = 100000\ntotal_hour = 100000\n", "utf-8")
    with App(folder, {}) as made:
        fill(made)
        people = [Subscriber(address=f"p{n}@x.example", status=SubscriberStatus.CONFIRMED) for n in range(200)]
        made.store.subscribers.add(people, now=NOW)
        yield made


@pytest.fixture(scope="module")
def url(home: App) -> Iterator[str]:
    with served(home) as found:
        yield f"{found}/api/v1/openapi.json"


@pytest.mark.parametrize("has_key", [True, False])
def test_every_answer_is_as_the_document_has_it(home: App, url: str, *, has_key: bool) -> None:
    key = new_key(home.store, "schemathesis", list(Scope), now=NOW) if has_key else "nlk_unknown"
    config = schemathesis.Config.from_dict(
        {
            "seed": 6,
            "headers": {"Authorization": f"Bearer {key}"},
            "generation": {"max-examples": _EXAMPLES, "deterministic": True},
            "checks": {"positive_data_acceptance": {"enabled": False}},
            "phases": {"stateful": {"enabled": False}},
        }
    )
    document = schemathesis.openapi.from_url(url, config=config)
    answered: dict[str, set[int]] = {}
    wrong = []
    for event in from_schema(document).execute():
        if isinstance(event, NonFatalError | FatalError):
            wrong.append(str(event))
        if isinstance(event, ScenarioFinished):
            answered.setdefault(event.recorder.label, set()).update(
                one.response.status_code for one in event.recorder.interactions.values() if one.response
            )
            wrong += [
                told(check) for checks in event.recorder.checks.values() for check in checks if check.failure_info
            ]
    assert wrong == []
    assert len(answered) == document.statistic.operations.total
    succeeded = {label for label, statuses in answered.items() if any(status < 300 for status in statuses)}
    assert succeeded == (set(answered) if has_key else set())


def told(check: CheckNode) -> str:
    assert check.failure_info
    return f"{check.name}: {check.failure_info.code_sample} {check.failure_info.failure}"


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("papers?date=2026-07-14", "The parameter 'date' is unknown; known are: period, topic, page, size."),
        ("papers?period=2026-07-14&PAGE=2", "The parameter 'PAGE' is unknown"),
        ("issues/2026-07-14?x=1", "The parameter 'x' is unknown; there are none here."),
    ],
)
def test_a_parameter_that_nothing_reads_is_refused(home: App, url: str, asked: str, says: str) -> None:
    key = new_key(home.store, f"asks {asked}"[:40], list(Scope), now=NOW)
    answer = httpx.get(url.replace("openapi.json", asked), headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 422
    assert says in answer.json()["detail"]
