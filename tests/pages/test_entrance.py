"""Signing in says the same to everybody who may not, and leads to one's tenant."""

from __future__ import annotations

from django.test import Client

from tenancy.models import Person
from tests.pages.eventful import PASSWORD
from tests.world import World

SIGN_IN = "/sign-in/"


def _error(email: str, password: str) -> str:
    page = Client().post(SIGN_IN, {"username": email, "password": password})
    assert page.status_code == 200
    return page.content.decode().split('role="alert"')[1].split("</div>")[0]


def test_the_only_tenant_is_entered_at_once(month: World) -> None:
    browser = Client()
    sent = browser.post(SIGN_IN, {"username": "Alice@Example.org", "password": PASSWORD})
    assert sent["Location"] == "/"
    assert browser.get("/")["Location"] == "/t/contoso/"


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(month: World) -> None:
    Person.objects.create_person("gone@example.org", name="Gone", password=PASSWORD)
    Person.objects.filter(email="gone@example.org").update(is_active=False)
    wrong = _error("alice@example.org", "not-the-password")
    assert wrong == _error("nobody@example.org", PASSWORD)
    assert wrong == _error("gone@example.org", PASSWORD)
    assert "administrator" in wrong


def test_somebody_without_a_tenant_is_told_whom_to_ask(month: World) -> None:
    stray = Person.objects.create_person("stray@example.org", name="Stray")
    browser = Client()
    browser.force_login(stray)
    page = browser.get("/").content.decode()
    assert "Ask an administrator" in page
    assert "contoso" not in page


def test_a_member_of_two_tenants_chooses_by_name(month: World) -> None:
    from tenancy import memberships, scope  # noqa: PLC0415
    from tenancy.models import Role  # noqa: PLC0415

    with scope.of(month.fabrikam.ref):
        memberships.join(month.people["dan"], Role.FINANCE)
    page = month.dan.get("/").content.decode()
    assert 'href="/t/contoso/">Contoso' in page
    assert 'href="/t/fabrikam/">Fabrikam' in page


def test_one_comes_back_to_where_one_was_going_but_nowhere_else(month: World) -> None:
    account = {"username": "alice@example.org", "password": PASSWORD}
    asked = "/t/contoso/teams/search/"
    assert Client().get(asked)["Location"] == f"/sign-in/?next={asked}"
    assert Client().post(SIGN_IN, account | {"next": asked})["Location"] == asked
    elsewhere = account | {"next": "https://elsewhere.example"}
    assert Client().post(SIGN_IN, elsewhere)["Location"] == "/"


def test_signing_out_needs_a_form_of_this_site(month: World) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(month.people["alice"])
    refused = browser.post("/sign-out/")
    assert refused.status_code == 403
    assert "This form" in refused.content.decode()
    assert month.alice.get("/sign-out/").status_code == 405
