"""The shape of pushed usage events, for whoever reads the schema; `billing.rules.events` checks."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, PolymorphicProxySerializer
from rest_framework import serializers

from billing.rules import events
from billing.rules.event_bodies import MOST_EVENTS, TYPE, Form
from billing.rules.token_classes import NOT_TOKENS

USAGE: dict[str, Any] = {
    "prompt_tokens": 1200,
    "completion_tokens": 340,
    "total_tokens": 1540,
    "cached_tokens": 1000,
    "reasoning_tokens": 128,
}
DATA: dict[str, Any] = {
    "gateway": "router",
    "time": "2026-11-20T14:03:07Z",
    "subscription": "support-bot",
    "deployment": "gpt-5.2-chat",
    "model": "gpt-5.2-chat",
    "model_version": "2026-01-15",
    "deployment_type": "GlobalStandard",
    "region": "swedencentral",
    "status": 200,
    "streaming": True,
    "latency_ms": 1840,
    "usage": USAGE,
    "metadata": {"application": "Assistant", "environment": "production"},
}
EVENT: dict[str, Any] = {"source": "urn:router:eu-1", "id": "01JD3Z5Q8W", **DATA}
CLOUD_EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "type": TYPE,
    "source": EVENT["source"],
    "id": EVENT["id"],
    "time": EVENT["time"],
    "data": {name: value for name, value in DATA.items() if name != "time"},
}
#: What a request may carry, and what is answered.
SENT = (
    OpenApiExample("One event", value=EVENT, request_only=True, media_type=Form.PLAIN.value),
    OpenApiExample(
        "Many", value={"events": [EVENT]}, request_only=True, media_type=Form.PLAIN.value
    ),
    OpenApiExample(
        "A CloudEvent", value=CLOUD_EVENT, request_only=True, media_type=Form.STRUCTURED.value
    ),
    OpenApiExample("A batch", value=CLOUD_EVENT, request_only=True, media_type=Form.BATCH.value),
)
TAKEN = OpenApiExample(
    "An answer",
    value={"accepted": 1, "repeated": 0},
    response_only=True,
    media_type="application/json",
    status_codes=["202"],
)
_COUNTS = {
    "prompt_tokens": "All that was sent; without cached ones where `prompt_includes_cached` is "
    "false.",
    "completion_tokens": "All that was written; without reasoning where "
    "`completion_includes_reasoning` is false.",
    "total_tokens": "The provider's own total. What it has beyond prompt and completion is kept "
    "as unclassified, without a price. Left out: their sum.",
    "cached_tokens": "Of the prompt, read from the provider's cache.",
    "cache_write_tokens": "Of the prompt, written to the provider's cache.",
    "reasoning_tokens": "Of the completion, written and not shown.",
    "audio_prompt_tokens": "Of the prompt, speech.",
    "cached_audio_tokens": "Of both `cached_tokens` and `audio_prompt_tokens`.",
    "audio_completion_tokens": "Of the completion, speech.",
    "image_prompt_tokens": "Of the prompt, pictures.",
    "image_completion_tokens": "Of the completion, pictures.",
}
_INCLUDED = {
    "prompt_includes_cached": "Whether `prompt_tokens` counts the cached tokens and those written "
    "to the cache, as OpenAI does; Anthropic's input tokens do not.",
    "completion_includes_reasoning": "Whether `completion_tokens` counts the reasoning, as OpenAI "
    "does.",
}
_TEXTS = {
    "gateway": "Name of the gateway as it is connected here; its usage source is `events`.",
    "source": "Who tells, such as the URN of one instance. With `id` it names the event for ever.",
    "id": "Unique for its source: the same again is the same event.",
    "subscription": "The key or client that called; without a slash. Teams own subscriptions.",
    "host": "Host of the deployment's account, where names repeat between accounts.",
    "deployment": "Name of the deployment that answered. Left out: the model's.",
    "model": "Model as Azure names it; kept for a deployment that is not known.",
    "model_version": "Its version; kept like the model.",
    "deployment_type": "Such as GlobalStandard or DataZoneStandard; kept like the model. Without "
    "it no price can be proposed.",
    "region": "Azure region; kept like the model.",
    "product": "Product or plan of the gateway.",
    "api": "API of the gateway.",
    "operation": "Operation, such as chat.completions.",
    "backend": "Backend or pool that it was sent to.",
}
_TRIES = {
    "retries": "Tries in vain before this one.",
    "agent_steps": "Steps of an agent in this call.",
    "tool_calls": "Calls of tools in it.",
}


def _whole(says: str, most: int = events.MOST) -> serializers.IntegerField:
    return serializers.IntegerField(required=False, min_value=0, max_value=most, help_text=says)


class TokensBody(serializers.Serializer[Any]):
    """The provider's usage. Whole numbers; leave out what is not known."""

    def get_fields(self) -> dict[str, Any]:
        flags = {
            name: serializers.BooleanField(required=False, default=True, help_text=says)
            for name, says in _INCLUDED.items()
        }
        return {name: _whole(says) for name, says in _COUNTS.items()} | flags


class QuantitiesBody(serializers.Serializer[Any]):
    """Quantities of other units than tokens, by class."""

    def get_fields(self) -> dict[str, Any]:
        return {name: _whole(f"In {name.replace('_', ' ')}.") for name in NOT_TOKENS}


class MetadataBody(serializers.Serializer[Any]):
    """What the caller told with the call."""

    def get_fields(self) -> dict[str, Any]:
        return {
            name: serializers.CharField(
                required=False, allow_blank=True, max_length=256, help_text=f"The {one.label}."
            )
            for name, one in events.METADATA.items()
        }


class DataBody(serializers.Serializer[Any]):
    """One call that another gateway answered."""

    def get_fields(self) -> dict[str, Any]:
        told = {**_texts("source", "id"), **_told()}
        del told["time"]  # an attribute, as source and id are
        return told


class EventBody(serializers.Serializer[Any]):
    """One call that another gateway answered. An array of them is taken, too."""

    def get_fields(self) -> dict[str, Any]:
        return {**_texts(), **_told()}


class EventsBody(serializers.Serializer[Any]):
    """Several calls at once."""

    events = serializers.ListField(
        child=EventBody(), max_length=MOST_EVENTS, help_text="Taken together, or not at all."
    )


class CloudEventBody(serializers.Serializer[Any]):
    """CloudEvents 1.0, structured. In binary mode these attributes are `ce-` headers."""

    specversion = serializers.ChoiceField(["1.0"])
    type = serializers.ChoiceField([TYPE])
    source = serializers.CharField(  # type: ignore[assignment]  # a field of its own
        max_length=256, help_text=_TEXTS["source"]
    )
    id = serializers.CharField(max_length=128, help_text=_TEXTS["id"])
    time = serializers.DateTimeField(help_text="When the call was made, with its offset from UTC.")
    data = DataBody()  # type: ignore[assignment]  # a field of its own


BODIES: dict[tuple[str, str] | str, Any] = {
    Form.PLAIN.value: PolymorphicProxySerializer(
        component_name="PushedBody",
        serializers=[EventBody, EventsBody],
        resource_type_field_name=None,
    ),
    Form.STRUCTURED.value: CloudEventBody,
    Form.BATCH.value: CloudEventBody(many=True),
}


def _texts(*without: str) -> dict[str, Any]:
    return {
        name: serializers.CharField(
            required=name in events.REQUIRED,
            allow_blank=name not in events.REQUIRED,
            max_length=events.TEXTS[name],
            help_text=says,
        )
        for name, says in _TEXTS.items()
        if name not in without
    }


def _told() -> dict[str, Any]:
    return {
        "time": serializers.DateTimeField(
            help_text="When the call was made, with its offset from UTC; at most an hour ahead."
        ),
        "status": serializers.IntegerField(
            required=False, min_value=100, max_value=599, default=200, help_text="HTTP status."
        ),
        "cache_hit": serializers.BooleanField(
            required=False,
            default=False,
            help_text="The gateway's own cache answered; it used no tokens.",
        ),
        "streaming": serializers.BooleanField(required=False, help_text="Answered in a stream."),
        "latency_ms": _whole("Until the answer was whole.", events.MOST_MILLISECONDS),
        "usage": TokensBody(required=False),
        "quantities": QuantitiesBody(required=False),
        "metadata": MetadataBody(required=False),
        **{name: _whole(says, events.MOST_TRIES) for name, says in _TRIES.items()},
    }
