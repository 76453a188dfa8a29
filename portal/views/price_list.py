"""The price list: what changed in it, what of it is doubted, and each of its meters."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe

from billing import preferences
from billing.prices import catalogue, changes, listing, notices, suspects, why
from billing.prices.changes import Kind, Meters, Which
from billing.prices.meters import read as read_name
from billing.prices.suspects import State, Suspect, Verdict
from billing.rules.meters.reading import Reading
from portal import rights
from portal.tenant_scope import TenantRequest
from portal.views import asked, planned
from portal.views.planned import Step
from tenancy import clock, ledger
from tenancy.refusals import Invalid, NotFound

ROWS = 50


@dataclass(frozen=True, slots=True)
class Change:
    """A change as the page shows it; ``ratio`` None: no price became another."""

    row: Any  # billing's own row with its meter and prices
    kind: str
    tone: str
    ratio: str
    difference: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """A suspect with how many times the price in force it is, in words."""

    suspect: Suspect
    ratio: str


@require_http_methods(["GET", "HEAD", "POST"])
def changed(request: TenantRequest) -> HttpResponse:
    """What changed in the price list, load by load; posted to, who is written to about it."""
    rights.see_prices(request.actor)
    if request.method == "POST":
        return _price_news(request)
    kind = _choice(request, "kind", (*Kind.values, Which.SUSPECT))
    load = _load(request)
    rows = changes.recorded(
        kinds=frozenset({Kind(kind)} if kind in Kind.values else ()),
        load=load,
        product=request.GET.get("product", "")[:200],
        text=_text(request),
        meters=_meters(request),
        which=Which.SUSPECT if kind == Which.SUSPECT else Which.ALL,
    )
    page = Paginator(rows, ROWS).get_page(asked.page(request))
    return render(
        request,
        "prices/changes.html",
        {
            **_list(request, page, ("kind", "load", "product", "text", "meters")),
            "changes": [_change(row) for row in page],
            "newest": ledger.newest_of_installation(catalogue.STEP),
            "loads": changes.loads(),
            "load": load,
            "kinds": [*Kind.choices, (Which.SUSPECT.value, "held back")],
            "products": changes.products(),
            "waiting": suspects.waiting(),
            "may_change": rights.may_change_prices(request.actor),
            "news_to": preferences.price_news_to(),
            "mail": notices.can_send(),
        },
    )


@require_safe
def held_back(request: TenantRequest) -> HttpResponse:
    """The suspect prices, those of used meters first."""
    rights.see_prices(request.actor)
    state = _choice(request, "state", [one.value for one in State])
    rule = request.GET.get("rule", "")[:60]
    rows = suspects.listed(
        state=State(state) if state else None,
        rule=rule,
        text=_text(request),
        meters=_meters(request),
    )
    page = Paginator(rows, ROWS).get_page(asked.page(request))
    return render(
        request,
        "prices/suspects.html",
        {
            **_list(request, page, ("state", "rule", "text", "meters")),
            "suspects": [_shown(one) for one in suspects.shown(page)],
            "states": list(State),
            "rules": suspects.rules(),
            "may_change": rights.may_change_prices(request.actor),
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
def suspect(request: TenantRequest, price: int) -> HttpResponse:
    """One suspect price, and the decision about it: its effect first, then the decision."""
    rights.see_prices(request.actor)
    found = suspects.one(price)
    if request.method == "POST":
        rights.change_prices(request.actor)
        return _decide(request, found)
    return render(
        request,
        "prices/suspect.html",
        {
            "shown": _shown(found),
            "may_change": rights.may_change_prices(request.actor),
        },
    )


@require_safe
def meters(request: TenantRequest) -> HttpResponse:
    """Search the meters of the list."""
    rights.see_prices(request.actor)
    rows = listing.meters(
        text=_text(request),
        region=request.GET.get("region", "")[:64],
        which=_meters(request),
    )
    page = Paginator(rows, ROWS).get_page(asked.page(request))
    terms = listing.newest(page, clock.now())
    return render(
        request,
        "prices/meters.html",
        {
            **_list(request, page, ("region", "text", "meters")),
            "meters": [(row, terms.get(row.pk)) for row in page],
            "regions": listing.regions(),
        },
    )


@require_safe
def meter(request: TenantRequest, azure_id: str) -> HttpResponse:
    """One meter: what its name says, what it has cost, and why it costs here what it does."""
    rights.see_prices(request.actor)
    if "\0" in azure_id:
        raise NotFound(kind="meter")
    found = listing.meter(azure_id)
    says = read_name(found)
    return render(
        request,
        "prices/meter.html",
        {
            "meter": found,
            "reading": says if isinstance(says, Reading) else None,
            "unread": None if isinstance(says, Reading) else says,
            "history": listing.history(found),
            "charged": listing.charged(found),
            "why": why.explain(found, clock.now()),
        },
    )


def _price_news(request: TenantRequest) -> HttpResponse:
    rights.change_prices(request.actor)
    addresses = request.POST.get("price_news_to", "").split()
    preferences.set_price_news(addresses, by=request.actor.email, at=clock.now())
    messages.success(request, "The addresses are saved.")
    return redirect("price-changes")


def _decide(request: TenantRequest, found: Suspect) -> HttpResponse:
    verdict = _verdict(request.POST.get("verdict", ""))
    reason = request.POST.get("reason", "").strip()
    if not reason:
        raise Invalid(field="reason", fix="Say why, for whoever reads the audit log.")
    price, name = found.price, found.price.meter.meter_name
    doing = "Accept" if verdict is Verdict.ACCEPTED else "Reject"
    start = f"{price.effective_from:%-d %B %Y}"
    return planned.step(
        request,
        Step(
            verb="price.decide",
            title=f"{doing} the price of {name} from {start}",
            button=f"{doing} this price",
            inputs={"price": str(price.pk), "verdict": verdict.value, "reason": reason},
            change=lambda: suspects.decide(
                price.pk, verdict, by=request.actor.email, at=clock.now(), reason=reason
            ),
            done=f"The price of {name} from {start} is {verdict.value}.",
            back=reverse("suspects"),
        ),
    )


def _verdict(text: str) -> Verdict:
    if text not in Verdict.values:
        raise Invalid(field="verdict", fix="Choose to accept or to reject the price.")
    return Verdict(text)


def _change(row: Any) -> Change:  # Any: billing's row with its annotation
    ratio = row.detail.get("ratio")
    tone = "" if ratio is None else "more" if Decimal(ratio) > 1 else "less"
    before, after = row.detail.get("before") or {}, row.detail.get("after") or {}
    named = tuple(
        (name.replace("_", " "), str(before.get(name, "")), str(after[name]))
        for name in sorted(after)
    )
    return Change(row, row.get_kind_display(), tone, _times(ratio), named)


def _times(ratio: str | None) -> str:
    return f"× {Decimal(ratio).normalize():f}" if ratio else ""


def _shown(one: Suspect) -> Shown:
    former = one.former.unit_price if one.former else None
    if not former:
        return Shown(one, "")
    ratio = one.price.unit_price / former
    return Shown(one, f"× {ratio.quantize(Decimal('0.0001')).normalize():f}")


def _list(request: TenantRequest, page: Page[Any], names: Iterable[str]) -> Mapping[str, Any]:
    """What every list has: its page, and what was asked for, to fill in the form and to go on."""
    given = {name: request.GET[name] for name in names if request.GET.get(name)}
    return {"page": page, "asked": given, "filters": urlencode(given)}


def _choice(request: TenantRequest, name: str, known: Container[str]) -> str:
    chosen = request.GET.get(name, "")
    if chosen and chosen not in known:
        raise Invalid(field=name, fix="Choose one of the list, or none.")
    return chosen


def _meters(request: TenantRequest) -> Meters:
    return Meters(_choice(request, "meters", [one.value for one in Meters]) or Meters.ALL)


def _text(request: TenantRequest) -> str:
    return request.GET.get("text", "").replace("\0", "")[:200]


def _load(request: TenantRequest) -> int | None:
    given = request.GET.get("load", "")
    if not given:
        return None
    if not (given.isascii() and given.isdecimal() and len(given) <= 18):
        raise Invalid(field="load", fix="Choose a load of the list, or none.")
    return int(given)
