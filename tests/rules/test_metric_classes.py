"""Whatever the sums of emitted metrics say, the classes are disjoint and sum to the total."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import example, given, strategies

from billing.rules.token_classes import COMMON, TokenClass
from billing.sources import app_metrics
from billing.sources.seam import COUNTS, Hour
from inventory.rules.dimensions import Dimension

sums = strategies.integers(min_value=0, max_value=2**53)


def read(
    *, prompt: int = 0, cached: int = 0, completion: int = 0, reasoning: int = 0, total: int = 0
) -> Hour:
    row: dict[str, Any] = dict.fromkeys(app_metrics.KEYS, "")
    row["BucketStart"] = datetime(2026, 11, 20, 14, tzinfo=UTC)
    row |= {"PromptTokens": prompt, "CachedTokens": cached, "CompletionTokens": completion}
    row |= {"ReasoningTokens": reasoning, "TotalTokens": total, "Requests": 3}
    return app_metrics.hour(row)


def classes(hour: Hour) -> dict[TokenClass, int]:
    told = dict(zip(COMMON, hour.tokens, strict=True)) | dict(hour.further)
    return {one: count for one, count in told.items() if count}


def test_parts_are_taken_out_of_their_whole() -> None:
    hour = read(prompt=100, cached=60, completion=40, reasoning=25, total=140)
    assert classes(hour) == {
        TokenClass.INPUT: 40,
        TokenClass.CACHED_INPUT: 60,
        TokenClass.OUTPUT: 15,
        TokenClass.REASONING: 25,
    }
    assert (hour.total, hour.left_out) == (140, 0)


def test_what_the_total_has_beyond_its_parts_is_unclassified() -> None:
    hour = read(prompt=100, completion=40, total=150)
    assert classes(hour)[TokenClass.UNCLASSIFIED] == 10
    assert hour.total == 150


def test_a_part_is_never_more_than_its_whole_and_what_is_left_out_is_said() -> None:
    hour = read(prompt=100, cached=130, completion=40, reasoning=41, total=140)
    assert classes(hour) == {TokenClass.CACHED_INPUT: 100, TokenClass.REASONING: 40}
    assert (hour.total, hour.left_out) == (140, 31)


@given(prompt=sums, cached=sums, completion=sums, reasoning=sums, total=sums)
@example(prompt=0, cached=9, completion=0, reasoning=9, total=0)
@example(prompt=0, cached=0, completion=0, reasoning=0, total=9)
@example(prompt=9, cached=0, completion=9, reasoning=0, total=0)
def test_classes_sum_to_the_total_whatever_was_emitted(
    prompt: int, cached: int, completion: int, reasoning: int, total: int
) -> None:
    hour = read(
        prompt=prompt, cached=cached, completion=completion, reasoning=reasoning, total=total
    )
    told = classes(hour)

    assert sum(told.values()) == hour.total == max(total, prompt + completion)
    assert min(hour.tokens) >= 0
    assert told.get(TokenClass.INPUT, 0) + told.get(TokenClass.CACHED_INPUT, 0) == prompt
    assert told.get(TokenClass.OUTPUT, 0) + told.get(TokenClass.REASONING, 0) == completion
    assert hour.left_out == max(0, cached - prompt) + max(0, reasoning - completion)
    assert {one for one, _ in hour.further} <= app_metrics.AppMetrics.classes


def test_a_source_tells_only_what_it_says_it_tells() -> None:
    source = app_metrics.AppMetrics()
    hour = read(prompt=100, completion=40, total=140)
    counted = {name for name, count in zip(COUNTS, hour.counts, strict=True) if count}
    assert counted == source.counts
    assert (hour.latency, hour.prompts) == ("", "")
    assert source.tells == set(Dimension) - {Dimension.STREAMING}


def test_a_name_longer_than_can_be_held_is_cut_and_its_tokens_are_not() -> None:
    row: dict[str, Any] = dict.fromkeys(app_metrics.KEYS, "x" * 300)
    row |= dict.fromkeys(app_metrics.NUMBERED, 7) | {"Deployment": "gpt\x00-5 "}
    hour = app_metrics.hour(row)
    assert len(hour.subscription) == len(hour.host) == app_metrics.LONGEST_NAME
    assert (hour.deployment, hour.total) == ("gpt-5", 14)
