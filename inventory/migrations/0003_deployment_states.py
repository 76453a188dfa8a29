"""From when on a deployment had which SKU and capacity, and what a fine-tuned model was made from.

A new table, and two columns that begin empty: locks `inventory_deployment` for an instant.
"""

import django.db.models.deletion
from django.db import migrations, models

import tenancy.links
import tenancy.scope
from tenancy import row_security


class Migration(migrations.Migration):
    dependencies = [
        ("tenancy", "0001_initial"),
        ("inventory", "0002_owner_view"),
    ]

    operations = [
        migrations.AddField(
            model_name="deployment",
            name="base_model",
            field=models.CharField(blank=True, max_length=128),
        ),
        migrations.AddField(
            model_name="deployment",
            name="base_version",
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.CreateModel(
            name="DeploymentState",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("from_instant", models.DateTimeField()),
                ("sku", models.CharField(blank=True, max_length=64)),
                (
                    "capacity",
                    models.PositiveIntegerField(
                        help_text="In the SKU's own unit: throughput units (PTUs) where it is "
                        "provisioned."
                    ),
                ),
                (
                    "deployment",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="states",
                        to="inventory.deployment",
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
                "verbose_name": "deployment state",
                "ordering": ("deployment", "from_instant"),
            },
        ),
        migrations.AddConstraint(
            model_name="deploymentstate",
            constraint=models.UniqueConstraint(
                fields=("tenant", "deployment", "from_instant"),
                name="inventory_deployment_state_start",
            ),
        ),
        row_security.Guard("DeploymentState"),
    ]
