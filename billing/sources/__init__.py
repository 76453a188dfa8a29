"""Where usage comes from. A gateway has one source; sources are never added together.

Every source is a module with the one verb of `seam.Source`: the hourly rows of a span of time.
"""

from __future__ import annotations

from billing.sources.app_metrics import AppMetrics
from billing.sources.llm_log import LlmLog
from billing.sources.pushed import PushedEvents
from billing.sources.seam import Source
from inventory.models import UsageSource

_SOURCES: dict[UsageSource, Source] = {
    UsageSource.LLM_LOG: LlmLog(),
    UsageSource.METRICS: AppMetrics(),
    UsageSource.EVENTS: PushedEvents(),
}


def of(kind: UsageSource) -> Source:
    """The source of this kind."""
    return _SOURCES[kind]
