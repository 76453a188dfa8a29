from django.urls import path, re_path

from portal.api import (
    breakdown,
    capacity,
    costs,
    endpoints,
    estimates,
    events,
    exchange_rates,
    index,
    mappings,
    notifications,
    ownership,
    prices,
    reading,
    rerating,
    schema,
    sheets,
    statements,
    subscriptions,
    teams,
    unallocated,
    usage,
)

app_name = "api"

#: Names as Azure has them; whatever could not be one is not found before anything is asked.
_NAME = r"[^/\x00-\x1f\x7f]{1,256}"

urlpatterns = [
    path("", index.Index.as_view(), name="index"),
    path("teams/", teams.Teams.as_view(), name="teams"),
    path("teams/<slug:slug>/", teams.OneTeam.as_view(), name="team"),
    path(
        "teams/<slug:slug>/statements/<str:month>/",
        statements.OneStatement.as_view(),
        name="statement",
    ),
    path("subscriptions/", subscriptions.Subscriptions.as_view(), name="subscriptions"),
    re_path(
        rf"^subscriptions/(?P<gateway>{_NAME})/(?P<name>{_NAME})/$",
        subscriptions.OneSubscription.as_view(),
        name="subscription",
    ),
    re_path(
        rf"^subscriptions/(?P<gateway>{_NAME})/(?P<name>{_NAME})/ownership/$",
        ownership.SubscriptionOwnership.as_view(),
        name="ownership",
    ),
    path("usage/", usage.UsageList.as_view(), name="usage"),
    path("usage/breakdown/", breakdown.UsageBreakdown.as_view(), name="usage-breakdown"),
    path("usage/unallocated/", unallocated.Unallocated.as_view(), name="unallocated"),
    path("further-usage/", usage.FurtherUsageList.as_view(), name="further-usage"),
    re_path(r"^usage-events/?$", events.UsageEvents.as_view(), name="usage-events"),
    path("usage/windows/", reading.Windows.as_view(), name="usage-windows"),
    path("usage/windows/read-again/", reading.ReadAgain.as_view(), name="read-usage-again"),
    path("usage/comparisons/", reading.Comparisons.as_view(), name="usage-comparisons"),
    path("costs/", costs.Costs.as_view(), name="costs"),
    path("statements/", statements.Statements.as_view(), name="statements"),
    path("capacity/", capacity.Capacity.as_view(), name="capacity"),
    path("reservations/", capacity.Reservations.as_view(), name="reservations"),
    path("exchange-rates/", exchange_rates.ExchangeRates.as_view(), name="exchange-rates"),
    path("mappings/", mappings.Mappings.as_view(), name="mappings"),
    path(
        "mapping-proposals/",
        mappings.MappingProposals.as_view(),
        name="mapping-proposals",
    ),
    path("unpriced/", mappings.UnpricedUsage.as_view(), name="unpriced"),
    path("rerating/", rerating.Rerating.as_view(), name="rerating"),
    path(
        "proposed-adjustments/",
        rerating.ProposedAdjustments.as_view(),
        name="proposed-adjustments",
    ),
    path("price-changes/", prices.PriceChanges.as_view(), name="price-changes"),
    path("meters/", prices.MeterList.as_view(), name="meters"),
    re_path(rf"^meters/(?P<azure_id>{_NAME})/$", prices.OneMeter.as_view(), name="meter"),
    path("suspect-prices/", prices.SuspectPrices.as_view(), name="suspect-prices"),
    path("suspect-prices/<int:price>/", prices.OneSuspect.as_view(), name="suspect-price"),
    path("suspect-prices/<int:price>/decision/", prices.Decision.as_view(), name="decide-suspect"),
    path("price-sheets/", sheets.PriceSheets.as_view(), name="price-sheets"),
    path("price-sheets/<int:sheet>/", sheets.OnePriceSheet.as_view(), name="price-sheet"),
    path(
        "price-sheets/<int:sheet>/lines/",
        sheets.PriceSheetLines.as_view(),
        name="price-sheet-lines",
    ),
    path("price-sheets/<int:sheet>/end/", sheets.PriceSheetEnd.as_view(), name="end-price-sheet"),
    path("estimates/", estimates.Estimates.as_view(), name="estimates"),
    path("notifications/", notifications.Notifications.as_view(), name="notifications"),
    path(
        "notifications/read/", notifications.ReadNotifications.as_view(), name="read-notifications"
    ),
    path(
        "notification-preferences/",
        notifications.Preferences.as_view(),
        name="notification-preferences",
    ),
    path("notification-endpoints/", endpoints.Endpoints.as_view(), name="notification-endpoints"),
    path(
        "notification-endpoints/<int:endpoint>/",
        endpoints.ChangeEndpoint.as_view(),
        name="change-endpoint",
    ),
    path(
        "notification-endpoints/<int:endpoint>/act/",
        endpoints.ActOnEndpoint.as_view(),
        name="act-on-endpoint",
    ),
    path("deliveries/", notifications.Deliveries.as_view(), name="deliveries"),
    path("schema/", schema.Schema.as_view(), name="schema"),
    path("docs/", schema.Documentation.as_view(), name="documentation"),
]
