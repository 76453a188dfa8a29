"""Questions nobody thought of, made from the schema: each answered as the schema says, none 500."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from billing.models import Price, PriceSheet
from governance.models import ApprovalPolicy, ApproverGroup, Delegation, Endpoint
from tenancy import scope
from tests.api.conftest import Program
from tests.world import World

CHECKED_IN = Path(__file__).parents[2] / "docs" / "reference" / "openapi.yaml"
SCHEMA = schemathesis.openapi.from_dict(yaml.safe_load(CHECKED_IN.read_text()))
OPERATIONS: tuple[Any, ...] = tuple(
    found.ok()  # type: ignore[union-attr]  # an unreadable operation fails here, as it should
    for found in SCHEMA.get_all_operations()
)


def not_broken(context: Any, response: Any, case: Case) -> bool | None:
    """No 500. A 503 is an answer: no worker listens here; the schema says where it may be given."""
    return None if response.status_code == 503 else not_a_server_error(context, response, case)


CHECKS: list[Any] = [
    not_broken,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
BOUNDED = settings(
    max_examples=20,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
#: What is really there, so that not every made-up address ends at "no such".
REAL = {
    "slug": "search",
    "month": "2026-11",
    "gateway": "apim-contoso",
    "name": "key-search",
    "number": "1",
}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.label)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_answer_is_one_that_the_schema_names(
    committed_world: World, operation: Any, mode: GenerationMode
) -> None:
    operation.schema.app = operation.app = get_wsgi_application()
    real_one = REAL | _numbered(committed_world)
    tokens = [committed_world.token("alice"), committed_world.token("mallory")]
    dan = Program(committed_world.token("dan"))
    before = dan.read("costs/?month=2026-11")
    asked = 0

    @BOUNDED
    @given(
        case=operation.as_strategy(generation_mode=mode),
        token=st.sampled_from(tokens),
        real=st.booleans(),
    )
    def ask(case: Case, token: str, real: bool) -> None:
        nonlocal asked
        if real:
            case.path_parameters = {name: real_one[name] for name in case.path_parameters or {}}
        headers = {"Authorization": f"Bearer {token}"}
        case.call_and_validate(checks=CHECKS, headers=headers)
        asked += 1

    ask()
    assert asked >= 5
    assert dan.read("costs/?month=2026-11") == before


def _numbered(world: World) -> dict[str, str]:
    """What is known by a number or an id: a meter, its suspect price, and a sheet of Mallory's."""
    suspect = Price.objects.exclude(doubts=[]).select_related("meter").get()
    with scope.of(world.fabrikam.ref):
        sheet = PriceSheet.objects.get()
        kinds = {
            "group": ApproverGroup,
            "policy": ApprovalPolicy,
            "delegation": Delegation,
            "endpoint": Endpoint,
        }
        numbers = {name: str(kind.objects.all()[0].pk) for name, kind in kinds.items()}
    return {
        "azure_id": suspect.meter.azure_id,
        "price": str(suspect.pk),
        "sheet": str(sheet.pk),
        **numbers,
    }
