"""An operator makes a token for a member; it is shown once, and the audit log tells of it."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from tenancy import scope
from tenancy.models import ApiToken, AuditRecord
from tests.api.conftest import Program
from tests.world import World


def _issue(**options: object) -> str:
    out = io.StringIO()
    asked = {"tenant": "contoso", "email": "Dan@example.org", "scope": ["read:costs"]} | options
    arguments = [
        part
        for name, value in asked.items()
        for one in (value if isinstance(value, list) else [value])
        for part in (f"--{name}", str(one))
    ]
    call_command("issue_token", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue().strip()


def test_the_token_that_is_printed_works_for_its_scopes(world: World) -> None:
    token = _issue(scope=["read:costs", "read:usage"], days=7, name="month end")
    asking = Program(token)
    assert asking.read("")["token"] == {
        "person": "dan@example.org",
        "role": "finance",
        "scopes": ["read:costs", "read:usage"],
    }
    assert asking.ask("costs/?month=2026-11").status_code == 200
    assert asking.ask("teams/").status_code == 403


def test_only_a_digest_is_kept_and_the_audit_log_tells_of_it(world: World) -> None:
    token = _issue(name="month end")
    secret = token.split("_", 2)[2]
    with scope.of(world.contoso.ref):
        row = ApiToken.objects.get(name="month end")
        record = AuditRecord.objects.latest("number")
    assert secret not in str(vars(row))
    assert record.action == "token.issue"
    assert record.subject == "month end of dan@example.org"
    assert record.after is not None
    assert record.after["scopes"] == ["read:costs"]
    assert secret not in str(vars(record))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"tenant": "nowhere"}, "no such tenant"),
        ({"email": "mallory@example.org"}, "no such member"),
        ({"email": "nobody@example.org"}, "no such member"),
        ({"scope": ["write:costs"]}, "invalid choice"),
        ({"days": 0}, "give 1 to 366 days"),
        ({"days": 367}, "give 1 to 366 days"),
        ({"days": "99999999999"}, "give 1 to 366 days"),
        ({"days": "soon"}, "give 1 to 366 days"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_made(
    world: World, wrong: dict[str, object], says: str
) -> None:
    with pytest.raises(CommandError, match=says):
        _issue(**wrong)
    with scope.of(world.contoso.ref):
        assert not ApiToken.objects.filter(person=world.people["dan"]).exists()
