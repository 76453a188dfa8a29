"""The beat table: which task, how often, and why that often."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Beat:
    task: str
    every: timedelta
    why: str


BEAT = (
    Beat("billing.sync_prices", timedelta(hours=6), "Azure changes prices at 00:00 UTC, rarely."),
    Beat("billing.price_news", timedelta(minutes=15), "Told at once; tries again what failed."),
    Beat("inventory.sync_inventory", timedelta(minutes=15), "New subscriptions and products."),
    Beat("billing.sync_usage", timedelta(minutes=2), "Logs are minutes late; older ones if due."),
    Beat("billing.maintain_usage", timedelta(days=1), "Months are made ahead and let go whole."),
    Beat("billing.compare_usage", timedelta(days=1), "Late rows have come; a loss is a finding."),
    Beat("billing.rate", timedelta(minutes=1), "Rates only days that changed."),
    Beat("billing.rate_capacity", timedelta(hours=1), "Throughput units are paid by the hour."),
    Beat("billing.check_statements", timedelta(hours=1), "Finds a figure that has drifted."),
    Beat("governance.enforce", timedelta(minutes=1), "Acts only where state must change."),
    Beat("governance.apply_requests", timedelta(minutes=1), "Carries out what was approved."),
    Beat("governance.lapse_requests", timedelta(minutes=15), "Reminds, escalates, ends."),
    Beat("governance.watch", timedelta(minutes=5), "Thresholds; forecasts move by the hour."),
    Beat("governance.deliver", timedelta(minutes=1), "Tells people at once; tries again."),
    Beat("governance.let_notices_go", timedelta(days=1), "Kept for 400 days."),
)
