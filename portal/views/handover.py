"""Taking the key of a new subscription: what there is to take, and the key, once."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from governance.front_door import handover
from portal.tenant_scope import TenantRequest, entered, outside_transaction
from tenancy import clock


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@outside_transaction
def key(request: TenantRequest, number: int) -> HttpResponse:
    """The page of a request's key; only a POST makes one, and only its answer shows it."""
    taken = None
    if request.method == "POST":
        taken = handover.hand_over(request.actor, number, at=clock.now())
    with entered(request):
        waiting = handover.waiting(request.actor, number)
        shown = {"waiting": waiting, "number": number, "taken": taken}
        if taken:
            shown["key"] = taken.key.reveal()
        return render(request, "requests/key.html", shown)
