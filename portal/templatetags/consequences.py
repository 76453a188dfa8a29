"""The tag that shows what a change would do, on pages and in the administration."""

from __future__ import annotations

from django import template

from governance.consequences.figures import Consequences
from portal import consequences as shown

register = template.Library()


@register.inclusion_tag("requests/_consequences.html")
def consequences(found: Consequences) -> dict[str, shown.Shown]:
    """The panel of what a change would do."""
    return {"consequences": shown.of(found)}
