"""Prices, usage and rated days. New tables only: no lock on anything in use."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import tenancy.links
import tenancy.models.tenants
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
            name="Usage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("bucket_start", models.DateTimeField()),
                ("input_tokens", models.BigIntegerField(default=0)),
                ("cached_input_tokens", models.BigIntegerField(default=0)),
                ("output_tokens", models.BigIntegerField(default=0)),
                ("requests", models.BigIntegerField(default=0)),
                ("successful_requests", models.BigIntegerField(default=0)),
                ("throttled_requests", models.BigIntegerField(default=0)),
                ("refused_requests", models.BigIntegerField(default=0)),
                ("cache_hits", models.BigIntegerField(default=0)),
                ("uncovered_requests", models.BigIntegerField(default=0)),
            ],
            options={
                "verbose_name_plural": "usage",
                "db_table": "billing_usage",
                "ordering": ("bucket_start",),
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="ExchangeRate",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "from_currency",
                    models.CharField(
                        max_length=3, validators=[tenancy.models.tenants.check_currency]
                    ),
                ),
                (
                    "to_currency",
                    models.CharField(
                        max_length=3, validators=[tenancy.models.tenants.check_currency]
                    ),
                ),
                (
                    "rate",
                    models.DecimalField(
                        decimal_places=9,
                        max_digits=18,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                ("effective_from", models.DateTimeField()),
                (
                    "source",
                    models.CharField(help_text="Where the rate was taken from.", max_length=200),
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
                "verbose_name": "exchange rate",
                "ordering": ("from_currency", "to_currency", "-effective_from"),
            },
        ),
        migrations.CreateModel(
            name="Meter",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("azure_id", models.CharField(max_length=64, unique=True)),
                ("meter_name", models.CharField(max_length=200)),
                ("product_name", models.CharField(max_length=200)),
                ("sku_name", models.CharField(max_length=200)),
                ("service_name", models.CharField(max_length=100)),
                ("region", models.CharField(max_length=64)),
                ("unit_of_measure", models.CharField(max_length=40)),
            ],
            options={
                "ordering": ("product_name", "meter_name", "region"),
                "indexes": [
                    models.Index(fields=["region", "product_name"], name="billing_meter_region")
                ],
            },
        ),
        migrations.CreateModel(
            name="MeterMapping",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "token_class",
                    models.CharField(
                        choices=[
                            ("input", "input"),
                            ("cached_input", "cached input"),
                            ("output", "output"),
                        ],
                        max_length=24,
                    ),
                ),
                ("effective_from", models.DateTimeField()),
                ("confirmed_by", models.CharField(max_length=254)),
                ("reason", models.TextField()),
                (
                    "deployment",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="mappings",
                        to="inventory.deployment",
                    ),
                ),
                (
                    "meter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.meter",
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
                "verbose_name": "meter mapping",
                "ordering": ("deployment", "token_class", "effective_from"),
            },
        ),
        migrations.CreateModel(
            name="PeriodToDate",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("first_day", models.DateField(help_text="First local day of the billing period.")),
                ("cost", models.DecimalField(decimal_places=18, max_digits=38)),
                ("tokens", models.BigIntegerField()),
                ("unpriced_tokens", models.BigIntegerField()),
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
                "verbose_name": "period to date",
                "verbose_name_plural": "period to date",
                "ordering": ("-first_day", "subscription"),
            },
        ),
        migrations.CreateModel(
            name="Price",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("effective_from", models.DateTimeField()),
                ("currency", models.CharField(max_length=3)),
                ("listed_price", models.DecimalField(decimal_places=12, max_digits=24)),
                ("unit_of_measure", models.CharField(max_length=40)),
                ("unit_price", models.DecimalField(decimal_places=15, max_digits=24)),
                (
                    "meter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="prices",
                        to="billing.meter",
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
                "ordering": ("meter", "effective_from"),
            },
        ),
        migrations.CreateModel(
            name="RatedDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                (
                    "token_class",
                    models.CharField(
                        choices=[
                            ("input", "input"),
                            ("cached_input", "cached input"),
                            ("output", "output"),
                        ],
                        max_length=24,
                    ),
                ),
                ("quantity", models.BigIntegerField()),
                ("list_cost", models.DecimalField(decimal_places=18, max_digits=38, null=True)),
                ("cost", models.DecimalField(decimal_places=18, max_digits=38, null=True)),
                (
                    "deployment",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.deployment",
                    ),
                ),
                (
                    "exchange_rate",
                    tenancy.links.TenantLink(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.exchangerate",
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
                "ordering": ("day", "subscription", "deployment", "token_class"),
            },
        ),
        migrations.CreateModel(
            name="UsageFeed",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "through",
                    models.DateTimeField(help_text="Usage before this instant has been read."),
                ),
                (
                    "gateway",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="feeds",
                        to="inventory.gateway",
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
                "verbose_name": "usage feed",
            },
        ),
        migrations.CreateModel(
            name="BillingSettings",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "confirm_exact_matches",
                    models.BooleanField(
                        default=False,
                        help_text="Confirm a meter without asking when its name says exactly the deployment's model, type and token class, and no other meter of the region does.",
                    ),
                ),
                (
                    "look_back_hours",
                    models.PositiveIntegerField(
                        default=48, help_text="How far back usage is read again for late rows."
                    ),
                ),
                ("rated_prices", models.BigIntegerField(default=0, editable=False)),
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
                "verbose_name": "billing settings",
                "verbose_name_plural": "billing settings",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant",), name="billing_settings_one_per_tenant"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DayToRate",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
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
                "verbose_name_plural": "days to rate",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "day"), name="billing_day_to_rate_once"
                    )
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="exchangerate",
            constraint=models.UniqueConstraint(
                fields=("tenant", "from_currency", "to_currency", "effective_from"),
                name="billing_exchange_rate_start",
            ),
        ),
        migrations.AddConstraint(
            model_name="exchangerate",
            constraint=models.CheckConstraint(
                condition=models.Q(("rate__gt", 0)), name="billing_exchange_rate_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="metermapping",
            constraint=models.UniqueConstraint(
                fields=("tenant", "deployment", "token_class", "effective_from"),
                name="billing_mapping_start",
            ),
        ),
        migrations.AddConstraint(
            model_name="periodtodate",
            constraint=models.UniqueConstraint(
                fields=("tenant", "first_day", "subscription"), name="billing_period_to_date_grain"
            ),
        ),
        migrations.AddConstraint(
            model_name="price",
            constraint=models.UniqueConstraint(
                fields=("meter", "effective_from"), name="billing_price_start"
            ),
        ),
        migrations.AddConstraint(
            model_name="price",
            constraint=models.CheckConstraint(
                condition=models.Q(("unit_price__gte", 0)), name="billing_price_not_negative"
            ),
        ),
        migrations.AddIndex(
            model_name="ratedday",
            index=models.Index(
                fields=["tenant", "subscription", "day"], name="billing_rated_day_subscription"
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
                    "exchange_rate",
                ),
                name="billing_rated_day_grain",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="ratedday",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("price__isnull", False), ("cost__isnull", True), _connector="OR"
                ),
                name="billing_rated_day_unpriced_has_no_cost",
            ),
        ),
        migrations.AddConstraint(
            model_name="usagefeed",
            constraint=models.UniqueConstraint(
                fields=("tenant", "gateway"), name="billing_feed_gateway"
            ),
        ),
        row_security.Guard("ExchangeRate"),
        row_security.Guard("MeterMapping"),
        row_security.Guard("BillingSettings"),
        row_security.Guard("UsageFeed"),
        row_security.Guard("DayToRate"),
        row_security.Guard("RatedDay"),
        row_security.Guard("PeriodToDate"),
        row_security.Grant("billing_meter", "SELECT, INSERT, UPDATE"),
        row_security.Grant("billing_price", "SELECT, INSERT, UPDATE"),
    ]
