"""The form of a request: the fields of its kind and no others, filled from what a team has."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms

from governance.consequences import asked
from governance.consequences.asked import Asked
from governance.models import RequestKind, Unit
from governance.rules.spans import Every
from portal import asking
from portal.asking import Ground, Target
from tenancy.refusals import Refused

_THOUSANDS = re.compile(r"[0-9]{1,3}(?:[, ][0-9]{3})+(?:\.[0-9]+)?", re.ASCII)
_PLAIN = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,18})?", re.ASCII)
#: What stands for a reason where only the consequences are asked for.
_NOT_SAID_YET = "(not said yet)"
#: The fields that figures depend on; the others are texts.
FIGURES = frozenset({"limit", "subscription", "product", "amount", "last_day"})
#: The fields of each kind, in their order.
FIELDS: dict[RequestKind, tuple[str, ...]] = {
    RequestKind.INCREASE: ("limit", "amount", "reason", "expected"),
    RequestKind.TEMPORARY: ("limit", "amount", "last_day", "reason", "expected"),
    RequestKind.DECREASE: ("limit", "amount", "reason"),
    RequestKind.TIER: ("subscription", "product", "reason", "expected"),
    RequestKind.SUBSCRIPTION: (
        "product",
        "display_name",
        "environment",
        "application",
        "reason",
        "expected",
    ),
    RequestKind.REACTIVATION: ("subscription", "reason"),
}
#: Which field of the form shows what a verb finds at fault in another.
_SHOWN_AT = {"gateway": "product", "subscription": "limit", "unit": "limit", "every": "limit"}


class Quantity(forms.CharField):
    """A number above zero as people write it: ``1500.5``, ``1,500.50``, ``2 000 000``."""

    says = "Give a number above zero, such as 25 or 1,500.50."

    def to_python(self, value: Any) -> Any:
        """The number; None where nothing stands there."""
        text = str(super().to_python(value) or "").strip()
        if not text:
            return None
        if not (_THOUSANDS.fullmatch(text) or _PLAIN.fullmatch(text)):
            raise forms.ValidationError(self.says)
        try:
            number = Decimal(text.replace(",", "").replace(" ", ""))
        except InvalidOperation:
            raise forms.ValidationError(self.says) from None
        if number <= 0:
            raise forms.ValidationError(self.says)
        return number


class AskForm(forms.Form):
    """What a team asks for, of one kind; `wanted` is what it says once it is valid."""

    limit = forms.ChoiceField(label="Which limit")
    subscription = forms.ChoiceField(label="Which subscription")
    product = forms.ChoiceField(label="Which tier")
    amount = Quantity(
        label="By how much more",
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    last_day = forms.DateField(
        label="Last day", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    display_name = forms.CharField(
        label="Name", max_length=100, help_text="As it is to stand in the gateway's list."
    )
    environment = forms.CharField(
        max_length=60, required=False, help_text="Such as production. Policies may ask for it."
    )
    application = forms.CharField(max_length=120, required=False, help_text="What calls with it.")
    reason = forms.CharField(
        label="What is it for",
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=4000,
        help_text="Approvers see this beside the figures.",
    )
    expected = forms.CharField(
        label="What should it bring",
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=4000,
        required=False,
        help_text="And how one will see that, such as “62,000 summaries at 0.0035 or less each”.",
    )

    def __init__(self, kind: RequestKind, ground: Ground, *args: Any, **options: Any) -> None:
        kept: Asked | None = options.pop("kept", None)
        super().__init__(*args, **{"label_suffix": "", **options})
        self.kind, self.ground, self._kept = kind, ground, kept
        self.fields = {name: self.fields[name] for name in FIELDS[kind]}
        for name, field in self.fields.items():
            if isinstance(field, forms.ChoiceField):
                field.choices = self._choices(name)
                field.error_messages["invalid_choice"] = "Choose one of the list."
            field.error_messages["required"] = _MISSING.get(name, "Fill this in.")
        if "amount" in self.fields:
            if kind is RequestKind.DECREASE:
                self.fields["amount"].label = "By how much less"
            self.fields["amount"].help_text = self._amount_hint()
        if "last_day" in self.fields:
            day = self.fields["last_day"]
            day.help_text = f"It ends at the midnight after, {ground.zone}; the limit is then as it"
            day.help_text += " was."
            day.widget.attrs["min"] = ground.today.isoformat()
            day.widget.attrs["max"] = (ground.today + timedelta(days=366)).isoformat()
            day.error_messages["invalid"] = "Give a day, such as " + ground.today.isoformat() + "."

    def wanted(self) -> Asked:
        """What is asked for, once the form is valid."""
        return self._asked(self.cleaned_data)

    def previewed(self) -> Asked | None:
        """What is asked for as far as figures are concerned, whatever the texts say so far.

        None: a field that figures depend on is not filled in, or at fault.
        """
        if not self.is_bound:
            begun = {name: self[name].value() for name in self.fields}
            return AskForm(self.kind, self.ground, begun, kept=self._kept).previewed()
        if any(name in FIGURES for name in self.errors):
            return None
        said = self._asked(self.cleaned_data)
        return replace(said, reason=said.reason or _NOT_SAID_YET)

    def take(self, refused: Refused) -> None:
        """Show what a verb found at fault beside the field concerned.

        Raises:
            Refused: the same, if it concerns no field.
        """
        name = str(refused.field or refused.values.get("field") or "")
        if name not in self.fields:
            name = _SHOWN_AT.get(name, name)
        if name not in self.fields:
            raise refused
        self.add_error(name, str(refused.values.get("fix") or refused))

    def first(self, named: str) -> dict[str, str]:
        """What is chosen at first: the subscription that is named, else the first of each list."""
        owned, tiers = self._keys("subscription"), self._keys("product")
        chosen = {"subscription": named if named in owned else next(iter(owned), "")}
        held = self.ground.subscription(chosen["subscription"])
        others = [key for key in tiers if held is None or key != str(held.product_id)]
        return {**chosen, "product": next(iter(others or tiers), "")}

    def offers(self, name: str) -> bool:
        """Whether a field of choices has any."""
        return bool(self._choices(name))

    def _keys(self, name: str) -> list[str]:
        """What a field of choices offers; nothing where the kind has no such field."""
        return [key for key, _ in _flat(self._choices(name))] if name in self.fields else []

    def _asked(self, said: dict[str, Any]) -> Asked:
        target = self._targets().get(said.get("limit", ""))
        product = self.ground.tier(said.get("product", ""))
        subscription = target.subscription if target else None
        if named := said.get("subscription"):
            subscription = self.ground.subscription(named)
        new = self.kind is RequestKind.SUBSCRIPTION
        return Asked(
            kind=self.kind,
            team=self.ground.team,
            reason=said.get("reason", ""),
            expected=said.get("expected", ""),
            subscription=subscription,
            gateway=product.gateway if new and product else None,
            product=product,
            unit=target.unit if target else Unit.CURRENCY,
            every=target.every if target else Every.MONTH,
            amount=said.get("amount"),
            last_day=said.get("last_day"),
            display_name=said.get("display_name", ""),
            environment=said.get("environment", ""),
            application=said.get("application", ""),
        )

    def _targets(self) -> dict[str, Target]:
        """By key, the limits there are, and the one of the request that is changed."""
        found = {one.key: one for one in self.ground.targets}
        kept = self._kept
        if kept and kept.kind in asked.OF_A_LIMIT:
            one = Target(kept.subscription, kept.unit, kept.every)
            found.setdefault(one.key, one)
        return found

    def _choices(self, name: str) -> list[Any]:
        ground = self.ground
        if name == "limit":
            currency, targets = ground.currency, self._targets().values()
            return [(one.key, f"{ground.whose(one)}: {one.says(currency)}") for one in targets]
        if name == "product":
            groups: dict[str, list[tuple[str, str]]] = {}
            for tier in ground.tiers:
                groups.setdefault(tier.gateway.name, []).append((str(tier.pk), str(tier)))
            return list(groups.items())
        reactivation = self.kind is RequestKind.REACTIVATION
        owned = ground.suspended if reactivation else ground.subscriptions
        return [(asking.path(one), _named(one)) for one in owned]

    def _amount_hint(self) -> str:
        """In what the amount is, and where the one that stands there comes from."""
        targets = tuple(self._targets().values())
        says = "In the unit of the limit chosen, for each of its periods."
        if len(targets) == 1:
            unit = asking.unit_word(targets[0].unit, self.ground.currency)
            says = f"In {unit}, {asking.period_word(targets[0].every)}."
        return f"{says} {self.initial.get('amount_from', '')}".strip()


_MISSING = {
    "limit": "Choose the limit it is about.",
    "subscription": "Choose the subscription it is about.",
    "product": "Choose a tier.",
    "amount": "Give by how much, such as 25 or 1,500.50.",
    "last_day": "Give its last day.",
    "display_name": "Give the name it is to have.",
    "reason": "Say what it is needed for: the approver decides by it.",
}


def filled(wanted: Asked) -> dict[str, Any]:
    """What stands in the form of a request that is there already."""
    target = Target(wanted.subscription, wanted.unit, wanted.every)
    return {
        "limit": target.key,
        "subscription": asking.path(wanted.subscription),
        "product": str(wanted.product.pk) if wanted.product else "",
        "amount": f"{wanted.amount.normalize():f}" if wanted.amount is not None else "",
        "last_day": wanted.last_day,
        "display_name": wanted.display_name,
        "environment": wanted.environment,
        "application": wanted.application,
        "reason": wanted.reason,
        "expected": wanted.expected,
    }


def _flat(choices: list[Any]) -> list[tuple[str, str]]:
    """Choices without their groups."""
    return [
        one for key, says in choices for one in (says if isinstance(says, list) else [(key, says)])
    ]


def _named(subscription: Any) -> str:
    """``key-search, Gold (apim-west)``."""
    product = f", {subscription.product}" if subscription.product else ""
    return f"{subscription.name}{product} ({subscription.gateway.name})"
