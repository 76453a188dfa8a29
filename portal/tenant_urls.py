"""The addresses below ``/t/<tenant>/``, served inside that tenant's scope."""

from django.contrib import admin
from django.urls import path

from portal.views import (
    asking,
    calculator,
    capacity,
    endpoints,
    handover,
    home,
    mapping,
    mappings,
    notifications,
    policies,
    price_list,
    rates,
    reading,
    requests,
    rerating,
    sheets,
    statements,
    status,
    subscription,
    team,
    unallocated,
    usage,
)

handler400 = "portal.problems.bad_request"
handler403 = "portal.problems.not_allowed"
handler404 = "portal.problems.not_found"
handler500 = "portal.problems.server_error"

urlpatterns = [
    path("", home.home, name="home"),
    path("teams/<slug:slug>/", team.team, name="team"),
    path("teams/<slug:slug>/statements/", statements.statement_list, name="statements"),
    path(
        "teams/<slug:slug>/statements/<slug:month>/statement.csv",
        statements.statement_csv,
        name="statement-csv",
    ),
    path("teams/<slug:slug>/statements/<slug:month>/", statements.statement, name="statement"),
    path(
        "subscriptions/<slug:gateway>/<str:name>/", subscription.subscription, name="subscription"
    ),
    path("prices/mappings/", mappings.mappings, name="mappings"),
    path("prices/mappings/<int:deployment>/", mapping.one_mapping, name="mapping"),
    path("prices/rates/", rates.rates, name="rates"),
    path("prices/capacity/", capacity.capacity, name="capacity"),
    path("prices/calculator/", calculator.calculator, name="calculator"),
    path("prices/rerating/", rerating.rerating, name="rerating"),
    path("prices/", price_list.changed, name="price-changes"),
    path("prices/suspects/", price_list.held_back, name="suspects"),
    path("prices/suspects/<int:price>/", price_list.suspect, name="suspect"),
    path("prices/meters/", price_list.meters, name="meters"),
    path("prices/meters/<str:azure_id>/", price_list.meter, name="meter"),
    path("prices/sheets/", sheets.sheet_list, name="sheets"),
    path("prices/sheets/new/", sheets.new_sheet, name="sheet-new"),
    path("prices/sheets/<int:sheet>/", sheets.sheet, name="sheet"),
    path("prices/sheets/<int:sheet>/sheet.csv", sheets.sheet_csv, name="sheet-csv"),
    path("prices/meters/<str:azure_id>/why/", sheets.why_page, name="why"),
    path("usage/", usage.usage, name="usage"),
    path("usage/usage.csv", usage.usage_csv, name="usage-csv"),
    path("usage/unallocated/", unallocated.page, name="unallocated"),
    path("usage/reading/", reading.reading, name="reading"),
    path("usage/compared/", reading.compared, name="compared"),
    path("usage/compared/compared.csv", reading.compared_csv, name="compared-csv"),
    path("requests/", requests.request_list, name="requests"),
    path("requests/new/", asking.new, name="request-new"),
    path("requests/consequences/", asking.preview, name="request-preview"),
    path("requests/policies/", policies.policy_list, name="policies"),
    path("requests/policies/new/", policies.new, name="policy-new"),
    path("requests/policies/trial/", policies.trial, name="policy-trial"),
    path("requests/policies/trial/shown/", policies.trial_shown, name="policy-trial-shown"),
    path("requests/policies/<int:policy>/", policies.one_policy, name="policy"),
    path("requests/absences/", policies.absences, name="absences"),
    path("requests/<int:number>/", requests.request_page, name="request"),
    path("requests/<int:number>/change/", asking.change, name="request-change"),
    path("requests/<int:number>/key/", handover.key, name="request-key"),
    path("notifications/", notifications.inbox, name="notifications"),
    path("notifications/preferences/", notifications.choose, name="notification-preferences"),
    path("notifications/endpoints/", endpoints.of_tenant, name="endpoints"),
    path("notifications/deliveries/", notifications.deliveries, name="deliveries"),
    path("teams/<slug:slug>/notifications/", endpoints.of_team, name="team-endpoints"),
    path("status/", status.status, name="status"),
    path("admin/", admin.site.urls),
]
