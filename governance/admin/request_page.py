"""One request as an approver sees it: what is asked, who has said what, and what may be done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from django import forms

from governance.admin import request_lines
from governance.approvers import deciders
from governance.approvers.deciders import MayDecide, Progress
from governance.consequences import asked, whatif
from governance.consequences.figures import Consequences
from governance.front_door import timeline
from governance.models import (
    UNDECIDED,
    Approval,
    ApprovalPolicy,
    QuotaRequest,
    RequestEvent,
    RequestKind,
    RequestState,
    Unit,
)
from tenancy import access, periods, tenants
from tenancy.access import Actor
from tenancy.models import Membership

_LONGEST = 4_000
#: Pairs of a label and a text.
Facts = tuple[tuple[str, str], ...]


class Verb(StrEnum):
    """What an approver can say to a request."""

    APPROVE = "approve"
    REJECT = "reject"
    ASK = "ask"


#: What is written with each: the label, and whether it must be.
_WRITTEN = {
    Verb.APPROVE: ("Note (optional)", "The team and the other approvers see it."),
    Verb.REJECT: ("Reason", "Say what the team can do instead: they see it."),
    Verb.ASK: ("Question", "The request waits for the team's answer."),
}
_MISSING = {
    Verb.REJECT: "Say why: the team has to know what to do about it.",
    Verb.ASK: "Say what you have to know.",
}


class DecisionForm(forms.Form):
    """What is sent with a decision: the version and the last event its maker saw, and words."""

    seen = forms.IntegerField(min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput)
    last = forms.IntegerField(
        min_value=0, max_value=2**63 - 1, required=False, widget=forms.HiddenInput
    )
    text = forms.CharField(
        required=False,
        max_length=_LONGEST,
        widget=forms.Textarea(attrs={"rows": 3, "maxlength": _LONGEST}),
    )

    def __init__(
        self,
        verb: Verb,
        data: Mapping[str, Any] | None = None,
        *,
        initial: Mapping[str, Any] | None = None,
        opened: bool = False,
    ) -> None:
        super().__init__(data, auto_id=f"{verb}-%s", initial=dict(initial or {}))
        self.verb, self.opened = verb, opened
        text = self.fields["text"]
        text.label, text.help_text = _WRITTEN[verb]
        text.widget.attrs["aria-describedby"] = f"{verb}-hint"
        if verb in _MISSING:
            text.required = True
            text.error_messages["required"] = _MISSING[verb]


@dataclass(frozen=True, slots=True)
class Said:
    """Something asked for that another version has otherwise."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Given:
    """One approval, and the figures it rested on. ``name`` says for whom, too, if for another."""

    person_id: int
    name: str
    at: datetime
    text: str
    seen: Facts


@dataclass(frozen=True, slots=True)
class Part:
    """One of those whose approval is needed, what of it is missing, and the policy that asks it."""

    who: str
    missing: int
    policy: str
    because: str
    given: tuple[Given, ...]


@dataclass(frozen=True, slots=True)
class Happened:
    """One entry of the timeline."""

    pk: int
    at: datetime
    version: int
    who: str
    says: str
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """All that the page of one request shows. ``since``: what happened after its reader looked."""

    request: QuotaRequest
    facts: Facts
    line: request_lines.Line
    may: MayDecide
    on_behalf_of: str
    mine: Given | None
    progress: tuple[Part, ...]
    events: tuple[Happened, ...]
    consequences: Consequences | None
    since: tuple[Happened, ...]
    changed: tuple[Said, ...]
    next: QuotaRequest | None

    @property
    def given(self) -> tuple[Given, ...]:
        """All approvals of the present version, in the order of the needs."""
        return tuple(one for part in self.progress for one in part.given)

    @property
    def is_open(self) -> bool:
        """Whether anybody has to decide on it."""
        return self.request.state in UNDECIDED

    @property
    def question_open(self) -> bool:
        return self.request.state == RequestState.QUESTION

    def form(self, verb: Verb, sent: DecisionForm | None = None) -> DecisionForm:
        """The form of a verb, for the version that is shown; with what was sent, if that was it.

        What is typed stays when it could not be taken.
        """
        shown = {"seen": self.request.version, "last": self.last_event}
        if sent is None or sent.verb is not verb:
            return DecisionForm(verb, initial=shown)
        if not sent.is_bound:
            return DecisionForm(verb, initial=shown, opened=True)
        if sent.is_valid():
            text = {"text": sent.cleaned_data["text"]}
            return DecisionForm(verb, initial=shown | text, opened=True)
        again = DecisionForm(verb, {**shown, "text": sent.data.get("text", "")}, opened=True)
        again.full_clean()
        return again

    @property
    def last_event(self) -> int:
        """The id of the newest thing that happened, to tell later what came after it."""
        return self.events[-1].pk if self.events else 0


def of(
    actor: Actor, row: QuotaRequest, *, at: datetime, seen: int | None = None, last: int = 0
) -> Page:
    """One request, and what happened to it since a reader saw version ``seen`` and event ``last``.

    ``seen`` None: they see it for the first time.
    """
    billing = tenants.billing()
    may = deciders.may_decide(actor, row, at=at)
    progress = tuple(_part(one, billing.currency) for one in deciders.progress(row))
    told = timeline.of(actor, row)
    events = tuple(_happened(one) for one in told)
    waiting = deciders.waiting_for(actor, at=at)
    ((_, line),) = request_lines.of([row], by=actor, over_budget=frozenset(), at=at)
    given = (one for part in progress for one in part.given)
    return Page(
        request=row,
        facts=_facts(row, currency=billing.currency, zone=billing.zone),
        line=line,
        may=may,
        on_behalf_of=_name(actor, may.on_behalf_of) if may.on_behalf_of else "",
        mine=next((one for one in given if one.person_id == actor.person_id), None),
        progress=progress,
        events=events,
        consequences=whatif.of(asked.of_request(row), at=at) if row.state in UNDECIDED else None,
        since=tuple(one for one in events if seen is not None and one.pk > last),
        changed=_changed(told, since=seen, zone=billing.zone) if seen is not None else (),
        next=next((one for one in waiting if one.pk != row.pk), None),
    )


def _facts(row: QuotaRequest, *, currency: str, zone: str) -> Facts:
    """What is asked for, as pairs of a label and a text; what is empty is left out."""
    subscription = row.subscription
    told = (
        ("Kind", row.get_kind_display()),
        ("Team", f"{row.team}, cost center {row.team.cost_center}"),
        ("For", request_lines.subject(row)),
        ("Gateway", str(row.gateway or (subscription.gateway if subscription else ""))),
        ("Tier now", str(subscription.product or "") if subscription else ""),
        ("Change", request_lines.change(row, currency=currency, zone=zone)),
        ("Environment", row.environment),
        ("Application", row.application),
        ("Asked by", row.requested_by.name or str(row.requested_by)),
    )
    return tuple((label, text) for label, text in told if text)


def _part(progress: Progress, currency: str) -> Part:
    need = progress.need
    whose = f"one of {need.group}" if need.group else need.get_whose_display()
    if need.people > 1:
        whose = f"{need.people} different people{f' of {need.group}' if need.group else ''}"
    policy = need.policy
    return Part(
        who=whose[0].upper() + whose[1:],
        missing=progress.missing,
        policy=policy.name if policy else "",
        because=_because(policy, currency) if policy else "",
        given=tuple(_given(one) for one in progress.given),
    )


def _because(policy: ApprovalPolicy, currency: str) -> str:
    """What a policy is for, in words; empty where it is for all requests."""
    told = (
        (policy.kinds, ", ".join(RequestKind(one).label for one in policy.kinds)),
        (policy.environment, f"in {policy.environment}"),
        (policy.amount_from, f"from {_number(policy.amount_from)} {currency} a month on"),
        (policy.percent_from, f"from {_number(policy.percent_from)} % more on"),
        (policy.days_from, f"for {policy.days_from} days or longer"),
        (policy.forecast_from, f"from a forecast of {_number(policy.forecast_from)} % on"),
    )
    return "; ".join(says for condition, says in told if condition)


def _number(value: Decimal | None) -> str:
    return f"{(value or Decimal(0)).normalize():,f}"


def _given(one: Approval) -> Given:
    behalf = one.on_behalf_of
    name = one.person.name or one.person.email
    return Given(
        person_id=one.person_id,
        name=f"{name}, for {behalf.name or behalf.email}" if behalf else name,
        at=one.at,
        text=one.text,
        seen=tuple(_seen(one.seen)) if one.seen else (),
    )


def _seen(kept: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The figures that were kept with an approval (`Consequences.seen`), in the reader's words."""
    unit, currency = kept["unit"], kept["currency"]
    quantity, rounded = request_lines.quantity, request_lines.rounded
    told = (
        ("used", "Used", lambda text: rounded(Decimal(text), unit, currency)),
        ("limit_before", "Limit", lambda text: quantity(Decimal(text), unit, currency)),
        ("limit_after", "Limit with it", lambda text: quantity(Decimal(text), unit, currency)),
        ("expected", "Expected (P50)", lambda text: rounded(Decimal(text), unit, currency)),
        ("monthly_change", "More a month", lambda text: _money(Decimal(text), currency)),
        (
            "runs_out_on",
            "Would run out on",
            lambda text: request_lines.spoken(date.fromisoformat(text)),
        ),
        ("usage_through", "Usage through", _instant),
        ("basis", "Basis of cost", str),
    )
    for name, label, words in told:
        if kept.get(name) is not None:
            yield label, words(kept[name])
    if kept.get("breaks_budget"):
        yield "Budget", "would be passed"


def _money(amount: Decimal, currency: str) -> str:
    return request_lines.rounded(amount, Unit.CURRENCY, currency)


def _day(text: str) -> str:
    return request_lines.spoken(date.fromisoformat(text))


def _instant(text: str) -> str:
    at = datetime.fromisoformat(text).astimezone(UTC)
    return f"{request_lines.spoken(at.date())} {at:%H:%M} UTC"


def _happened(event: RequestEvent) -> Happened:
    return Happened(
        pk=event.pk,
        at=event.at,
        version=event.version,
        who=(event.person.name if event.person else "") or event.by,
        says=event.get_kind_display(),
        text=event.text,
    )


def _name(actor: Actor, person_id: int) -> str:
    """The name of a member of the tenant; empty for who is none any more."""
    members = access.many(Membership, actor).filter(person_id=person_id)
    return next(iter(members.values_list("person__name", flat=True)), "")


def _changed(events: Iterable[RequestEvent], *, since: int, zone: str) -> tuple[Said, ...]:
    """What the versions after ``since`` ask for that it did not."""
    first: dict[str, str | None] = {}
    newest: dict[str, str | None] = {}
    for event in events:
        if event.version > since:
            for name, said in event.details.get("changed", {}).items():
                first.setdefault(name, said["before"])
                newest[name] = said["after"]
    return tuple(
        Said(_label(name), _worded(name, first[name], zone), _worded(name, newest[name], zone))
        for name in newest
        if first[name] != newest[name]
    )


def _label(name: str) -> str:
    field = QuotaRequest._meta.get_field(name)
    return str(getattr(field, "verbose_name", name)).capitalize()


def _worded(name: str, said: str | None, zone: str) -> str:
    """What a version asked for, as people write it: ``9`` for ``9.0000``, a last day for an end."""
    if not said:
        return "nothing"
    match name:
        case "amount":
            return _number(Decimal(said))
        case "until":
            end = datetime.fromisoformat(said) - timedelta(microseconds=1)
            return request_lines.spoken(periods.local_day(end, zone))
        case _:
            choices = dict(getattr(QuotaRequest._meta.get_field(name), "flatchoices", ()))
            return str(choices.get(said, said))
