"""What happened is told once, to whom it concerns, as they want it; what fails comes again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from governance.channels.message import NotTaken
from governance.models import (
    Channel,
    Delivery,
    DeliveryState,
    Endpoint,
    EndpointKind,
    Notice,
)
from governance.notifications import (
    delivering,
    digests,
    endpoints,
    inbox,
    log,
    outgoing,
    preferences,
    telling,
)
from governance.notifications.endpoints import NotKept, TooMany, Wanted
from governance.notifications.inbox import Which
from governance.notifications.log import Asked, NotOpen
from governance.notifications.preferences import Wish
from governance.notifications.telling import News
from governance.rules import signing
from governance.rules.addresses import BadAddress
from governance.rules.retries import TRIED_FOR
from governance.rules.topics import Timing, Topic
from inventory.models import TeamMember
from tenancy import memberships, scope
from tenancy.access import Actor, NotAllowed
from tenancy.models import AuditRecord, Membership, Role, Run
from tenancy.refusals import Invalid, NotFound
from tenancy.runs import Contention
from tests import mail, receiver
from tests.mail import Mailbox
from tests.receiver import Answer, Receiver
from tests.world import NOW, World

ALICE, ERIN = "alice@example.org", "erin@example.org"
EVERYTHING = (Topic.SUSPENDED, Topic.REQUEST_MOVED)


@pytest.fixture
def box(settings: Any) -> Iterator[Mailbox]:
    """A mail server that the settings name."""
    with mail.server() as opened:
        update = {"email_url": f"smtp://127.0.0.1:{opened.port}"}
        settings.APPORTION = settings.APPORTION.model_copy(update=update)
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", opened.port
        yield opened


@pytest.fixture
def hook(tmp_path: Path, settings: Any) -> Iterator[Receiver]:
    """A receiver of webhooks that the settings let the product reach."""
    with receiver.opened(tmp_path) as opened:
        settings.APPORTION = settings.APPORTION.model_copy(update=opened.settings())
        yield opened


@pytest.fixture
def told(committed_world: World) -> World:
    """The world, in which the standing endpoints are told of nothing."""
    with scope.of(committed_world.contoso.ref):
        Endpoint.objects.update(active=False)
    return committed_world


def news(world: World, key: str = "one", **more: Any) -> News:
    values: dict[str, Any] = {
        "topic": Topic.SUSPENDED,
        "key": key,
        "subject_kind": "subscription",
        "subject_key": "key-search",
        "title": f"Key of search was suspended, {key}",
        "lines": ("Spend reached the limit.", "<b>&"),
        "link": "teams/search/",
        "happened_at": NOW,
        "team": world.search.team,
    }
    return News(**values | more)


def tell(world: World, *names: str, at: datetime = NOW, **more: Any) -> bool:
    with scope.of(world.contoso.ref):
        to = [world.people[name].pk for name in names]
        return telling.tell(news(world, **more), to=to, at=at)


def actor(world: World, name: str) -> Actor:
    return memberships.actor(world.people[name])


def deliver(world: World, at: datetime = NOW) -> delivering.Delivered:
    return delivering.deliver(world.contoso.ref, at=at, contention=Contention.TAKE_OVER)


def states(world: World, key: str = "one") -> dict[tuple[str, str], str]:
    """By channel and person or endpoint, how the deliveries of a notice stand."""
    with scope.of(world.contoso.ref):
        rows = Delivery.objects.filter(notice__key=key).select_related("person", "endpoint")
        return {
            (row.channel, row.person.name if row.person else str(row.endpoint)): row.state
            for row in rows
        }


def endpoint(world: World, hook: Receiver, **more: Any) -> int:
    """An endpoint of Alice's team, that Alice made; its number."""
    values = {
        "name": "Alerts",
        "kind": EndpointKind.WEBHOOK,
        "url": hook.url(),
        "topics": EVERYTHING,
    }
    with scope.of(world.contoso.ref):
        wanted = Wanted(**values | more)
        return endpoints.add(actor(world, "alice"), world.search.team, wanted, at=NOW).pk


# --- telling -------------------------------------------------------------------------------------


def test_the_same_is_told_once(told: World, box: Mailbox) -> None:
    assert tell(told, "alice", "erin")
    assert not tell(told, "alice", "erin", "dan")

    assert states(told) == {
        ("inbox", "Alice"): "sent",
        ("email", "Alice"): "waiting",
        ("inbox", "Erin"): "sent",
        ("email", "Erin"): "waiting",
    }
    assert box.messages == []  # nothing leaves while it is told


def test_only_who_may_see_it_is_told(told: World, box: Mailbox) -> None:
    tell(told, "alice", "bob", "carol", "mallory")
    assert {name for _, name in states(told)} == {"Alice", "Carol"}
    tell(told, "alice", "bob", "carol", key="of no team", team=None)
    assert {name for _, name in states(told, "of no team")} == {"Carol"}


def test_the_owner_of_a_cost_center_is_told_of_it(told: World) -> None:
    center = told.search.team.cost_center
    with scope.of(told.contoso.ref):
        bob = told.people["bob"]
        type(center).objects.filter(pk=center.pk).update(owner=bob)
    tell(told, "alice", "bob", cost_center=center)
    tell(told, "alice", "bob", key="budget", team=None, cost_center=center)
    tell(told, "alice", "bob", key="quota")
    for key, names in (("one", "AB"), ("budget", "AB"), ("quota", "A")):
        assert "".join(sorted(name[0] for _, name in states(told, key))) == names
    with scope.of(told.contoso.ref):
        before = inbox.unread(actor(told, "bob"))
        assert inbox.unread(actor(told, "alice")) == 3
        type(center).objects.update(owner=None)
        assert inbox.unread(actor(told, "bob")) == before - 2


def test_without_a_mail_server_no_mail_waits(told: World) -> None:
    tell(told, "alice")
    assert states(told) == {("inbox", "Alice"): "sent"}


def test_a_person_chooses_how_to_be_told(told: World, box: Mailbox) -> None:
    with scope.of(told.contoso.ref):
        alice = actor(told, "alice")
        chosen = Wish(Topic.SUSPENDED, inbox=False, email=Timing.OFF)
        preferences.choose(alice, [chosen], at=NOW)
        assert chosen in preferences.of(alice)
        assert preferences.of(actor(told, "erin")) == tuple(
            map(preferences.usual, (wish.topic for wish in preferences.of(alice)))
        )
        records = AuditRecord.objects.filter(action="notifications.choose").count()
        preferences.choose(alice, [chosen], at=NOW)
        assert AuditRecord.objects.filter(action="notifications.choose").count() == records
    tell(told, "alice")
    assert states(told) == {}


def test_nothing_is_left_of_what_was_rolled_back(told: World, box: Mailbox) -> None:
    with scope.of(told.contoso.ref), scope.rehearsed():
        assert telling.tell(news(told), to=[told.people["alice"].pk], at=NOW)
    assert states(told) == {}
    assert deliver(told) == delivering.Delivered()


# --- mail ----------------------------------------------------------------------------------------


def test_each_is_written_to_by_themselves(told: World, box: Mailbox, settings: Any) -> None:
    update = {"site_url": "https://finops.example/"}
    settings.APPORTION = settings.APPORTION.model_copy(update=update)
    tell(told, "alice", "erin")

    assert deliver(told).sent == 2

    assert sorted(box.envelopes) == [[ALICE], [ERIN]]
    message = box.messages[0]
    assert message["Subject"] == "Contoso: Key of search was suspended, one"
    assert message["Auto-Submitted"] == "auto-generated"
    for kind in ("plain", "html"):
        text = box.part(kind)
        assert "https://finops.example/t/contoso/teams/search/" in text
        assert "Spend reached the limit." in text
    assert "<b>&" in box.part("plain")
    assert "&lt;b&gt;&amp;" in box.part("html")
    assert deliver(told) == delivering.Delivered()
    assert len(box.messages) == 2


def test_who_lost_the_right_to_see_it_gets_no_mail(told: World, box: Mailbox) -> None:
    tell(told, "alice", "erin", "carol")
    with scope.of(told.contoso.ref):
        TeamMember.objects.filter(person=told.people["alice"]).delete()
        Membership.objects.filter(person=told.people["erin"]).delete()
        Membership.objects.filter(person=told.people["carol"]).update(role=Role.VIEWER)

    assert deliver(told) == delivering.Delivered(dropped=3)

    assert box.messages == []
    with scope.of(told.contoso.ref):
        assert inbox.unread(actor(told, "alice")) == 0
        assert inbox.unread(actor(told, "carol")) == 0


def test_a_mail_that_is_refused_comes_again_and_one_for_ever_does_not(
    told: World, box: Mailbox
) -> None:
    tell(told, "alice")
    box.refusing = True  # 451, try again later
    assert deliver(told).failed == 1
    assert deliver(told) == delivering.Delivered()
    box.refusing = False
    assert deliver(told, NOW + timedelta(minutes=1)).sent == 1
    assert len(box.messages) == 1


def test_a_mail_server_that_is_not_there_is_asked_once_a_cycle(
    told: World, box: Mailbox, settings: Any
) -> None:
    tell(told, "alice", "erin", "carol")
    settings.EMAIL_PORT = 1

    assert deliver(told) == delivering.Delivered(failed=1)

    settings.EMAIL_PORT = box.port
    assert deliver(told, NOW + timedelta(minutes=1)).sent == 3


# --- the daily mail ------------------------------------------------------------------------------


def digest(world: World, at: datetime) -> int:
    return digests.digest(world.contoso.ref, at=at, contention=Contention.TAKE_OVER)


def test_a_day_of_notices_is_one_mail_in_the_morning(told: World, box: Mailbox) -> None:
    with scope.of(told.contoso.ref):
        wish = Wish(Topic.SUSPENDED, inbox=True, email=Timing.DIGEST)
        preferences.choose(actor(told, "alice"), [wish], at=NOW)
    for key in ("one", "two"):
        tell(told, "alice", key=key)
    tell(told, "alice", key="three", topic=Topic.REQUEST_MOVED)
    assert deliver(told).sent == 1  # the third, at once

    seven = datetime.fromisoformat("2026-11-21T07:00:00+01:00")  # in Berlin
    assert digest(told, seven - timedelta(seconds=1)) == 0
    assert digest(told, seven) == 1
    assert digest(told, seven) == 0

    message = box.messages[-1]
    assert message["Subject"] == "Contoso: 2 notices"
    for kind in ("plain", "html"):
        text = box.part(kind)
        assert "suspended, one" in text
        assert "suspended, two" in text
        assert "three" not in text
    assert states(told, "two")["email", "Alice"] == "sent"


def test_a_daily_mail_that_did_not_go_is_tried_again_whole(told: World, box: Mailbox) -> None:
    for key in ("one", "two"):
        tell(told, "carol", key=key, topic=Topic.REQUEST_REMINDER)
    box.refusing = True
    morning = NOW + timedelta(days=1)
    assert digest(told, morning) == 0
    assert states(told)["email", "Carol"] == "failed"
    box.refusing = False
    with scope.of(told.contoso.ref):
        Membership.objects.filter(person=told.people["carol"]).update(role=Role.VIEWER)
    tell(told, "dan", topic=Topic.REQUEST_REMINDER, key="dan", at=NOW)

    assert digest(told, morning + timedelta(minutes=2)) == 1  # Dan; Carol may see nothing any more

    assert box.envelopes == [["dan@example.org"]]
    assert states(told, "two")["email", "Carol"] == "dropped"


# --- webhooks ------------------------------------------------------------------------------------


def test_a_team_is_told_of_its_own_and_the_tenant_of_all(told: World, hook: Receiver) -> None:
    endpoint(told, hook, url=hook.url("/search"))
    with scope.of(told.contoso.ref):
        erin = actor(told, "erin")
        for team, path in ((told.support.team, "/support"), (None, "/all")):
            wanted = Wanted(path, EndpointKind.SLACK, hook.url(path), EVERYTHING)
            endpoints.add(erin, team, wanted, at=NOW)
    tell(told)
    tell(told, key="other", topic=Topic.QUOTA_FORECAST)
    tell(told, key="nobody's", team=None)

    assert deliver(told).sent == 3

    paths = sorted((came.path, "nobody" in came.body.decode()) for came in hook.came)
    assert paths == [("/all", False), ("/all", True), ("/search", False)]


def test_a_receiver_that_fails_gets_the_same_event_again(told: World, hook: Receiver) -> None:
    number = endpoint(told, hook)
    hook.answers = [Answer(500), Answer(429, {"Retry-After": "1800"})]
    tell(told)

    assert deliver(told).failed == 1
    assert deliver(told, NOW + timedelta(seconds=59)) == delivering.Delivered()
    assert deliver(told, NOW + timedelta(minutes=1)).failed == 1
    assert deliver(told, NOW + timedelta(minutes=30)) == delivering.Delivered()
    assert deliver(told, NOW + timedelta(minutes=31)).sent == 1

    assert len({came.document["id"] for came in hook.came}) == 1
    stamps = [came.headers["apportion-signature"].partition(",")[0] for came in hook.came]
    assert len(set(stamps)) == 3  # signed anew each time, so that it is no replay
    with scope.of(told.contoso.ref):
        row = Delivery.objects.get(endpoint=number)
    assert (row.tries, row.status, row.error) == (3, 204, "")
    assert row.sent_at == NOW + timedelta(minutes=31)


def test_what_fails_for_a_day_is_given_up_and_its_keepers_are_told(
    told: World, hook: Receiver
) -> None:
    number = endpoint(told, hook)
    hook.usual = Answer(500, body=b"no such channel")
    tell(told)
    at, cycles = NOW, 0
    while deliver(told, at).dead == 0:
        with scope.of(told.contoso.ref):
            at = Delivery.objects.get(endpoint=number).due_at
        cycles += 1
        assert cycles < 20

    assert at <= NOW + TRIED_FOR
    with scope.of(told.contoso.ref):
        row = Delivery.objects.get(endpoint=number)
        assert (row.state, row.status) == (DeliveryState.DEAD, 500)
        failed = Notice.objects.get(topic=Topic.DELIVERY_FAILED)
        assert "no such channel" in failed.lines[1]
        told_of_it = Delivery.objects.filter(notice=failed)
        assert {row.person.name for row in told_of_it if row.person} == {"Alice", "Erin"}
        assert not told_of_it.exclude(endpoint=None).exists()
        erin = actor(told, "erin")
        with pytest.raises(NotAllowed):
            log.again(actor(told, "dan"), row.pk, at=at)
        log.again(erin, row.pk, at=at)
        with pytest.raises(NotOpen):
            log.again(erin, row.pk, at=at)
    hook.usual = Answer()
    assert deliver(told, at).sent == 1


def test_a_receiver_that_fails_does_not_hold_up_the_others(told: World, hook: Receiver) -> None:
    endpoint(told, hook, url=hook.url("/broken"), name="Broken")
    endpoint(told, hook, url=hook.url("/works"), name="Works")
    with scope.of(told.contoso.ref):
        Endpoint.objects.filter(name="Broken").update(url="https://localhost:1/")
    for number in range(3):
        tell(told, key=f"news {number}")

    assert deliver(told) == delivering.Delivered(sent=3, failed=1)


def test_an_address_that_leads_inside_is_given_up_at_once(
    told: World, hook: Receiver, settings: Any
) -> None:
    endpoint(told, hook)
    settings.APPORTION = settings.APPORTION.model_copy(update={"webhook_private_hosts": ()})
    tell(told)

    assert deliver(told).dead == 1
    assert hook.came == []


def test_what_was_switched_off_since_is_not_sent(told: World, hook: Receiver) -> None:
    number = endpoint(told, hook)
    tell(told)
    with scope.of(told.contoso.ref):
        Endpoint.objects.filter(pk=number).update(active=False)
    assert deliver(told).dropped == 1
    assert hook.came == []


def test_while_a_secret_is_changed_both_open_the_notice(told: World, hook: Receiver) -> None:
    number = endpoint(told, hook)
    with scope.of(told.contoso.ref):
        alice, row = actor(told, "alice"), Endpoint.objects.get(pk=number)
        old = endpoints.show_secret(alice, row, at=NOW)
        new = endpoints.rotate(alice, row, at=NOW)
        kept = repr(list(AuditRecord.objects.filter(action__startswith="endpoint").values()))
        stored = repr(list(Endpoint.objects.values()))
    assert old not in kept + stored
    assert hook.url() not in kept
    day = timedelta(days=1)

    for number, (at, opens) in enumerate(((NOW, {old, new}), (NOW + day, {new}))):
        tell(told, key=str(number), at=at)
        assert deliver(told, at).sent == 1
        came = hook.came[-1]
        header = came.headers["apportion-signature"]
        now = int(at.timestamp())
        found = {
            one for one in (old, new) if signing.is_ours(header, came.body, secret=one, now=now)
        }
        assert found == opens


def test_two_workers_send_each_notice_once(told: World, hook: Receiver) -> None:
    endpoint(told, hook)
    for number in range(12):
        tell(told, key=f"news {number}")
    begin, sent = threading.Barrier(2), []

    def work() -> None:
        from django.db import connection  # noqa: PLC0415 - of this thread

        begin.wait(10)
        while ready := delivering._next(told.contoso.ref, NOW):
            sent.append(delivering._send(told.contoso.ref, ready, NOW))
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sent == [DeliveryState.SENT] * 12
    assert len({came.document["id"] for came in hook.came}) == len(hook.came) == 12


def test_what_a_worker_held_when_it_died_is_sent_by_the_next(told: World, hook: Receiver) -> None:
    endpoint(told, hook)
    tell(told)
    dead = delivering._next(told.contoso.ref, NOW)
    assert dead is not None

    assert deliver(told) == delivering.Delivered()
    later = NOW + outgoing.LEASE
    assert deliver(told, later).sent == 1

    with scope.of(told.contoso.ref):  # it was only slow: what it says now is not believed
        outgoing.failed(dead.taken, NotTaken("too late"), at=later)
    assert states(told) == {("webhook", "Alerts"): "sent"}


def test_a_run_is_recorded_only_where_something_was_due(told: World, hook: Receiver) -> None:
    deliver(told)
    with scope.of(told.contoso.ref):
        assert not Run.objects.filter(step=delivering.STEP).exists()
    endpoint(told, hook)
    tell(told)
    deliver(told)
    with scope.of(told.contoso.ref):
        run = Run.objects.get(step=delivering.STEP)
    assert (run.outcome, run.rows_written, run.detail) == ("succeeded", 1, {"sent": 1})


# --- endpoints -----------------------------------------------------------------------------------


def test_a_test_goes_to_the_endpoint_alone(told: World, hook: Receiver, box: Mailbox) -> None:
    number = endpoint(told, hook)
    with scope.of(told.contoso.ref):
        row = endpoints.one(actor(told, "alice"), number)
        first = endpoints.try_out(actor(told, "alice"), row, at=NOW)
        assert endpoints.try_out(actor(told, "alice"), row, at=NOW) == first, "a double click"

    assert deliver(told).sent == 1

    assert hook.came[0].document["type"] == "apportion.test"
    assert box.messages == []


@pytest.mark.parametrize(
    ("wrong", "refused"),
    [
        ({"url": "https://10.0.0.1/"}, BadAddress),
        ({"url": "http://hooks.example.com/"}, BadAddress),
        ({"url": None}, Invalid),
        ({"name": " \n"}, Invalid),
        ({"topics": ()}, Invalid),
        ({"topics": (Topic.DELIVERY_FAILED,)}, Invalid),
        ({"topics": (Topic.TEST,)}, Invalid),
    ],
)
def test_a_faulty_endpoint_is_refused(
    told: World, hook: Receiver, wrong: dict[str, Any], refused: type[Exception]
) -> None:
    assert endpoint(told, hook)
    with pytest.raises(refused):
        endpoint(told, hook, **wrong)


def test_who_may_keep_endpoints(told: World, hook: Receiver) -> None:
    number = endpoint(told, hook)
    acts: list[Callable[[Actor, Endpoint], object]] = [
        lambda who, row: endpoints.rotate(who, row, at=NOW),
        lambda who, row: endpoints.show_secret(who, row, at=NOW),
        lambda who, row: endpoints.try_out(who, row, at=NOW),
        lambda who, row: endpoints.remove(who, row, at=NOW),
    ]
    with scope.of(told.contoso.ref):
        row = endpoints.one(actor(told, "alice"), number)
        with pytest.raises(NotFound):
            endpoints.one(actor(told, "bob"), number)
        TeamMember.objects.create(team=told.search.team, person=told.people["vic"])
        for name in ("bob", "carol", "dan", "vic"):
            for act in acts:
                with pytest.raises(NotKept):
                    act(actor(told, name), row)
        wanted = Wanted("Mine", EndpointKind.SLACK, hook.url(), EVERYTHING)
        with pytest.raises(NotKept):
            endpoints.add(actor(told, "alice"), None, wanted, at=NOW)
        for name in ("alice", "erin"):
            endpoints.rotate(actor(told, name), row, at=NOW)


def test_an_endpoint_is_changed_and_removed(told: World, hook: Receiver) -> None:
    number = endpoint(told, hook)
    tell(told)
    deliver(told)
    with scope.of(told.contoso.ref):
        alice = actor(told, "alice")
        row = endpoints.one(alice, number)
        wanted = Wanted("New name", EndpointKind.WEBHOOK, None, (Topic.QUOTA_FORECAST,))
        endpoints.change(alice, row, wanted, at=NOW)
        row.refresh_from_db()
        assert (row.name, row.url, row.topics) == ("New name", hook.url(), ["quota-forecast"])
        endpoints.remove(alice, row, at=NOW)
        assert not Delivery.objects.filter(channel=Channel.WEBHOOK, notice__key="one").exists()
        for place in range(endpoints.MOST):
            row = Endpoint.objects.get_or_create(
                team=told.search.team,
                name=f"{place}",
                defaults={"kind": "slack", "url": hook.url(), "set_by": "x", "set_at": NOW},
            )[0]
        with pytest.raises(TooMany):
            endpoints.add(
                alice,
                told.search.team,
                Wanted("x", EndpointKind.SLACK, hook.url(), EVERYTHING),
                at=NOW,
            )


# --- inbox and log -------------------------------------------------------------------------------


def test_a_notice_is_read_once(told: World) -> None:
    tell(told, "alice", key="one")
    tell(told, "alice", key="two")
    with scope.of(told.contoso.ref):
        alice, erin = actor(told, "alice"), actor(told, "erin")
        assert inbox.unread(alice) == 2
        first = inbox.listed(alice, Which.ALL)[0]
        assert first.notice.key == "two"
        with pytest.raises(NotFound):
            inbox.open_one(erin, first.pk, at=NOW)
        assert inbox.open_one(alice, first.pk, at=NOW) == "teams/search/"
        assert inbox.unread(alice) == 1
        assert inbox.mark_read(erin, None, at=NOW) == 0
        assert inbox.mark_read(alice, None, at=NOW) == 1
        assert inbox.mark_read(alice, None, at=NOW) == 0
        assert inbox.listed(alice, Which.ALL).count() == 2


def test_the_log_shows_what_one_may_see(told: World, hook: Receiver, box: Mailbox) -> None:
    number = endpoint(told, hook)
    tell(told, "alice", "erin")
    with scope.of(told.contoso.ref):
        seen = {
            name: log.deliveries(actor(told, name), Asked()).filter(notice__key="one").count()
            for name in ("alice", "bob", "dan", "erin")
        }
        assert seen == {"alice": 2, "bob": 0, "dan": 3, "erin": 3}
        only = Asked(channel=Channel.WEBHOOK, state=DeliveryState.WAITING, endpoint=number)
        assert log.deliveries(actor(told, "dan"), only).count() == 1
        assert log.deliveries(actor(told, "dan"), Asked(topic=Topic.TEST)).count() == 0


def test_what_is_old_is_let_go(told: World, hook: Receiver) -> None:
    endpoint(told, hook)
    tell(told, "alice", key="old")
    tell(told, "alice", key="new", at=NOW + timedelta(days=3))
    deliver(told, NOW + timedelta(days=3))
    with scope.of(told.contoso.ref):
        before = Notice.objects.count()
        assert log.let_go(at=NOW + log.KEPT + timedelta(days=1)) >= 1
        assert not Notice.objects.filter(key="old").exists()
        assert Notice.objects.filter(key="new").exists()
        assert Notice.objects.count() < before
