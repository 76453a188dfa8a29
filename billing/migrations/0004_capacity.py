"""Capacity paid by the hour: which meter prices it, what was reserved, what both cost a day.

New tables only; nothing is locked.
"""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import tenancy.links
import tenancy.models.tenants
import tenancy.scope
from tenancy import row_security


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0003_trusted_prices"),
        ("inventory", "0003_deployment_states"),
        ("tenancy", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Reservation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                (
                    "units",
                    models.PositiveIntegerField(
                        help_text="Throughput units (PTUs).",
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "scope",
                    models.CharField(
                        choices=[
                            ("global", "global"),
                            ("data zone", "data zone"),
                            ("regional", "regional"),
                        ],
                        max_length=16,
                    ),
                ),
                ("region", models.CharField(max_length=64)),
                (
                    "term",
                    models.CharField(
                        choices=[("1 Month", "1 month"), ("1 Year", "1 year")], max_length=8
                    ),
                ),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                (
                    "unit_price",
                    models.DecimalField(
                        decimal_places=12,
                        help_text="Per unit, for the whole term.",
                        max_digits=24,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "currency",
                    models.CharField(
                        max_length=3, validators=[tenancy.models.tenants.check_currency]
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        help_text="What the price is taken from: the price list, a contract.",
                        max_length=200,
                    ),
                ),
                ("purchased_by", models.CharField(max_length=254)),
                ("purchased_at", models.DateTimeField()),
                ("withdrawn_by", models.CharField(blank=True, max_length=254)),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
                (
                    "list_price",
                    models.ForeignKey(
                        blank=True,
                        null=True,
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
                "ordering": ("-starts_at", "name"),
            },
        ),
        migrations.CreateModel(
            name="CapacityDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                (
                    "kind",
                    models.CharField(
                        choices=[("provisioned", "provisioned throughput"), ("hosting", "hosting")],
                        max_length=12,
                    ),
                ),
                ("unit_price", models.DecimalField(decimal_places=15, max_digits=24, null=True)),
                ("price_currency", models.CharField(blank=True, default="", max_length=3)),
                ("unit_minutes", models.BigIntegerField()),
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
                    "markup_line",
                    tenancy.links.TenantLink(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.sheetline",
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
                    "sheet_line",
                    tenancy.links.TenantLink(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.sheetline",
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
                    "reservation",
                    tenancy.links.TenantLink(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.reservation",
                    ),
                ),
            ],
            options={
                "verbose_name": "day of capacity",
                "verbose_name_plural": "days of capacity",
                "ordering": ("day", "deployment", "kind", "id"),
            },
        ),
        migrations.CreateModel(
            name="ReservationDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("unit_minutes", models.BigIntegerField()),
                ("amount", models.DecimalField(decimal_places=18, max_digits=38)),
                ("cost", models.DecimalField(decimal_places=18, max_digits=38, null=True)),
                (
                    "deployment",
                    tenancy.links.TenantLink(
                        null=True,
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
                    "reservation",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="days",
                        to="billing.reservation",
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
                "verbose_name": "day of a reservation",
                "verbose_name_plural": "days of reservations",
                "ordering": ("day", "reservation", "deployment"),
            },
        ),
        migrations.CreateModel(
            name="CapacityMapping",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sku", models.CharField(max_length=64)),
                ("effective_from", models.DateTimeField()),
                ("confirmed_by", models.CharField(max_length=254)),
                ("reason", models.TextField()),
                (
                    "deployment",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="capacity_mappings",
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
                "verbose_name": "meter of capacity",
                "verbose_name_plural": "meters of capacity",
                "ordering": ("deployment", "sku", "effective_from"),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "deployment", "sku", "effective_from"),
                        name="billing_capacity_mapping_start",
                    )
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="reservation",
            constraint=models.UniqueConstraint(
                fields=("tenant", "name"), name="billing_reservation_name"
            ),
        ),
        migrations.AddConstraint(
            model_name="reservation",
            constraint=models.CheckConstraint(
                condition=models.Q(("unit_price__gte", 0), ("units__gte", 1)),
                name="billing_reservation_positive",
            ),
        ),
        migrations.AddConstraint(
            model_name="reservation",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_at__gt", models.F("starts_at"))),
                name="billing_reservation_ends_after",
            ),
        ),
        migrations.AddConstraint(
            model_name="capacityday",
            constraint=models.UniqueConstraint(
                fields=(
                    "tenant",
                    "day",
                    "deployment",
                    "kind",
                    "reservation",
                    "price",
                    "sheet_line",
                    "markup_line",
                    "exchange_rate",
                ),
                name="billing_capacity_day_grain",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="capacityday",
            constraint=models.CheckConstraint(
                condition=models.Q(("unit_minutes__gt", 0)), name="billing_capacity_day_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="capacityday",
            constraint=models.CheckConstraint(
                condition=models.Q(("reservation__isnull", True), ("cost", 0), _connector="OR"),
                name="billing_capacity_day_covered_costs_nothing",
            ),
        ),
        migrations.AddConstraint(
            model_name="capacityday",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("unit_price__isnull", False),
                    ("cost__isnull", True),
                    ("reservation__isnull", False),
                    _connector="OR",
                ),
                name="billing_capacity_day_unpriced_has_no_cost",
            ),
        ),
        migrations.AddConstraint(
            model_name="reservationday",
            constraint=models.UniqueConstraint(
                fields=("tenant", "day", "reservation", "deployment"),
                name="billing_reservation_day_grain",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="reservationday",
            constraint=models.CheckConstraint(
                condition=models.Q(("unit_minutes__gt", 0)), name="billing_reservation_day_positive"
            ),
        ),
        row_security.Guard("CapacityMapping", grants="SELECT, INSERT, UPDATE"),
        row_security.Guard("Reservation", grants="SELECT, INSERT, UPDATE"),
        row_security.Guard("CapacityDay"),
        row_security.Guard("ReservationDay"),
    ]
