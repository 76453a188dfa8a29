"""Every step can be run again: nothing changes, and nothing is written."""

from __future__ import annotations

from billing.models import UsageFeed
from tenancy import scope
from tests.flows.steps import Steps, everything, price_list, rows

LEDGERS = ("tenancy_run", "tenancy_installationrun", "billing_usagewindow")


def _writes() -> list[tuple[object, ...]]:
    """How often rows of usage and rated days were written, as PostgreSQL marks them."""
    return rows(
        "SELECT 'usage', bucket_start::text, subscription_id, deployment_id, xmin::text, ctid::text"
        "  FROM billing_usage"
        " UNION ALL"
        " SELECT 'rated', day::text, subscription_id, id, xmin::text, ctid::text"
        "  FROM billing_ratedday ORDER BY 1, 2, 3, 4"
    )


def test_a_second_run_of_every_step_changes_nothing(contoso: Steps, fabrikam: Steps) -> None:
    before, prices, written = everything(*LEDGERS), price_list(), _writes()
    assert len(written) > 1000

    for tenant in (contoso, fabrikam):
        tenant.inventory()
        assert tenant.usage() == 0
        assert tenant.map() == 0
        assert tenant.rate().days == 0

    assert everything(*LEDGERS) == before
    assert price_list() == prices
    assert _writes() == written


def test_a_second_run_leaves_its_own_row_in_the_ledger(contoso: Steps) -> None:
    before = rows("SELECT count(*) FROM tenancy_run WHERE step = 'sync_usage'")[0][0]

    contoso.usage()

    row = rows(
        "SELECT outcome, rows_read > 0, rows_written, error, window_end IS NOT NULL"
        "  FROM tenancy_run WHERE step = 'sync_usage' ORDER BY id DESC LIMIT 1"
    )[0]
    assert rows("SELECT count(*) FROM tenancy_run WHERE step = 'sync_usage'")[0][0] == before + 1
    assert row == ("succeeded", True, 0, "", True)


def test_the_whole_list_of_usage_can_be_read_again_from_its_start(contoso: Steps) -> None:
    before = everything(*LEDGERS)
    rows_before = _writes()
    _forget_watermark(contoso)

    assert contoso.usage() == 0

    assert everything(*LEDGERS, "billing_usagefeed") == {
        name: kept for name, kept in before.items() if name != "billing_usagefeed"
    }
    assert _writes() == rows_before


def _forget_watermark(tenant: Steps) -> None:
    with scope.of(tenant.ref):
        UsageFeed.objects.all().delete()
