"""Measures speed as ratios, in one run on one machine: ``python -m benchmarks --size 200k``.

The product's own functions and what they are compared with take turns on the same rows; totals
are checked to be equal before a time counts. See docs/performance.md.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import database, price_list, report
from benchmarks.report import Found

if TYPE_CHECKING:
    from benchmarks.price_list import Server
    from benchmarks.timing import Measure
    from portal.embedded import Postgres

SUBJECTS = ("prices", "sheets", "usage", "rating", "pages", "memory", "orm", "enforcement")
_SCALES = {"k": 1_000, "m": 1_000_000}


def main() -> None:
    """Measure, print a table, keep it in `result.json` and, if asked to, in the document."""
    asked = _asked()
    load = report.busyness()
    with (
        tempfile.TemporaryDirectory(prefix="apportion-bench-") as folder,
        price_list.served(Path(folder)) as prices,
        database.running(prices) as server,
    ):
        found = tuple(_measured(server, prices.server, asked))
    told = Found(asked.size, asked.meters, load, found)
    report.show(told)
    kept = report.keep(told)
    if asked.docs:
        report.document(kept)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--size",
        type=_size,
        default="200k",
        help="values of token classes in the month: 200k, 1m …",
    )
    parser.add_argument("--meters", type=_size, default="100k", help="meters on the price list")
    parser.add_argument(
        "--only", choices=SUBJECTS, nargs="+", default=SUBJECTS, help="some subjects alone"
    )
    parser.add_argument(
        "--docs", action="store_true", help="put the table into docs/performance.md too"
    )
    return parser.parse_args()


def _measured(server: Postgres, api: Server, asked: argparse.Namespace) -> Iterator[Measure]:
    # Django's models can be loaded only now that there is a database to name.
    from benchmarks import choosing, deciding, loading  # noqa: PLC0415

    prices = loading.Loading(server, api, asked.meters)
    if "prices" in asked.only:
        yield from prices.measures()
    else:
        prices.publish()
        prices.load()
    if "sheets" in asked.only:
        yield from choosing.measures(prices.listed)
    if {"usage", "rating", "pages", "memory", "orm"} & set(asked.only):
        yield from _of_a_month(server, asked)
    # Last: the other measures count rows, and this one leaves those of another tenant behind.
    if "enforcement" in asked.only:
        yield from deciding.Deciding(server).measures()


def _of_a_month(server: Postgres, asked: argparse.Namespace) -> Iterator[Measure]:
    from benchmarks import (  # noqa: PLC0415 - as above
        loading_usage,
        memory,
        month,
        orm_way,
        reading,
        rerating,
    )

    made = month.make(asked.size)
    loaded = loading_usage.LoadingUsage(server, made)
    if "pages" in asked.only:
        yield from reading.Reading(made).measures()
    if "rating" in asked.only:
        yield from rerating.Rerating(server, made).measures()
    if "usage" in asked.only:
        yield from loaded.measures()
    if "orm" in asked.only:
        yield orm_way.measure(loaded, made)
    if "memory" in asked.only:
        loaded.empty()
        yield memory.measure(made)


def _size(text: str) -> int:
    scale = _SCALES.get(text[-1:].lower(), 1)
    try:
        return int(text.rstrip("kKmM")) * scale
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no size such as 200k or 1m") from None


if __name__ == "__main__":
    main()
