"""The vocabulary: which spelling says what. A word that is not here is not understood. Pure.

Spellings are the list's own, typing errors included: they are stable parts of names. One
spelling may be several words (``data zone``); the longest that fits is taken. Which entries
hold depends on the product and on other words of the name (``ASIDES``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from billing.rules.meters.meanings import Context, MeterClass, Modality, Scope, Tier


class Slot(StrEnum):
    """The places a word can fill. All but MODEL and MARK are filled at most once."""

    MODEL = "model"
    SNAPSHOT = "snapshot"
    MODALITY = "modality"
    DIRECTION = "direction"
    CACHE = "cache"
    SCOPE = "scope"
    TIER = "tier"
    CONTEXT = "context"
    TUNING = "tuning"
    WORK = "work"
    FILLER = "filler"
    MARK = "mark"
    NOUN = "noun"


@dataclass(frozen=True, slots=True)
class Entry:
    """Spellings of one meaning in one slot; the note tells what is surprising about them."""

    slot: Slot
    meaning: str
    spellings: str
    note: str = ""

    def words(self) -> list[tuple[str, ...]]:
        """Each spelling as the words it is made of."""
        return [tuple(spelling.split()) for spelling in self.spellings.split(",")]


#: Words that no space separates. Only those seen are taken apart, and only so.
GLUED: Mapping[str, str] = {
    "3bftregnl": "3b ft regnl",
    "aud1217": "aud 1217",
    "batchoutp": "batch outp",
    "gpt35": "gpt 35",
    "gpt4": "gpt 4",
    "gpt4o": "gpt 4o",
    "gpt4omini": "gpt 4o mini",
    "grok4": "grok 4",
    "llama3.3": "llama 3.3",
    "mini0718": "mini 0718",
    "realtimeprvw": "realtime prvw",
    "realtimeprvwaudinp": "realtime prvw aud inp",
    "realtimeprvwaudoutp": "realtime prvw aud outp",
    "realtimeprvwtxtinp": "realtime prvw txt inp",
    "realtimeprvwtxtoutp": "realtime prvw txt outp",
    "trb16k": "trb 16k",
    "turbo128k": "turbo 128k",
    "turbo16k": "turbo 16k",
    "turbo4k": "turbo 4k",
    "txt1217": "txt 1217",
}

#: What the last words name, and the forms of a unit of measure that fit them.
NOUNS: Mapping[str, Mapping[str, str]] = {
    "tokens": {"": "per token"},
    "unit": {"hour": "per hour", "month": "per month"},
    "session": {"": "per session"},
    "calls": {"": "per call"},
    "gb": {"day": "per GB and day"},
    "images": {"": "per image"},
    "video": {"second": "per second"},
    "second": {"": "per second"},
    "pages": {"": "per page"},
    "search": {"": "per search"},
    "characters": {"": "per character"},
}

COMMON = (
    Entry(Slot.DIRECTION, MeterClass.INPUT, "in, inp, inpt, input"),
    Entry(Slot.DIRECTION, MeterClass.OUTPUT, "out, outp, outpt, output"),
    Entry(Slot.DIRECTION, MeterClass.OUTPUT, "opt", "not “optional”"),
    Entry(Slot.CACHE, MeterClass.CACHED_INPUT, "cd, cchd, cached"),
    Entry(Slot.CACHE, MeterClass.CACHED_INPUT, "cched, ccchd", "typing errors that stayed"),
    Entry(Slot.CACHE, MeterClass.CACHE_WRITE, "cd wr", "cd alone is cached input"),
    Entry(Slot.SCOPE, Scope.GLOBAL, "gl, glb, glbl, global"),
    Entry(Slot.SCOPE, Scope.DATA_ZONE, "dz, dzn, dzone, datazone, data zone"),
    Entry(Slot.SCOPE, Scope.REGIONAL, "rg, regn, regnl, rgnl, regional"),
    Entry(Slot.TIER, Tier.BATCH, "batch"),
    Entry(Slot.TIER, Tier.PRIORITY, "pp", "priority processing"),
    Entry(Slot.TIER, Tier.FLEX, "flex", "Azure's word; no name of either list has it yet"),
    Entry(Slot.TIER, Tier.STANDARD, "std", "said since GPT-5.6; unsaid before"),
    Entry(Slot.TIER, Tier.DEVELOPER, "dev", "the developer tier of fine-tuned models"),
    Entry(Slot.CONTEXT, Context.SHORT, "shortco"),
    Entry(Slot.CONTEXT, Context.LONG, "longco", "prompts above 272k tokens"),
    Entry(Slot.CONTEXT, Context.K4, "4k"),
    Entry(Slot.CONTEXT, Context.K8, "8k"),
    Entry(Slot.CONTEXT, Context.K16, "16k"),
    Entry(Slot.CONTEXT, Context.K32, "32k"),
    Entry(Slot.CONTEXT, Context.K128, "128k"),
    Entry(Slot.MODALITY, Modality.TEXT, "txt, text"),
    Entry(Slot.MODALITY, Modality.AUDIO, "aud, audio"),
    Entry(Slot.MODALITY, Modality.IMAGE, "img, image"),
    Entry(Slot.TUNING, "ft", "ft, fine tuned, finetuned"),
    Entry(Slot.TUNING, "rft", "rft", "reinforcement fine-tuning: its own prices"),
    Entry(Slot.WORK, MeterClass.TRAINED, "trng, training"),
    Entry(Slot.WORK, MeterClass.HOSTED, "hstng, hosting, deployment hosting"),
    Entry(Slot.WORK, "grading", "grdr, grader"),
    Entry(Slot.FILLER, "model", "model, mdl, mdel", "only beside grader or fine-tuning"),
    Entry(Slot.NOUN, "tokens", "tokens, 1m tokens"),
    Entry(Slot.NOUN, "tokens", "tkn tokens", "beside a twin that is billed by the hour"),
    Entry(Slot.NOUN, "unit", "unit, units", "an hour or a month: the unit of measure decides"),
    *(Entry(Slot.NOUN, noun, noun) for noun in NOUNS if noun not in ("tokens", "unit")),
)

#: Words of the products of OpenAI's models; numbers and snapshots are read by form.
OPENAI = (
    *(
        Entry(Slot.MODEL, word, word)
        for word in (
            *("gpt", "4o", "35", "o1", "o3", "o4", "davinci", "babbage", "002", "sora", "whisper"),
            *("turbo", "instruct", "vision", "base", "nano", "pro", "chat", "codex", "max"),
            *("rsng", "sol", "terra", "luna", "latest", "tts", "ada", "small", "large"),
        )
    ),
    Entry(Slot.MODEL, "mini", "mini, mn"),
    Entry(Slot.MODEL, "preview", "preview, prvw"),
    Entry(Slot.MODEL, "trb", "trb", "turbo, but not always the same one"),
    Entry(Slot.MODEL, "realtime", "realtime, rtime, rt", "a kind of model, not a modality"),
    Entry(Slot.MODEL, "transcribe", "transcribe, tcrb, trscb"),
    Entry(Slot.MODEL, "deep-research", "deep research"),
    Entry(Slot.MODEL, "computer-use", "computer use"),
    Entry(Slot.MODEL, "embedding", "embedding, embeddings"),
    Entry(Slot.MODEL, "text-embedding", "text embedding", "text is part of the model's name"),
    Entry(Slot.MARK, "az", "az", "an older series of meters, mostly of Azure Government"),
)

#: Words that hold only beside another word of the name, which they often share with others.
ASIDES: Mapping[str, tuple[Entry, ...]] = {
    "dall": (
        Entry(Slot.MODEL, "dall-e", "image dall e"),
        Entry(Slot.MARK, "hd", "hd"),
        Entry(Slot.MARK, "std", "std", "the picture's quality, not a tier"),
        Entry(Slot.MARK, "highres", "highres"),
        Entry(Slot.MARK, "lowres", "lowres"),
        Entry(Slot.MARK, "ep", "ep", "meaning not published; kept, never dropped"),
    ),
    "interpreter": (
        Entry(Slot.MODEL, "code-interpreter", "code interpreter"),
        Entry(Slot.MARK, "ep", "ep", "meaning not published; kept, never dropped"),
    ),
    "sora": (
        *(Entry(Slot.MARK, lines, lines) for lines in ("480p", "720p", "1080p")),
        *(
            Entry(Slot.MARK, f"{first}-{last}", f"{first} {last}")
            for first, last in (("1", "5s"), ("6", "10s"), ("11", "15s"), ("16", "20s"))
        ),
        Entry(Slot.MARK, "1-20s", "1 20s", "the length of a video, not a model's number"),
        Entry(Slot.MARK, "sq", "sq"),
        Entry(Slot.MARK, "highres", "high res"),
    ),
    "speech": (
        Entry(
            Slot.MODEL,
            "whisper",
            "speech to text batch whisper",
            "batch transcription is what the service is called, not the batch tier",
        ),
        Entry(Slot.MODEL, "text-to-speech", "speech text to speech"),
        Entry(Slot.MODEL, "hd", "hd"),
    ),
    "assistants": (Entry(Slot.MODEL, "file-search-storage", "assistants file search"),),
    "tool": (Entry(Slot.MODEL, "file-search-calls", "file search tool calls"),),
    "provisioned": (
        Entry(Slot.MODEL, "provisioned", "provisioned"),
        Entry(Slot.MARK, "managed", "managed"),
        Entry(Slot.MARK, "throughput", "throughput", "the classic kind, before managed units"),
        Entry(Slot.MARK, "available", "available"),
        Entry(Slot.WORK, MeterClass.OVERAGE, "overage"),
    ),
    "tcrb": (Entry(Slot.MODEL, "diarize", "d", "tells speakers apart; not a direction"),),
    "trb": (Entry(Slot.SNAPSHOT, "0125", "125", "written without its zero in two names"),),
}


@dataclass(frozen=True, slots=True)
class Sense:
    """What a word means where it stands; ``beside``: because of another word of the name."""

    slot: Slot
    meaning: str
    note: str = ""
    beside: bool = False


Vocabulary = Mapping[tuple[str, ...], Sense]


def of(entries: Iterable[Entry], present: Iterable[str] = ()) -> Vocabulary:
    """The entries by spelling, and those that hold beside a word present, which go before."""
    plain = {
        key: Sense(entry.slot, entry.meaning, entry.note)
        for entry in entries
        for key in entry.words()
    }
    beside = {
        key: Sense(entry.slot, entry.meaning, entry.note, beside=True)
        for anchor in present
        for entry in ASIDES.get(anchor, ())
        for key in entry.words()
    }
    return {**plain, **beside}
