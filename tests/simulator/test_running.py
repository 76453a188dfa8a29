import json
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from simulator import launch
from tests.simulator.conftest import NOW, Azure

ROOT = Path(launch.__file__).resolve().parent.parent


def test_a_restart_goes_on_where_it_stopped(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with launch.start(setting="small", now=NOW, state=state, options=("--freeze",)) as running:
        first = Azure(running)
        first.tell(f"/subscriptions/{first.tenant.service}/subscription2", state="suspended")
        first.tell("/clock", advance_seconds=3600)
        first.chat("subscription1")
        rows = first.query("ApiManagementGatewayLogs | count")
        setting = httpx.get(f"{running.control}/setting").json()
        authority = Path(running.ca_bundle).read_bytes()
        first.close()
    with launch.start(setting="small", state=state, options=("--freeze",)) as running:
        second = Azure(running)
        assert Path(running.ca_bundle).read_bytes() == authority
        assert second.query("ApiManagementGatewayLogs | count") == rows
        assert second.chat("subscription2").status_code == 401
        assert second.chat("subscription1").status_code == 200
        told = httpx.get(f"{running.control}/setting").json()
        assert told["now"] == setting["now"] == "2026-11-20T15:20:00Z"
        assert [t["subscriptions"] for t in told["tenants"]] == [
            t["subscriptions"] for t in setting["tenants"]
        ]
        second.close()


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run(
            [
                sys.executable,
                "-m",
                "simulator",
                "--port",
                str(port),
                "--state",
                str(tmp_path / "s"),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
    assert ended.returncode == 2
    assert ended.stderr == f"simulator: port {port} on 127.0.0.1: Address already in use\n"
    with pytest.raises(launch.NotStarted, match="invalid choice"):
        launch.start(setting="nowhere")


def test_it_ends_at_once_when_told_to() -> None:
    running = launch.start(setting="small", now=NOW)
    with httpx.Client(base_url=running.control) as client:
        assert client.get("/ready").json()["ready"] is True
        assert running.stop(patience=5) == 0


def test_time_runs_stands_still_and_moves(azure: Azure) -> None:
    assert azure.control.get("/clock").json() == {"now": NOW, "pace": "frozen"}
    assert azure.tell("/clock", advance_seconds=90)["now"] == "2026-11-20T14:21:30Z"
    assert azure.tell("/clock", freeze=False)["pace"] == "running"
    assert azure.tell("/clock", now="2027-01-01T00:00:00Z")["now"].startswith("2027-01-01T00:00:0")


def test_a_reset_brings_back_the_start(azure: Azure) -> None:
    before = azure.query("ApiManagementGatewayLogs | count")
    azure.chat("subscription1")
    azure.tell(f"/subscriptions/{azure.tenant.service}/subscription1", state="cancelled")
    azure.tell("/clock", advance_seconds=90)
    azure.tell("/reset")
    assert azure.query("ApiManagementGatewayLogs | count") == before
    assert azure.control.get("/clock").json()["now"] == NOW
    assert azure.chat("subscription1").status_code == 200


def test_live_traffic_goes_through_the_gateways_own_limits(azure: Azure) -> None:
    wanted = {"service": azure.tenant.service, "subscription": "subscription4", "requests": 6}
    held = azure.tell("/traffic", **wanted, prompt=100, completion=100)["statuses"]
    assert held == {"200": 3, "429": 3}
    free = azure.tell("/traffic", **wanted, limits="ignore")["statuses"]
    assert free == {"200": 6}


def test_the_setting_tells_a_client_all_it_needs(azure: Azure) -> None:
    told = azure.control.get("/setting").json()
    contoso = told["tenants"][0]
    assert told["azure"] == azure.running.azure
    assert contoso["gateway_url"] == f"{azure.running.azure}/gateways/apim-contoso/inference"
    assert [s["product"] for s in contoso["subscriptions"]] == [
        "platinum",
        "gold",
        "silver",
        "silver",
    ]
    assert contoso["subscriptions"][0]["key"] == azure.key("subscription1")
    assert json.dumps(told).count(contoso["client_secret"]) == 1
