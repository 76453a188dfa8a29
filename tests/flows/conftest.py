"""Two tenants read from the small simulated Azure, brought back for every test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as present
from django.test import override_settings

from tenancy import tenants
from tests import bed
from tests.azure import Azure
from tests.flows import shop as shop_list
from tests.flows import snapshot, steps
from tests.flows.forks import Commands
from tests.flows.steps import GATEWAYS, Steps


def pointing_at(azure: Azure, folder: Path) -> dict[str, Any]:
    """The settings with this Azure; each gateway has a credential of its name."""
    held = json.loads(azure.credentials_file.read_text())
    file = folder / "by-gateway.json"
    file.write_text(json.dumps({GATEWAYS[slug]: entry for slug, entry in held.items()}))
    return azure.settings() | {"azure_credentials_file": str(file)}


def environment(settings: dict[str, Any]) -> dict[str, str]:
    """The same as a process is told it."""
    return {
        f"APPORTION_{name.upper()}": str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in settings.items()
    }


@pytest.fixture(scope="session")
def pointed(cloud: Azure, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The settings that point at this worker's Azure."""
    return pointing_at(cloud, tmp_path_factory.mktemp("pointed"))


@pytest.fixture(scope="session")
def kept(
    django_db_setup: None, django_db_blocker: Any, cloud: Azure, pointed: dict[str, Any]
) -> Iterator[None]:
    """The settled state, made once in a worker's life."""
    chosen = present.APPORTION.model_copy(update=pointed)
    cloud.start_again()
    with django_db_blocker.unblock(), override_settings(APPORTION=chosen):
        steps.settle(cloud)
        snapshot.keep()
        bed.empty()
    yield
    snapshot.forget()


@pytest.fixture
def settled(
    kept: None, committed: None, azure: Azure, settings: Any, pointed: dict[str, Any]
) -> Azure:
    """Both tenants with their usage read and rated; Azure as at the start."""
    settings.APPORTION = settings.APPORTION.model_copy(update=pointed)
    snapshot.bring_back()
    return azure


@pytest.fixture
def contoso(settled: Azure) -> Steps:
    """Contoso's steps: USD, Berlin."""
    return Steps(settled, tenants.by_slug("contoso"), GATEWAYS["contoso"])


@pytest.fixture
def fabrikam(settled: Azure) -> Steps:
    """Fabrikam's steps: EUR, India."""
    return Steps(settled, tenants.by_slug("fabrikam"), GATEWAYS["fabrikam"])


@pytest.fixture(scope="session")
def commands(
    django_db_setup: None, pointed: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Commands]:
    """The product's commands, each in a process of its own."""
    opened = Commands(tmp_path_factory.mktemp("commands"), environment(pointed))
    yield opened
    opened.close()


@pytest.fixture
def shop(committed: None, azure: Azure, settings: Any) -> Azure:
    """A short list in three pages, loaded once."""
    sold = {"azure_price_services": (shop_list.SERVICE,)}
    settings.APPORTION = settings.APPORTION.model_copy(update=sold)
    for number in range(shop_list.COUNT):
        shop_list.put(azure, number, f"{number + 1}.5")
    azure.post("/knobs", {"price_page": 5})
    loaded = steps.catalogue_sync()
    assert {loaded.items, loaded.meters, loaded.new_prices} == {shop_list.COUNT}
    azure.control.delete("/requests")
    return azure
