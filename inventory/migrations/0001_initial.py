"""Inventory, teams and ownership. New tables only: no lock on anything in use."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import tenancy.links
import tenancy.scope
from tenancy import row_security


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("tenancy", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Owner",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("from_day", models.DateField()),
                ("until_day", models.DateField(null=True)),
            ],
            options={
                "db_table": "inventory_owner",
                "ordering": ("subscription", "from_day"),
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="CostCenter",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=40)),
                ("name", models.CharField(max_length=120)),
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
                "verbose_name": "cost center",
                "ordering": ("code",),
            },
        ),
        migrations.CreateModel(
            name="Gateway",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        max_length=62,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[a-z0-9]([a-z0-9-]{0,60}[a-z0-9])?\\Z",
                                "Use lower-case letters, digits and hyphens, starting and ending with a letter or digit.",
                            )
                        ],
                    ),
                ),
                (
                    "azure_subscription_id",
                    models.CharField(
                        max_length=36,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[0-9a-fA-F-]{36}\\Z",
                                "Use the GUID that the Azure portal shows.",
                            )
                        ],
                    ),
                ),
                (
                    "resource_group",
                    models.CharField(
                        max_length=90,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[A-Za-z0-9][A-Za-z0-9._()-]{0,88}[A-Za-z0-9)_-]?\\Z",
                                "Use the name as the Azure portal shows it.",
                            )
                        ],
                    ),
                ),
                (
                    "service",
                    models.CharField(
                        help_text="Name of the API Management service.",
                        max_length=50,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[A-Za-z0-9][A-Za-z0-9._()-]{0,88}[A-Za-z0-9)_-]?\\Z",
                                "Use the name as the Azure portal shows it.",
                            )
                        ],
                    ),
                ),
                (
                    "workspace_id",
                    models.CharField(
                        help_text="Workspace ID (GUID) in Log Analytics.",
                        max_length=36,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[0-9a-fA-F-]{36}\\Z",
                                "Use the GUID that the Azure portal shows.",
                            )
                        ],
                    ),
                ),
                (
                    "credential",
                    models.CharField(
                        default="default",
                        help_text="Entry of APPORTION_AZURE_CREDENTIALS_FILE, or 'default' for the machine's own managed identity.",
                        max_length=62,
                    ),
                ),
                (
                    "inference_url",
                    models.URLField(
                        blank=True,
                        help_text="Base address of the gateway's inference API, for test calls.",
                    ),
                ),
                (
                    "usage_from",
                    models.DateTimeField(help_text="Usage is read from this instant on."),
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
                "ordering": ("name",),
            },
        ),
        migrations.CreateModel(
            name="Deployment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("host", models.CharField(blank=True, max_length=255)),
                ("name", models.CharField(blank=True, max_length=256)),
                ("model", models.CharField(blank=True, max_length=128)),
                ("version", models.CharField(blank=True, max_length=64)),
                ("sku", models.CharField(blank=True, max_length=64)),
                ("region", models.CharField(blank=True, max_length=64)),
                (
                    "origin",
                    models.CharField(
                        choices=[("inventory", "read from Azure"), ("usage", "seen in usage only")],
                        max_length=16,
                    ),
                ),
                ("seen_at", models.DateTimeField()),
                ("vanished_at", models.DateTimeField(blank=True, null=True)),
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
                    "gateway",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deployments",
                        to="inventory.gateway",
                    ),
                ),
            ],
            options={
                "ordering": ("host", "name"),
            },
        ),
        migrations.CreateModel(
            name="ModelAccount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "azure_subscription_id",
                    models.CharField(
                        max_length=36,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[0-9a-fA-F-]{36}\\Z",
                                "Use the GUID that the Azure portal shows.",
                            )
                        ],
                    ),
                ),
                (
                    "resource_group",
                    models.CharField(
                        max_length=90,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[A-Za-z0-9][A-Za-z0-9._()-]{0,88}[A-Za-z0-9)_-]?\\Z",
                                "Use the name as the Azure portal shows it.",
                            )
                        ],
                    ),
                ),
                (
                    "account",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[A-Za-z0-9][A-Za-z0-9._()-]{0,88}[A-Za-z0-9)_-]?\\Z",
                                "Use the name as the Azure portal shows it.",
                            )
                        ],
                    ),
                ),
                (
                    "gateway",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="accounts",
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
                "verbose_name": "model account",
                "ordering": ("account",),
            },
        ),
        migrations.CreateModel(
            name="Product",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=256)),
                ("display_name", models.CharField(max_length=300)),
                ("tokens_per_minute", models.BigIntegerField(blank=True, null=True)),
                ("token_quota", models.BigIntegerField(blank=True, null=True)),
                ("token_quota_period", models.CharField(blank=True, max_length=16)),
                ("seen_at", models.DateTimeField()),
                ("vanished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "gateway",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="products",
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
                "ordering": ("name",),
            },
        ),
        migrations.CreateModel(
            name="Subscription",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=256)),
                ("display_name", models.CharField(blank=True, max_length=300)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("active", "active"),
                            ("suspended", "suspended"),
                            ("submitted", "submitted"),
                            ("rejected", "rejected"),
                            ("cancelled", "cancelled"),
                            ("expired", "expired"),
                            ("unknown", "unknown"),
                        ],
                        default="unknown",
                        max_length=16,
                    ),
                ),
                ("state_comment", models.TextField(blank=True)),
                (
                    "origin",
                    models.CharField(
                        choices=[("inventory", "read from Azure"), ("usage", "seen in usage only")],
                        max_length=16,
                    ),
                ),
                ("seen_at", models.DateTimeField()),
                ("vanished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "gateway",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="subscriptions",
                        to="inventory.gateway",
                    ),
                ),
                (
                    "product",
                    tenancy.links.TenantLink(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="subscriptions",
                        to="inventory.product",
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
                "verbose_name": "APIM subscription",
                "ordering": ("gateway", "name"),
            },
        ),
        migrations.CreateModel(
            name="Team",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "slug",
                    models.CharField(
                        max_length=62,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[a-z0-9]([a-z0-9-]{0,60}[a-z0-9])?\\Z",
                                "Use lower-case letters, digits and hyphens, starting and ending with a letter or digit.",
                            )
                        ],
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                (
                    "cost_center",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="teams",
                        to="inventory.costcenter",
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
                "ordering": ("name",),
            },
        ),
        migrations.CreateModel(
            name="Ownership",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("from_day", models.DateField()),
                ("reason", models.TextField(blank=True)),
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
                    "subscription",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ownerships",
                        to="inventory.subscription",
                    ),
                ),
                (
                    "team",
                    tenancy.links.TenantLink(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ownerships",
                        to="inventory.team",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "ownership",
                "ordering": ("subscription", "from_day"),
            },
        ),
        migrations.CreateModel(
            name="TeamMember",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "part",
                    models.CharField(
                        choices=[("owner", "owner"), ("member", "member")],
                        default="member",
                        max_length=16,
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
                    "team",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="members",
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
                "verbose_name": "team member",
                "ordering": ("team", "person"),
            },
        ),
        migrations.AddConstraint(
            model_name="costcenter",
            constraint=models.UniqueConstraint(
                fields=("tenant", "code"), name="inventory_cost_center_code"
            ),
        ),
        migrations.AddConstraint(
            model_name="gateway",
            constraint=models.UniqueConstraint(
                fields=("tenant", "name"), name="inventory_gateway_name"
            ),
        ),
        migrations.AddConstraint(
            model_name="deployment",
            constraint=models.UniqueConstraint(
                fields=("tenant", "gateway", "host", "name"), name="inventory_deployment_name"
            ),
        ),
        migrations.AddConstraint(
            model_name="modelaccount",
            constraint=models.UniqueConstraint(
                fields=("tenant", "gateway", "account"), name="inventory_model_account_name"
            ),
        ),
        migrations.AddConstraint(
            model_name="product",
            constraint=models.UniqueConstraint(
                fields=("tenant", "gateway", "name"), name="inventory_product_name"
            ),
        ),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.UniqueConstraint(
                fields=("tenant", "gateway", "name"), name="inventory_subscription_name"
            ),
        ),
        migrations.AddConstraint(
            model_name="team",
            constraint=models.UniqueConstraint(
                fields=("tenant", "slug"), name="inventory_team_slug"
            ),
        ),
        migrations.AddConstraint(
            model_name="ownership",
            constraint=models.UniqueConstraint(
                fields=("tenant", "subscription", "from_day"), name="inventory_ownership_start"
            ),
        ),
        migrations.AddConstraint(
            model_name="teammember",
            constraint=models.UniqueConstraint(
                fields=("tenant", "team", "person"), name="inventory_team_member_once"
            ),
        ),
        row_security.Guard("CostCenter"),
        row_security.Guard("Team"),
        row_security.Guard("TeamMember"),
        row_security.Guard("Gateway"),
        row_security.Guard("ModelAccount"),
        row_security.Guard("Product"),
        row_security.Guard("Subscription"),
        row_security.Guard("Ownership"),
        row_security.Guard("Deployment"),
    ]
