"""The form by which an administrator sets or clears a limit."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms

from governance.limits.quotas import Wanted
from governance.models import Hardness, Rollover, Unit
from governance.rules import thresholds
from governance.rules.spans import Every
from portal.limits_shown import PERIODS
from tenancy.periods import midnight
from tenancy.tenants import Billing

_MOST_THRESHOLDS = 10


class LimitForm(forms.Form):
    """A limit of one subject: how much of what in which period, from which local day on."""

    limit = forms.DecimalField(
        label="Limit",
        required=False,
        min_value=0,
        max_digits=24,
        decimal_places=4,
        help_text="In the billing currency, or in tokens. Empty: it is cleared; a subscription"
        " then has its product's.",
    )
    unit = forms.ChoiceField(label="Of", choices=Unit.choices)
    every = forms.ChoiceField(
        label="In each", choices=[(one.value, PERIODS[one].partition(" ")[2]) for one in Every]
    )
    hardness = forms.ChoiceField(label="When it is reached", choices=Hardness.choices)
    rollover = forms.ChoiceField(label="What is left over", choices=Rollover.choices)
    thresholds = forms.CharField(
        label="Tell at, in percent",
        max_length=60,
        help_text="Such as 50, 80, 90, 100.",
    )
    from_day = forms.DateField(
        label="From",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    until_day = forms.DateField(
        label="Until before",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    reason = forms.CharField(label="Reason", max_length=500)

    def __init__(self, *args: Any, billing: Billing, **kwargs: Any) -> None:
        kwargs.setdefault(
            "initial",
            {
                "every": Every.MONTH.value,
                "hardness": Hardness.HARD,
                "thresholds": ", ".join(map(str, thresholds.THRESHOLDS)),
            },
        )
        super().__init__(*args, **kwargs)
        self._zone = billing.zone
        units = [(Unit.CURRENCY.value, billing.currency), (Unit.TOKENS.value, "tokens")]
        self.fields["unit"].choices = units  # type: ignore[attr-defined]  # a choice field
        midnight_of = f"00:00 of this day in {billing.zone}."
        self.fields["from_day"].help_text = f"{midnight_of} Empty: from now on."
        self.fields["until_day"].help_text = f"{midnight_of} Empty: until another is set."

    def clean_thresholds(self) -> tuple[int, ...]:
        texts = [one.strip() for one in self.cleaned_data["thresholds"].split(",") if one.strip()]
        good = all(one.isascii() and one.isdecimal() and len(one) <= 4 for one in texts)
        if not texts or not good or len(texts) > _MOST_THRESHOLDS:
            raise forms.ValidationError("Give whole percentages with commas, such as 80, 100.")
        return tuple(sorted({int(one) for one in texts}))

    @property
    def wanted(self) -> Wanted:
        """What is asked for, once the form is valid."""
        said = self.cleaned_data
        limit: Decimal | None = said["limit"]
        return Wanted(
            limit,
            unit=Unit(said["unit"]),
            every=Every(said["every"]),
            hardness=Hardness(said["hardness"]),
            rollover=Rollover(said["rollover"]),
            thresholds=said["thresholds"],
        )

    def starts(self, *, at: datetime) -> datetime:
        """From when on: the local midnight of the day, or now."""
        day = self.cleaned_data["from_day"]
        return midnight(day, self._zone) if day else at

    @property
    def ends(self) -> datetime | None:
        day = self.cleaned_data["until_day"]
        return midnight(day, self._zone) if day else None
