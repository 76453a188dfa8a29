"""A gateway says where its usage is read from. A column with a default: no table is rewritten."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0003_deployment_states"),
        ("tenancy", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="gateway",
            name="metric_dimensions",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text='For emitted metrics: the names of dimensions that differ from the usual, such as {"application": "App name"}.',
            ),
        ),
        migrations.AddField(
            model_name="gateway",
            name="usage_source",
            field=models.CharField(
                choices=[
                    ("llm_log", "gateway logs (LLM log joined to gateway log)"),
                    ("metrics", "emitted token metrics (AppMetrics)"),
                    ("events", "pushed usage events"),
                ],
                default="llm_log",
                help_text="Where usage is read from. One source counts; sources are never added together.",
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="gateway",
            name="azure_subscription_id",
            field=models.CharField(
                blank=True,
                max_length=36,
                validators=[
                    django.core.validators.RegexValidator(
                        "\\A[0-9a-fA-F-]{36}\\Z", "Use the GUID that the Azure portal shows."
                    )
                ],
            ),
        ),
        migrations.AlterField(
            model_name="gateway",
            name="resource_group",
            field=models.CharField(
                blank=True,
                max_length=90,
                validators=[
                    django.core.validators.RegexValidator(
                        "\\A[A-Za-z0-9][A-Za-z0-9._()-]{0,88}[A-Za-z0-9)_-]?\\Z",
                        "Use the name as the Azure portal shows it.",
                    )
                ],
            ),
        ),
        migrations.AlterField(
            model_name="gateway",
            name="service",
            field=models.CharField(
                blank=True,
                help_text="Name of the API Management service. Empty for another gateway, whose usage is pushed.",
                max_length=50,
                validators=[
                    django.core.validators.RegexValidator(
                        "\\A[A-Za-z0-9][A-Za-z0-9._()-]{0,88}[A-Za-z0-9)_-]?\\Z",
                        "Use the name as the Azure portal shows it.",
                    )
                ],
            ),
        ),
        migrations.AlterField(
            model_name="gateway",
            name="workspace_id",
            field=models.CharField(
                blank=True,
                help_text="Workspace ID (GUID) in Log Analytics. Empty where usage is pushed.",
                max_length=36,
                validators=[
                    django.core.validators.RegexValidator(
                        "\\A[0-9a-fA-F-]{36}\\Z", "Use the GUID that the Azure portal shows."
                    )
                ],
            ),
        ),
        migrations.AddConstraint(
            model_name="gateway",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("usage_source", "events"),
                    models.Q(("service", ""), ("workspace_id", ""), _connector="OR", _negated=True),
                    _connector="OR",
                ),
                name="inventory_gateway_has_its_log",
            ),
        ),
    ]
