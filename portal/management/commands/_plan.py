"""What the commands that change prices have in common: they show the effect, and change
something only when told to."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from typing import Any

from billing import effects
from billing.effects import Effect
from portal import plans
from portal.management.commands._step import StepCommand
from portal.plans import Line
from tenancy import clock

APPLIES = "--apply"


class PlanCommand(StepCommand):
    """Shows what a change would do to the cost of teams and subscriptions; ``--apply`` makes it."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which tenants, and whether to make the change."""
        super().add_arguments(parser)
        parser.add_argument(
            APPLIES, action="store_true", help="Make the change. Default: show its effect only."
        )

    def plan(self, change: Callable[[], object], options: dict[str, Any]) -> str:
        """In the tenant in scope: the effect, and the change if it was asked for."""
        effect = effects.of(change, at=clock.now())
        if options["apply"]:
            change()
            return report(effect, head="applied")
        return report(effect, head=f"planned; nothing changed yet, {APPLIES} makes the change")


def report(effect: Effect, *, head: str) -> str:
    """The effect as lines of text."""
    shown = plans.table(effect)
    lines = [head, f"  {effect.currency}, estimated; {shown.days} days of deployments touched"]
    if shown.teams:
        lines += _rows("team", (*shown.teams, shown.total))
        lines += _rows("subscription", shown.subscriptions)
    elif not shown.capacity:
        lines.append("  No amount of an open month changes.")
    if shown.capacity:
        lines.append("  Capacity, charged to no team:")
        lines += _rows("part", (*shown.capacity, shown.capacity_total))
    if shown.adjustments:
        lines.append("  Closed months stay; proposed adjustments:")
        lines += _rows("subscription", (*shown.adjustments, shown.adjusted))
    return "\n".join(lines)


def _rows(of: str, lines: Sequence[Line]) -> list[str]:
    wide = max(len(of), *(len(_name(line)) for line in lines))
    rows = [f"  {of:<{wide}}  {'before':>14}  {'after':>14}  {'difference':>18}  without a price"]
    return rows + [
        f"  {_name(line):<{wide}}  {line.before:>14}  {line.after:>14}  {line.difference:>18}"
        f"  {line.unpriced_before:,} → {line.unpriced_after:,}"
        for line in lines
    ]


def _name(line: Line) -> str:
    return f"{line.name} ({line.about})" if line.about else line.name
