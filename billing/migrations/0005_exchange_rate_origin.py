from decimal import Decimal

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0004_capacity"),
    ]

    operations = [
        migrations.AddField(
            model_name="exchangerate",
            name="origin",
            field=models.CharField(
                choices=[
                    ("manual", "entered by hand"),
                    ("file", "imported from a file"),
                    ("bill", "the bill's own rate"),
                ],
                default="manual",
                editable=False,
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="exchangerate",
            name="rate",
            field=models.DecimalField(
                decimal_places=9,
                max_digits=18,
                validators=[
                    django.core.validators.MinValueValidator(
                        Decimal("1E-9"), "Use a rate above 0, such as 0.8625."
                    )
                ],
            ),
        ),
    ]
