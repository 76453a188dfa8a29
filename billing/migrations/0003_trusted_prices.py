"""Prices that are held back until believed, negotiated prices, further classes of usage.

Every day is rated again: which price counts, and by which unit price, is said per rated day now.
"""

from decimal import Decimal

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import tenancy.links
import tenancy.scope
from tenancy import row_security

#: Rated days of before do not say their unit price: they go, and every day of usage is marked.
RATE_ANEW = """
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT id FROM tenancy_tenant ORDER BY id LOOP
        PERFORM set_config('apportion.tenant', one.id::text, true);
        DELETE FROM billing_daytorate;
        DELETE FROM billing_ratedday;
        INSERT INTO billing_daytorate (tenant_id, day, deployment_id)
        SELECT DISTINCT used.tenant_id, (used.bucket_start AT TIME ZONE chosen.time_zone)::date,
               used.deployment_id
          FROM billing_usage used
          JOIN tenancy_tenantprofile chosen ON chosen.tenant_id = used.tenant_id;
    END LOOP;
    PERFORM set_config('apportion.tenant', '', true);
    SET CONSTRAINTS ALL IMMEDIATE;
END $$
"""


def _link(table: str, column: str, other: str) -> migrations.RunSQL:
    name = f"{table}_{column}_fk"
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY (tenant_id, {column})"
        f" REFERENCES {other} (tenant_id, id) DEFERRABLE INITIALLY DEFERRED",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0002_usage_table"),
        ("inventory", "0002_owner_view"),
        ("tenancy", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="PriceChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("new-meter", "new meter"),
                            ("new-price", "new price"),
                            ("restated", "price stated anew"),
                            ("renamed", "described anew"),
                            ("vanished", "vanished"),
                            ("returned", "returned"),
                        ],
                        max_length=12,
                    ),
                ),
                ("detail", models.JSONField(blank=True, default=dict)),
                (
                    "before",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.price",
                    ),
                ),
                (
                    "meter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="changes",
                        to="billing.meter",
                    ),
                ),
                (
                    "price",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.price",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenancy.installationrun",
                    ),
                ),
            ],
            options={
                "ordering": ("-run", "kind", "id"),
            },
        ),
        migrations.CreateModel(
            name="PriceDecision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "verdict",
                    models.CharField(
                        choices=[("accepted", "accepted"), ("rejected", "rejected")], max_length=8
                    ),
                ),
                ("decided_by", models.CharField(max_length=254)),
                ("decided_at", models.DateTimeField()),
                ("reason", models.TextField()),
                (
                    "price",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.price",
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
                "verbose_name": "decision on a suspect price",
                "verbose_name_plural": "decisions on suspect prices",
                "ordering": ("-decided_at", "-id"),
            },
        ),
        migrations.CreateModel(
            name="PriceSheet",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                ("effective_from", models.DateTimeField()),
                ("effective_until", models.DateTimeField(blank=True, null=True)),
                (
                    "source",
                    models.CharField(
                        help_text="What it is taken from: a contract, an offer, a decision.",
                        max_length=200,
                    ),
                ),
                ("applied_by", models.CharField(max_length=254)),
                ("applied_at", models.DateTimeField()),
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
                "verbose_name": "price sheet",
                "ordering": ("-effective_from", "-id"),
            },
        ),
        migrations.CreateModel(
            name="SheetLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("exact", "exact price"),
                            ("discount", "discount"),
                            ("markup", "markup"),
                        ],
                        max_length=8,
                    ),
                ),
                ("product_filter", models.CharField(blank=True, max_length=200)),
                ("meter_filter", models.CharField(blank=True, max_length=200)),
                ("region_filter", models.CharField(blank=True, max_length=64)),
                ("currency", models.CharField(blank=True, max_length=3)),
                (
                    "listed_price",
                    models.DecimalField(blank=True, decimal_places=12, max_digits=24, null=True),
                ),
                ("unit_of_measure", models.CharField(blank=True, max_length=40)),
                (
                    "unit_price",
                    models.DecimalField(blank=True, decimal_places=15, max_digits=24, null=True),
                ),
                (
                    "percent",
                    models.DecimalField(blank=True, decimal_places=4, max_digits=9, null=True),
                ),
                (
                    "meter",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.meter",
                    ),
                ),
                (
                    "sheet",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="billing.pricesheet",
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
                "verbose_name": "line of a price sheet",
                "verbose_name_plural": "lines of price sheets",
                "ordering": ("sheet", "number"),
            },
        ),
        migrations.CreateModel(
            name="ClassUsage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("bucket_start", models.DateTimeField()),
                (
                    "token_class",
                    models.CharField(
                        choices=[
                            ("input", "input"),
                            ("cached_input", "cached input"),
                            ("cache_write", "cache write"),
                            ("output", "output"),
                            ("long_input", "long input"),
                            ("long_cached_input", "long cached input"),
                            ("long_cache_write", "long cache write"),
                            ("long_output", "long output"),
                            ("audio_input", "audio input"),
                            ("cached_audio_input", "cached audio input"),
                            ("audio_output", "audio output"),
                            ("image_input", "image input"),
                            ("cached_image_input", "cached image input"),
                            ("image_output", "image output"),
                            ("training", "training"),
                            ("images", "images"),
                            ("audio_seconds", "audio seconds"),
                            ("video_seconds", "video seconds"),
                            ("characters", "characters"),
                            ("pages", "pages"),
                            ("searches", "searches"),
                            ("sessions", "sessions"),
                            ("calls", "calls"),
                        ],
                        max_length=24,
                    ),
                ),
                ("quantity", models.BigIntegerField()),
                (
                    "deployment",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.deployment",
                    ),
                ),
                (
                    "gateway",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.gateway",
                    ),
                ),
                (
                    "subscription",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
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
                "verbose_name": "usage of further classes",
                "verbose_name_plural": "usage of further classes",
                "ordering": ("bucket_start", "subscription", "deployment", "token_class"),
            },
        ),
        migrations.CreateModel(
            name="ClosedMonth",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("first_day", models.DateField()),
                ("closed_by", models.CharField(max_length=254)),
                ("closed_at", models.DateTimeField()),
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
                "verbose_name": "closed month",
                "ordering": ("-first_day",),
            },
        ),
        migrations.CreateModel(
            name="ProposedAdjustment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "first_day",
                    models.DateField(help_text="First local day of the closed billing period."),
                ),
                (
                    "token_class",
                    models.CharField(
                        choices=[
                            ("input", "input"),
                            ("cached_input", "cached input"),
                            ("cache_write", "cache write"),
                            ("output", "output"),
                            ("long_input", "long input"),
                            ("long_cached_input", "long cached input"),
                            ("long_cache_write", "long cache write"),
                            ("long_output", "long output"),
                            ("audio_input", "audio input"),
                            ("cached_audio_input", "cached audio input"),
                            ("audio_output", "audio output"),
                            ("image_input", "image input"),
                            ("cached_image_input", "cached image input"),
                            ("image_output", "image output"),
                            ("training", "training"),
                            ("images", "images"),
                            ("audio_seconds", "audio seconds"),
                            ("video_seconds", "video seconds"),
                            ("characters", "characters"),
                            ("pages", "pages"),
                            ("searches", "searches"),
                            ("sessions", "sessions"),
                            ("calls", "calls"),
                        ],
                        max_length=24,
                    ),
                ),
                ("quantity_before", models.BigIntegerField()),
                ("quantity_after", models.BigIntegerField()),
                ("cost_before", models.DecimalField(decimal_places=18, max_digits=38, null=True)),
                ("cost_after", models.DecimalField(decimal_places=18, max_digits=38, null=True)),
                (
                    "deployment",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.deployment",
                    ),
                ),
                (
                    "subscription",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
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
                "verbose_name": "proposed adjustment",
                "ordering": ("-first_day", "subscription", "deployment", "token_class"),
            },
        ),
        migrations.AlterModelOptions(
            name="daytorate",
            options={"ordering": ("day", "deployment"), "verbose_name_plural": "days to rate"},
        ),
        migrations.AlterModelOptions(
            name="price",
            options={"ordering": ("meter", "effective_from", "id")},
        ),
        migrations.RemoveConstraint(
            model_name="daytorate",
            name="billing_day_to_rate_once",
        ),
        migrations.RemoveConstraint(
            model_name="price",
            name="billing_price_start",
        ),
        migrations.RemoveConstraint(
            model_name="ratedday",
            name="billing_rated_day_grain",
        ),
        migrations.RemoveConstraint(
            model_name="ratedday",
            name="billing_rated_day_unpriced_has_no_cost",
        ),
        migrations.RemoveField(
            model_name="billingsettings",
            name="confirm_exact_matches",
        ),
        migrations.AddField(
            model_name="billingsettings",
            name="confirm_from_confidence",
            field=models.DecimalField(
                blank=True,
                decimal_places=2,
                help_text="Confirm a proposed meter without asking when its confidence is at least this, such as 0.95. Empty: a person confirms every meter.",
                max_digits=3,
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(Decimal("0.5")),
                    django.core.validators.MaxValueValidator(1),
                ],
            ),
        ),
        migrations.AddField(
            model_name="billingsettings",
            name="price_news_to",
            field=models.TextField(
                blank=True,
                help_text="E-mail addresses, one a line, that are told when a load of the price list changes a price this tenant uses or finds a suspect one.",
            ),
        ),
        migrations.AddField(
            model_name="daytorate",
            name="deployment",
            field=tenancy.links.TenantLink(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="inventory.deployment",
            ),
        ),
        migrations.AddField(
            model_name="meter",
            name="vanished_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="metermapping",
            name="units_per_price",
            field=models.PositiveIntegerField(
                default=1,
                help_text="How many of the class's units the meter's unit holds: 3600 where seconds are priced by the hour.",
                validators=[django.core.validators.MinValueValidator(1)],
            ),
        ),
        migrations.AddField(
            model_name="price",
            name="doubts",
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name="price",
            name="price_type",
            field=models.CharField(
                choices=[("Consumption", "pay-as-you-go"), ("Reservation", "reservation")],
                default="Consumption",
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="price",
            name="reservation_term",
            field=models.CharField(blank=True, max_length=16),
        ),
        migrations.AddField(
            model_name="price",
            name="tier_minimum_units",
            field=models.DecimalField(decimal_places=6, default=0, max_digits=24),
        ),
        migrations.AddField(
            model_name="ratedday",
            name="price_currency",
            field=models.CharField(blank=True, default="", max_length=3),
        ),
        migrations.AddField(
            model_name="ratedday",
            name="unit_price",
            field=models.DecimalField(decimal_places=15, max_digits=24, null=True),
        ),
        migrations.AddField(
            model_name="ratedday",
            name="units_per_price",
            field=models.PositiveIntegerField(default=1),
        ),
        migrations.RunSQL(RATE_ANEW, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="daytorate",
            name="deployment",
            field=tenancy.links.TenantLink(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="inventory.deployment",
            ),
        ),
        migrations.AlterField(
            model_name="metermapping",
            name="meter",
            field=models.ForeignKey(
                blank=True,
                help_text="Empty: not charged by use, the deployment's capacity is paid for.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="billing.meter",
            ),
        ),
        migrations.AlterField(
            model_name="metermapping",
            name="token_class",
            field=models.CharField(
                choices=[
                    ("input", "input"),
                    ("cached_input", "cached input"),
                    ("cache_write", "cache write"),
                    ("output", "output"),
                    ("long_input", "long input"),
                    ("long_cached_input", "long cached input"),
                    ("long_cache_write", "long cache write"),
                    ("long_output", "long output"),
                    ("audio_input", "audio input"),
                    ("cached_audio_input", "cached audio input"),
                    ("audio_output", "audio output"),
                    ("image_input", "image input"),
                    ("cached_image_input", "cached image input"),
                    ("image_output", "image output"),
                    ("training", "training"),
                    ("images", "images"),
                    ("audio_seconds", "audio seconds"),
                    ("video_seconds", "video seconds"),
                    ("characters", "characters"),
                    ("pages", "pages"),
                    ("searches", "searches"),
                    ("sessions", "sessions"),
                    ("calls", "calls"),
                ],
                max_length=24,
            ),
        ),
        migrations.AlterField(
            model_name="ratedday",
            name="token_class",
            field=models.CharField(
                choices=[
                    ("input", "input"),
                    ("cached_input", "cached input"),
                    ("cache_write", "cache write"),
                    ("output", "output"),
                    ("long_input", "long input"),
                    ("long_cached_input", "long cached input"),
                    ("long_cache_write", "long cache write"),
                    ("long_output", "long output"),
                    ("audio_input", "audio input"),
                    ("cached_audio_input", "cached audio input"),
                    ("audio_output", "audio output"),
                    ("image_input", "image input"),
                    ("cached_image_input", "cached image input"),
                    ("image_output", "image output"),
                    ("training", "training"),
                    ("images", "images"),
                    ("audio_seconds", "audio seconds"),
                    ("video_seconds", "video seconds"),
                    ("characters", "characters"),
                    ("pages", "pages"),
                    ("searches", "searches"),
                    ("sessions", "sessions"),
                    ("calls", "calls"),
                ],
                max_length=24,
            ),
        ),
        migrations.AddIndex(
            model_name="price",
            index=models.Index(fields=["run", "meter"], name="billing_price_run"),
        ),
        migrations.AddIndex(
            model_name="price",
            index=models.Index(
                condition=models.Q(("doubts", []), _negated=True),
                fields=["-effective_from", "id"],
                name="billing_price_suspect",
            ),
        ),
        migrations.AddConstraint(
            model_name="daytorate",
            constraint=models.UniqueConstraint(
                fields=("tenant", "day", "deployment"), name="billing_day_to_rate_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="metermapping",
            constraint=models.CheckConstraint(
                condition=models.Q(("units_per_price__gte", 1)),
                name="billing_mapping_units_positive",
            ),
        ),
        migrations.AddConstraint(
            model_name="price",
            constraint=models.UniqueConstraint(
                fields=(
                    "meter",
                    "effective_from",
                    "price_type",
                    "reservation_term",
                    "tier_minimum_units",
                    "currency",
                    "run",
                ),
                name="billing_price_once_a_load",
            ),
        ),
        migrations.AddField(
            model_name="ratedday",
            name="markup_line",
            field=tenancy.links.TenantLink(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="billing.sheetline",
            ),
        ),
        migrations.AddField(
            model_name="ratedday",
            name="sheet_line",
            field=tenancy.links.TenantLink(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="billing.sheetline",
            ),
        ),
        migrations.AddConstraint(
            model_name="ratedday",
            constraint=models.UniqueConstraint(
                fields=(
                    "tenant",
                    "day",
                    "subscription",
                    "deployment",
                    "token_class",
                    "price",
                    "sheet_line",
                    "markup_line",
                    "exchange_rate",
                    "units_per_price",
                ),
                name="billing_rated_day_grain",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="ratedday",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("unit_price__isnull", False),
                    ("cost__isnull", True),
                    ("cost", 0),
                    _connector="OR",
                ),
                name="billing_rated_day_unpriced_has_no_cost",
            ),
        ),
        migrations.AddConstraint(
            model_name="classusage",
            constraint=models.UniqueConstraint(
                fields=("tenant", "bucket_start", "subscription", "deployment", "token_class"),
                name="billing_class_usage_grain",
            ),
        ),
        migrations.AddConstraint(
            model_name="classusage",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity__gt", 0)), name="billing_class_usage_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="closedmonth",
            constraint=models.UniqueConstraint(
                fields=("tenant", "first_day"), name="billing_closed_once"
            ),
        ),
        migrations.AddIndex(
            model_name="pricechange",
            index=models.Index(fields=["-run", "kind", "id"], name="billing_change_of_load"),
        ),
        migrations.AddIndex(
            model_name="pricechange",
            index=models.Index(fields=["meter", "-run"], name="billing_change_of_meter"),
        ),
        migrations.AddConstraint(
            model_name="pricedecision",
            constraint=models.UniqueConstraint(
                fields=("tenant", "price"), name="billing_decision_of_price"
            ),
        ),
        migrations.AddConstraint(
            model_name="pricesheet",
            constraint=models.UniqueConstraint(
                fields=("tenant", "name", "effective_from"), name="billing_sheet_start"
            ),
        ),
        migrations.AddConstraint(
            model_name="pricesheet",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("effective_until__isnull", True),
                    ("effective_until__gte", models.F("effective_from")),
                    _connector="OR",
                ),
                name="billing_sheet_ends_after_start",
            ),
        ),
        migrations.AddConstraint(
            model_name="proposedadjustment",
            constraint=models.UniqueConstraint(
                fields=("tenant", "first_day", "subscription", "deployment", "token_class"),
                name="billing_adjustment_grain",
            ),
        ),
        migrations.AddConstraint(
            model_name="sheetline",
            constraint=models.UniqueConstraint(
                fields=("tenant", "sheet", "number"), name="billing_sheet_line_number"
            ),
        ),
        migrations.AddConstraint(
            model_name="sheetline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("kind", "exact"),
                        ("meter__isnull", False),
                        ("percent", None),
                        ("unit_price__gte", 0),
                    ),
                    models.Q(
                        ("kind__in", ("discount", "markup")),
                        ("meter", None),
                        ("percent__gte", 0),
                        ("unit_price", None),
                    ),
                    _connector="OR",
                ),
                name="billing_sheet_line_of_its_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="sheetline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "discount"), _negated=True),
                    ("percent__lte", 100),
                    _connector="OR",
                ),
                name="billing_sheet_discount_at_most_all",
            ),
        ),
        migrations.AddField(
            model_name="ratedday",
            name="tokens",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Case(
                    models.When(
                        then=0,
                        token_class__in=(
                            "audio_seconds",
                            "calls",
                            "characters",
                            "images",
                            "pages",
                            "searches",
                            "sessions",
                            "video_seconds",
                        ),
                    ),
                    default=models.F("quantity"),
                    output_field=models.BigIntegerField(),
                ),
                output_field=models.BigIntegerField(),
            ),
        ),
        _link("billing_daytorate", "deployment_id", "inventory_deployment"),
        row_security.Guard("ClassUsage"),
        row_security.Guard("ClosedMonth", grants="SELECT, INSERT"),
        row_security.Guard("PriceDecision"),
        row_security.Guard("PriceSheet", grants="SELECT, INSERT, UPDATE"),
        row_security.Guard("SheetLine", grants="SELECT, INSERT"),
        row_security.Guard("ProposedAdjustment"),
        _link("billing_ratedday", "sheet_line_id", "billing_sheetline"),
        _link("billing_ratedday", "markup_line_id", "billing_sheetline"),
        row_security.Grant("billing_pricechange", "SELECT, INSERT"),
        migrations.RunSQL(
            f"REVOKE UPDATE ON billing_price FROM {row_security.APP_ROLE}",
            f"GRANT UPDATE ON billing_price TO {row_security.APP_ROLE}",
        ),
    ]
