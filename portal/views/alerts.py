"""Alerts: which thresholds are reached now, and which were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from governance import alerts
from governance.alerts import Kind
from portal import consequences
from portal.standing import ICONS, Tone
from portal.tenant_scope import TenantRequest
from portal.views import asked
from tenancy import tenants
from tenancy.refusals import Invalid

if TYPE_CHECKING:
    from governance.models import Alert

ROWS = 50
#: What of the evidence is shown, in its order.
_SAID = ("used", "spent", "limit", "budget", "expected", "runs out on")


@dataclass(frozen=True, slots=True)
class Row:
    """An alert in the reader's words."""

    alert: Alert
    subject: str
    title: str
    period: str
    tone: Tone
    figures: tuple[tuple[str, str], ...]
    basis: str

    @property
    def icon(self) -> str:
        return ICONS[self.tone]


@require_safe
def page(request: TenantRequest) -> HttpResponse:
    """The alerts of what the actor may see: those that hold, or all, newest first."""
    kind, everything = _kind(request), _all(request)
    found = alerts.seen_by(request.actor, kind=kind, only_open=not everything)
    shown = Paginator(found, ROWS).get_page(asked.page(request))
    filters = {"kind": kind.value if kind else "", "show": "all" if everything else ""}
    zone = tenants.billing().zone
    return render(
        request,
        "alerts/list.html",
        {
            "page": shown,
            "rows": [_row(one, zone) for one in shown],
            "kinds": Kind.choices,
            "kind": kind,
            "everything": everything,
            "filters": urlencode({name: text for name, text in filters.items() if text}),
        },
    )


def _row(one: Alert, zone: str) -> Row:
    told = {name: str(one.evidence.get(name) or "") for name in _SAID}
    grave = one.threshold >= alerts.ALL and one.kind in (Kind.QUOTA_USED, Kind.BUDGET_USED)
    return Row(
        alert=one,
        subject=alerts.named(one),
        title=alerts.title(one),
        period=consequences.period(alerts.period(one, zone), zone),
        tone=Tone.GOOD if one.resolved_at else Tone.BAD if grave else Tone.WARN,
        figures=tuple((name, text) for name, text in told.items() if text),
        basis=str(one.evidence.get("basis") or ""),
    )


def _kind(request: TenantRequest) -> Kind | None:
    text = request.GET.get("kind", "")
    if text and text not in Kind.values:
        raise Invalid(field="kind", fix="Choose one of the list, or none.")
    return Kind(text) if text else None


def _all(request: TenantRequest) -> bool:
    text = request.GET.get("show", "")
    if text not in ("", "all"):
        raise Invalid(field="show", fix="Use show=all, or leave it out.")
    return text == "all"
