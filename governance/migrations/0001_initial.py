"""Quotas, actions and suspensions. New tables only: no lock on anything in use."""

import django.db.models.deletion
from django.db import migrations, models

import tenancy.links
import tenancy.scope
from tenancy import row_security


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("inventory", "0001_initial"),
        ("tenancy", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Quota",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("limit", models.DecimalField(decimal_places=4, max_digits=18)),
                (
                    "hardness",
                    models.CharField(
                        choices=[("soft", "soft: warns"), ("hard", "hard: suspends")],
                        default="hard",
                        max_length=8,
                    ),
                ),
                ("effective_from", models.DateTimeField()),
                (
                    "effective_until",
                    models.DateTimeField(
                        blank=True, help_text="Empty: until the next one begins.", null=True
                    ),
                ),
                ("set_by", models.CharField(max_length=254)),
                ("reason", models.TextField(blank=True)),
                (
                    "product",
                    tenancy.links.TenantLink(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="quotas",
                        to="inventory.product",
                    ),
                ),
                (
                    "subscription",
                    tenancy.links.TenantLink(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="quotas",
                        to="inventory.subscription",
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
                "ordering": ("-effective_from",),
            },
        ),
        migrations.CreateModel(
            name="Action",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "verb",
                    models.CharField(
                        choices=[("suspend", "suspend"), ("activate", "activate")], max_length=16
                    ),
                ),
                ("reason", models.TextField()),
                ("evidence", models.JSONField()),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("intended", "intended"),
                            ("done", "done"),
                            ("failed", "failed"),
                            ("overtaken", "overtaken"),
                            ("withheld", "withheld (dry run)"),
                        ],
                        default="intended",
                        max_length=16,
                    ),
                ),
                ("intended_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
                ("verified_at", models.DateTimeField(null=True)),
                ("request_id", models.CharField(blank=True, max_length=100)),
                ("error", models.TextField(blank=True)),
                (
                    "subscription",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="actions",
                        to="inventory.subscription",
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
                    "quota",
                    tenancy.links.TenantLink(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="governance.quota",
                    ),
                ),
            ],
            options={
                "verbose_name": "enforcement action",
                "ordering": ("-id",),
            },
        ),
        migrations.CreateModel(
            name="Suspension",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reason", models.TextField()),
                ("evidence", models.JSONField()),
                ("since", models.DateTimeField()),
                ("lifted_at", models.DateTimeField(blank=True, null=True)),
                ("lifted_because", models.TextField(blank=True)),
                (
                    "subscription",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="suspensions",
                        to="inventory.subscription",
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
                "ordering": ("-since",),
            },
        ),
        migrations.CreateModel(
            name="EnforcementSettings",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "mode",
                    models.CharField(
                        choices=[
                            ("off", "off: decides nothing"),
                            ("dry_run", "dry run: decides and records, changes nothing"),
                            ("on", "on: suspends and reactivates"),
                        ],
                        default="dry_run",
                        max_length=8,
                    ),
                ),
                (
                    "most_suspensions",
                    models.PositiveIntegerField(
                        default=10,
                        help_text="More suspensions than this in one cycle wait for a person: nothing is suspended until the number is raised or the cause is found.",
                    ),
                ),
                (
                    "stale_after_minutes",
                    models.PositiveIntegerField(
                        default=120,
                        help_text="Usage older than this never reactivates a subscription.",
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
                "verbose_name": "enforcement settings",
                "verbose_name_plural": "enforcement settings",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant",), name="governance_enforcement_settings_one"
                    )
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="quota",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("product__isnull", True), ("subscription__isnull", True), _connector="XOR"
                ),
                name="governance_quota_one_subject",
            ),
        ),
        migrations.AddConstraint(
            model_name="quota",
            constraint=models.CheckConstraint(
                condition=models.Q(("limit__gte", 0)), name="governance_quota_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="quota",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("effective_until__isnull", True),
                    ("effective_until__gt", models.F("effective_from")),
                    _connector="OR",
                ),
                name="governance_quota_ends_after_start",
            ),
        ),
        migrations.AddConstraint(
            model_name="quota",
            constraint=models.UniqueConstraint(
                condition=models.Q(("product__isnull", False)),
                fields=("tenant", "product", "effective_from"),
                name="governance_quota_product_start",
            ),
        ),
        migrations.AddConstraint(
            model_name="quota",
            constraint=models.UniqueConstraint(
                condition=models.Q(("subscription__isnull", False)),
                fields=("tenant", "subscription", "effective_from"),
                name="governance_quota_subscription_start",
            ),
        ),
        migrations.AddConstraint(
            model_name="action",
            constraint=models.UniqueConstraint(
                condition=models.Q(("outcome", "intended")),
                fields=("tenant", "subscription"),
                name="governance_action_one_intent",
            ),
        ),
        migrations.AddConstraint(
            model_name="suspension",
            constraint=models.UniqueConstraint(
                condition=models.Q(("lifted_at__isnull", True)),
                fields=("tenant", "subscription"),
                name="governance_suspension_one_open",
            ),
        ),
        row_security.Guard("Quota"),
        row_security.Guard("EnforcementSettings"),
        row_security.Guard("Action", grants="SELECT, INSERT, UPDATE"),
        row_security.Guard("Suspension", grants="SELECT, INSERT, UPDATE"),
    ]
