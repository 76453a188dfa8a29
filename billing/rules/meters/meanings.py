"""What a meter's name can say: the closed sets a reading is made of. Pure."""

from __future__ import annotations

from enum import StrEnum


class Vendor(StrEnum):
    """Who made the model; ANY where one commitment serves the models of all."""

    ANY = "any"
    BFL = "bfl"
    COHERE = "cohere"
    DEEPSEEK = "deepseek"
    META = "meta"
    MICROSOFT = "microsoft"
    MINIMAX = "minimax"
    MISTRAL = "mistral"
    MOONSHOT = "moonshot"
    OPENAI = "openai"
    XAI = "xai"
    ZAI = "zai"


class Capability(StrEnum):
    """What is done with the model; a tool or bought capacity has no model."""

    CHAT = "chat"
    AUDIO = "audio chat"
    REALTIME = "realtime"
    TRANSCRIPTION = "transcription"
    SPEECH = "speech"
    IMAGE = "image generation"
    VIDEO = "video generation"
    EMBEDDING = "embedding"
    RERANKING = "reranking"
    DOCUMENT = "document reading"
    TUNED = "fine-tuned inference"
    TRAINING = "training"
    HOSTING = "hosting"
    GRADING = "grading"
    CODE_INTERPRETER = "code interpreter"
    FILE_SEARCH = "file search"
    PROVISIONED = "provisioned capacity"


class Modality(StrEnum):
    """Of what the counted units are; ANY where a name cannot and need not say it."""

    TEXT = "text"
    AUDIO = "audio"
    IMAGE = "image"
    VIDEO = "video"
    ANY = "any"


class MeterClass(StrEnum):
    """What is counted. Wider than the usage table's token classes: the list sells more."""

    INPUT = "input"
    CACHED_INPUT = "cached input"
    CACHE_WRITE = "cache write"
    OUTPUT = "output"
    WHOLE = "input and output"
    EMBEDDED = "embedded"
    TRAINED = "trained"
    HOSTED = "hosted"
    CAPACITY = "capacity"
    OVERAGE = "overage"
    RESERVATION = "reservation"
    TRANSCRIBED = "transcribed audio"
    CHARACTER = "character"
    GENERATED_IMAGE = "generated image"
    GENERATED_VIDEO = "generated video"
    PAGE = "page"
    SEARCH = "search"
    SESSION = "session"
    CALL = "call"
    STORAGE = "storage"


class Scope(StrEnum):
    """Where it may be served; UNSAID is not regional, though the oldest names mean it."""

    GLOBAL = "global"
    DATA_ZONE = "data zone"
    REGIONAL = "regional"
    UNSAID = "scope not named"


class Tier(StrEnum):
    STANDARD = "standard"
    BATCH = "batch"
    PRIORITY = "priority"
    FLEX = "flex"
    PROVISIONED = "provisioned"
    DEVELOPER = "developer"


class Context(StrEnum):
    """The band of context length a price holds for."""

    ANY = "no context band"
    SHORT = "short context"
    LONG = "long context"
    K4 = "4K"
    K8 = "8K"
    K16 = "16K"
    K32 = "32K"
    K128 = "128K"


class UnitKind(StrEnum):
    """The single unit; how many of them a listed price is for, its unit of measure says."""

    TOKEN = "per token"  # noqa: S105 - a unit, no secret
    HOUR = "per hour"
    MONTH = "per month"
    SECOND = "per second"
    CHARACTER = "per character"
    IMAGE = "per image"
    PAGE = "per page"
    SEARCH = "per search"
    SESSION = "per session"
    CALL = "per call"
    GB_DAY = "per GB and day"


class Why(StrEnum):
    """Why a name was not read."""

    NOT_A_MODEL_PRODUCT = "not a model product"
    UNKNOWN_WORDS = "words not understood"
    UNKNOWN_MODEL = "no known model"
    AMBIGUOUS = "ambiguous"
    INCOMPLETE = "incomplete"
    CONTRADICTION = "contradiction"
    UNIT = "unit of measure does not fit"
