"""The approver's desk: the requests by urgency, and one of them with all it takes to decide."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.db import transaction
from django.db.models import Count, F, OuterRef, QuerySet, Subquery, Sum
from django.forms.widgets import Script
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from governance import roles
from governance.admin import request_batch, request_lines, request_page
from governance.admin.request_filters import Shown, Tier
from governance.admin.request_page import DecisionForm, Verb
from governance.front_door import approvals, desk
from governance.models import Approval, ApprovalNeed, QuotaRequest
from tenancy import access, clock
from tenancy.administration import TenantModelAdmin, actor_of
from tenancy.models import AuditRecord
from tenancy.refusals import Invalid, Refused

_LIST = "admin:governance_quotarequest_changelist"
_PAGES = "admin/governance/quotarequest"
#: Whoever decides needs the width of the page more than a list of all kinds of rows beside it.
_ROOM = {"title": "Requests", "is_nav_sidebar_enabled": False}
_LINKS = (
    "team__cost_center",
    "subscription__gateway",
    "subscription__product",
    "gateway",
    "product",
    "requested_by",
)
_DONE = {
    Verb.REJECT: "Request {number} is rejected, and the team is told why.",
    Verb.ASK: "The team is asked; request {number} waits for its answer.",
}


class Inbox(ChangeList):
    """The list of requests, each with its line: a constant number of queries for a page."""

    def get_queryset(self, request: HttpRequest, *rest: Any) -> QuerySet[Any]:
        same = {"request": OuterRef("pk"), "version": OuterRef("version")}
        needs = ApprovalNeed.objects.filter(**same).order_by().values("request")
        given = Approval.objects.filter(**same).order_by().values("request")
        rows: QuerySet[Any] = super().get_queryset(request, *rest)
        counted: QuerySet[Any] = rows.select_related(*_LINKS).annotate(
            needed=Subquery(needs.annotate(people=Sum("people")).values("people")),
            given=Subquery(given.annotate(all=Count("id")).values("all")),
        )
        return counted

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        at, rows = clock.now(), list(self.result_list)
        lines = request_lines.of(
            rows, by=actor_of(request), over_budget=desk.over_budget(rows, at=at), at=at
        )
        mine = {pk for one in self.filter_specs if isinstance(one, Shown) for pk in one.mine}
        self.result_list = [_lined(row, line, is_mine=row.pk in mine) for row, line in lines]


@admin.register(QuotaRequest)
class QuotaRequestAdmin(TenantModelAdmin):
    """Nothing of a request is edited here: it is decided on, by the verbs of `approvals`."""

    change_list_template = f"{_PAGES}/change_list.html"
    list_display = (
        "numbered",
        "kind",
        "team",
        "subject",
        "change",
        "runs_out",
        "waiting_since",
        "progress",
        "badges",
        "decide",
    )
    list_display_links = ("numbered",)
    list_filter = (Shown, "kind", ("team", admin.RelatedOnlyFieldListFilter), Tier)
    search_fields = (
        "=number",
        "team__name",
        "subscription__name",
        "subscription__display_name",
        "display_name",
        "reason",
        "requested_by__name",
        "requested_by__email",
    )
    search_help_text = "Number, team, subscription, reason, or who asked."
    actions = ("approve_chosen",)
    sortable_by = ("kind", "team", "runs_out", "waiting_since")
    show_facets = admin.ShowFacets.NEVER

    class Media:
        css = {"all": ("apportion/admin_requests.css",)}
        js = (Script("apportion/admin_requests.js", defer=True),)

    def get_ordering(self, request: HttpRequest) -> Any:
        """By urgency: what runs out first, then what has waited longest."""
        waits = F("submitted_at").asc(nulls_last=True)
        return (F("runs_out_on").asc(nulls_last=True), waits, "number")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return Inbox

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                f"<path:object_id>/{verb}/",
                self.admin_site.admin_view(self.decision_view),
                {"verb": verb},
                name=f"governance_quotarequest_{verb}",
            )
            for verb in Verb
        ]
        together = path(
            "together/approve/",
            self.admin_site.admin_view(require_POST(self.together_view)),
            name="governance_quotarequest_together",
        )
        return [together, *own, *super().get_urls()]

    # --- the list --------------------------------------------------------------------------------

    @admin.display(description="number", ordering="number")
    def numbered(self, row: QuotaRequest) -> str:
        return f"#{row.number}"

    @admin.display(description="subject")
    def subject(self, row: Any) -> str:
        return str(row.line.subject)

    @admin.display(description="change")
    def change(self, row: Any) -> str:
        return str(row.line.change)

    @admin.display(description="runs out", ordering="runs_out_on", empty_value="–")
    def runs_out(self, row: Any) -> SafeString | None:
        left = row.line.days_left
        if row.runs_out_on is None or left is None:
            return None
        return format_html(
            '<time datetime="{}">{}</time> <span class="{}">{}</span>',
            row.runs_out_on.isoformat(),
            request_lines.spoken(row.runs_out_on),
            "badge bad" if row.line.urgent else "sub",
            {0: "reached", 1: "1 day left"}.get(left, f"{left} days left"),
        )

    @admin.display(description="waiting since", ordering="submitted_at")
    def waiting_since(self, row: Any) -> SafeString | None:
        if row.submitted_at is None:
            return None
        return format_html(
            '<time datetime="{}">{}</time> <span class="sub">{}</span>',
            row.submitted_at.isoformat(),
            f"{row.submitted_at:%d %b %H:%M} UTC".lstrip("0"),
            row.line.waits,
        )

    @admin.display(description="approved")
    def progress(self, row: Any) -> str:
        return str(row.line.progress)

    @admin.display(description="to know", empty_value="")
    def badges(self, row: Any) -> SafeString:
        found = (*row.line.notes, row.line.state)
        each = ((one.tone.value, one.says) for one in found if one)
        return format_html_join(" ", '<span class="badge {}">{}</span>', each)

    @admin.display(description="decide", empty_value="")
    def decide(self, row: Any) -> SafeString | None:
        if not row.is_mine:
            return None
        each = ((row.pk, verb, verb.capitalize(), row.number) for verb in Verb)
        return format_html_join(
            " ", '<a class="act" href="{}/{}/">{}<span class="aside"> request {}</span></a>', each
        )

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {**_ROOM, **(extra_context or {})})

    # --- one request -----------------------------------------------------------------------------

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The page of one request; nothing of it is edited, so nothing is taken by POST."""
        if request.method == "POST":
            return super().change_view(request, object_id, form_url, extra_context)
        return self._page(request, self._row(request, object_id))

    def decision_view(self, request: HttpRequest, object_id: str, verb: Verb) -> HttpResponse:
        """One decision: GET opens its form, POST makes it, and says so on the list."""
        row = self._row(request, object_id)
        if request.method != "POST":
            return self._page(request, row, form=DecisionForm(verb), status=200)
        form = DecisionForm(verb, request.POST)
        if not form.is_valid():
            return self._page(request, row, form=form, status=400)
        try:
            with transaction.atomic():
                says = self._decide(request, row, verb, form.cleaned_data)
        except Refused as refusal:
            row = self._row(request, object_id)
            return self._page(request, row, form=form, refusal=refusal, status=refusal.status)
        messages.success(request, says)
        return HttpResponseRedirect(self._list(request))

    def _decide(
        self, request: HttpRequest, row: QuotaRequest, verb: Verb, said: dict[str, Any]
    ) -> str:
        """Make one decision; gives what it came to."""
        whose = {"seen": said["seen"], "by": actor_of(request), "at": clock.now()}
        match verb:
            case Verb.APPROVE:
                return desk.approve(row, text=said["text"], **whose).says
            case Verb.REJECT:
                row = approvals.reject(row, reason=said["text"], **whose)
            case Verb.ASK:
                row = approvals.ask(row, text=said["text"], **whose)
        return _DONE[verb].format(number=row.number)

    def _row(self, request: HttpRequest, object_id: str) -> QuotaRequest:
        row = self.get_object(request, unquote(object_id))
        if not isinstance(row, QuotaRequest) or not self.has_view_permission(request, row):
            raise Http404
        return row

    def _page(
        self,
        request: HttpRequest,
        row: QuotaRequest,
        *,
        form: DecisionForm | None = None,
        refusal: Refused | None = None,
        status: int = 200,
    ) -> HttpResponse:
        """One request; with what was just sent, why it was refused, and what its sender missed."""
        sent = form.cleaned_data if form is not None and refusal is not None else {}
        page = request_page.of(
            actor_of(request),
            row,
            at=clock.now(),
            seen=sent.get("seen"),
            last=sent.get("last") or 0,
        )
        context = {
            **self.admin_site.each_context(request),
            **_ROOM,
            "title": f"Request {row.number}",
            "opts": self.opts,
            "media": self.media,
            "page": page,
            "forms": [page.form(verb, form) for verb in Verb],
            "refusal": refusal,
            "back": self._list(request),
            "query": request.GET.urlencode(),
        }
        return TemplateResponse(request, f"{_PAGES}/request.html", context, status=status)

    def _list(self, request: HttpRequest) -> str:
        """The list as its reader left it."""
        kept = request.GET.get("_changelist_filters", "")
        return reverse(_LIST) + (f"?{kept}" if kept else "")

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The audit log's records of one request, newest first."""
        row = self._row(request, object_id)
        records = access.many(AuditRecord, actor_of(request))
        said = {"records": records.filter(subject=f"request {row.number}")}
        return super().history_view(request, object_id, {**said, **(extra_context or {})})

    # --- several at once -------------------------------------------------------------------------

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        found: dict[str, Any] = super().get_actions(request)
        return found if actor_of(request).role in roles.APPROVING else {}

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *rest: Any
    ) -> HttpResponse | None:
        """As Django's; what is no id of a row is refused, and no fault."""
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        if not all(one.isdecimal() and len(one) < 19 for one in chosen):
            raise Invalid(field=ACTION_CHECKBOX_NAME, fix="Choose requests of the list.")
        return super().response_action(request, queryset, *rest)

    @admin.action(description="Approve the chosen requests of low risk")
    def approve_chosen(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Show what would be approved together, for a confirmation; nothing is decided yet."""
        rows = queryset.select_related(*_LINKS)[: desk.MOST + 1]
        try:
            batch = desk.look(rows, by=actor_of(request), at=clock.now())
        except Refused as refusal:
            messages.error(request, str(refusal))
            return None
        context = {
            **self.admin_site.each_context(request),
            **_ROOM,
            "title": "Approve together",
            "opts": self.opts,
            "media": self.media,
            "together": request_batch.rows(batch.together),
            "alone": request_batch.rows(batch.alone),
            "usage_through": request_batch.usage_through(batch),
            "back": request.get_full_path(),
            "kept": request.GET.urlencode(),
        }
        return TemplateResponse(request, f"{_PAGES}/together.html", context)

    def together_view(self, request: HttpRequest) -> HttpResponse:
        """Approve what was confirmed, each by itself; those that are refused are named."""
        wanted = dict(map(_seen, request.POST.getlist("request")))
        found = self.get_queryset(request).filter(pk__in=wanted).select_related(*_LINKS)
        rows = {row.pk: row for row in found}
        seen = [(rows[pk], version) for pk, version in wanted.items() if pk in rows]
        outcomes = desk.approve_together(seen, by=actor_of(request), at=clock.now())
        for outcome in outcomes:
            say = messages.error if outcome.refused else messages.success
            say(request, outcome.says)
        if not outcomes:
            messages.warning(request, "No request was chosen; nothing changed.")
        return HttpResponseRedirect(self._list(request))


def _lined(row: Any, line: request_lines.Line, *, is_mine: bool) -> Any:
    """A row with what its columns show; columns are given nothing but the row."""
    row.line, row.is_mine = line, is_mine
    return row


def _seen(text: str) -> tuple[int, int]:
    """A request's id and the version that was seen, from ``id:version``."""
    id, _, version = text.partition(":")
    if not (id.isdecimal() and version.isdecimal() and len(id) < 19 and len(version) < 10):
        raise Invalid(field="request", fix="Choose requests of the list.")
    return int(id), int(version)
