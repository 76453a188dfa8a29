"""Log Analytics: one query, one whole table, or a failure."""

from datetime import UTC, datetime

from azure.monitor.query import LogsQueryPartialResult, LogsQueryResult, LogsTable

from connectors.failures import BadQuery, Partial, Service
from connectors.records import QueryTable, guid
from connectors.session import AzureSession
from connectors.translation import log_analytics, translated


def query(
    azure: AzureSession, workspace_id: str, kql: str, *, start: datetime, end: datetime
) -> QueryTable:
    """The table that ``kql`` gives over records between the aware instants.

    Azure answers a result that it cut short with success; here it is Partial, and so is a result
    of exactly as many rows as Azure gives at most.
    """
    guid("Log Analytics workspace id", workspace_id, service=Service.LOG_ANALYTICS)
    place = log_analytics(azure.endpoints, azure.name, f"workspace {workspace_id}")
    with translated(place):
        result = azure.logs().query_workspace(
            workspace_id,
            kql,
            timespan=(start, end),
            server_timeout=max(1, int(azure.endpoints.read_timeout)),
        )
    return _table(result, row_cap=azure.endpoints.row_cap)


def _table(result: LogsQueryResult | LogsQueryPartialResult, *, row_cap: int) -> QueryTable:
    if isinstance(result, LogsQueryPartialResult):
        error = result.partial_error
        said = f"{error.code}: {error.message}" if error else "no reason given"
        says = f"Log Analytics answered in part ({said}). Nothing of it was used."
        raise Partial(says, service=Service.LOG_ANALYTICS)
    if len(result.tables) != 1:
        says = f"Log Analytics answered {len(result.tables)} tables instead of one."
        raise BadQuery(says, service=Service.LOG_ANALYTICS)
    return _whole(result.tables[0], row_cap)


def _whole(table: LogsTable, row_cap: int) -> QueryTable:
    if len(table.rows) >= row_cap:
        says = f"Log Analytics gave {len(table.rows)} rows, its most: more may be missing."
        raise Partial(says, service=Service.LOG_ANALYTICS)
    return QueryTable(
        columns=tuple(table.columns), rows=tuple(tuple(map(_cell, row)) for row in table.rows)
    )


def _cell(value: object) -> object:
    return value.astimezone(UTC) if isinstance(value, datetime) else value
