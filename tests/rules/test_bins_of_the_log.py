"""The bins that the log's query counts by are those of the histograms they are added to."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from billing.rules.histograms import BINS, LATENCY, PROMPTS, Scale

QUERY = (Path(__file__).parents[2] / "billing/sources/llm_log.kql").read_text()


def counted(column: str) -> list[str]:
    """The conditions by which a column of the query counts, bin by bin."""
    (told,) = re.findall(rf"\b{column} = pack_array\((.*?)\)\)", QUERY, re.DOTALL)
    return re.findall(r"countif\(([^()]+)", told)


@pytest.mark.parametrize(
    ("column", "scale", "measure", "least"),
    [
        ("Latency", LATENCY, "Lasted", "Lasted >= 0"),
        ("Prompts", PROMPTS, "Asked", "Counted > 0"),
    ],
)
def test_the_query_counts_by_the_bounds_of_the_scale(
    column: str, scale: Scale, measure: str, least: str
) -> None:
    between = [f"{measure} > {low} and {measure} <= {high}" for low, high in pairwise(scale.bounds)]
    first = f"{least} and {measure} <= {scale.bounds[0]}"
    last = f"{measure} > {scale.bounds[-1]}"
    assert counted(column) == [first, *between, last]
    assert len(counted(column)) == BINS
