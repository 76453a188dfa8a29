"""Usage events as values: whatever is sent is read or refused by name, and tokens add up."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules import context_bands, event_bodies, events
from billing.rules.event_bodies import Form, Told
from billing.rules.event_tokens import Tokens
from billing.rules.events import COUNTS, FIELDS, INCLUDED, Event
from billing.rules.token_classes import NOT_TOKENS, TokenClass

NAMED: dict[str, Any] = {
    "gateway": "router",
    "source": "urn:router",
    "id": "1",
    "time": "2026-11-20T12:00:00Z",
}
numbers = st.integers(0, 2 * context_bands.LONGER_THAN)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*FIELDS, *COUNTS, *INCLUDED, *NOT_TOKENS]) | st.text(max_size=3),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


def one(**told: Any) -> Event:
    found = events.event(0, Told(NAMED | told))
    assert isinstance(found, Event), found
    return found


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(COUNTS, numbers)), st.data())
def test_the_classes_are_disjoint_and_sum_to_the_total(
    counts: dict[str, int], data: st.DataObject
) -> None:
    included = {name: data.draw(st.booleans()) for name in INCLUDED}
    tokens = Tokens(**counts, **included)  # type: ignore[arg-type]  # numbers and flags, by name
    if tokens.mismatches:
        return

    classes = tokens.classes()

    whole = tokens.prompt + tokens.completion
    assert sum(classes.values()) == max(whole, tokens.total_tokens or 0)
    assert all(count > 0 for count in classes.values())
    assert not {one.value for one in classes} & set(NOT_TOKENS)
    shorts = {TokenClass.INPUT, TokenClass.CACHED_INPUT, TokenClass.OUTPUT, TokenClass.REASONING}
    assert tokens.prompt <= context_bands.LONGER_THAN or not shorts & set(classes)


@pytest.mark.parametrize(
    ("usage", "classes"),
    [
        # OpenAI: cached and reasoning are within
        (
            {
                "prompt_tokens": 1200,
                "completion_tokens": 340,
                "total_tokens": 1540,
                "cached_tokens": 1000,
                "reasoning_tokens": 128,
            },
            {"input": 200, "cached_input": 1000, "output": 212, "reasoning": 128},
        ),
        # Anthropic: what the cache read and wrote is beside the input
        (
            {
                "prompt_tokens": 21,
                "completion_tokens": 393,
                "cached_tokens": 188_086,
                "cache_write_tokens": 1_500,
                "prompt_includes_cached": False,
            },
            {"input": 21, "cached_input": 188_086, "cache_write": 1_500, "output": 393},
        ),
        # Speech, cached in part
        (
            {
                "prompt_tokens": 300,
                "cached_tokens": 120,
                "audio_prompt_tokens": 100,
                "cached_audio_tokens": 20,
                "completion_tokens": 90,
                "audio_completion_tokens": 60,
            },
            {
                "input": 100,
                "cached_input": 100,
                "cached_audio_input": 20,
                "audio_input": 80,
                "output": 30,
                "audio_output": 60,
            },
        ),
        # A total that is more than its parts
        (
            {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 20},
            {"input": 10, "output": 5, "unclassified": 5},
        ),
        ({"total_tokens": 20}, {"unclassified": 20}),
        # Reasoning beside the completion
        (
            {
                "completion_tokens": 5,
                "reasoning_tokens": 7,
                "completion_includes_reasoning": False,
            },
            {"output": 5, "reasoning": 7},
        ),
        # A long call
        (
            {
                "prompt_tokens": 272_001,
                "cached_tokens": 1,
                "completion_tokens": 10,
                "reasoning_tokens": 4,
            },
            {"long_input": 272_000, "long_cached_input": 1, "long_output": 10},
        ),
    ],
)
def test_what_providers_tell(usage: dict[str, Any], classes: dict[str, int]) -> None:
    assert one(usage=Told(usage)).quantities == classes


@given(anything)
def test_whatever_is_sent_is_an_event_or_is_refused_with_a_reason(sent: Any) -> None:
    bodies = event_bodies.read(json.dumps(sent).encode(), Form.PLAIN, {})
    faults = [*bodies.faults]
    for index, told in bodies.events:
        faults += [*_faults(index, told)]
        faults += [*_faults(index, Told(told | NAMED))]
    assert all(fault.fix and fault.place for fault in faults)


@given(st.binary(max_size=60))
def test_bytes_that_are_nothing_are_refused(body: bytes) -> None:
    for form in Form:
        bodies = event_bodies.read(body, form, {})
        assert bodies.faults or all(isinstance(told, Told) for _, told in bodies.events)


def test_an_event_has_one_digest_however_it_is_written() -> None:
    first = one(usage=Told(prompt_tokens=5), time="2026-11-20T13:00:00.000+01:00", retries=0)
    assert first.digest == one(usage=Told(prompt_tokens=5, total_tokens=5)).digest
    others = [
        one(),
        one(usage=Told(prompt_tokens=6)),
        one(usage=Told(prompt_tokens=5), latency_ms=0),
        one(usage=Told(prompt_tokens=5), subscription="x"),
        one(usage=Told(prompt_tokens=5), metadata=Told(agent="x")),
    ]
    assert len({first.digest, *(other.digest for other in others)}) == len(others) + 1


def _faults(index: int, told: Told) -> tuple[event_bodies.Fault, ...]:
    found = events.event(index, told)
    return () if isinstance(found, Event) else found
