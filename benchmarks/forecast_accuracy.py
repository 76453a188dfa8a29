"""How far off forecasts were on a real trace: ``python -m benchmarks.forecast_accuracy --docs``.

Wherever the trace is long enough behind and ahead, `billing.rules.forecast` is asked what comes,
and told what came. The trace is short: see docs/forecast.md for what stands in for a day.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from statistics import median

from billing.rules.forecast import WEEK, Forecast, forecast

ROOT = Path(__file__).resolve().parent.parent
TRACE = ROOT / "tests/rules/traces/llm_conversations_10s.csv"
DOCUMENT = ROOT / "docs/forecast.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
HORIZONS = (1, 7, 14, 30)
#: Monday to Sunday of an office: made up, to see the method with a week in what it reads.
OFFICE = tuple(Decimal(one) for one in ("1", "1.05", "1.1", "1.05", "0.95", "0.25", "0.2"))
#: Any will do: the rule counts days, it does not ask which.
_TODAY = date(2026, 1, 5)


@dataclass(frozen=True)
class Series:
    """Amounts in order, each standing for a day, and how many of them are known at a time."""

    says: str
    amounts: tuple[Decimal, ...]
    known: tuple[int, ...]


@dataclass(frozen=True)
class Accuracy:
    """Of all windows of one length: how many lay within, and the median errors as shares."""

    known: int
    horizon: int
    windows: int
    within: Decimal
    forecast: Decimal
    week_before: Decimal
    last: Decimal
    mean: Decimal


def trace() -> tuple[Decimal, ...]:
    """Tokens of each ten seconds."""
    with TRACE.open(newline="") as file:
        return tuple(
            Decimal(row["context_tokens"]) + Decimal(row["generated_tokens"])
            for row in csv.DictReader(file)
        )


def series() -> tuple[Series, ...]:
    """The trace by ten seconds, by minutes, and with a week laid over it."""
    fine = trace()
    minutes = tuple(_sum(fine[place : place + 6]) for place in range(0, len(fine) - 5, 6))
    office = tuple(amount * OFFICE[place % WEEK] for place, amount in enumerate(fine))
    return (
        Series("Ten seconds of the trace for a day", fine, (7, 21, 56)),
        Series("A minute of the trace for a day", minutes, (7, 21)),
        Series("Ten seconds for a day, and an assumed week laid over them", office, (7, 21, 56)),
    )


def measured(one: Series) -> Iterator[Accuracy]:
    """Every horizon after every length of history."""
    for known in one.known:
        paths = [
            forecast(
                one.amounts[origin - known : origin],
                today=_TODAY,
                horizon=max(HORIZONS),
                so_far=Decimal(0),
                share_of_today=Decimal(0),
            )
            for origin in range(known, len(one.amounts))
        ]
        for horizon in HORIZONS:
            yield _accuracy(one.amounts, known, horizon, paths)


def tables() -> str:
    """All of it as Markdown, as it stands in the document."""
    lines: list[str] = []
    for one in series():
        lines += [f"### {one.says}", ""]
        lines += [
            "| Days known | Days ahead | Windows | apart | within P10–P90 | off: P50"
            " | same day last week | last value | mean |",
            "|---|---|---|---|---|---|---|---|---|",
        ]
        lines += [_row(found) for found in measured(one)]
        lines.append("")
    return "\n".join(lines)


def document() -> None:
    """Put the tables in the place of those in docs/forecast.md."""
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{tables()}\n{END}{after}")


def _accuracy(
    amounts: Sequence[Decimal], known: int, horizon: int, paths: Sequence[Forecast]
) -> Accuracy:
    """Of the windows that end within the trace; ``paths`` has the forecast before each."""
    within = 0
    off: dict[str, list[Decimal]] = {"forecast": [], "week_before": [], "last": [], "mean": []}
    for origin in range(known, len(amounts) - horizon + 1):
        days = amounts[origin - known : origin]
        came = _sum(amounts[origin : origin + horizon])
        said = paths[origin - known].days[horizon - 1]
        within += said.p10 <= came <= said.p90
        expected = {
            "forecast": said.p50,
            "week_before": _sum(days[place % WEEK - WEEK] for place in range(horizon)),
            "last": days[-1] * horizon,
            "mean": _sum(days) / known * horizon,
        }
        for name, amount in expected.items():
            off[name].append(abs(amount - came) / came)
    windows = len(off["forecast"])
    return Accuracy(
        known,
        horizon,
        windows,
        Decimal(within) / windows,
        **{name: median(errors) for name, errors in off.items()},
    )


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))


def _row(found: Accuracy) -> str:
    shares = (found.within, found.forecast, found.week_before, found.last, found.mean)
    cells = (
        str(found.known),
        str(found.horizon),
        str(found.windows),
        str(found.windows // found.horizon),
        *(f"{100 * share:.0f} %" for share in shares),
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the tables and, if asked to, write them into the document."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forecast_accuracy")
    parser.add_argument("--docs", action="store_true", help="write docs/forecast.md too")
    asked = parser.parse_args()
    print(tables())
    if asked.docs:
        document()


if __name__ == "__main__":
    main()
