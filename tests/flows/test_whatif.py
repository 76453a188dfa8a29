"""What a change would do, as it is told while one asks and while one decides."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance import whatif
from governance.asked import Asked
from governance.models import RequestKind
from tenancy import scope
from tests.world import NOW, World


@pytest.fixture
def inside(world: World) -> Iterator[World]:
    with scope.of(world.contoso.ref):
        yield world


def test_more_for_good_raises_the_limit_and_nothing_else(inside: World) -> None:
    asked = Asked(
        kind=RequestKind.INCREASE,
        team=inside.search.team,
        subscription=inside.search.subscription,
        amount=Decimal(5),
        reason="The campaign begins.",
    )
    told = whatif.of(asked, at=NOW)
    print(told)
    assert told.before and told.after
    assert told.after.limit == told.before.limit + 5
