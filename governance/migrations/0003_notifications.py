"""Notices, their deliveries, and how people and endpoints want to be told. New tables only: at once."""

from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import tenancy.links
import tenancy.scope
from tenancy import row_security


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0002_quotas_requests_approvals"),
        ("inventory", "0006_cost_center_owner"),
        ("tenancy", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Endpoint",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("teams", "Microsoft Teams"),
                            ("slack", "Slack"),
                            ("webhook", "signed webhook"),
                        ],
                        max_length=8,
                    ),
                ),
                ("url", models.CharField(max_length=2000)),
                ("topics", models.JSONField(default=list, help_text="What it is told of.")),
                ("active", models.BooleanField(default=True)),
                ("generation", models.PositiveIntegerField(default=1, editable=False)),
                ("rotated_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("set_by", models.CharField(editable=False, max_length=254)),
                ("set_at", models.DateTimeField(editable=False)),
                (
                    "team",
                    tenancy.links.TenantLink(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="inventory.team",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        default=tenancy.scope.tenant_id,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenancy.tenant",
                    ),
                ),
            ],
            options={
                "ordering": ("name", "id"),
            },
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "topic",
                    models.CharField(
                        choices=[
                            ("request-moved", "A request of mine moved"),
                            ("request-waiting", "A request waits for me"),
                            ("request-reminder", "A request still waits"),
                            ("request-escalated", "A request was escalated"),
                            ("quota-threshold", "A quota is used up in part"),
                            ("quota-forecast", "A quota will run out"),
                            ("budget-threshold", "A budget is used up in part"),
                            ("budget-forecast", "A budget will be exceeded"),
                            ("subscription-suspended", "A subscription was suspended"),
                            ("subscription-reactivated", "A subscription is served again"),
                            ("delivery-failed", "A webhook did not take a notice"),
                            ("test", "A test"),
                        ],
                        max_length=32,
                    ),
                ),
                ("key", models.CharField(editable=False, max_length=200)),
                ("subject_kind", models.CharField(max_length=40)),
                ("subject_key", models.CharField(max_length=200)),
                (
                    "cost_center",
                    tenancy.links.TenantLink(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="inventory.costcenter",
                    ),
                ),
                ("title", models.CharField(max_length=200)),
                ("lines", models.JSONField(default=list)),
                (
                    "link",
                    models.CharField(
                        blank=True, help_text="Path below the tenant's.", max_length=400
                    ),
                ),
                ("happened_at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField()),
                (
                    "team",
                    tenancy.links.TenantLink(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="inventory.team",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        default=tenancy.scope.tenant_id,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenancy.tenant",
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "channel",
                    models.CharField(
                        choices=[
                            ("inbox", "in Apportion"),
                            ("email", "e-mail"),
                            ("teams", "Microsoft Teams"),
                            ("slack", "Slack"),
                            ("webhook", "signed webhook"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "timing",
                    models.CharField(
                        choices=[("at_once", "at once"), ("digest", "once a day")],
                        default="at_once",
                        max_length=8,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("sent", "sent"),
                            ("failed", "failed, tried again"),
                            ("dead", "given up"),
                            ("dropped", "not sent: no longer theirs"),
                        ],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("tries", models.PositiveIntegerField(default=0)),
                ("recorded_at", models.DateTimeField()),
                ("first_due_at", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                ("lease", models.PositiveIntegerField(default=0, editable=False)),
                ("leased_until", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "status",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="What the receiver answered to the last try.",
                        null=True,
                    ),
                ),
                ("error", models.CharField(blank=True, max_length=500)),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                ("read_at", models.DateTimeField(blank=True, null=True)),
                (
                    "person",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        default=tenancy.scope.tenant_id,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenancy.tenant",
                    ),
                ),
                (
                    "endpoint",
                    tenancy.links.TenantLink(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="governance.endpoint",
                    ),
                ),
                (
                    "notice",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="governance.notice",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "deliveries",
                "ordering": ("-id",),
            },
        ),
        migrations.CreateModel(
            name="Preference",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "topic",
                    models.CharField(
                        choices=[
                            ("request-moved", "A request of mine moved"),
                            ("request-waiting", "A request waits for me"),
                            ("request-reminder", "A request still waits"),
                            ("request-escalated", "A request was escalated"),
                            ("quota-threshold", "A quota is used up in part"),
                            ("quota-forecast", "A quota will run out"),
                            ("budget-threshold", "A budget is used up in part"),
                            ("budget-forecast", "A budget will be exceeded"),
                            ("subscription-suspended", "A subscription was suspended"),
                            ("subscription-reactivated", "A subscription is served again"),
                            ("delivery-failed", "A webhook did not take a notice"),
                            ("test", "A test"),
                        ],
                        max_length=32,
                    ),
                ),
                ("inbox", models.BooleanField(default=True, help_text="Shown in Apportion.")),
                (
                    "email",
                    models.CharField(
                        choices=[
                            ("at_once", "at once"),
                            ("digest", "once a day"),
                            ("off", "no mail"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        default=tenancy.scope.tenant_id,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenancy.tenant",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="NewsMark",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("source", models.CharField(max_length=32)),
                ("through", models.DateTimeField()),
                (
                    "tenant",
                    models.ForeignKey(
                        default=tenancy.scope.tenant_id,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenancy.tenant",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "source"), name="governance_news_mark_once"
                    )
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="notice",
            constraint=models.UniqueConstraint(
                fields=("tenant", "key"), name="governance_notice_once"
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state__in", ("waiting", "failed"))),
                fields=["tenant", "due_at"],
                name="governance_delivery_due",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("channel", "inbox")),
                fields=["tenant", "person", "id"],
                name="governance_delivery_inbox",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(("person", None), ("endpoint", None), _connector="XOR"),
                name="governance_delivery_one_receiver",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(
                condition=models.Q(("person__isnull", False)),
                fields=("tenant", "notice", "channel", "person"),
                name="governance_delivery_person_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(
                condition=models.Q(("endpoint__isnull", False)),
                fields=("tenant", "notice", "endpoint"),
                name="governance_delivery_endpoint_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="preference",
            constraint=models.UniqueConstraint(
                fields=("tenant", "person", "topic"), name="governance_preference_once"
            ),
        ),
        row_security.Guard("Endpoint"),
        row_security.Guard("Notice"),
        row_security.Guard("Delivery"),
        row_security.Guard("Preference"),
        row_security.Guard("NewsMark"),
    ]
