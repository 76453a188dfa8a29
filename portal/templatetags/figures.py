"""The tags that write figures, times and meters. Amounts are written by ``{% figure %}`` alone."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal, localcontext

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from billing.rules import differences
from billing.rules.token_classes import TokenClass
from billing.rules.units import units_in
from portal import figures
from portal.figures import Figure, Used
from tenancy.money import EXACT, Money
from tenancy.periods import Period

register = template.Library()
_INSTANTS = {
    "short": figures.instant,
    "long": figures.long_instant,
    "from": figures.start,
}


@register.simple_tag
def figure(amount: Figure | Money | None, style: str = "plain") -> SafeString:
    """An amount: what it rests on and its exact value stand in its title.

    ``style`` is ``plain`` below a column's currency, ``symbol`` where it stands alone, ``bare``
    inside a drawing, which holds nothing but text.
    """
    if style == "bare":
        return format_html("{}", _bare(amount))
    if isinstance(amount, Figure):
        return _shown(amount, style)
    if amount is None:
        return format_html('<span class="absent">{}</span>', "none")
    return format_html('<data value="{}">{}</data>', f"{amount.amount:f}", _text(amount, style))


@register.simple_tag
def price(unit_price: Decimal | None, currency: str | None) -> SafeString:
    """The price of a million tokens, with every digit it has."""
    if unit_price is None or currency is None:
        return format_html('<span class="absent">{}</span>', figures.NOT_PRICED)
    text = figures.per_million(unit_price, currency)
    return format_html('<data value="{}">{}</data>', f"{unit_price:f}", text)


@register.simple_tag
def charged(
    unit_price: Decimal | None, currency: str | None, token_class: str, units: int = 1
) -> SafeString:
    """The price that a class is charged by, with what it is for; none: capacity is paid for."""
    if unit_price is None or not currency:
        return format_html('<span class="absent">{}</span>', "capacity paid")
    unit = TokenClass(token_class).unit
    return format_html(
        '<data value="{}">{}</data> {} per {}',
        f"{unit_price:f}",
        figures.unit_price(unit_price, currency, unit, units),
        currency,
        figures.measure(unit, units),
    )


@register.filter
def per_listed(unit_price: Decimal, unit_of_measure: str) -> str:
    """A price per single unit as one for the list's own unit of measure: ``0.0022`` for ``1K``."""
    with localcontext(EXACT):
        return figures.exact(unit_price * (units_in(unit_of_measure) or 1))


@register.simple_tag
def within(holds_from: datetime | None, period: Period) -> str:
    """An instant of a month at which a price that was charged held, for an address."""
    instant = max(holds_from or period.start, period.start)
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


@register.simple_tag
def counted(count: int, token_class: str) -> SafeString:
    """A quantity of a class: tokens as a number, anything else with its unit."""
    text = figures.quantity(count, TokenClass(token_class).unit)
    return format_html('<data value="{}">{}</data>', count, text)


@register.simple_tag
def tokens(count: int) -> SafeString:
    """A number of tokens, or of anything else that is counted."""
    return format_html('<data value="{}">{}</data>', count, figures.tokens(count))


@register.simple_tag
def instant(when: datetime | None, style: str = "short", absent: str = "not yet") -> SafeString:
    """An instant in UTC; ``long`` has the year and seconds, ``from`` leaves midnight unsaid."""
    if when is None:
        return format_html('<span class="absent">{}</span>', absent)
    text = _INSTANTS[style](when)
    stamp = when.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return format_html('<time datetime="{}">{}</time>', stamp, text)


@register.simple_tag
def day(when: date) -> SafeString:
    """A calendar day of the tenant's time zone."""
    return format_html('<time datetime="{}">{}</time>', when.isoformat(), figures.day(when))


@register.simple_tag
def month(period: Period) -> SafeString:
    """A billing month."""
    return format_html('<time datetime="{}">{}</time>', period.key, figures.month(period))


@register.filter
def exact(number: Decimal) -> str:
    """A rate or another number with all its digits and no more."""
    return figures.exact(number)


@register.filter
def signed(count: int) -> str:
    """A difference of counts with its sign: ``+1,320``."""
    return differences.signed(count)


@register.filter
def class_label(token_class: str) -> str:
    """A token class in the reader's words."""
    return TokenClass(token_class).label


@register.inclusion_tag("_meter.html")
def meter(share: Used) -> dict[str, object]:
    """How full a limit is, as a bar; the percentage stands in its label."""
    return {"used": share}


def _shown(amount: Figure, style: str) -> SafeString:
    if amount.shown is None or amount.exact is None:
        about = amount.reckoning.says()
        return format_html('<span class="absent" title="{}">{}</span>', about, amount.absent)
    return format_html(
        '<data value="{}" title="{}">{}</data>',
        f"{amount.exact.amount:f}",
        amount.about,
        _text(amount.shown, style),
    )


def _bare(amount: Figure | Money | None) -> str:
    shown = amount.shown if isinstance(amount, Figure) else amount
    return figures.NO_DATA if shown is None else figures.plain(shown)


def _text(amount: Money, style: str) -> str:
    return figures.with_symbol(amount) if style == "symbol" else figures.plain(amount)
