"""The story of docs/requests-api.md, run as it stands there against the running product."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from governance.approvers import deciders
from governance.front_door import approvals, keys, requests
from governance.models import Override, QuotaRequest, RequestKind
from governance.rules.spans import Every
from portal.api import urls
from portal.api.request_bodies import NewBody
from portal.api.requests import RequestsQuery
from portal.api.strict_json import BodyTooLarge
from tenancy import scope, tokens
from tests.pages.conftest import served
from tests.world import World

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "requests-api.md").read_text()
STORY = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)[0]


def told(text: str) -> list[dict[str, Any]]:
    """The JSON objects of a text, one after the other."""
    decoder, found, place = json.JSONDecoder(), [], 0
    while place < len(text):
        one, place = decoder.raw_decode(text, place)
        found.append(one)
    return found


def test_the_story_is_true(committed_world: World) -> None:
    team = committed_world.token("alice", "read:requests", "write:requests")
    approver = committed_world.token("carol", "read:requests", "decide:requests")
    with served() as address:
        environment = {
            **os.environ,
            "APPORTION_URL": address,
            "TEAM_TOKEN": team,
            "APPROVER_TOKEN": approver,
        }
        done = subprocess.run(
            ["bash", "-c", STORY],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, (done.stdout, done.stderr)
    ahead, waiting, seen, asked, answered, approved, events = told(done.stdout)

    assert ahead["route"]["needs"]
    number = seen["number"]
    assert number in [row["number"] for row in waiting["results"]]
    assert seen["consequences"]["monthly_change"] == "2.5"
    assert [one["state"] for one in (asked, answered, approved)] == [
        "question",
        "submitted",
        "approved",
    ]
    assert [event["kind"] for event in events["results"]] == [
        "drafted",
        "submitted",
        "asked",
        "answered",
        "approved",
    ]
    with scope.of(committed_world.contoso.ref):
        assert Override.objects.filter(request__number=number).count() == 1
        assert QuotaRequest.objects.exclude(key_digest="").count() == 1


_HERE = [str(one.pattern) for one in urls.urlpatterns if str(one.pattern).startswith("requests/")]


@pytest.mark.parametrize(
    "names",
    [
        sorted(NewBody().fields),
        sorted({*RequestsQuery().fields} - {"cursor", "page_size"}),
        RequestKind.values,
        [every.value for every in Every],
        [name for name in tokens.SCOPES if name.endswith(":requests")],
        [
            one.code
            for one in (
                approvals.VersionPassed,
                approvals.QuestionOpen,
                deciders.AlreadyDecided,
                deciders.OwnRequest,
                deciders.OwnTeam,
                deciders.OwnerFirst,
                deciders.NotYourDecision,
                requests.NotYoursToAsk,
                requests.NotYourRequest,
                requests.NoQuestion,
                keys.KeyReused,
                BodyTooLarge,
            )
        ],
    ],
)
def test_the_page_names_everything_there_is(names: Sequence[str]) -> None:
    missing = [one for one in names if f"`{one}`" not in PAGE and f'"{one}"' not in PAGE]
    assert [one for one in missing if f"`{one}=" not in PAGE] == []


@pytest.mark.parametrize("address", _HERE)
def test_the_page_names_every_address(address: str) -> None:
    shown = address.removeprefix("requests/").replace("<int:number>", "<number>") or "/"
    assert re.search(rf"`(GET|POST) {re.escape(shown)}`", PAGE), shown
