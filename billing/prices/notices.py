"""News of prices by e-mail: what a load of the list changed for a tenant, once for each load.

Whoever is named in the billing settings is written to when a load changes a price that the
tenant's mappings use. What was told is a run in the ledger; a mail that could not be sent is
tried again by the next run, with whatever came since.
"""

from __future__ import annotations

import smtplib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from billing import preferences
from billing.models import PriceChange
from billing.prices import changes
from billing.prices.changes import Meters, Which
from tenancy import runs, scope, tenants
from tenancy.refusals import Refused
from tenancy.runs import Contention
from tenancy.scope import TenantRef

STEP = "price_news"
#: How many changes a mail lists; the page has all.
MOST = 100


class NotSent(Refused):
    code = "mail-not-sent"
    status = 502
    text = "The mail server did not take the price news: {why}. It is tried again."


@dataclass(frozen=True, slots=True)
class Line:
    """One change as a mail tells it; empty where there is no such side."""

    kind: str
    meter: str
    where: str
    before: str
    after: str
    ratio: str
    doubts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class News:
    """What there is to tell a tenant: of every load after the one it was told of last."""

    load: int
    total: int
    suspects: int
    lines: tuple[Line, ...]


def can_send() -> bool:
    """Whether the installation names a mail server."""
    return bool(settings.APPORTION.email_url)


def send(tenant: TenantRef, *, contention: Contention) -> int:
    """Tell whoever wants to know what changed; to how many addresses a mail went.

    Nothing is done, and no run recorded, where there is no mail server, nobody wants to know, or
    no load changed anything since the last that was told.

    Raises:
        Busy, Superseded: another run of this step is under way.
        NotSent: the mail server refused or was not there.
    """
    if not can_send():
        return 0
    with scope.of(tenant):
        addresses = preferences.price_news_to()
        news = _news() if addresses else None
        name = tenants.billing().name
    if news is None:
        return 0
    with runs.of_tenant(tenant, STEP, contention=contention) as run:
        run.note(load=news.load)
        if not news.total:
            return 0
        _mail(tenant, name, news, addresses)
        run.note(changes=news.total)
        run.count(written=len(addresses))
    return len(addresses)


def _news() -> News | None:
    newest = changes.newest_load()
    last = runs.latest_success(STEP)
    told = int(last.detail.get("load", 0)) if last else newest - 1
    if newest <= told:
        return None
    rows = changes.recorded(after_load=told, meters=Meters.USED)
    held = changes.recorded(after_load=told, meters=Meters.USED, which=Which.SUSPECT)
    shown = sorted(rows[:MOST], key=lambda row: not (row.price and row.price.doubts))
    return News(newest, rows.count(), held.count(), tuple(map(_line, shown)))


def _line(change: PriceChange) -> Line:
    before, after = change.before, change.price
    return Line(
        kind=change.get_kind_display(),
        meter=change.meter.meter_name,
        where=f"{change.meter.product_name}, {change.meter.region}",
        before=f"{before.listed_price.normalize():f} {before.currency}" if before else "",
        after=f"{after.listed_price.normalize():f} {after.currency} per {after.unit_of_measure}"
        f" from {after.effective_from:%d %B %Y}"
        if after
        else "",
        ratio=_times(change.detail.get("ratio")),
        doubts=tuple(doubt["says"] for doubt in after.doubts) if after else (),
    )


def _times(ratio: str | None) -> str:
    return f"× {Decimal(ratio).normalize():f}" if ratio else ""


def _mail(tenant: TenantRef, name: str, news: News, addresses: Sequence[str]) -> None:
    shown = {"tenant": name, "news": news, "more": news.total - len(news.lines)}
    mail = EmailMultiAlternatives(
        subject=_subject(name, news),
        body=render_to_string("prices/news.txt", shown),
        to=list(addresses),
        # The same for the same news: a mail server can drop what it has delivered.
        headers={"Message-ID": f"<price-news.{tenant.slug}.{news.load}@apportion>"},
    )
    mail.attach_alternative(render_to_string("prices/news.html", shown), "text/html")
    try:
        mail.send()
    except (smtplib.SMTPException, OSError) as error:
        raise NotSent(why=error) from None


def _subject(name: str, news: News) -> str:
    many = "1 change" if news.total == 1 else f"{news.total} changes"
    held = f", {news.suspects} held back" if news.suspects else ""
    return f"{name}: {many} of prices in use{held}"
