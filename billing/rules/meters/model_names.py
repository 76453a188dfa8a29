"""Models: what the words of a name that say the model come to, as Azure's deployments call it.

A name's model words, in their order and joined by a hyphen, must be one of these spellings or
of one of the numbered forms, whole: ``gpt-4.1-mini`` is never taken for ``gpt-4.1``. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from billing.rules.meters.meanings import Capability, Context, Vendor


class Pricing(StrEnum):
    """How many meters a model's tokens need; a name without a direction is whole or a mistake."""

    DIRECTIONS = "a meter for each direction"
    WHOLE = "one meter for input and output"
    MODALITIES = "a meter for each modality"


@dataclass(frozen=True, slots=True)
class Model:
    """A model, or a tool or capacity (then ``name`` is empty: any model of the product).

    ``only``: the products in which the spelling says this model. ``vendor``: where it is not
    the product's. ``{context}`` in a name stands for the band of context.
    """

    name: str
    capability: Capability = Capability.CHAT
    vendor: Vendor | None = None
    pricing: Pricing = Pricing.DIRECTIONS
    only: tuple[str, ...] = ()


OPENAI: Mapping[str, Model] = {
    "gpt-4o": Model("gpt-4o"),
    "gpt-4o-mini": Model("gpt-4o-mini"),
    "4o": Model("gpt-4o", only=("azure openai pp ft gpt4s",)),
    "4o-mini": Model("gpt-4o-mini", only=("azure openai pp ft gpt4s",)),
    "gpt-4.5": Model("gpt-4.5-preview"),
    "gpt-4": Model("gpt-4"),
    "gpt-4-turbo": Model("gpt-4-turbo"),
    "gpt-4-turbo-vision": Model("gpt-4-turbo-vision"),
    "gpt-35-turbo": Model("gpt-35-turbo"),
    "gpt-35-trb": Model("gpt-35-turbo"),
    "gpt-3.5-turbo": Model("gpt-35-turbo", pricing=Pricing.WHOLE),
    "gpt-35-turbo-instruct": Model("gpt-35-turbo-instruct"),
    # The reasoning model, as the list called gpt-5 beside gpt-5-chat until late 2025.
    "gpt-5-rsng": Model("gpt-5"),
    "chat-latest": Model("chat-latest", only=("azure openai gpt5",)),
    "codex-mini": Model("codex-mini", only=("azure openai reasoning",)),
    "computer-use": Model("computer-use-preview"),
    "davinci-002": Model("davinci-002", pricing=Pricing.WHOLE),
    "davinci-002-base": Model("davinci-002", pricing=Pricing.WHOLE),
    "babbage-002": Model("babbage-002", pricing=Pricing.WHOLE),
    "babbage-002-base": Model("babbage-002", pricing=Pricing.WHOLE),
    "gpt-4o-audio": Model("gpt-4o-audio-preview", Capability.AUDIO),
    "gpt-4o-mini-audio": Model("gpt-4o-mini-audio-preview", Capability.AUDIO),
    "gpt-audio": Model("gpt-audio", Capability.AUDIO),
    "gpt-audio-mini": Model("gpt-audio-mini", Capability.AUDIO),
    "gpt-audio-1.5": Model("gpt-audio-1.5", Capability.AUDIO),
    # There was only ever a preview of these two; some names leave the word out.
    "gpt-4o-realtime": Model("gpt-4o-realtime-preview", Capability.REALTIME),
    "gpt-4o-realtime-preview": Model("gpt-4o-realtime-preview", Capability.REALTIME),
    "gpt-4o-mini-realtime": Model("gpt-4o-mini-realtime-preview", Capability.REALTIME),
    "gpt-realtime": Model("gpt-realtime", Capability.REALTIME),
    "gpt-realtime-mini": Model("gpt-realtime-mini", Capability.REALTIME),
    "gpt-realtime-1.5": Model("gpt-realtime-1.5", Capability.REALTIME),
    "gpt-realtime-2": Model("gpt-realtime-2", Capability.REALTIME),
    "gpt-realtime-2.1": Model("gpt-realtime-2.1", Capability.REALTIME),
    "gpt-realtime-2.1-mini": Model("gpt-realtime-2.1-mini", Capability.REALTIME),
    "gpt-realtime-whisper": Model("gpt-realtime-whisper", Capability.TRANSCRIPTION),
    "gpt-4o-transcribe": Model("gpt-4o-transcribe", Capability.TRANSCRIPTION),
    "gpt-4o-transcribe-diarize": Model("gpt-4o-transcribe-diarize", Capability.TRANSCRIPTION),
    "gpt-4o-mini-transcribe": Model("gpt-4o-mini-transcribe", Capability.TRANSCRIPTION),
    "whisper": Model("whisper", Capability.TRANSCRIPTION),
    "gpt-4o-mini-tts": Model("gpt-4o-mini-tts", Capability.SPEECH),
    "text-to-speech": Model("tts", Capability.SPEECH),
    "text-to-speech-hd": Model("tts-hd", Capability.SPEECH),
    "gpt-image-1": Model("gpt-image-1", Capability.IMAGE),
    "gpt-image-1-mini": Model("gpt-image-1-mini", Capability.IMAGE),
    "gpt-image-1.5": Model("gpt-image-1.5", Capability.IMAGE),
    "image-2": Model("gpt-image-2", Capability.IMAGE, only=("azure openai media",)),
    "dall-e-2": Model("dall-e-2", Capability.IMAGE),
    "dall-e-3": Model("dall-e-3", Capability.IMAGE),
    "sora": Model("sora", Capability.VIDEO),
    "sora-2": Model("sora-2", Capability.VIDEO),
    "sora-2-pro": Model("sora-2-pro", Capability.VIDEO),
    "embedding-ada": Model("text-embedding-ada-002", Capability.EMBEDDING),
    "text-embedding-3-small": Model("text-embedding-3-small", Capability.EMBEDDING),
    "text-embedding-3-large": Model("text-embedding-3-large", Capability.EMBEDDING),
    "code-interpreter": Model("", Capability.CODE_INTERPRETER),
    "file-search-storage": Model("", Capability.FILE_SEARCH),
    "file-search-calls": Model("", Capability.FILE_SEARCH),
}

OSS: Mapping[str, Model] = {
    "gpt-oss-120b": Model("gpt-oss-120b"),
    "gpt-oss-20b": Model("gpt-oss-20b"),
    "oss-20b": Model("gpt-oss-20b"),
    "20b": Model("gpt-oss-20b"),
}

DEEPSEEK: Mapping[str, Model] = {
    "mai-ds-r1": Model("mai-ds-r1", vendor=Vendor.MICROSOFT),
    "r1": Model("deepseek-r1"),
    "v3": Model("deepseek-v3"),
    # Azure deploys it under this name, as a model of its own, not as a snapshot of V3.
    "v3-0324": Model("deepseek-v3-0324"),
    "v3.1": Model("deepseek-v3.1"),
    "v3.2": Model("deepseek-v3.2"),
    "v3.2-sp": Model("deepseek-v3.2-speciale"),
    "v4-flash": Model("deepseek-v4-flash"),
    "v4-pro": Model("deepseek-v4-pro"),
}

#: Served by Fireworks: deployed as ``FW-…`` and priced apart from the makers' own.
FIREWORKS: Mapping[str, Model] = {
    "fw-deepseek-v3.2": Model("fw-deepseek-v3.2", vendor=Vendor.DEEPSEEK),
    "fw-deepseek-v4-pro": Model("fw-deepseek-v4-pro", vendor=Vendor.DEEPSEEK),
    "fw-glm-5": Model("fw-glm-5", vendor=Vendor.ZAI),
    "fw-glm-5.1": Model("fw-glm-5.1", vendor=Vendor.ZAI),
    "fw-glm-5.2": Model("fw-glm-5.2", vendor=Vendor.ZAI),
    "fw-gpt-oss-120b": Model("fw-gpt-oss-120b", vendor=Vendor.OPENAI),
    "fw-kimi-k2.5": Model("fw-kimi-k2.5", vendor=Vendor.MOONSHOT),
    "fw-kimi-k2.6": Model("fw-kimi-k2.6", vendor=Vendor.MOONSHOT),
    "fw-kimi-k2.7-code": Model("fw-kimi-k2.7-code", vendor=Vendor.MOONSHOT),
    "fw-minimax-3": Model("fw-minimax-m3", vendor=Vendor.MINIMAX),
    "fw-minimax-m2.5": Model("fw-minimax-m2.5", vendor=Vendor.MINIMAX),
}

#: One meter prices the reasoning and the plain deployment of 4, 4.1 and 4.2 alike.
GROK: Mapping[str, Model] = {
    "grok-3": Model("grok-3"),
    "grok-3-mini": Model("grok-3-mini"),
    "grok-4": Model("grok-4"),
    "grok-4-fast": Model("grok-4-fast"),
    "grok-4.1": Model("grok-4.1"),
    "grok-4.2": Model("grok-4.2"),
    "4.3": Model("grok-4.3"),
    "code-fast-1": Model("grok-code-fast-1"),
}

#: K2.5 and K2.6 say “Thinking” where they say a direction and leave it out where they are cached.
KIMI: Mapping[str, Model] = {
    "k2-thinking": Model("kimi-k2-thinking"),
    "k2.5": Model("kimi-k2.5"),
    "k2.5-thinking": Model("kimi-k2.5"),
    "k2.6": Model("kimi-k2.6"),
    "k2.6-thinking": Model("kimi-k2.6"),
    "k2.7-code": Model("kimi-k2.7-code"),
}

LLAMA: Mapping[str, Model] = {
    "3.3-70b": Model("llama-3.3-70b-instruct"),
    "llama-3.3-70b": Model("llama-3.3-70b-instruct"),
    "llama-4-maverick-17b": Model("llama-4-maverick-17b-128e-instruct-fp8"),
}

MISTRAL: Mapping[str, Model] = {
    "codestral": Model("codestral"),
    "large-3": Model("mistral-large-3"),
    "mm3.5": Model("mistral-medium-3-5"),
    "ministral-3b": Model("ministral-3b"),
    "mnstrl-3b": Model("ministral-3b"),
    "ocr": Model("mistral-ocr", Capability.DOCUMENT),
    "ocr-2512": Model("mistral-ocr-2512", Capability.DOCUMENT),
    "ocr-4": Model("mistral-ocr-4-0", Capability.DOCUMENT),
    "doc-ai-2505": Model("mistral-document-ai-2505", Capability.DOCUMENT),
    "doc-ai-2512": Model("mistral-document-ai-2512", Capability.DOCUMENT),
}

FLUX: Mapping[str, Model] = {
    "flux-1.1-pro": Model("flux-1.1-pro", Capability.IMAGE),
    "kontext-pro": Model("flux.1-kontext-pro", Capability.IMAGE),
}

COHERE: Mapping[str, Model] = {
    "command-a": Model("cohere-command-a"),
    "command-a-plus": Model("cohere-command-a-plus"),
    "embed-v4": Model("embed-v-4-0", Capability.EMBEDDING, pricing=Pricing.MODALITIES),
    "rerank-v4-fast": Model("cohere-rerank-v4.0-fast", Capability.RERANKING),
    "rerank-v4-pro": Model("cohere-rerank-v4.0-pro", Capability.RERANKING),
}

PHI: Mapping[str, Model] = {
    "phi-3-mini-instruct": Model("phi-3-mini-{context}-instruct"),
    "phi-3-small-instruct": Model("phi-3-small-{context}-instruct"),
    "phi-3-medium-instruct": Model("phi-3-medium-{context}-instruct"),
    "phi-3.5-mini-instruct": Model("phi-3.5-mini-instruct"),
    "phi-3.5-moe-instruct": Model("phi-3.5-moe-instruct"),
    "phi-3.5-v-instruct": Model("phi-3.5-vision-instruct"),
    "phi-4": Model("phi-4"),
    "phi-4-mini": Model("phi-4-mini-instruct"),
    "phi-4-mini-mm": Model("phi-4-multimodal-instruct"),
    "phi-4-mini-reasoning": Model("phi-4-mini-reasoning"),
    "phi-4-reasoning": Model("phi-4-reasoning"),
    "phi-4-reasoning-plus": Model("phi-4-reasoning-plus"),
}

#: In the products of every vendor.
CAPACITY: Mapping[str, Model] = {"provisioned": Model("", Capability.PROVISIONED)}

_NUMBERED = re.compile(
    r"(?P<gpt>gpt-)?(?P<number>\d(?:\.\d)?)"
    r"(?P<kind>-(?:mini|nano|pro|chat|codex|codex-mini|codex-max|sol|terra|luna))?"
)
_REASONING = re.compile(r"o\d(?:-(?:mini|pro|preview|deep-research))?")

#: The products whose bare leading numbers are GPT's, and which.
BARE_NUMBERS: Mapping[str, re.Pattern[str]] = {
    "azure openai gpt5": re.compile(r"5(?:\.\d)?"),
    "azure openai pp ft gpt4s": re.compile(r"4\.1"),
}

#: Models whose name says too little: read as anything, they would be guessed.
AMBIGUOUS: Mapping[str, str] = {
    "gpt-latest": "no modality and no kind of model, among products priced by both",
}
#: The same, where only a snapshot tells them from a neighbour.
AMBIGUOUS_WITHOUT_SNAPSHOT: Mapping[str, str] = {
    "gpt-35-trb": "the same words as turbo16K-Batch, at another price: only a snapshot tells",
}

#: Bands of context that Azure deploys under a name of their own; later snapshots, and what is
#: tuned from them, have the long band under the plain name.
NAMED_BY_CONTEXT: Mapping[tuple[str, Context], str] = {
    ("gpt-35-turbo", Context.K16): "gpt-35-turbo-16k",
    ("gpt-4", Context.K32): "gpt-4-32k",
}


def numbered(spelling: str, product: str) -> Model | None:
    """A GPT or o-series model told by its number, so that the next one needs no new entry."""
    if _REASONING.fullmatch(spelling):
        return Model(spelling)
    match = _NUMBERED.fullmatch(spelling)
    if match is None:
        return None
    bare = BARE_NUMBERS.get(product)
    if match["gpt"] or (bare and bare.fullmatch(match["number"])):
        return Model(f"gpt-{match['number']}{match['kind'] or ''}")
    return None
