"""Lists that Azure gives in pages, read whole or not at all."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from azure.core.paging import ItemPaged, PageIterator

from connectors.failures import Partial, Permanent, Service
from connectors.transport import Heard

T = TypeVar("T")


def everything(
    listing: Callable[..., Iterable[T]], *where: str, what: str, most_pages: int
) -> tuple[T, ...]:
    """All items of ``listing(*where)``, each once, in Azure's order.

    A link that comes back is Permanent; fewer items than Azure counts, or the same items twice
    without a count to show that none is missing, is Partial.
    """
    heard = Heard()
    found: dict[str, T] = {}
    repeated = 0
    for item in _items(listing(*where, raw_response_hook=heard), what, most_pages):
        repeated += named(item) in found
        found[named(item)] = item
    if len(found) < (heard.count or 0) or (repeated and heard.count is None):
        of = "an unknown number" if heard.count is None else heard.count
        says = f"The list of {what} is incomplete: {len(found)} of {of}."
        raise Partial(says, service=Service.RESOURCE_MANAGER)
    return tuple(found.values())


def named(resource: object) -> str:
    """The resource's name, which the SDKs' types leave open because only Azure may set it."""
    return str(getattr(resource, "name", None) or "")


def _items(paged: Iterable[T], what: str, most_pages: int) -> Iterator[T]:
    pages = paged.by_page() if isinstance(paged, ItemPaged) else iter([iter(paged)])
    seen: set[str] = set()
    for page in pages:
        yield from page
        link = pages.continuation_token if isinstance(pages, PageIterator) else None
        if link is None:
            return
        if link in seen or len(seen) >= most_pages:
            says = f"The list of {what} has no end: a page links back, or there are too many."
            raise Permanent(says, service=Service.RESOURCE_MANAGER)
        seen.add(link)
