"""The public price list over HTTP: filters, pages, no authentication."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from random import Random

from simulator.price_list import Item
from simulator.state import World
from simulator.wire import Ask, Refusal, Reply, Route, answer, route

Test = Callable[[Item], bool]
_LISTED_IN = "USD"
_TOKEN = re.compile(r"\s*(?:('(?:[^']|'')*')|([(),])|([\w.:+-]+))")


def routes(world: World) -> list[Route]:
    """The one endpoint there is."""

    def prices(ask: Ask, _named: Mapping[str, str]) -> Reply:
        currency = ask.query.get("currencyCode", "USD").strip("'")
        if currency != _LISTED_IN and currency not in world.knobs.list_rates:
            known = ", ".join((_LISTED_IN, *world.knobs.list_rates))
            message = f"This simulator has prices in {known}, not in {currency!r}."
            raise Refusal(400, "BadRequest", message)
        wanted = matching(ask.query.get("$filter", ""))
        items = [item for item in world.prices.effective(world.clock.now()) if wanted(item)]
        if world.knobs.price_order:  # the list promises no order: any other, by this seed
            Random(world.knobs.price_order).shuffle(items)  # noqa: S311 - no secret
        return _page(world, ask, items, currency)

    return [route("GET", "/api/retail/prices", prices)]


def matching(text: str) -> Test:
    """The test that an OData filter stands for: eq, ne, and, or, contains, parentheses."""
    if not text.strip():
        return lambda _item: True
    reader = _Reader(text)
    test = reader.either()
    reader.finish()
    return test


def _page(world: World, ask: Ask, items: list[Item], currency: str) -> Reply:
    size, text = world.knobs.price_page, ask.query.get("$skip", "0")
    if not text.isdigit():
        raise Refusal(400, "BadRequest", "$skip must be a whole number.")
    skip = int(text)
    shown = items[skip : skip + size]
    if currency != _LISTED_IN:
        shown = [_converted(item, currency, world.knobs.list_rates[currency]) for item in shown]
    more = skip + size < len(items)
    content = {
        "BillingCurrency": currency,
        "CustomerEntityId": "Default",
        "CustomerEntityType": "Retail",
        "Items": shown,
        "NextPageLink": ask.link(**{"$skip": str(skip + size)}) if more else None,
        "Count": len(shown),
    }
    return answer(content)


def _converted(item: Item, currency: str, rate: float) -> Item:
    """The item in another currency, as an estimate at one rate for all; odd items stay as given."""
    if item["currencyCode"] != _LISTED_IN or not isinstance(item["retailPrice"], float | int):
        return item
    price = float(Decimal(str(item["retailPrice"])) * Decimal(str(rate)))
    return {**item, "currencyCode": currency, "retailPrice": price, "unitPrice": price}


class _Reader:
    """Reads a filter from left to right; ``and`` binds tighter than ``or``."""

    def __init__(self, text: str) -> None:
        self._text, self._tokens, at = text, [], 0
        while at < len(text.rstrip()):
            found = _TOKEN.match(text, at)
            if found is None:
                raise self._invalid()
            self._tokens.append(found.group(found.lastindex or 0))
            at = found.end()

    def either(self) -> Test:
        """Terms joined by ``or``."""
        tests = [self._both()]
        while self._next("or"):
            tests.append(self._both())
        return lambda item: any(test(item) for test in tests)

    def finish(self) -> None:
        """Refuses what is left over."""
        if self._tokens:
            raise self._invalid()

    def _both(self) -> Test:
        tests = [self._one()]
        while self._next("and"):
            tests.append(self._one())
        return lambda item: all(test(item) for test in tests)

    def _one(self) -> Test:
        if self._next("("):
            test = self.either()
            self._expect(")")
            return test
        name = self._take()
        if name.lower() == "contains":
            self._expect("(")
            field = self._take()
            self._expect(",")
            part = self._literal()
            self._expect(")")
            return lambda item: part in str(item.get(field, ""))
        operator, value = self._take().lower(), self._literal()
        if operator == "eq":
            return lambda item: _text(item.get(name)) == value
        if operator == "ne":
            return lambda item: _text(item.get(name)) != value
        raise self._invalid()

    def _literal(self) -> str:
        text = self._take()
        return text[1:-1].replace("''", "'") if text.startswith("'") else text

    def _next(self, wanted: str) -> bool:
        if self._tokens and self._tokens[0].lower() == wanted:
            self._tokens.pop(0)
            return True
        return False

    def _expect(self, wanted: str) -> None:
        if not self._next(wanted):
            raise self._invalid()

    def _take(self) -> str:
        if not self._tokens:
            raise self._invalid()
        return self._tokens.pop(0)

    def _invalid(self) -> Refusal:
        return Refusal(400, "BadRequest", f"Invalid OData parameters supplied: {self._text!r}")


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
