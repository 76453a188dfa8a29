"""The bell, one's notices, how one wants to be told, a team's endpoints, and the delivery log."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.models import Delivery, DeliveryState, Endpoint, Preference
from governance.notifications import telling
from governance.notifications.telling import News
from governance.rules.topics import FOR_PEOPLE, Topic
from tenancy import scope
from tenancy.models import AuditRecord
from tests.world import NOW, World

ROOT = "/t/contoso/notifications/"
LOG = f"{ROOT}deliveries/"
TENANT = f"{ROOT}endpoints/"
TEAM = "/t/contoso/teams/search/notifications/"
#: An address that needs no name server to be judged.
URL = "https://52.112.0.1/hooks/T0/B0/private-part"
NEW = {
    "act": "add",
    "new-name": "Alerts",
    "new-kind": "webhook",
    "new-url": URL,
    "new-topics": ["subscription-suspended", "quota-forecast"],
    "new-active": "on",
}


def text(page: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode()))


def tell(world: World, number: int, *names: str) -> None:
    news = News(
        topic=Topic.SUSPENDED,
        key=f"page {number}",
        subject_kind="subscription",
        subject_key="key-search",
        title=f"Notice {number} <i>",
        lines=("Spend reached the limit.",),
        link="teams/search/",
        happened_at=NOW,
        team=world.search.team,
    )
    with scope.of(world.contoso.ref):
        assert telling.tell(news, to=[world.people[name].pk for name in names], at=NOW)


def bell(page: Any) -> str:
    """What stands at the bell of a page."""
    found = re.search(r'<a class="bell".*?</a>', page.content.decode(), re.DOTALL)
    assert found
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", found[0])).strip()


def the_one(world: World, name: str = "Alerts") -> Endpoint:
    with scope.of(world.contoso.ref):
        return Endpoint.objects.get(name=name)


# --- the inbox -----------------------------------------------------------------------------------


def test_the_bell_counts_what_is_not_read(world: World) -> None:
    home = "/t/contoso/"
    assert bell(world.alice.get(home)) == "Notifications"
    tell(world, 1, "alice", "erin")
    tell(world, 2, "alice")
    assert bell(world.alice.get(home)) == "Notifications 2 unread"
    assert bell(world.erin.get(home)) == "Notifications 1 unread"
    assert bell(world.dan.get(home)) == "Notifications"


def test_the_bell_asks_once_however_much_there_is(world: World) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as asked:
            world.alice.get(ROOT)
        return sum("read_at" in one["sql"] and "COUNT" in one["sql"] for one in asked)

    world.alice.get(ROOT)  # signs in
    assert count() <= 2  # the bell's, and the page's own
    for number in range(120):
        tell(world, number, "alice")
    assert count() <= 2
    assert bell(world.alice.get(ROOT)) == "Notifications 99+ unread"


def test_a_notice_is_opened_and_read(world: World) -> None:
    tell(world, 1, "alice")
    tell(world, 2, "alice")
    page = world.alice.get(ROOT)
    assert text(page).index("Notice 2 &lt;i&gt;") < text(page).index("Notice 1")
    numbers = re.findall(r'name="notice" value="(\d+)"', page.content.decode())

    opened = world.alice.post(ROOT, {"act": "open", "notice": numbers[0]})

    assert opened.headers["Location"] == "/t/contoso/teams/search/"
    unread = text(world.alice.get(f"{ROOT}?show=unread"))
    assert "Notice 1" in unread
    assert "Notice 2" not in unread
    world.alice.post(ROOT, {"act": "all"})
    assert "Everything is read." in text(world.alice.get(f"{ROOT}?show=unread"))


@pytest.mark.parametrize(
    "wrong", [{}, {"act": "x"}, {"act": "open"}, {"act": "read", "notice": "x"}]
)
def test_what_cannot_be_read_is_refused(world: World, wrong: dict[str, str]) -> None:
    assert world.alice.post(ROOT, wrong).status_code == 400
    assert world.alice.get(f"{ROOT}?show=most").status_code == 400


def test_nobody_opens_the_notice_of_another(world: World) -> None:
    tell(world, 1, "alice")
    page = world.alice.get(ROOT).content.decode()
    (number,) = re.findall(r'name="notice" value="(\d+)"', page)
    for other in (world.erin, world.bob):
        assert other.post(ROOT, {"act": "open", "notice": number}).status_code == 404
    assert bell(world.alice.get(ROOT)) == "Notifications 1 unread"


# --- preferences ---------------------------------------------------------------------------------


def test_choices_are_saved_and_shown(world: World) -> None:
    said: dict[str, Any] = {f"email-{topic}": "digest" for topic in FOR_PEOPLE}
    said["inbox"] = [topic.value for topic in FOR_PEOPLE if topic is not Topic.SUSPENDED]

    saved = world.alice.post(f"{ROOT}preferences/", said, follow=True)

    assert "Your choices are saved." in text(saved)
    page = saved.content.decode()
    assert page.count('<option value="digest" selected>') == len(FOR_PEOPLE)
    assert page.count(" checked>") == len(FOR_PEOPLE) - 1
    with scope.of(world.contoso.ref):
        mine = Preference.objects.filter(person=world.people["alice"])
        assert mine.get(topic=Topic.SUSPENDED).inbox is False
    other = world.erin.get(f"{ROOT}preferences/").content.decode()
    assert other.count(" checked>") == len(FOR_PEOPLE)


def test_a_faulty_choice_saves_nothing(world: World) -> None:
    said = {f"email-{topic}": "at_once" for topic in FOR_PEOPLE} | {"email-request-moved": "never"}
    assert world.alice.post(f"{ROOT}preferences/", said).status_code == 400
    with scope.of(world.contoso.ref):
        assert not Preference.objects.filter(person=world.people["alice"]).exists()


# --- endpoints -----------------------------------------------------------------------------------


def test_a_team_owner_adds_an_endpoint_whose_address_is_not_shown_again(world: World) -> None:
    saved = world.alice.post(TEAM, NEW, follow=True)

    assert "Alerts is saved." in text(saved)
    assert "https://52.112.0.1/…" in text(saved)
    for browser in (world.alice, world.erin, world.vic):
        assert b"private-part" not in browser.get(TEAM).content
    with scope.of(world.contoso.ref):
        kept = repr(list(AuditRecord.objects.filter(action="endpoint.add").values()))
    assert "52.112.0.1" in kept
    assert "private-part" not in kept
    row = the_one(world)
    admin = f"/t/contoso/admin/governance/endpoint/{row.pk}/change/"
    assert b"private-part" not in world.vic.get(admin).content


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("url", "https://10.0.0.1/", "not allowed"),
        ("url", "https://169.254.169.254/metadata", "not allowed"),
        ("url", "http://52.112.0.1/", "begins with https://"),
        ("url", "", "Give its address."),
        ("name", "", "required"),
        ("topics", [], "required"),
        ("topics", ["test"], "not one of the available"),
        ("kind", "pigeon", "not one of the available"),
    ],
)
def test_a_fault_stands_at_its_field(world: World, field: str, value: Any, says: str) -> None:
    page = world.alice.post(TEAM, NEW | {f"new-{field}": value})

    assert page.status_code == 400
    assert says in text(page)
    with scope.of(world.contoso.ref):
        assert not Endpoint.objects.filter(team=world.search.team).exists()


def test_an_endpoint_is_changed_tried_and_removed(world: World) -> None:
    world.alice.post(TEAM, NEW)
    row = the_one(world)
    at = {"endpoint": str(row.pk)}
    changed = {
        f"{row.pk}-{name.removeprefix('new-')}": value
        for name, value in (NEW | {"new-name": "Renamed", "new-url": ""}).items()
        if name != "act"
    }
    assert "Renamed is saved." in text(
        world.alice.post(TEAM, at | changed | {"act": "save"}, follow=True)
    )
    assert the_one(world, "Renamed").url == URL
    assert "A test goes to Renamed" in text(
        world.alice.post(TEAM, at | {"act": "test"}, follow=True)
    )
    with scope.of(world.contoso.ref):
        assert Delivery.objects.get(endpoint=row).notice.topic == "test"
    wrong = world.alice.post(TEAM, at | changed | {"act": "save", f"{row.pk}-name": ""})
    assert wrong.status_code == 400
    world.alice.post(TEAM, at | {"act": "remove"})
    with scope.of(world.contoso.ref):
        assert not Endpoint.objects.filter(pk=row.pk).exists()


def test_a_secret_is_shown_when_asked_for_and_never_kept_by_the_browser(world: World) -> None:
    world.alice.post(TEAM, NEW)
    at = {"endpoint": str(the_one(world).pk)}
    assert "whsec_" not in text(world.alice.get(TEAM))
    shown = world.alice.post(TEAM, at | {"act": "secret"})
    assert "no-store" in shown.headers["Cache-Control"]
    (old,) = re.findall(r"whsec_[0-9a-f]{64}", text(shown))
    (new,) = re.findall(r"whsec_[0-9a-f]{64}", text(world.alice.post(TEAM, at | {"act": "rotate"})))
    assert old != new
    assert "whsec_" not in text(world.alice.get(TEAM))
    with scope.of(world.contoso.ref):
        acts = AuditRecord.objects.filter(action__in=("endpoint.show-secret", "endpoint.rotate"))
        assert acts.count() == 2


def test_who_may_not_keep_endpoints_changes_none(world: World) -> None:
    world.alice.post(TEAM, NEW)
    at = {"endpoint": str(the_one(world).pk)}
    for browser, status in ((world.carol, 403), (world.vic, 403), (world.bob, 404)):
        assert browser.post(TEAM, NEW).status_code == status
        for act in ("secret", "rotate", "test", "remove", "save"):
            assert browser.post(TEAM, at | {"act": act}).status_code == status
    assert world.alice.post(TENANT, NEW).status_code == 403
    assert world.carol.post(TENANT, NEW).status_code == 403
    shown = text(world.carol.get(TEAM))
    assert "Alerts" in shown
    assert "Send a test" not in shown


def test_an_endpoint_is_kept_on_its_own_page_only(world: World) -> None:
    world.erin.post(TENANT, NEW)
    row = the_one(world)
    assert row.team is None
    for page, status in ((TEAM, 400), (TENANT, 302)):
        answer = world.erin.post(page, {"endpoint": str(row.pk), "act": "test"})
        assert answer.status_code == status
    theirs = {"endpoint": str(the_one(world, "Channel of support").pk), "act": "remove"}
    assert world.alice.post(TEAM, theirs).status_code == 404


# --- the log -------------------------------------------------------------------------------------


def test_the_log_is_filtered_and_tries_again(world: World) -> None:
    with scope.of(world.contoso.ref):
        row = Delivery.objects.filter(endpoint__team=world.support.team).get()
        Delivery.objects.filter(pk=row.pk).update(
            state=DeliveryState.DEAD, error="It answered 500", tries=9, sent_at=None
        )
    assert "3 deliveries" in text(world.erin.get(LOG))
    dead = world.erin.get(f"{LOG}?state=dead&channel=webhook&topic=subscription-suspended")
    assert "It answered 500" in text(dead)
    assert "1 delivery" in text(dead)
    assert "No such delivery." in text(world.erin.get(f"{LOG}?channel=slack"))
    assert "Try again" not in text(world.vic.get(LOG)).replace("tried again", "")

    assert world.vic.post(LOG, {"delivery": str(row.pk)}).status_code == 403
    again = world.erin.post(f"{LOG}?state=dead", {"delivery": str(row.pk)})

    assert again.headers["Location"] == f"{LOG}?state=dead"
    with scope.of(world.contoso.ref):
        assert Delivery.objects.get(pk=row.pk).state == DeliveryState.WAITING
    assert world.erin.post(LOG, {"delivery": str(row.pk)}).status_code == 409


def test_the_log_is_paged(world: World) -> None:
    for number in range(60):
        tell(world, number, "alice")
        with scope.of(world.contoso.ref):
            made = Delivery.objects.filter(notice__key=f"page {number}", endpoint=None)
            made.update(channel="email", sent_at=NOW + timedelta(minutes=number))
    mails = f"{LOG}?channel=email"
    first, second = world.dan.get(mails), world.dan.get(f"{mails}&page=2")
    assert "Page 1 of 2" in text(first)
    assert "Notice 59" in text(first)
    assert "Notice 0 " in text(second)


@pytest.mark.parametrize("wrong", ["state=lost", "channel=pigeon", "topic=x", "page=0"])
def test_a_faulty_filter_is_refused(world: World, wrong: str) -> None:
    assert world.erin.get(f"{LOG}?{wrong}").status_code == 400


def test_a_team_owner_does_not_see_the_log_of_the_tenant(world: World) -> None:
    assert world.alice.get(LOG).status_code == 403
    assert world.alice.get(TENANT).status_code == 403
