"""What is wrong with a set-up is said in one line that names what to mend, and nothing is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from connectors.records import CognitiveAccount
from inventory import gateways
from inventory.models import Gateway
from portal.embedded import Role, free_port
from simulator.setting import CONTOSO
from tenancy import scope, tenants
from tests import bed
from tests.azure import AT, Azure
from tests.flows.conftest import environment, pointing_at
from tests.flows.steps import everything, rows

CHECKOUT = Path(__file__).resolve().parents[2]
#: What a try leaves behind, whether it succeeds or fails.
LEDGERS = ("tenancy_run", "tenancy_installationrun", "billing_usagewindow")


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it said."""

    code: int
    text: str

    def one_line(self, *words: str) -> None:
        """It failed, and one line says all these words; nobody has to read a traceback."""
        assert self.code != 0, self.text
        assert "Traceback" not in self.text, self.text
        lines = [line for line in self.text.splitlines() if all(word in line for word in words)]
        assert len(lines) == 1, self.text


Run = Callable[..., Said]


def run(*command: str, **changed: str | None) -> Said:
    """A command in a process of its own; a variable that is None is not set."""
    wanted = os.environ | {name: value for name, value in changed.items() if value is not None}
    for name in [name for name, value in changed.items() if value is None]:
        wanted.pop(name, None)
    done = subprocess.run(
        [sys.executable, *command],
        cwd=CHECKOUT,
        env=wanted,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    return Said(done.returncode, done.stdout)


@pytest.fixture
def manage(committed: None, azure: Azure, settings: Any, tmp_path: Path) -> Run:
    """`manage.py` for one tenant with one gateway; whatever goes wrong, its rows stay."""
    told = pointing_at(azure, tmp_path)
    settings.APPORTION = settings.APPORTION.model_copy(update=told)
    ref = tenants.create("contoso", name="Contoso", currency="USD", zone="Europe/Berlin")
    with scope.of(ref):
        row = Gateway(
            name="apim-contoso",
            azure_subscription_id=CONTOSO.azure_subscription_id,
            resource_group=CONTOSO.resource_group,
            service=CONTOSO.service,
            workspace_id=CONTOSO.workspace_id,
            credential="apim-contoso",
            usage_from=AT.replace(hour=0),
        )
        account = CognitiveAccount(
            subscription_id=CONTOSO.azure_subscription_id,
            resource_group=CONTOSO.resource_group,
            account=CONTOSO.account.name,
        )
        gateways.connect(row, (account,), by="erin", at=AT)
    kept = everything(*LEDGERS)

    def managed(*arguments: str, **changed: str | None) -> Said:
        said = run("manage.py", *arguments, **(environment(told) | changed))
        assert everything(*LEDGERS) == kept
        return said

    return managed


def credentials(folder: Path, **changed: str) -> str:
    """A credentials file in which something is different."""
    entry = {
        "tenant_id": CONTOSO.entra_tenant_id,
        "client_id": CONTOSO.client_id,
        "client_secret": CONTOSO.client_secret,
    }
    file = folder / "changed.json"
    file.write_text(json.dumps({"apim-contoso": entry | changed}))
    return str(file)


def ledger() -> list[tuple[Any, ...]]:
    """How the runs of all steps ended."""
    return rows("SELECT outcome, error <> '' FROM tenancy_run ORDER BY id")


def test_a_wrong_secret_names_the_entry_and_the_file(manage: Run, tmp_path: Path) -> None:
    file = credentials(tmp_path, client_secret="not-the-secret-4711")
    said = manage("sync_inventory", APPORTION_AZURE_CREDENTIALS_FILE=file)

    said.one_line("apim-contoso", "APPORTION_AZURE_CREDENTIALS_FILE", "AADSTS7000215")
    assert "not-the-secret-4711" not in said.text
    assert ledger() == [("failed", True)]


def test_a_missing_entry_names_itself_and_the_file(manage: Run, tmp_path: Path) -> None:
    file = tmp_path / "empty.json"
    file.write_text("{}")
    said = manage("sync_usage", APPORTION_AZURE_CREDENTIALS_FILE=str(file))

    said.one_line("'apim-contoso'", "APPORTION_AZURE_CREDENTIALS_FILE", str(file))


@pytest.mark.parametrize(
    ("command", "setting"),
    [
        ("sync_usage", "APPORTION_AZURE_LOG_ANALYTICS_URL"),
        ("sync_prices", "APPORTION_AZURE_RETAIL_PRICES_URL"),
    ],
)
def test_an_azure_that_does_not_answer_names_its_address(
    manage: Run, command: str, setting: str
) -> None:
    nobody = f"https://localhost:{free_port()}"
    manage(command, **{setting: nobody}).one_line(setting, nobody.removeprefix("https://"))


def test_a_certificate_that_nobody_vouches_for_names_the_bundle(manage: Run) -> None:
    said = manage("sync_inventory", APPORTION_AZURE_CA_BUNDLE=None)

    said.one_line("APPORTION_AZURE_CA_BUNDLE", "certificate")


def test_a_bundle_that_is_not_there_is_said_before_anything_starts(manage: Run) -> None:
    said = manage("sync_inventory", APPORTION_AZURE_CA_BUNDLE="/nowhere/ca.pem")

    said.one_line("APPORTION_AZURE_CA_BUNDLE", "no such file: /nowhere/ca.pem")
    assert ledger() == []


def test_a_log_table_that_is_missing_is_named(manage: Run, azure: Azure) -> None:
    table = "ApiManagementGatewayLlmLog"
    azure.fault("missing_table", "/v1/workspaces", method="POST", name=table)

    manage("sync_usage").one_line(table, "contoso/apim-contoso")
    assert ledger() == [("failed", True)]


def test_a_principal_without_a_role_says_which_resource(manage: Run, azure: Azure) -> None:
    azure.fault("status", "/subscriptions/", method="GET", status=403, times=9)

    manage("sync_inventory").one_line("contoso/apim-contoso", "role")


def test_a_database_that_does_not_answer_names_its_setting(manage: Run) -> None:
    address = f"postgresql://apportion_app@127.0.0.1:{free_port()}/apportion"

    manage("rate", APPORTION_DATABASE_URL=address).one_line("APPORTION_DATABASE_URL", "refused")


def test_a_role_that_the_database_does_not_know_names_the_setting(manage: Run) -> None:
    address = bed.url(Role.APP).replace(Role.APP, "somebody", 1)

    said = manage("rate", APPORTION_DATABASE_URL=address)
    said.one_line("APPORTION_DATABASE_URL", "somebody")


def test_settings_that_are_missing_or_wrong_are_all_named_at_once() -> None:
    said = run(
        "manage.py",
        "rate",
        APPORTION_DATABASE_URL="mysql://nowhere",
        APPORTION_REDIS_URL=None,
        APPORTION_SECRET_KEY="short",
        APPORTION_PRICE_REGIONS="swedencentral,West Europe",
    )
    said.one_line("APPORTION_PRICE_REGIONS:", "'West Europe'")
    for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY"):
        said.one_line(f"APPORTION_{name}:")


@pytest.mark.parametrize("part", [("worker", "-P", "solo"), ("beat",)], ids=lambda part: part[0])
def test_a_broker_that_does_not_answer_names_its_setting(
    part: tuple[str, ...], tmp_path: Path
) -> None:
    schedule = ("-s", str(tmp_path / "schedule")) if part == ("beat",) else ()
    address = f"redis://:a-password-4711@127.0.0.1:{free_port()}/0"

    said = run("-m", "celery", "-A", "portal", *part, *schedule, APPORTION_REDIS_URL=address)

    said.one_line("APPORTION_REDIS_URL", "127.0.0.1", "refused")
    assert "a-password-4711" not in said.text
