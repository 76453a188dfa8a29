"""Forms about who approves: a policy, something made up to try policies on, an absence."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

from governance.approvers.policies import Wanted
from governance.approvers.trials import Imagined
from governance.models import ApproverGroup, Demand, RequestKind
from inventory.models import Product, Team
from tenancy.refusals import Refused

ANY = ""


def _amount(label: str, help_text: str, *, decimals: int = 2) -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        required=False,
        min_value=Decimal(0),
        max_digits=18 + decimals,
        decimal_places=decimals,
        help_text=help_text,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )


def _whole(
    label: str, most: int, *, initial: int | None = None, help_text: str = ""
) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        required=initial is not None,
        min_value=1,
        max_value=most,
        initial=initial,
        help_text=help_text,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )


class _Choosing(forms.Form):
    """A form that chooses among rows by their keys, each once read by whoever makes the form."""

    def __init__(self, rows: dict[str, dict[str, Any]], *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **options})
        self._rows = rows
        for name, found in rows.items():
            if name in self.fields:
                field = self.fields[name]
                blank = [] if field.required else [(ANY, getattr(field, "empty", "any"))]
                field.choices = [*blank, *((key, str(row)) for key, row in found.items())]  # type: ignore[attr-defined]  # a ChoiceField

    def chosen(self, name: str) -> Any:
        """The row that a field chooses; None: none."""
        return self._rows[name].get(self.cleaned_data.get(name, ANY))

    def take(self, refused: Refused) -> None:
        """Show a refusal at the field it names.

        Raises:
            Refused: it names none of this form's.
        """
        field = refused.field or refused.values.get("field")
        if field not in self.fields:
            raise refused
        self.add_error(str(field), str(refused.values.get("fix") or refused))


class PolicyForm(_Choosing):
    """A policy: when it counts, who approves then, and what happens while it waits."""

    name = forms.CharField(max_length=120, help_text="As approvers read it, such as “Large ones”.")
    kinds = forms.MultipleChoiceField(
        label="Kinds of request",
        required=False,
        choices=RequestKind.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked: all.",
    )
    team = forms.ChoiceField(required=False)
    product = forms.ChoiceField(
        label="Tier", required=False, help_text="The one a subscription has or is to have."
    )
    environment = forms.CharField(
        max_length=60,
        required=False,
        help_text="Such as production. Where a subscription's is not said, it counts.",
    )
    amount_from = _amount("From this much more a month", "Of the team, in the window.", decimals=4)
    percent_from = _amount("From this many percent more", "Of the limit before the window.")
    days_from = _whole(
        "From this many days", 3660, help_text="What is for good is longer than any."
    )
    forecast_from = _amount(
        "From a forecast of this many percent", "Of the limit before the window, at its end."
    )
    window_days = _whole("Counted together, in days", 366, initial=30)
    demand = forms.ChoiceField(label="How many", choices=Demand.choices, initial=Demand.ONE)
    group = forms.ChoiceField(required=False, help_text="Left open: any approver of the tenant.")
    own_teams = forms.BooleanField(
        label="Also for a team they own", required=False, help_text="Never their own request."
    )
    remind_after_hours = _whole("Remind after hours", 8760, initial=24)
    escalate_after_hours = _whole("Escalate after hours", 8760, initial=72)
    escalate_to = forms.ChoiceField(
        required=False, help_text="Who may decide too then. Left open: administrators are told."
    )
    expires_after_days = _whole("Give up after days", 365, initial=30)

    #: What each part of the form is about, and its fields.
    PARTS = (
        ("When it counts", ("kinds", "team", "product", "environment", "amount_from",
                            "percent_from", "days_from", "forecast_from", "window_days")),
        ("Who approves", ("demand", "group", "own_teams")),
        ("While it waits", ("remind_after_hours", "escalate_after_hours", "escalate_to",
                            "expires_after_days")),
    )  # fmt: skip

    @property
    def parts(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The fields after the name, part by part."""
        return [(title, [self[name] for name in names]) for title, names in self.PARTS]

    @property
    def wanted(self) -> Wanted:
        """What was filled in."""
        said = self.cleaned_data
        plain = {name: said[name] for name in _PLAIN}
        return Wanted(
            **plain,
            name=said["name"].strip(),
            environment=said["environment"].strip(),
            demand=Demand(said["demand"]),
            kinds=tuple(RequestKind(kind) for kind in RequestKind.values if kind in said["kinds"]),
            team=self.chosen("team"),
            product=self.chosen("product"),
            group=self.chosen("group"),
            escalate_to=self.chosen("escalate_to"),
        )


_PLAIN = (
    "amount_from",
    "percent_from",
    "days_from",
    "forecast_from",
    "window_days",
    "own_teams",
    "remind_after_hours",
    "escalate_after_hours",
    "expires_after_days",
)


def filled(wanted: Wanted) -> dict[str, Any]:
    """A policy as the form's first values."""
    rows = {"team": wanted.team, "product": wanted.product}
    rows |= {"group": wanted.group, "escalate_to": wanted.escalate_to}  # type: ignore[dict-item]  # rows of any kind
    values: dict[str, Any] = {name: _plain(getattr(wanted, name)) for name in _PLAIN}
    values |= {name: str(row.pk) if row else ANY for name, row in rows.items()}
    return values | {
        "name": wanted.name,
        "environment": wanted.environment,
        "kinds": list(wanted.kinds),
        "demand": wanted.demand,
    }


class TrialForm(_Choosing):
    """Something that somebody might ask for."""

    team = forms.ChoiceField()
    kind = forms.ChoiceField(label="Asks for", choices=RequestKind.choices)
    amount = _amount("More a month", "In the billing currency. Left open: not known.")
    percent = _amount("More of its limit, in percent", "Left open: not known.")
    days = _whole("For how many days", 3660, help_text="Only of a temporary one.")
    forecast = _amount("Forecast, in percent of the limit", "Left open: not known.")
    product = forms.ChoiceField(label="Tier", required=False)
    environment = forms.CharField(max_length=60, required=False, help_text="Left open: not said.")

    @property
    def imagined(self) -> Imagined:
        """What was filled in."""
        said = self.cleaned_data
        return Imagined(
            kind=RequestKind(said["kind"]),
            team=self.chosen("team"),
            amount=said["amount"],
            percent=said["percent"],
            days=said["days"],
            forecast=said["forecast"],
            product=self.chosen("product"),
            environment=said["environment"].strip(),
        )


class AbsenceForm(forms.Form):
    """Who decides in whose place, from when to when. People are named by e-mail address."""

    absent = forms.EmailField(label="Who is away")
    stand_in = forms.EmailField(label="Who decides for them", help_text="Their e-mail address.")
    first_day = forms.DateField(
        label="First day", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    last_day = forms.DateField(
        label="Last day", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    reason = forms.CharField(max_length=500, required=False, help_text="Such as “On leave”.")

    def take(self, refused: Refused) -> None:
        """Show a refusal at the field it is about."""
        field = str(refused.field or refused.values.get("field") or "stand_in")
        shown = {"from": "first_day", "until": "last_day"}.get(field, field)
        self.add_error(shown, str(refused.values.get("fix") or refused))


def keyed(
    *, teams: Any = (), products: Any = (), groups: Any = ()
) -> dict[str, dict[str, Team | Product | ApproverGroup]]:
    """The rows that the forms choose among, by field and key."""
    by_group = {str(row.pk): row for row in groups}
    return {
        "team": {str(row.pk): row for row in teams},
        "product": {str(row.pk): row for row in products},
        "group": by_group,
        "escalate_to": dict(by_group),
    }


def _plain(value: Any) -> Any:
    """A number without zeros that say nothing."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return value
