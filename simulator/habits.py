"""What the callers of a history say of themselves, and how they use caches and reasoning."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import replace

from simulator.logs import Call
from simulator.setting import Habit, Subscription

_REPEATS = 0.8
_CACHED = (0.35, 0.65)
_REASONED = (0.2, 0.6)


def applied(subscription: Subscription, calls: Iterable[Call]) -> Iterator[Call]:
    """The calls with metadata, cached and reasoning tokens, as the subscription's habits give.

    The dice are thrown by the id of each call: its instant, prompt and completion stay.
    """
    habits = subscription.habits
    for call in calls:
        if habits and call.subscription == subscription.name and call.prompt:
            yield _applied(habits, call)
        else:
            yield call


def reasons(model: str) -> bool:
    """Whether a model thinks before it answers; the chat variants answer at once."""
    return model.startswith(("gpt-5", "o3", "o4")) and "-chat" not in model


def _applied(habits: tuple[Habit, ...], call: Call) -> Call:
    dice = random.Random(f"{call.correlation}|habit")  # noqa: S311 - a story, not a secret
    habit = dice.choices(habits, [habit.weight for habit in habits])[0]
    repeats, cached, reasoned = dice.random(), dice.uniform(*_CACHED), dice.uniform(*_REASONED)
    chats = call.operation == "ChatCompletions_Create"
    return replace(
        call,
        metadata=habit.metadata,
        cached=int((call.prompt or 0) * cached) if chats and repeats < _REPEATS else 0,
        reasoning=int((call.completion or 0) * reasoned) if reasons(call.model) else 0,
    )
