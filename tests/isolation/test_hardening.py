"""What a browser, a queue and a stranger's text may not bring about."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import pytest
from django.conf import settings as configured
from django.test import Client

from inventory.models import Deployment, Subscription, Team
from portal.celery import app
from tenancy import scope
from tenancy.models import Person
from tests.admin.registered import address, guarded, label
from tests.isolation.routes import Route, pages
from tests.world import NOW, World

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


@pytest.fixture
def hostile_world(world: World, clock_at: Any) -> World:
    """Names as somebody in Azure might choose them: they come with the inventory."""
    clock_at(NOW)
    with scope.of(world.contoso.ref):
        Subscription.objects.update(display_name=HOSTILE, state_comment=HOSTILE)
        Deployment.objects.update(name=HOSTILE, model=HOSTILE[:128], host=HOSTILE)
        Team.objects.update(name=HOSTILE)
    return world


def _harmless(answer: Any) -> None:
    assert answer.status_code == HTTPStatus.OK
    if answer.headers["Content-Type"].startswith("text/html"):
        assert b"<script>alert" not in answer.content
        assert b"<img src=x" not in answer.content


@pytest.mark.parametrize("route", pages(), ids=str)
def test_a_name_is_never_markup_on_a_page(route: Route, hostile_world: World) -> None:
    _harmless(hostile_world.erin.get(route.address(hostile_world.contoso, hostile_world.search)))


@pytest.mark.parametrize("model", guarded(), ids=label)
def test_a_name_is_never_markup_in_the_admin(model: Any, hostile_world: World) -> None:
    _harmless(hostile_world.erin.get(address(hostile_world.contoso, model)))
    with scope.of(hostile_world.contoso.ref):
        row = model._default_manager.all()[0]
    _harmless(hostile_world.erin.get(address(hostile_world.contoso, model, row.pk, "change")))


def test_the_hostile_name_is_shown_as_text(hostile_world: World) -> None:
    """Else the tests above could not fail."""
    page = hostile_world.erin.get(address(hostile_world.contoso, Team))
    assert b"&lt;script&gt;alert(1)" in page.content


@pytest.mark.parametrize("path", ["/sign-in/", "/t/contoso/", "/t/contoso/admin/"])
def test_no_page_lets_a_script_of_its_own_run(path: str, world: World) -> None:
    answer = world.erin.get(path, follow=True)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert b" onclick=" not in answer.content
    assert b"javascript:" not in answer.content


@pytest.fixture
def erin(world: World, settings: Any) -> Person:
    """Erin with a password, hashed in no time."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    person = world.people["erin"]
    person.set_password("correct horse battery")
    person.save()
    return person


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", r"\\evil.example"]
)
def test_signing_in_leads_to_no_other_site(target: str, erin: Person) -> None:
    said = {"username": erin.email, "password": "correct horse battery", "next": target}
    answer = Client().post("/sign-in/", said)
    assert answer.status_code == HTTPStatus.FOUND
    assert answer.headers["Location"] == "/"


def test_signing_in_changes_the_session_and_signing_out_ends_it(erin: Person) -> None:
    browser = Client()
    session = browser.session
    session["planted"] = "by somebody else"
    session.save()
    planted = session.session_key
    browser.post("/sign-in/", {"username": erin.email, "password": "correct horse battery"})
    signed_in = browser.session.session_key
    assert signed_in != planted
    assert browser.get("/t/contoso/").status_code == HTTPStatus.OK
    browser.post("/sign-out/")
    stolen = Client()
    stolen.cookies["sessionid"] = str(signed_in)
    assert stolen.get("/t/contoso/").status_code == HTTPStatus.FOUND


def test_an_unknown_host_is_refused(world: World) -> None:
    assert Client().get("/sign-in/", headers={"host": "evil.example"}).status_code == 400


def test_a_form_from_another_site_is_refused(world: World) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(world.people["erin"])
    add = address(world.contoso, Team, "add")
    assert strict.get(add).status_code == HTTPStatus.OK
    assert strict.post(add, {"name": "x", "slug": "x"}).status_code == HTTPStatus.FORBIDDEN


def test_the_queue_carries_plain_data_only() -> None:
    """A message that is code when it is read would run whoever's it is."""
    assert app.conf.accept_content == ["json"]
    assert app.conf.task_serializer == "json"
    assert app.conf.task_ignore_result is True
    assert app.conf.result_backend is None


def test_cookies_are_kept_from_scripts_and_plain_http(world: World) -> None:
    assert configured.SESSION_COOKIE_HTTPONLY is True
    assert configured.SESSION_COOKIE_SAMESITE == "Lax"
    assert configured.CSRF_COOKIE_HTTPONLY is True
    # Tests run without TLS; with it, which is the default, both are sent over TLS alone.
    assert configured.SESSION_COOKIE_SECURE is configured.APPORTION.https
    assert type(configured.APPORTION).model_fields["https"].default is True
