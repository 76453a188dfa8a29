"""A page's change in two steps: its effect in money, then the same change made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from billing import effects
from portal import plans
from portal.plans import PlanMismatch
from portal.tenant_scope import TenantRequest
from tenancy import clock

Value = str | Sequence[str]


@dataclass(frozen=True, slots=True)
class Step:
    """One change that a page offers. ``inputs`` are posted again, as they came; ``done`` is said
    once it is made, on the page ``back``; ``title`` names the change, ``button`` what applies it.
    """

    verb: str
    title: str
    button: str
    inputs: Mapping[str, Value]
    change: Callable[[], object]
    done: str
    back: str


def step(
    request: TenantRequest, wanted: Step, *, context: Mapping[str, Any] | None = None
) -> HttpResponse:
    """Show what a change would do, or make it if it was shown; for a POST.

    Raises:
        whatever the change raises.
    """
    stale = False
    if given := request.POST.get("plan"):
        try:
            plans.require(given, wanted.verb, wanted.inputs)
        except PlanMismatch:
            stale = True
        else:
            wanted.change()
            messages.success(request, wanted.done)
            return redirect(wanted.back)
    effect = effects.of(wanted.change, at=clock.now())
    return render(
        request,
        "prices/plan.html",
        {
            **(context or {}),
            "wanted": wanted,
            "stale": stale,
            "plan": plans.token(wanted.verb, wanted.inputs),
            "fields": tuple(_fields(wanted.inputs)),
            "effect": plans.table(effect),
        },
    )


def _fields(inputs: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
    """The inputs as hidden fields, a repeated one repeated."""
    for name, value in inputs.items():
        for one in (value,) if isinstance(value, str) else value:
            yield name, one
