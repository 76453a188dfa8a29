"""The tag that says whether the reader may ask for a team: where a page offers to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import template

from governance import roles
from portal.navigation import Frame

if TYPE_CHECKING:
    from inventory.models import Team

register = template.Library()


@register.simple_tag
def may_ask(frame: Frame, team: Team | None) -> bool:
    """Whether the reader may ask for more for this team; not where there is none."""
    return team is not None and roles.may_ask(frame.actor, team)
