"""The view that closes each ownership with the next one's start. No lock on anything in use."""

from django.db import migrations

FORWARDS = """
CREATE VIEW inventory_owner WITH (security_invoker = true) AS
SELECT id,
       tenant_id,
       subscription_id,
       team_id,
       from_day,
       lead(from_day) OVER (
           PARTITION BY tenant_id, subscription_id ORDER BY from_day
       ) AS until_day
  FROM inventory_ownership;
REVOKE ALL ON inventory_owner FROM PUBLIC;
GRANT SELECT ON inventory_owner TO apportion_app;
"""


class Migration(migrations.Migration):
    dependencies = [("inventory", "0001_initial")]

    operations = [migrations.RunSQL(FORWARDS, "DROP VIEW inventory_owner")]
