"""Whose a subscription is, for which cost center, environment and application; and since when known.

An ownership's row never changes from here on, and the application may not: another for the same
day takes its place. New columns, one short rewrite of a small table; the view is replaced.
"""

import django.db.models.deletion
from django.db import migrations, models

import tenancy.links

KNOWN_SINCE_THEIR_DAY = """
ALTER TABLE inventory_ownership NO FORCE ROW LEVEL SECURITY;
UPDATE inventory_ownership
   SET recorded_at = least(from_day::timestamp AT TIME ZONE 'UTC', now());
ALTER TABLE inventory_ownership FORCE ROW LEVEL SECURITY;
"""
LINK = """
ALTER TABLE inventory_ownership ADD CONSTRAINT inventory_ownership_cost_center_id_fk
    FOREIGN KEY (tenant_id, cost_center_id) REFERENCES inventory_costcenter (tenant_id, id)
    DEFERRABLE INITIALLY DEFERRED;
"""
UNLINK = "ALTER TABLE inventory_ownership DROP CONSTRAINT inventory_ownership_cost_center_id_fk"
#: Of several rows for one day the one that was recorded last counts.
VIEW = """
DROP VIEW inventory_owner;
CREATE VIEW inventory_owner WITH (security_invoker = true) AS
SELECT id,
       tenant_id,
       subscription_id,
       team_id,
       cost_center_id,
       environment,
       application,
       from_day,
       lead(from_day) OVER (
           PARTITION BY tenant_id, subscription_id ORDER BY from_day
       ) AS until_day,
       reason,
       recorded_at,
       recorded_by
  FROM (SELECT DISTINCT ON (tenant_id, subscription_id, from_day)
               id, tenant_id, subscription_id, team_id, cost_center_id, environment, application,
               from_day, reason, recorded_at, recorded_by
          FROM inventory_ownership
         ORDER BY tenant_id, subscription_id, from_day, id DESC) newest;
REVOKE ALL ON inventory_owner FROM PUBLIC;
GRANT SELECT ON inventory_owner TO apportion_app;
"""
VIEW_OF_BEFORE = """
DROP VIEW inventory_owner;
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
#: Back to one row a day: the one that counts.
KEEP_THE_NEWEST = """
ALTER TABLE inventory_ownership NO FORCE ROW LEVEL SECURITY;
DELETE FROM inventory_ownership older
 USING inventory_ownership newer
 WHERE newer.tenant_id = older.tenant_id
   AND newer.subscription_id = older.subscription_id
   AND newer.from_day = older.from_day
   AND newer.id > older.id;
ALTER TABLE inventory_ownership FORCE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    dependencies = [("inventory", "0004_usage_source")]

    operations = [
        migrations.RemoveConstraint(model_name="ownership", name="inventory_ownership_start"),
        migrations.RunSQL(migrations.RunSQL.noop, KEEP_THE_NEWEST),
        migrations.AlterModelOptions(
            name="ownership",
            options={
                "ordering": ("subscription", "from_day", "id"),
                "verbose_name_plural": "ownership",
            },
        ),
        migrations.AddField(
            model_name="ownership",
            name="cost_center",
            field=tenancy.links.TenantLink(
                blank=True,
                help_text="Where its cost is booked. None: the team's own cost center.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="ownerships",
                to="inventory.costcenter",
            ),
        ),
        migrations.AddField(
            model_name="ownership",
            name="environment",
            field=models.CharField(
                blank=True, default="", help_text="Such as production or test.", max_length=60
            ),
        ),
        migrations.AddField(
            model_name="ownership",
            name="application",
            field=models.CharField(
                blank=True, default="", help_text="What it is used for.", max_length=120
            ),
        ),
        migrations.AddField(
            model_name="ownership",
            name="recorded_by",
            field=models.CharField(blank=True, default="", max_length=254),
        ),
        migrations.AddField(
            model_name="ownership",
            name="recorded_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.RunSQL(KNOWN_SINCE_THEIR_DAY, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="ownership",
            name="recorded_at",
            field=models.DateTimeField(help_text="When it was written down."),
        ),
        migrations.AddIndex(
            model_name="ownership",
            index=models.Index(
                fields=["tenant", "subscription", "from_day", "id"],
                name="inventory_ownership_start",
            ),
        ),
        migrations.RunSQL(LINK, UNLINK),
        migrations.RunSQL(
            "REVOKE UPDATE, DELETE ON inventory_ownership FROM apportion_app",
            "GRANT UPDATE, DELETE ON inventory_ownership TO apportion_app",
        ),
        migrations.RunSQL(VIEW, VIEW_OF_BEFORE),
    ]
