"""Each channel against a real receiver over TLS, and addresses that must not be connected to."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from governance.channels import slack, teams, webhook, wire
from governance.channels.message import Message, NotTaken
from governance.rules import signing
from governance.rules.addresses import BadAddress
from governance.rules.topics import Topic
from tests import receiver
from tests.receiver import Answer, Receiver

NOW = datetime(2026, 11, 20, 14, 20, tzinfo=UTC)
SECRET = "whsec_" + "0" * 64
MESSAGE = Message(
    number=17,
    tenant="contoso",
    tenant_name="Contoso",
    topic=Topic.SUSPENDED,
    title="Key of search was suspended *now* <https://evil.example|x>",
    lines=("Spend reached the limit of [USD 5](https://evil.example).", "Zweite Zeile: ü"),
    link="https://finops.example/t/contoso/teams/search/",
    happened_at=NOW,
    subject_kind="subscription",
    subject_key="key-search",
    team="search",
)


@pytest.fixture
def hook(tmp_path: Path, settings: Any) -> Iterator[Receiver]:
    """A receiver that the product's settings let it reach."""
    with receiver.opened(tmp_path) as opened:
        settings.APPORTION = settings.APPORTION.model_copy(update=opened.settings())
        yield opened


def post(url: str) -> int:
    return wire.post(url, b"{}", {"Content-Type": "application/json"}, at=NOW)


# --- forms ---------------------------------------------------------------------------------------


def test_a_signed_webhook_is_a_cloud_event(hook: Receiver) -> None:
    assert webhook.send(hook.url("/a?b=c"), MESSAGE, secrets=[SECRET], at=NOW) == 204

    (came,) = hook.came
    assert came.path == "/a?b=c"
    assert came.headers["host"] == f"localhost:{hook.port}"
    assert came.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    signed = came.headers[signing.HEADER.lower()]
    assert signing.is_ours(signed, came.body, secret=SECRET, now=int(NOW.timestamp()))
    assert not signing.is_ours(signed, came.body + b" ", secret=SECRET, now=int(NOW.timestamp()))
    event = came.document
    assert event["specversion"] == "1.0"
    assert event["id"] == "contoso.17"
    assert event["type"] == "apportion.subscription-suspended"
    assert event["subject"] == "subscription/key-search"
    assert event["time"] == "2026-11-20T14:20:00Z"
    assert event["data"] == {
        "tenant": "contoso",
        "team": "search",
        "title": MESSAGE.title,
        "lines": list(MESSAGE.lines),
        "link": MESSAGE.link,
    }


def test_teams_gets_a_card_in_which_nothing_is_formatting(hook: Receiver) -> None:
    hook.usual = Answer(202)

    assert teams.send(hook.url(), MESSAGE, at=NOW) == 202

    (attachment,) = hook.came[0].document["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    texts = [block["text"] for block in card["body"]]
    assert texts[0] == r"Key of search was suspended \*now\* <https://evil.example|x\>"
    assert r"\[USD 5\]\(https" in texts[2]
    assert {block["type"] for block in card["body"]} == {"TextBlock"}
    assert card["actions"][0]["url"] == MESSAGE.link


def test_slack_gets_plain_texts(hook: Receiver) -> None:
    hook.usual = Answer(200, body=b"ok")

    assert slack.send(hook.url(), MESSAGE, at=NOW) == 200

    told = hook.came[0].document
    assert told["text"].endswith("&lt;https://evil.example|x&gt;")
    texts = [block["text"] for block in told["blocks"] if isinstance(block.get("text"), dict)]
    assert {text["type"] for text in texts} == {"plain_text"}
    assert told["blocks"][-1]["elements"][0]["url"] == MESSAGE.link


# --- what a receiver may answer ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "status", "after", "lasting"),
    [
        (Answer(500, body=b"broken\0 \r\n inside"), 500, None, False),
        (Answer(429, {"Retry-After": "90"}), 429, 90, False),
        (Answer(503, {"Retry-After": format_datetime(NOW, usegmt=True)}), 503, 0, False),
        (Answer(503, {"Retry-After": "soon"}), 503, None, False),
        (Answer(404), 404, None, False),
        (Answer(410), 410, None, True),
    ],
)
def test_what_is_not_taken_is_told_apart(
    hook: Receiver, answer: Answer, status: int, after: float | None, lasting: bool
) -> None:
    hook.usual = answer

    with pytest.raises(NotTaken) as told:
        post(hook.url())

    assert (told.value.status, told.value.after) == (status, after)
    assert told.value.lasting is lasting
    assert str(told.value).isprintable()


def test_a_redirect_is_not_followed(hook: Receiver) -> None:
    hook.usual = Answer(307, {"Location": hook.url("/elsewhere")})

    with pytest.raises(NotTaken, match="redirects") as told:
        post(hook.url())

    assert told.value.status == 307
    assert [came.path for came in hook.came] == ["/hook"]


def test_an_answer_without_end_is_cut_off(hook: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "_WHOLE", 0.3)
    hook.usual = Answer(200, dripping=True)

    assert post(hook.url()) == 200


def test_an_answer_that_never_begins_is_given_up(
    hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sends a byte of a header now and then holds up nobody else's notices."""
    monkeypatch.setattr(wire, "_WHOLE", 0.3)
    hook.usual = Answer(200, trickling=True)

    with pytest.raises(NotTaken, match="did not answer within") as told:
        post(hook.url())

    assert not told.value.lasting
    hook.usual = Answer(204)
    assert post(hook.url()) == 204


def test_a_long_answer_is_not_read_to_its_end(hook: Receiver) -> None:
    hook.usual = Answer(500, body=b"x" * 5_000_000)

    with pytest.raises(NotTaken) as told:
        post(hook.url())

    assert len(str(told.value)) < 300


# --- where it may lead ---------------------------------------------------------------------------


def test_a_certificate_of_another_name_is_refused(tmp_path: Path, settings: Any) -> None:
    with receiver.opened(tmp_path, name="other.example") as hook:
        settings.APPORTION = settings.APPORTION.model_copy(update=hook.settings())
        with pytest.raises(NotTaken, match="certificate verify failed"):
            post(hook.url())
        assert hook.came == []


def test_an_authority_that_nobody_trusts_is_refused(hook: Receiver, settings: Any) -> None:
    assert post(hook.url()) == 204
    settings.APPORTION = settings.APPORTION.model_copy(update={"webhook_ca_bundle": ""})

    with pytest.raises(NotTaken, match="certificate verify failed"):
        post(hook.url())

    assert len(hook.came) == 1


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "2130706433", "0x7f.1", "127.1", "[::1]", "[::ffff:7f00:1]"]
)
def test_loopback_is_not_connected_to(hook: Receiver, settings: Any, host: str) -> None:
    settings.APPORTION = settings.APPORTION.model_copy(update={"webhook_private_hosts": ()})

    with pytest.raises(NotTaken, match="not allowed") as told:
        post(hook.url(host=host))

    assert told.value.lasting
    assert hook.came == []


@pytest.mark.parametrize(
    "url",
    [
        "https://169.254.169.254/metadata/identity/oauth2/token",
        "https://168.63.129.16/machine",
        "https://2852039166/",
        "https://0xa9fea9fe/",
        "https://10.0.0.5/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.5]/",
        "https://[fd00::1]/",
        "http://hooks.example.com/",
    ],
)
def test_such_an_address_is_refused_when_it_is_set(url: str) -> None:
    with pytest.raises(BadAddress):
        wire.check(url)


def test_a_name_that_leads_elsewhere_a_moment_later_is_judged_by_where_it_leads(
    hook: Receiver, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that gives a public address first, and loopback to whoever asks again."""
    settings.APPORTION = settings.APPORTION.model_copy(update={"webhook_private_hosts": ()})
    asked: list[str] = []
    real = socket.getaddrinfo

    def rebinding(host: Any, port: Any, *args: Any, **more: Any) -> Any:
        if host != "rebind.example":
            return real(host, port, *args, **more)
        asked.append(host)
        address = "127.0.0.1" if len(asked) != 1 else "192.88.99.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setattr(wire, "_SILENCE", 0.2)
    with pytest.raises(NotTaken):
        post(hook.url(host="rebind.example"))
    assert asked == ["rebind.example"]  # resolved once: what was judged is what is connected to
    with pytest.raises(NotTaken, match="not allowed"):
        post(hook.url(host="rebind.example"))
    assert hook.came == []


def test_one_private_address_among_public_ones_is_enough_to_refuse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def both(host: Any, port: Any, *args: Any, **more: Any) -> Any:
        found = ("52.112.0.1", "10.0.0.1")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with pytest.raises(NotTaken, match=r"10\.0\.0\.1 is not public"):
        post("https://hooks.example/")


def test_proxies_of_the_environment_are_not_used(
    hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert post(hook.url()) == 204


def test_nobody_there_is_said_so(hook: Receiver) -> None:
    with pytest.raises(NotTaken, match="Cannot connect"):
        post("https://localhost:1/")
    with pytest.raises(NotTaken, match="cannot be resolved"):
        post("https://no-such-host.invalid/")
