"""What calls must tell of themselves, chosen by each tenant. Adds a column with a default: short."""

from functools import partial

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0006_usage_at_volume")]

    operations = [
        migrations.AddField(
            model_name="billingsettings",
            name="required_metadata",
            field=models.JSONField(
                blank=True,
                default=partial(list, ("application",)),
                help_text="What a call must tell, such as application: a list of dimensions. The share of a team's cost that tells all of them is its metadata quality.",
            ),
        ),
    ]
