"""The products whose meters are models', and which words and models each of them knows. Pure.

The product comes first: ``4.3`` is a Grok in one product, nothing in another; ``5.4 mini`` is
a GPT in one alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

from billing.rules.meters import model_names, vocabulary
from billing.rules.meters.meanings import Context, MeterClass, Vendor
from billing.rules.meters.model_names import Model
from billing.rules.meters.vocabulary import Entry, Slot, Vocabulary


@dataclass(frozen=True, slots=True)
class Habits:
    """How the names of a product are written.

    ``numbered``: models and snapshots are told by the form of their number. ``brief``: what is
    fine-tuned may leave out its scope and, for training, the word. ``cached_alone`` is cached
    input. ``scopeless``: no name says a scope. ``reserved``: a commitment, not consumption.
    """

    models: Mapping[str, Model]
    words: tuple[Entry, ...] = ()
    numbered: bool = False
    brief: bool = False
    cached_alone: bool = False
    scopeless: bool = False
    reserved: bool = False


@dataclass(frozen=True, slots=True)
class Product:
    """A product of the price list, by its name in lower case."""

    name: str
    vendor: Vendor
    habits: Habits = field(hash=False, compare=False)


def _brief(models: Mapping[str, Model], *words: Entry) -> Habits:
    return Habits(models, (*_words_of(models), *words), brief=True)


def _words_of(models: Mapping[str, Model]) -> list[Entry]:
    words = {word for spelling in models for word in spelling.split("-")}
    return [Entry(Slot.MODEL, word, word) for word in sorted(words)]


_OPENAI = Habits(model_names.OPENAI, vocabulary.OPENAI, numbered=True)
_OSS = _brief(model_names.OSS)
_DEEPSEEK = replace(_brief(model_names.DEEPSEEK), cached_alone=True)
_KIMI = replace(_brief(model_names.KIMI), cached_alone=True)
_GROK = _brief(
    model_names.GROK,
    Entry(Slot.CONTEXT, Context.LONG, "l", "prompts above 200k tokens: always at twice the price"),
)
_LLAMA = _brief(model_names.LLAMA)
_MISTRAL = _brief(model_names.MISTRAL, Entry(Slot.MARK, "annot", "annot"))
_FIREWORKS = _brief(model_names.FIREWORKS, Entry(Slot.CACHE, MeterClass.CACHED_INPUT, "cache, ch"))
_PHI = Habits(model_names.PHI, tuple(_words_of(model_names.PHI)), brief=True, scopeless=True)

_PRODUCTS = (
    *(
        Product(name, Vendor.OPENAI, _OPENAI)
        for name in (
            "azure openai",
            "azure openai embedding",
            "azure openai free meter",
            "azure openai gpt5",
            "azure openai image video",
            "azure openai media",
            "azure openai pp ft gpt4s",
            "azure openai reasoning",
        )
    ),
    Product("azure openai oss models", Vendor.OPENAI, _OSS),
    Product(
        "azure ai foundry provisioned throughput reservation", Vendor.ANY, Habits({}, reserved=True)
    ),
    Product("azure deepseek models", Vendor.DEEPSEEK, _DEEPSEEK),
    Product("deepseek model family", Vendor.DEEPSEEK, _DEEPSEEK),
    Product("azure fireworks models", Vendor.ANY, _FIREWORKS),
    Product("azure grok models", Vendor.XAI, _GROK),
    Product("grok model family", Vendor.XAI, _GROK),
    Product("azure kimi", Vendor.MOONSHOT, _KIMI),
    Product("azure llama models", Vendor.META, _LLAMA),
    Product("llama models", Vendor.META, _LLAMA),
    Product("azure mistral models", Vendor.MISTRAL, _MISTRAL),
    Product("mistral models", Vendor.MISTRAL, _MISTRAL),
    Product("bfl flux models", Vendor.BFL, _brief(model_names.FLUX)),
    Product("cohere models", Vendor.COHERE, _brief(model_names.COHERE)),
    Product("phi", Vendor.MICROSOFT, _PHI),
)
_BY_NAME: Mapping[str, Product] = {product.name: product for product in _PRODUCTS}


def find(product_name: str) -> Product | None:
    """The product of that name, in whatever case; None for one whose meters are not models'."""
    return _BY_NAME.get(" ".join(product_name.lower().split()))


def words_of(product: Product, name: Iterable[str]) -> Vocabulary:
    """The vocabulary that holds for a name of this product, given the words it has."""
    present = frozenset(name) & frozenset(vocabulary.ASIDES)
    return _vocabulary(product, present)


@cache
def _vocabulary(product: Product, present: frozenset[str]) -> Vocabulary:
    return vocabulary.of((*vocabulary.COMMON, *product.habits.words), present)
