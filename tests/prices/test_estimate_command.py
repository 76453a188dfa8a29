"""The calculator by command: the page's figures in lines, faults at their option."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime

import pytest
from django.core.management import CommandError, call_command

from tests.prices import real_list
from tests.world import NOW, World

LOAD = ["--region", real_list.REGION, "--calls", "1000000", "--input-tokens", "1500"]
LOAD += ["--cached-tokens", "500", "--output-tokens", "400"]


@pytest.fixture
def listed(world: World, clock_at: Callable[[datetime], None]) -> World:
    clock_at(NOW)
    real_list.load()
    return world


def told(tenant: str, *options: str) -> str:
    out = io.StringIO()
    call_command("estimate", "--tenant", tenant, *options, stdout=out)
    return out.getvalue()


def test_it_tells_meters_amounts_and_what_is_missing(listed: World) -> None:
    said = told(
        "contoso", "--model", "gpt-5,gpt-5.2", *LOAD, "--active-hours", "730", "--peak-factor", "1"
    )

    assert "output: 400 a call at 10.00 USD a million (GPT 5 outpt Glbl 1M Tokens, " in said
    assert "by use: 5,937.50 USD in December 2026" in said
    assert "71,250.00 USD in all 12 months" in said
    assert "PTUs by the hour: 25 for 18,600.00 USD in the first month, never pays" in said
    assert "pays from 558,316 calls a month (84.1 % used at the peak)" in said
    assert "gpt-5.2: The price list has no input and no cached input price" in said


def test_amounts_are_in_the_tenants_currency(listed: World) -> None:
    assert "by use: 5,343.75 EUR in December 2026" in told("fabrikam", "--model", "gpt-5", *LOAD)


def test_a_fault_names_its_option(listed: World) -> None:
    with pytest.raises(CommandError, match=r"--growth: Give a number .* from -50 to 100"):
        told("contoso", "--model", "gpt-5", *LOAD, "--growth", "200")
