"""What the calculator is asked, in the page, the API and the command alike: fields and bounds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from billing import mixes
from billing.mixes import Mix
from billing.prices.estimates import MOST_MODELS, Asked
from billing.prices.throughput import Given
from billing.rules.estimating import MOST_UNITS, Load, Peak
from billing.rules.offers import DeploymentType
from inventory import subscriptions, teams
from tenancy import periods, tenants
from tenancy.access import Actor
from tenancy.periods import Period

_WHOLE = re.compile(r"[0-9]{1,3}(?:[, ][0-9]{3})+|[0-9]{1,13}", re.ASCII)
_DECIMAL = re.compile(r"-?[0-9]{1,13}(?:\.[0-9]{1,2})?", re.ASCII)
#: The longest name of a model or a region that is looked for.
LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class Number:
    """A number that is asked for: whole, or with two places. ``default`` None: it may be left out
    where ``required`` is not set.
    """

    name: str
    label: str
    hint: str
    least: Decimal
    most: Decimal
    default: str | None = None
    required: bool = False
    whole: bool = True

    @property
    def says(self) -> str:
        """What to give instead."""
        kind = "a whole number" if self.whole else "a number with at most two decimals"
        return f"Give {kind} from {self.least:,} to {self.most:,}."

    def read(self, text: str) -> Decimal:
        """The number; a ValueError where the text is none within the bounds."""
        form = _WHOLE if self.whole else _DECIMAL
        if not form.fullmatch(text):
            raise ValueError(text)
        number = Decimal(text.replace(",", "").replace(" ", ""))
        if not self.least <= number <= self.most:
            raise ValueError(text)
        return number


def _number(name: str, label: str, hint: str, least: str, most: str, **more: str | bool) -> Number:
    return Number(name, label, hint, Decimal(least), Decimal(most), **more)  # type: ignore[arg-type]  # passed through


_TOKENS = "10000000"
LOAD = (
    _number("calls", "Calls a month", "In the first month.", "1", "1000000000000", required=True),
    _number("input_tokens", "Input tokens a call", "Not cached.", "0", _TOKENS, required=True),
    _number(
        "cached_tokens",
        "Cached tokens a call",
        "Input from the prompt cache.",
        "0",
        _TOKENS,
        default="0",
    ),
    _number(
        "output_tokens", "Output tokens a call", "Reasoning included.", "0", _TOKENS, required=True
    ),
    _number(
        "growth",
        "Growth, % a month",
        "Of calls, compounded.",
        "-50",
        "100",
        default="0",
        whole=False,
    ),
    _number("months", "Months", "The first is the one after this.", "1", "36", default="12"),
)
UNITS = (
    _number(
        "active_hours",
        "Hours with calls",
        "A month; 220: ten on working days.",
        "1",
        "744",
        default="220",
    ),
    _number(
        "peak_factor",
        "Peak factor",
        "Calls of the busiest minute to those of an average one.",
        "1",
        "100",
        default="2",
        whole=False,
    ),
    _number("input_tpm", "Input TPM per PTU", "Empty: Microsoft's figure.", "1", "1000000000"),
    _number(
        "output_weight",
        "Output weight",
        "Input tokens that one output token counts as.",
        "0.01",
        "1000",
        whole=False,
    ),
    _number("minimum_units", "Minimum PTUs", "Of a deployment.", "1", str(MOST_UNITS)),
    _number(
        "unit_increment", "PTU increment", "By which a deployment grows.", "1", str(MOST_UNITS)
    ),
)
NUMBERS = (*LOAD, *UNITS)


@dataclass(frozen=True, slots=True)
class Choice:
    """What is estimated: models, and where and how they are deployed, as written."""

    models: tuple[str, ...]
    deployment_type: str
    region: str


@dataclass(frozen=True, slots=True)
class Filled:
    """From whose last month fields are filled; ``mix`` None: there was no call with tokens."""

    whose: str
    period: Period
    mix: Mix | None


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, or what is wrong with it by field."""

    asked: Asked | None
    faults: Mapping[str, str]


def models_of(texts: Sequence[str]) -> tuple[str, ...]:
    """The models named, each once, whether one by one or with commas between them."""
    names = (name.strip().lower() for text in texts for name in text.split(","))
    return tuple(dict.fromkeys(name for name in names if name))


def filled(actor: Actor, *, subscription: str, team: str, at: datetime) -> Filled | None:
    """The last month of a subscription (``gateway/name``) or of a team; None where none is named.

    Raises:
        NotFound: there is none of this name, or it is not the actor's to see.
    """
    billing = tenants.billing()
    period = billing.month_at(at).previous()
    if subscription:
        gateway, _, name = subscription.partition("/")
        one = subscriptions.one(actor, gateway, name)
        return Filled(one.name, period, mixes.of([one], period))
    if team:
        found = teams.one(actor, team)
        owned = teams.owned([found.pk], on=periods.local_day(at, billing.zone))
        return Filled(found.name, period, mixes.of(owned.get(found.pk, ()), period))
    return None


def texts(given: Mapping[str, str], mix: Mix | None) -> dict[str, str]:
    """What stands in each field: as given, else from the mix, else the usual."""
    usual = {one.name: one.default or "" for one in NUMBERS}
    if mix:
        usual |= {
            "calls": str(mix.calls),
            "input_tokens": str(mix.input_tokens),
            "cached_tokens": str(mix.cached_tokens),
            "output_tokens": str(mix.output_tokens),
        }
    return {name: given.get(name, text) for name, text in usual.items()}


def chosen(models: Sequence[str], *, deployment_type: str, region: str, mix: Mix | None) -> Choice:
    """What is chosen: as given, else as the mix had it most; the usual type."""
    usual = mix.deployment_type if mix and mix.deployment_type in list(DeploymentType) else ""
    return Choice(
        models=models_of(models) or (mix.models[:MOST_MODELS] if mix else ()),
        deployment_type=deployment_type or usual or DeploymentType.GLOBAL,
        region=region.strip() or (mix.region if mix else ""),
    )


def question(choice: Choice, texts: Mapping[str, str], *, at: datetime) -> Question:
    """What the fields ask, or what is wrong with each of them."""
    numbers, faults = _numbers(texts)
    faults |= _choice_faults(choice)
    if not faults and not sum(numbers[one] or 0 for one in _PER_CALL):
        faults["input_tokens"] = "Give tokens of at least one kind."
    if faults:
        return Question(None, faults)
    return Question(_asked(choice, numbers, at=at), {})


_PER_CALL = ("input_tokens", "cached_tokens", "output_tokens")


def _numbers(texts: Mapping[str, str]) -> tuple[dict[str, Decimal | None], dict[str, str]]:
    numbers: dict[str, Decimal | None] = {}
    faults = {}
    for one in NUMBERS:
        text = texts.get(one.name, "").strip() or one.default or ""
        numbers[one.name] = None
        if text:
            try:
                numbers[one.name] = one.read(text)
            except ValueError:
                faults[one.name] = one.says
        elif one.required:
            faults[one.name] = one.says
    return numbers, faults


def _choice_faults(choice: Choice) -> dict[str, str]:
    faults = {}
    if not choice.models:
        faults["model"] = "Choose a model."
    elif len(choice.models) > MOST_MODELS:
        faults["model"] = f"Choose at most {MOST_MODELS} models."
    elif any(len(name) > LONGEST_NAME for name in choice.models):
        faults["model"] = f"No model's name is longer than {LONGEST_NAME} characters."
    if choice.deployment_type not in list(DeploymentType):
        faults["deployment_type"] = f"Choose one of {', '.join(DeploymentType)}."
    if not 0 < len(choice.region) <= LONGEST_NAME:
        faults["region"] = "Give a region as Azure names it, such as swedencentral."
    return faults


def _asked(choice: Choice, numbers: Mapping[str, Decimal | None], *, at: datetime) -> Asked:
    def whole(name: str) -> int:
        return int(numbers[name] or 0)

    return Asked(
        models=choice.models,
        deployment_type=DeploymentType(choice.deployment_type),
        region=choice.region,
        load=Load(
            calls=whole("calls"),
            input_tokens=whole("input_tokens"),
            cached_tokens=whole("cached_tokens"),
            output_tokens=whole("output_tokens"),
            first_day=_next_month(at),
            growth=numbers["growth"] or Decimal(0),
            months=whole("months"),
        ),
        peak=Peak(whole("active_hours"), numbers["peak_factor"] or Decimal(1)),
        units=Given(
            input_tpm=numbers["input_tpm"],
            output_weight=numbers["output_weight"],
            minimum=whole("minimum_units") or None,
            increment=whole("unit_increment") or None,
        ),
    )


def _next_month(at: datetime) -> date:
    today = at.astimezone(UTC).date()
    later = today.year * 12 + today.month
    return date(later // 12, later % 12 + 1, 1)
