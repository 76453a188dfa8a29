"""The key by which a program asks for something once. Two columns and a unique index: at once."""

from __future__ import annotations

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0003_notifications"),
        ("inventory", "0006_cost_center_owner"),
        ("tenancy", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="quotarequest",
            name="body_digest",
            field=models.CharField(
                blank=True,
                default="",
                editable=False,
                help_text="Of what was sent with that key.",
                max_length=64,
            ),
        ),
        migrations.AddField(
            model_name="quotarequest",
            name="key_digest",
            field=models.CharField(
                blank=True,
                default="",
                editable=False,
                help_text="Of the key that a program chose to ask for it once; empty: by none.",
                max_length=64,
            ),
        ),
        migrations.AddConstraint(
            model_name="quotarequest",
            constraint=models.UniqueConstraint(
                condition=models.Q(("key_digest", ""), _negated=True),
                fields=("tenant", "requested_by", "key_digest"),
                name="governance_request_once_a_key",
            ),
        ),
    ]
