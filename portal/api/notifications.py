from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.channels.message import address_of
from governance.models import Delivery
from governance.notifications import inbox, log, preferences
from governance.notifications.inbox import Which
from governance.notifications.log import Asked, State, Way
from governance.notifications.preferences import Wish
from governance.rules.topics import FOR_PEOPLE, Timing, Topic
from portal import rights
from portal.api import examples, paging
from portal.api import notifications_examples as shown
from portal.api.answers import page_of
from portal.api.plans import Known
from portal.api.queries import ListQuery, Query
from portal.api.schema import operation
from portal.api.views import ScopedView
from tenancy import clock, scope

_MOST = 500
_WAYS = [way.value for way in Way if way is not Way.INBOX]
_TOPIC = [topic.value for topic in Topic]


class NoticeItem(serializers.Serializer[Any]):
    """Something that the token's person was told."""

    id = serializers.IntegerField(source="pk", help_text="To mark it as read.")
    topic = serializers.CharField(source="notice.topic")
    title = serializers.CharField(source="notice.title")
    lines = serializers.ListField(child=serializers.CharField(), source="notice.lines")
    team = serializers.CharField(
        source="notice.team.slug", default=None, allow_null=True, help_text="Slug; null: of none."
    )
    subject_kind = serializers.CharField(
        source="notice.subject_kind", help_text="Such as request or subscription."
    )
    subject = serializers.CharField(source="notice.subject_key", help_text="Its name or number.")
    link = serializers.SerializerMethodField(help_text="The page it is about.")
    happened_at = serializers.DateTimeField(source="notice.happened_at")
    read_at = serializers.DateTimeField(allow_null=True)

    def get_link(self, row: Delivery) -> str:
        return address_of(scope.current().slug, row.notice.link)


class NoticeQuery(ListQuery):
    unread = serializers.BooleanField(
        required=False, help_text="true: only those that are not read."
    )


class ReadBody(Known):
    notices = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        required=False,
        allow_null=True,
        default=None,
        max_length=_MOST,
        help_text=f"Ids of notices, at most {_MOST}; left out: all.",
    )


class ReadItem(serializers.Serializer[Any]):
    read = serializers.IntegerField(help_text="How many were not read before.")


class PreferenceItem(serializers.Serializer[Any]):
    """How the token's person is told of a topic."""

    topic = serializers.ChoiceField([topic.value for topic in FOR_PEOPLE])
    says = serializers.CharField(source="about.label", help_text="The topic in words.")
    inbox = serializers.BooleanField(help_text="Shown in Apportion.")
    email = serializers.ChoiceField([timing.value for timing in Timing])


class PreferencesItem(serializers.Serializer[Any]):
    topics = PreferenceItem(many=True)


class WishBody(Known):
    topic = serializers.ChoiceField([topic.value for topic in FOR_PEOPLE])
    inbox = serializers.BooleanField(help_text="Whether to show it in Apportion.")
    email = serializers.ChoiceField(
        [timing.value for timing in Timing], help_text="When to write a mail."
    )


class PreferencesBody(Known):
    topics = serializers.ListField(
        child=WishBody(),
        allow_empty=False,
        max_length=len(FOR_PEOPLE),
        help_text="Those to change; the others stay as they are.",
    )


class DeliveryItem(serializers.Serializer[Any]):
    """A notice on its way to a person or an endpoint."""

    id = serializers.IntegerField(source="pk")
    topic = serializers.CharField(source="notice.topic")
    title = serializers.CharField(source="notice.title")
    team = serializers.CharField(
        source="notice.team.slug", default=None, allow_null=True, help_text="Slug; null: of none."
    )
    channel = serializers.ChoiceField(_WAYS)
    person = serializers.CharField(
        source="person.email", default=None, allow_null=True, help_text="Whom; null: an endpoint."
    )
    endpoint = serializers.CharField(
        source="endpoint.name", default=None, allow_null=True, help_text="Which; null: a person."
    )
    daily = serializers.SerializerMethodField(help_text="It goes with the person's daily mail.")
    state = serializers.ChoiceField(State.values, help_text="dead: given up.")
    tries = serializers.IntegerField()
    status = serializers.IntegerField(
        allow_null=True, help_text="What the receiver answered last; null: nothing."
    )
    error = serializers.CharField(allow_blank=True, help_text="Of the newest failure.")
    recorded_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField(help_text="When it was or is to be sent.")
    sent_at = serializers.DateTimeField(allow_null=True)

    def get_daily(self, row: Delivery) -> bool:
        return row.timing == Timing.DIGEST


class DeliveryQuery(ListQuery):
    channel = serializers.ChoiceField(_WAYS, required=False, help_text="Only those of this way.")
    state = serializers.ChoiceField(
        State.values, required=False, help_text="Only those that stand so."
    )
    topic = serializers.ChoiceField(_TOPIC, required=False, help_text="Only those of this topic.")


class Notifications(ScopedView):
    needs = "read:notifications"

    @operation(
        "listNotifications",
        tag="notifications",
        summary="What you were told",
        description="Of the token's person, as far as they may see it now; oldest first.",
        scope=needs,
        query=NoticeQuery,
        answer=page_of(NoticeItem),
        example=examples.page(shown.NOTICE),
    )
    def get(self, request: Request) -> Response:
        query = NoticeQuery.of(request)
        which = Which.UNREAD if query.get("unread") else Which.ALL
        rows, link = paging.rows(request, query, inbox.listed(self.actor, which), ("id",))
        return Response({"next": link, "results": NoticeItem(rows, many=True).data})


class ReadNotifications(ScopedView):
    needs = "read:notifications"
    writes = "write:notifications"
    http_method_names = ["post"]

    @operation(
        "readNotifications",
        tag="notifications",
        summary="Mark as read what you were told",
        description="Notices of others are left alone.",
        scope=writes,
        body=ReadBody,
        answer=ReadItem,
        example=examples.one(shown.READ),
    )
    def post(self, request: Request) -> Response:
        Query.of(request)
        body = ReadBody(data=request.data)
        body.is_valid(raise_exception=True)
        count = inbox.mark_read(self.actor, body.validated_data["notices"], at=clock.now())
        return Response(ReadItem({"read": count}).data)


class Preferences(ScopedView):
    needs = "read:notifications"
    writes = "write:notifications"
    http_method_names = ["get", "head", "post"]

    @operation(
        "getNotificationPreferences",
        tag="notifications",
        summary="How you are told",
        description="Of the token's person, by topic.",
        scope=needs,
        answer=PreferencesItem,
        example=examples.one(shown.PREFERENCES),
    )
    def get(self, request: Request) -> Response:
        Query.of(request)
        return self._answer()

    @operation(
        "setNotificationPreferences",
        tag="notifications",
        summary="Choose how you are told",
        scope=writes,
        body=PreferencesBody,
        answer=PreferencesItem,
        example=examples.one(shown.PREFERENCES),
    )
    def post(self, request: Request) -> Response:
        Query.of(request)
        body = PreferencesBody(data=request.data)
        body.is_valid(raise_exception=True)
        wishes = [
            Wish(Topic(one["topic"]), inbox=one["inbox"], email=Timing(one["email"]))
            for one in body.validated_data["topics"]
        ]
        preferences.choose(self.actor, wishes, at=clock.now())
        return self._answer()

    def _answer(self) -> Response:
        return Response(PreferencesItem({"topics": preferences.of(self.actor)}).data)


class Deliveries(ScopedView):
    needs = "read:notifications"

    @operation(
        "listDeliveries",
        tag="notifications",
        summary="What left by mail, Teams, Slack and webhooks",
        description="For those who see the whole tenant; oldest first.",
        scope=needs,
        query=DeliveryQuery,
        answer=page_of(DeliveryItem),
        example=examples.page(shown.DELIVERY),
    )
    def get(self, request: Request) -> Response:
        query = DeliveryQuery.of(request)
        if not self.actor.sees_whole_tenant:
            who = "approvers, finance, administrators and auditors"
            raise rights.NotYours(what="The delivery log", who=who)
        asked = Asked(
            channel=Way(query["channel"]) if "channel" in query else None,
            state=State(query["state"]) if "state" in query else None,
            topic=Topic(query["topic"]) if "topic" in query else None,
        )
        rows, link = paging.rows(request, query, log.deliveries(self.actor, asked), ("id",))
        return Response({"next": link, "results": DeliveryItem(rows, many=True).data})
