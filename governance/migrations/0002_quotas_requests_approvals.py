"""Quotas of every kind, requests, approvals and their policies, budgets and alerts.

New tables, and columns of a small one. A quota's row never changes from here on, and the
application may not: another takes its place. What binds a subscription is said by one function.
The states of a request follow only where they may, and an approval is only ever of what was seen:
both are triggers, so that no door can do otherwise.
"""

import django.contrib.postgres.fields
import django.core.serializers.json
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import tenancy.links
import tenancy.scope
from tenancy import row_security

KNOWN_SINCE_THEIR_START = """
ALTER TABLE governance_quota NO FORCE ROW LEVEL SECURITY;
UPDATE governance_quota SET recorded_at = least(effective_from, now());
ALTER TABLE governance_quota FORCE ROW LEVEL SECURITY;
"""
#: Back to what could be said before: a limit a month in the currency, one a start.
KEEP_WHAT_COULD_BE_SAID = """
ALTER TABLE governance_quota NO FORCE ROW LEVEL SECURITY;
ALTER TABLE governance_action NO FORCE ROW LEVEL SECURITY;
UPDATE governance_action SET quota_id = NULL;
DELETE FROM governance_quota
 WHERE "limit" IS NULL OR unit <> 'currency' OR span <> 'month'
    OR (product_id IS NULL AND subscription_id IS NULL);
DELETE FROM governance_quota older
 USING governance_quota newer
 WHERE newer.tenant_id = older.tenant_id
   AND newer.product_id IS NOT DISTINCT FROM older.product_id
   AND newer.subscription_id IS NOT DISTINCT FROM older.subscription_id
   AND newer.effective_from = older.effective_from
   AND newer.id > older.id;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE governance_action FORCE ROW LEVEL SECURITY;
ALTER TABLE governance_quota FORCE ROW LEVEL SECURITY;
"""
LINKS = """
ALTER TABLE governance_quota ADD CONSTRAINT governance_quota_team_id_fk
    FOREIGN KEY (tenant_id, team_id) REFERENCES inventory_team (tenant_id, id)
    DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE governance_quota ADD CONSTRAINT governance_quota_cost_center_id_fk
    FOREIGN KEY (tenant_id, cost_center_id) REFERENCES inventory_costcenter (tenant_id, id)
    DEFERRABLE INITIALLY DEFERRED;
REVOKE UPDATE, DELETE ON governance_quota FROM apportion_app;
"""
UNLINK = """
GRANT UPDATE, DELETE ON governance_quota TO apportion_app;
ALTER TABLE governance_quota DROP CONSTRAINT governance_quota_cost_center_id_fk;
ALTER TABLE governance_quota DROP CONSTRAINT governance_quota_team_id_fk;
"""
REQUESTS = """
CREATE FUNCTION governance_request_begins() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF NEW.state <> 'draft' OR NEW.version <> 1 THEN
        RAISE EXCEPTION 'a request begins as a draft'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_request_begins';
    END IF;
    RETURN NEW;
END
$body$;
CREATE TRIGGER governance_request_begins AFTER INSERT ON governance_quotarequest
    FOR EACH ROW EXECUTE FUNCTION governance_request_begins();

CREATE FUNCTION governance_request_changes() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    amended boolean := OLD.state IN ('submitted', 'question') AND NEW.state = 'submitted'
                       AND NEW.version = OLD.version + 1;
BEGIN
    IF (NEW.tenant_id, NEW.id, NEW.number, NEW.requested_by_id, NEW.created_at)
       IS DISTINCT FROM
       (OLD.tenant_id, OLD.id, OLD.number, OLD.requested_by_id, OLD.created_at) THEN
        RAISE EXCEPTION 'whose request it is does not change'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_request_whose';
    END IF;
    IF NEW.version <> OLD.version AND NOT amended THEN
        RAISE EXCEPTION 'a version begins when an open request is amended'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_request_version';
    END IF;
    IF (NEW.team_id, NEW.kind, NEW.subscription_id, NEW.gateway_id, NEW.product_id, NEW.unit, NEW.span,
        NEW.amount, NEW.until, NEW.display_name, NEW.environment, NEW.application, NEW.reason,
        NEW.expected)
       IS DISTINCT FROM
       (OLD.team_id, OLD.kind, OLD.subscription_id, OLD.gateway_id, OLD.product_id, OLD.unit, OLD.span,
        OLD.amount, OLD.until, OLD.display_name, OLD.environment, OLD.application, OLD.reason,
        OLD.expected)
       AND NOT amended AND OLD.state <> 'draft'
       -- What a new subscription became is written down when it has been made.
       AND NOT (OLD.kind = 'subscription' AND OLD.state = 'approved'
                AND OLD.subscription_id IS NULL
                AND (NEW.team_id, NEW.kind, NEW.gateway_id, NEW.product_id, NEW.display_name, NEW.environment,
                     NEW.application, NEW.reason, NEW.expected)
                    IS NOT DISTINCT FROM
                    (OLD.team_id, OLD.kind, OLD.gateway_id, OLD.product_id, OLD.display_name, OLD.environment,
                     OLD.application, OLD.reason, OLD.expected)) THEN
        RAISE EXCEPTION 'what was asked changes with a new version only'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_request_asked';
    END IF;
    IF NEW.state <> OLD.state AND NOT EXISTS (
        SELECT 1 FROM (VALUES
            ('draft', 'submitted'), ('draft', 'withdrawn'),
            ('submitted', 'question'), ('submitted', 'approved'), ('submitted', 'rejected'),
            ('submitted', 'withdrawn'), ('submitted', 'expired'),
            ('question', 'submitted'), ('question', 'rejected'), ('question', 'withdrawn'),
            ('question', 'expired'),
            ('approved', 'applied'), ('approved', 'failed'),
            ('failed', 'approved')
        ) follows (before, after)
        WHERE follows.before = OLD.state AND follows.after = NEW.state
    ) THEN
        RAISE EXCEPTION 'a request that is % does not become %', OLD.state, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_request_state';
    END IF;
    IF OLD.state = 'submitted' AND NEW.state = 'approved' AND (
        NOT EXISTS (
            SELECT 1 FROM governance_approvalneed need
             WHERE need.tenant_id = NEW.tenant_id AND need.request_id = NEW.id
               AND need.version = NEW.version
        ) OR EXISTS (
            SELECT 1 FROM governance_approvalneed need
             WHERE need.tenant_id = NEW.tenant_id AND need.request_id = NEW.id
               AND need.version = NEW.version
               AND need.people > (
                   SELECT least(count(DISTINCT approval.person_id),
                                count(DISTINCT coalesce(approval.on_behalf_of_id,
                                                        approval.person_id)))
                     FROM governance_approval approval
                    WHERE approval.tenant_id = need.tenant_id
                      AND approval.request_id = need.request_id
                      AND approval.version = need.version
                      AND approval.whose = need.whose
                      AND (need.whose = 'owner' OR need.group_id IS NULL OR EXISTS (
                          SELECT 1 FROM governance_groupmember member
                           WHERE member.tenant_id = need.tenant_id
                             AND member.group_id IN (need.group_id, need.escalated_to_id)
                             AND member.person_id = coalesce(approval.on_behalf_of_id,
                                                             approval.person_id)
                      ))
               )
        )
    ) THEN
        RAISE EXCEPTION 'not everybody has approved who must'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_request_approved';
    END IF;
    RETURN NEW;
END
$body$;
CREATE TRIGGER governance_request_changes AFTER UPDATE ON governance_quotarequest
    FOR EACH ROW EXECUTE FUNCTION governance_request_changes();

CREATE FUNCTION governance_approval_of_what_was_seen() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    asked record;
BEGIN
    SELECT state, version, requested_by_id INTO asked
      FROM governance_quotarequest
     WHERE tenant_id = NEW.tenant_id AND id = NEW.request_id
       FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NEW;  -- the key to the request says so
    END IF;
    IF asked.state IS DISTINCT FROM 'submitted' OR asked.version <> NEW.version THEN
        RAISE EXCEPTION 'an approval is of the version that waits for it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_approval_of_what_was_seen';
    END IF;
    IF asked.requested_by_id IN (NEW.person_id, NEW.on_behalf_of_id) THEN
        RAISE EXCEPTION 'nobody decides on their own request'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_approval_not_own';
    END IF;
    RETURN NEW;
END
$body$;
CREATE TRIGGER governance_approval_of_what_was_seen AFTER INSERT ON governance_approval
    FOR EACH ROW EXECUTE FUNCTION governance_approval_of_what_was_seen();

CREATE FUNCTION governance_override_was_approved() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF EXISTS (
        SELECT 1 FROM governance_quotarequest
         WHERE tenant_id = NEW.tenant_id AND id = NEW.request_id AND state <> 'approved'
    ) THEN
        RAISE EXCEPTION 'only what is approved changes a limit'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_override_was_approved';
    END IF;
    RETURN NEW;
END
$body$;
CREATE TRIGGER governance_override_was_approved AFTER INSERT ON governance_override
    FOR EACH ROW EXECUTE FUNCTION governance_override_was_approved();

REVOKE ALL ON FUNCTION governance_request_begins(), governance_request_changes(),
    governance_approval_of_what_was_seen(), governance_override_was_approved() FROM PUBLIC;
"""
NO_REQUESTS = """
DROP TRIGGER governance_override_was_approved ON governance_override;
DROP FUNCTION governance_override_was_approved();
DROP TRIGGER governance_approval_of_what_was_seen ON governance_approval;
DROP FUNCTION governance_approval_of_what_was_seen();
DROP TRIGGER governance_request_changes ON governance_quotarequest;
DROP FUNCTION governance_request_changes();
DROP TRIGGER governance_request_begins ON governance_quotarequest;
DROP FUNCTION governance_request_begins();
"""
#: Every limit that applies to a subscription at an instant, with how much of it is used.
#: Grain: subscription x limit; ``place`` 1 is what binds it: first a hard limit that is reached,
#: then the one of which most is used. A subscription's own quota counts before its product's of
#: the same unit and period; overrides and what is left over are added. Cost is of rated days, of
#: months from the sums enforcement keeps; of an hour it is its tokens at the day's cost for each.
LIMITS = """
CREATE FUNCTION governance_limits(
    p_tenant bigint,
    p_at timestamptz,
    p_zone text,
    p_hour timestamptz,
    p_day date,
    p_week date,
    p_month date,
    p_year date,
    p_only bigint[]
) RETURNS TABLE (
    subscription_id bigint,
    place bigint,
    level text,
    subject_id bigint,
    quota_id bigint,
    unit text,
    span text,
    hardness text,
    thresholds smallint[],
    base numeric,
    extra numeric,
    extra_until timestamptz,
    carried numeric,
    "limit" numeric,
    used numeric,
    unpriced_tokens bigint,
    starts timestamptz,
    all_start timestamptz
) LANGUAGE sql STABLE AS $body$
WITH said AS (
    -- Of several with one start the one recorded last, even where it is over by now.
    SELECT DISTINCT ON (subscription_id, product_id, team_id, cost_center_id, unit, span,
                        effective_from)
           subscription_id, product_id, team_id, cost_center_id, id, unit, span, hardness,
           thresholds, rollover, "limit", effective_from, effective_until
      FROM governance_quota
     WHERE tenant_id = p_tenant
       AND effective_from <= p_at
       AND (p_only IS NULL OR subscription_id IS NULL OR subscription_id = ANY (p_only))
     ORDER BY subscription_id, product_id, team_id, cost_center_id, unit, span,
              effective_from DESC, id DESC
), quota AS (
    SELECT DISTINCT ON (subscription_id, product_id, team_id, cost_center_id, unit, span) *
      FROM said
     WHERE effective_until IS NULL OR effective_until > p_at
     ORDER BY subscription_id, product_id, team_id, cost_center_id, unit, span,
              effective_from DESC
), shared AS (
    SELECT CASE WHEN team_id IS NULL THEN 'cost_center' ELSE 'team' END AS level,
           coalesce(team_id, cost_center_id) AS subject_id, id, unit, span, hardness, thresholds,
           rollover, "limit", effective_from
      FROM quota
     WHERE subscription_id IS NULL AND product_id IS NULL AND "limit" IS NOT NULL
), tier AS (
    SELECT product_id, id, unit, span, hardness, thresholds, rollover, "limit", effective_from
      FROM quota
     WHERE product_id IS NOT NULL AND "limit" IS NOT NULL
), bearer AS (
    SELECT owner.subscription_id, whose.level, whose.subject_id
      FROM inventory_owner owner
      LEFT JOIN inventory_team team
        ON team.tenant_id = owner.tenant_id AND team.id = owner.team_id
     CROSS JOIN LATERAL (
           VALUES ('team', owner.team_id),
                  ('cost_center', coalesce(owner.cost_center_id, team.cost_center_id))
           ) whose (level, subject_id)
     WHERE owner.tenant_id = p_tenant
       AND owner.from_day <= p_day AND (owner.until_day IS NULL OR owner.until_day > p_day)
       AND (p_only IS NULL OR owner.subscription_id = ANY (p_only))
       AND EXISTS (SELECT 1 FROM shared)
), applied AS (
    -- ``counts`` and ``counts_id``: whose usage a limit counts.
    SELECT subscription_id, 'subscription' AS level, subscription_id AS subject_id,
           'subscription' AS counts, subscription_id AS counts_id, id, unit, span, hardness,
           thresholds, rollover, "limit", effective_from
      FROM quota
     WHERE subscription_id IS NOT NULL AND "limit" IS NOT NULL
     UNION ALL
    SELECT subscription.id, 'product', subscription.product_id, 'subscription', subscription.id,
           tier.id, tier.unit, tier.span, tier.hardness, tier.thresholds, tier.rollover,
           tier."limit", tier.effective_from
      FROM inventory_subscription subscription
      JOIN tier ON tier.product_id = subscription.product_id
     WHERE subscription.tenant_id = p_tenant
       AND (p_only IS NULL OR subscription.id = ANY (p_only))
       AND NOT EXISTS (
           SELECT 1 FROM quota own
            WHERE own.subscription_id = subscription.id AND own."limit" IS NOT NULL
              AND NOT (own.unit <> tier.unit OR own.span <> tier.span)
       )
     UNION ALL
    SELECT bearer.subscription_id, level, subject_id, level, subject_id, shared.id, shared.unit,
           shared.span, shared.hardness, shared.thresholds, shared.rollover, shared."limit",
           shared.effective_from
      FROM shared
      JOIN bearer USING (level, subject_id)
), added AS (
    SELECT CASE WHEN subscription_id IS NULL THEN 'team' ELSE 'subscription' END AS counts,
           coalesce(subscription_id, team_id) AS counts_id, unit, span,
           sum(amount) AS amount, min(effective_until) AS until
      FROM governance_override
     WHERE tenant_id = p_tenant
       AND effective_from <= p_at
       AND (effective_until IS NULL OR effective_until > p_at)
       AND (p_only IS NULL OR subscription_id IS NULL OR subscription_id = ANY (p_only))
     GROUP BY 1, 2, 3, 4
), concerned AS (
    SELECT DISTINCT level, subject_id FROM shared JOIN bearer USING (level, subject_id)
), needed AS (
    SELECT CASE WHEN team_id IS NOT NULL THEN 'team'
                WHEN cost_center_id IS NOT NULL THEN 'cost_center'
                ELSE 'subscription' END AS counts,
           span, bool_or(rollover = 'unused') AS carries
      FROM quota
     WHERE "limit" IS NOT NULL
     GROUP BY 1, 2
), stretch AS (
    -- This period, through the day that is asked for; and the one before it, where that carries.
    SELECT needed.counts, needed.span, period.first_day,
           CASE WHEN needed.carries THEN period.before ELSE period.first_day END AS since
      FROM needed
      JOIN (VALUES ('day', p_day, p_day - 1),
                   ('week', p_week, p_week - 7),
                   ('month', p_month, (p_month - interval '1 month')::date),
                   ('year', p_year, (p_year - interval '1 year')::date)
           ) period (span, first_day, before) ON period.span = needed.span
     -- A month's own sum is joined as it is.
     WHERE needed.carries OR (needed.counts, needed.span) <> ('subscription', 'month')
), hourly AS (
    SELECT used.subscription_id, local.day, used.bucket_start < p_hour AS past,
           sum(class.quantity * rated.unit_cost) AS cost,
           coalesce(sum(class.quantity) FILTER (
               WHERE class.token_class NOT IN ('images', 'audio_seconds', 'video_seconds',
                                               'characters', 'pages', 'searches', 'sessions',
                                               'calls')), 0) AS tokens,
           coalesce(sum(class.quantity) FILTER (WHERE rated.unit_cost IS NULL), 0)
               AS unpriced_tokens
      FROM billing_usage used
     CROSS JOIN LATERAL (SELECT (used.bucket_start AT TIME ZONE p_zone)::date AS day) local
     CROSS JOIN LATERAL (
           SELECT token_class, quantity
             FROM (VALUES ('input', used.input_tokens),
                          ('cached_input', used.cached_input_tokens),
                          ('output', used.output_tokens),
                          ('reasoning', used.reasoning_tokens)) common (token_class, quantity)
            WHERE quantity > 0
            UNION ALL
           SELECT rare.token_class, rare.quantity
             FROM billing_classusage rare
            WHERE rare.tenant_id = used.tenant_id AND rare.bucket_start = used.bucket_start
              AND rare.series_id = used.series_id
           ) class
      LEFT JOIN (
           SELECT day, deployment_id, token_class,
                  sum(cost) / nullif(sum(quantity) FILTER (WHERE cost IS NOT NULL), 0)
                      AS unit_cost
             FROM billing_ratedday
            WHERE tenant_id = p_tenant AND day >= p_day - 1 AND day <= p_day
            GROUP BY day, deployment_id, token_class
           ) rated
        ON rated.day = local.day
       AND rated.deployment_id = used.deployment_id
       AND rated.token_class = class.token_class
     WHERE used.tenant_id = p_tenant
       AND used.bucket_start >= p_hour - interval '1 hour'
       AND used.bucket_start < p_hour + interval '1 hour'
       AND EXISTS (SELECT 1 FROM needed WHERE needed.span = 'hour')
     GROUP BY 1, 2, 3
), daily AS (
    SELECT 'subscription' AS counts, month.subscription_id AS counts_id, stretch.span,
           month.first_day < stretch.first_day AS past,
           month.cost, month.tokens, month.unpriced_tokens
      FROM stretch
      JOIN billing_periodtodate month
        ON month.tenant_id = p_tenant
       AND month.first_day >= stretch.since AND month.first_day <= p_day
     WHERE stretch.counts = 'subscription' AND stretch.span IN ('month', 'year')
       AND (p_only IS NULL OR month.subscription_id = ANY (p_only))
     UNION ALL
    SELECT 'subscription', rated.subscription_id, stretch.span, rated.day < stretch.first_day,
           rated.cost, rated.tokens, CASE WHEN rated.cost IS NULL THEN rated.quantity ELSE 0 END
      FROM stretch
      JOIN billing_ratedday rated
        ON rated.tenant_id = p_tenant
       AND rated.day >= stretch.since AND rated.day <= p_day
     WHERE stretch.counts = 'subscription' AND stretch.span IN ('day', 'week')
       AND (p_only IS NULL OR rated.subscription_id = ANY (p_only))
     UNION ALL
    SELECT 'subscription', subscription_id, 'hour', past, cost, tokens, unpriced_tokens
      FROM hourly
     UNION ALL
    -- What a team or a cost center counts is what was theirs on its day.
    SELECT whose.level, whose.subject_id, used.span, used.past, used.cost, used.tokens,
           used.unpriced_tokens
      FROM (SELECT stretch.counts, stretch.span, rated.subscription_id, rated.day,
                   rated.day < stretch.first_day AS past, rated.cost, rated.tokens,
                   CASE WHEN rated.cost IS NULL THEN rated.quantity ELSE 0 END AS unpriced_tokens
              FROM stretch
              JOIN billing_ratedday rated
                ON rated.tenant_id = p_tenant
               AND rated.day >= stretch.since AND rated.day <= p_day
             WHERE stretch.counts <> 'subscription'
             UNION ALL
            SELECT needed.counts, 'hour', hourly.subscription_id, hourly.day, hourly.past,
                   hourly.cost, hourly.tokens, hourly.unpriced_tokens
              FROM needed
             CROSS JOIN hourly
             WHERE needed.span = 'hour' AND needed.counts <> 'subscription'
           ) used
      JOIN inventory_owner owner
        ON owner.tenant_id = p_tenant
       AND owner.subscription_id = used.subscription_id
       AND owner.from_day <= used.day
       AND (owner.until_day IS NULL OR owner.until_day > used.day)
      LEFT JOIN inventory_team team
        ON team.tenant_id = p_tenant AND team.id = owner.team_id
     CROSS JOIN LATERAL (
           VALUES ('team', owner.team_id),
                  ('cost_center', coalesce(owner.cost_center_id, team.cost_center_id))
           ) whose (level, subject_id)
      JOIN concerned ON concerned.level = whose.level AND concerned.subject_id = whose.subject_id
     WHERE whose.level = used.counts
       AND EXISTS (SELECT 1 FROM shared)
), spent AS (
    SELECT counts, counts_id, span,
           sum(cost) FILTER (WHERE NOT past) AS cost,
           sum(tokens) FILTER (WHERE NOT past) AS tokens,
           sum(unpriced_tokens) FILTER (WHERE NOT past) AS unpriced_tokens,
           sum(cost) FILTER (WHERE past) AS past_cost,
           sum(tokens) FILTER (WHERE past) AS past_tokens
      FROM daily
     GROUP BY counts, counts_id, span
), counted AS (
    -- Joined by a number and compared by words only where that fits: few have several limits.
    -- OFFSET 0 here and below: what is worked out once is not worked out again by what reads it.
    SELECT applied.*,
           coalesce(added.amount, 0) AS extra,
           added.until AS extra_until,
           coalesce(CASE applied.unit WHEN 'tokens' THEN coalesce(month.tokens, spent.tokens)
                                      ELSE coalesce(month.cost, spent.cost) END, 0) AS used,
           coalesce(month.unpriced_tokens, spent.unpriced_tokens, 0)::bigint AS unpriced_tokens,
           CASE applied.span
               WHEN 'month' THEN p_month::timestamp AT TIME ZONE p_zone
               WHEN 'day' THEN p_day::timestamp AT TIME ZONE p_zone
               WHEN 'hour' THEN p_hour
               WHEN 'week' THEN p_week::timestamp AT TIME ZONE p_zone
               ELSE p_year::timestamp AT TIME ZONE p_zone
           END AS starts,
           CASE WHEN applied.rollover = 'unused' AND applied.effective_from <= CASE applied.span
                    WHEN 'month' THEN (p_month - interval '1 month') AT TIME ZONE p_zone
                    WHEN 'day' THEN (p_day - 1)::timestamp AT TIME ZONE p_zone
                    WHEN 'hour' THEN p_hour - interval '1 hour'
                    WHEN 'week' THEN (p_week - 7)::timestamp AT TIME ZONE p_zone
                    ELSE (p_year - interval '1 year') AT TIME ZONE p_zone
                END
                THEN greatest(applied."limit" - coalesce(
                    CASE applied.unit WHEN 'tokens' THEN spent.past_tokens
                                      ELSE spent.past_cost END, 0), 0)
                ELSE 0
           END AS carried
      FROM applied
      LEFT JOIN added
        ON added.counts_id = applied.counts_id
       AND NOT (added.counts <> applied.counts OR added.unit <> applied.unit
                OR added.span <> applied.span)
      LEFT JOIN billing_periodtodate month
        ON month.tenant_id = p_tenant AND month.first_day = p_month
       AND month.subscription_id = applied.counts_id
       AND applied.counts = 'subscription' AND applied.span = 'month'
      LEFT JOIN spent
        ON spent.counts_id = applied.counts_id
       AND NOT (spent.counts <> applied.counts OR spent.span <> applied.span)
    OFFSET 0
), summed AS (
    SELECT counted.*, greatest(counted."limit" + extra + carried, 0) AS whole
      FROM counted
    OFFSET 0
), ranked AS (
    SELECT summed.*, hardness = 'hard' AS hard, hardness = 'hard' AND used >= whole AS refuses,
           CASE WHEN whole = 0 THEN 'Infinity'::numeric ELSE used / whole END AS share
      FROM summed
    OFFSET 0
)
SELECT subscription_id, row_number() OVER theirs, level, subject_id, id, unit, span, hardness,
       thresholds, "limit", extra, extra_until, carried, whole, used, unpriced_tokens, starts,
       max(starts) OVER theirs
  FROM ranked
WINDOW theirs AS (
    PARTITION BY subscription_id
    ORDER BY refuses DESC, share DESC, hard DESC, level DESC, unit, span, id
    ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
)
$body$;
REVOKE ALL ON FUNCTION governance_limits FROM PUBLIC;
GRANT EXECUTE ON FUNCTION governance_limits TO apportion_app;
"""
NO_LIMITS = "DROP FUNCTION governance_limits"


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0001_initial"),
        ("inventory", "0006_cost_center_owner"),
        ("tenancy", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ApproverGroup",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
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
                "verbose_name": "approver group",
                "ordering": ("name",),
            },
        ),
        migrations.CreateModel(
            name="ApprovalPolicy",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                (
                    "position",
                    models.PositiveIntegerField(
                        default=100,
                        help_text="The order in which policies are read and approvers are asked.",
                    ),
                ),
                (
                    "kinds",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=16),
                        blank=True,
                        default=list,
                        help_text="Kinds of request, such as increase, temporary. Empty: all.",
                        size=None,
                    ),
                ),
                (
                    "environment",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Such as production. Empty: any.",
                        max_length=60,
                    ),
                ),
                (
                    "amount_from",
                    models.DecimalField(
                        blank=True,
                        decimal_places=4,
                        help_text="From this much more a month on, in the billing currency, for the team in the window.",
                        max_digits=24,
                        null=True,
                    ),
                ),
                (
                    "percent_from",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        help_text="From this many percent more than the limit before the window.",
                        max_digits=9,
                        null=True,
                    ),
                ),
                (
                    "days_from",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="From this many days on; what is for good is longer than any.",
                        null=True,
                    ),
                ),
                (
                    "forecast_from",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        help_text="From a forecast of this many percent of the limit before the window.",
                        max_digits=9,
                        null=True,
                    ),
                ),
                (
                    "window_days",
                    models.PositiveIntegerField(
                        default=30, help_text="How many days back increases are counted together."
                    ),
                ),
                (
                    "demand",
                    models.CharField(
                        choices=[
                            ("automatic", "nobody: approved at once"),
                            ("one", "one approver"),
                            ("owner_first", "the cost center's owner, then one approver"),
                            ("two", "two different approvers"),
                        ],
                        default="one",
                        max_length=16,
                    ),
                ),
                (
                    "own_teams",
                    models.BooleanField(
                        default=False,
                        help_text="An approver may decide for a team they own. Nobody ever decides on their own request.",
                        verbose_name="owners may decide",
                    ),
                ),
                ("remind_after_hours", models.PositiveIntegerField(default=24)),
                ("escalate_after_hours", models.PositiveIntegerField(default=72)),
                (
                    "expires_after_days",
                    models.PositiveIntegerField(
                        default=30,
                        help_text="A request nobody decided on ends after this many days.",
                    ),
                ),
                ("effective_from", models.DateTimeField()),
                ("effective_until", models.DateTimeField(blank=True, null=True)),
                ("set_by", models.CharField(max_length=254)),
                (
                    "product",
                    tenancy.links.TenantLink(
                        blank=True,
                        help_text="The tier a subscription has or is to have. Empty: any.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.product",
                        verbose_name="tier",
                    ),
                ),
                (
                    "team",
                    tenancy.links.TenantLink(
                        blank=True,
                        help_text="Empty: any.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
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
                (
                    "escalate_to",
                    tenancy.links.TenantLink(
                        blank=True,
                        help_text="Who is told then, and may decide too. Empty: administrators are told.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="governance.approvergroup",
                    ),
                ),
                (
                    "group",
                    tenancy.links.TenantLink(
                        blank=True,
                        help_text="Who approves. Empty: any approver of the tenant.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="policies",
                        to="governance.approvergroup",
                    ),
                ),
            ],
            options={
                "verbose_name": "approval policy",
                "verbose_name_plural": "approval policies",
                "ordering": ("position", "id"),
            },
        ),
        migrations.CreateModel(
            name="QuotaRequest",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("increase", "more, for good"),
                            ("temporary", "more, for a time"),
                            ("decrease", "less"),
                            ("tier", "another tier"),
                            ("subscription", "a new subscription"),
                            ("reactivation", "serve a suspended subscription again"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "draft"),
                            ("submitted", "waiting for approval"),
                            ("question", "a question is open"),
                            ("approved", "approved"),
                            ("rejected", "rejected"),
                            ("withdrawn", "withdrawn"),
                            ("expired", "expired"),
                            ("applied", "applied"),
                            ("failed", "approved, not applied"),
                        ],
                        default="draft",
                        max_length=16,
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1)),
                (
                    "unit",
                    models.CharField(
                        choices=[("currency", "billing currency"), ("tokens", "tokens")],
                        default="currency",
                        max_length=8,
                    ),
                ),
                (
                    "span",
                    models.CharField(
                        choices=[
                            ("hour", "an hour"),
                            ("day", "a day"),
                            ("week", "a week"),
                            ("month", "a month"),
                            ("year", "a year"),
                        ],
                        default="month",
                        max_length=8,
                        verbose_name="period",
                    ),
                ),
                (
                    "amount",
                    models.DecimalField(
                        blank=True,
                        decimal_places=4,
                        help_text="By how much more (or less), in the billing currency or in tokens.",
                        max_digits=24,
                        null=True,
                    ),
                ),
                (
                    "until",
                    models.DateTimeField(
                        blank=True, help_text="When a temporary one ends.", null=True
                    ),
                ),
                ("display_name", models.CharField(blank=True, default="", max_length=100)),
                ("environment", models.CharField(blank=True, default="", max_length=60)),
                ("application", models.CharField(blank=True, default="", max_length=120)),
                ("reason", models.TextField(help_text="What it is needed for.")),
                (
                    "expected",
                    models.TextField(
                        blank=True,
                        default="",
                        help_text="What it is expected to bring, and how that is seen.",
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("submitted_at", models.DateTimeField(blank=True, null=True)),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("remind_at", models.DateTimeField(blank=True, null=True)),
                ("escalate_at", models.DateTimeField(blank=True, null=True)),
                (
                    "runs_out_on",
                    models.DateField(
                        blank=True,
                        help_text="The day its limit is likely reached without it.",
                        null=True,
                    ),
                ),
                ("error", models.TextField(blank=True, default="")),
                ("tried_at", models.DateTimeField(blank=True, null=True)),
                ("tries", models.PositiveIntegerField(default=0)),
                (
                    "gateway",
                    tenancy.links.TenantLink(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.gateway",
                    ),
                ),
                (
                    "product",
                    tenancy.links.TenantLink(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.product",
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "subscription",
                    tenancy.links.TenantLink(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="requests",
                        to="inventory.subscription",
                    ),
                ),
                (
                    "team",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="requests",
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
                "verbose_name": "quota request",
                "ordering": ("-number",),
            },
        ),
        migrations.CreateModel(
            name="RequestEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("drafted", "drafted"),
                            ("submitted", "submitted"),
                            ("commented", "commented"),
                            ("asked", "asked for information"),
                            ("answered", "answered"),
                            ("amended", "amended: approval begins anew"),
                            ("approved_part", "approved, one of several"),
                            ("approved", "approved"),
                            ("rejected", "rejected"),
                            ("withdrawn", "withdrawn"),
                            ("expired", "expired"),
                            ("reminded", "reminded"),
                            ("escalated", "escalated"),
                            ("applied", "applied"),
                            ("failed", "failed to apply"),
                            ("again", "to be applied again"),
                            ("handed_over", "key handed over"),
                            ("key_again", "key may be handed over again"),
                            ("ended", "ended early"),
                        ],
                        max_length=16,
                    ),
                ),
                ("version", models.PositiveIntegerField()),
                ("by", models.CharField(max_length=254)),
                ("at", models.DateTimeField()),
                ("text", models.TextField(blank=True, default="")),
                (
                    "details",
                    models.JSONField(
                        default=dict, help_text="What was seen or changed, in figures."
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "request",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="governance.quotarequest",
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
                "ordering": ("id",),
            },
        ),
        migrations.CreateModel(
            name="ApprovalNeed",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.PositiveIntegerField()),
                ("position", models.PositiveIntegerField()),
                (
                    "whose",
                    models.CharField(
                        choices=[("owner", "the cost center's owner"), ("group", "an approver")],
                        max_length=8,
                    ),
                ),
                ("people", models.PositiveSmallIntegerField(default=1)),
                (
                    "own_teams",
                    models.BooleanField(
                        default=False, help_text="Owners of the asking team may decide too."
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
                    "policy",
                    tenancy.links.TenantLink(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="governance.approvalpolicy",
                    ),
                ),
                (
                    "escalated_to",
                    tenancy.links.TenantLink(
                        blank=True,
                        help_text="Whose people may decide too, since it has waited for so long.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="governance.approvergroup",
                    ),
                ),
                (
                    "group",
                    tenancy.links.TenantLink(
                        blank=True,
                        help_text="Empty: any approver of the tenant.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="governance.approvergroup",
                    ),
                ),
                (
                    "request",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="needs",
                        to="governance.quotarequest",
                    ),
                ),
            ],
            options={
                "verbose_name": "approval need",
                "ordering": ("request", "version", "position"),
            },
        ),
        migrations.CreateModel(
            name="Approval",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.PositiveIntegerField()),
                (
                    "whose",
                    models.CharField(
                        choices=[("owner", "the cost center's owner"), ("group", "an approver")],
                        max_length=8,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("text", models.TextField(blank=True, default="")),
                (
                    "seen",
                    models.JSONField(
                        default=dict,
                        encoder=django.core.serializers.json.DjangoJSONEncoder,
                    ),
                ),
                (
                    "on_behalf_of",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
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
                    "request",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="approvals",
                        to="governance.quotarequest",
                    ),
                ),
            ],
            options={
                "ordering": ("id",),
            },
        ),
        migrations.CreateModel(
            name="GroupMember",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "group",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="members",
                        to="governance.approvergroup",
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
                "verbose_name": "group member",
                "ordering": ("group", "person"),
            },
        ),
        migrations.CreateModel(
            name="Delegation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("effective_from", models.DateTimeField()),
                ("effective_until", models.DateTimeField()),
                ("reason", models.TextField(blank=True, default="")),
                ("made_by", models.CharField(max_length=254)),
                (
                    "absent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "stand_in",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
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
                "ordering": ("-effective_from",),
            },
        ),
        migrations.CreateModel(
            name="Override",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "unit",
                    models.CharField(
                        choices=[("currency", "billing currency"), ("tokens", "tokens")],
                        max_length=8,
                    ),
                ),
                (
                    "span",
                    models.CharField(
                        choices=[
                            ("hour", "an hour"),
                            ("day", "a day"),
                            ("week", "a week"),
                            ("month", "a month"),
                            ("year", "a year"),
                        ],
                        max_length=8,
                        verbose_name="period",
                    ),
                ),
                (
                    "amount",
                    models.DecimalField(
                        decimal_places=4,
                        help_text="Added to the limit; negative takes away.",
                        max_digits=24,
                    ),
                ),
                ("effective_from", models.DateTimeField()),
                (
                    "effective_until",
                    models.DateTimeField(blank=True, help_text="Empty: for good.", null=True),
                ),
                ("recorded_at", models.DateTimeField(help_text="When it was written down.")),
                ("ended_by", models.CharField(blank=True, default="", max_length=254)),
                ("ended_because", models.TextField(blank=True, default="")),
                (
                    "subscription",
                    tenancy.links.TenantLink(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.subscription",
                    ),
                ),
                (
                    "team",
                    tenancy.links.TenantLink(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
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
                (
                    "request",
                    tenancy.links.TenantLink(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="overrides",
                        to="governance.quotarequest",
                    ),
                ),
            ],
            options={
                "ordering": ("-effective_from", "-id"),
            },
        ),
        migrations.CreateModel(
            name="Budget",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "span",
                    models.CharField(
                        choices=[("month", "a month"), ("year", "a year")],
                        default="month",
                        max_length=8,
                        verbose_name="period",
                    ),
                ),
                (
                    "amount",
                    models.DecimalField(
                        blank=True,
                        decimal_places=4,
                        help_text="Empty: none any more.",
                        max_digits=24,
                        null=True,
                    ),
                ),
                (
                    "from_day",
                    models.DateField(help_text="First local day of the first period it is for."),
                ),
                (
                    "thresholds",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(),
                        blank=True,
                        default=list,
                        help_text="Percentages at which somebody is told. Empty: 50, 80, 90 and 100.",
                        size=None,
                    ),
                ),
                (
                    "forecast_alert",
                    models.BooleanField(
                        default=True, help_text="Tell when the forecast passes the budget."
                    ),
                ),
                ("set_by", models.CharField(max_length=254)),
                ("reason", models.TextField(blank=True, default="")),
                ("recorded_at", models.DateTimeField(help_text="When it was written down.")),
                (
                    "cost_center",
                    tenancy.links.TenantLink(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.costcenter",
                    ),
                ),
                (
                    "team",
                    tenancy.links.TenantLink(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
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
                "ordering": ("-from_day", "-id"),
            },
        ),
        migrations.CreateModel(
            name="Alert",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("quota_used", "part of a quota is used"),
                            ("quota_forecast", "a quota is likely to run out"),
                            ("budget_used", "part of a budget is spent"),
                            ("budget_forecast", "a budget is likely to be passed"),
                        ],
                        max_length=16,
                    ),
                ),
                ("unit", models.CharField(max_length=8)),
                ("span", models.CharField(max_length=8, verbose_name="period")),
                ("period", models.DateTimeField()),
                (
                    "threshold",
                    models.PositiveSmallIntegerField(help_text="Percent of the limit or budget."),
                ),
                ("fired_at", models.DateTimeField()),
                ("resolved_at", models.DateTimeField(blank=True, null=True)),
                ("evidence", models.JSONField(default=dict)),
                (
                    "cost_center",
                    tenancy.links.TenantLink(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.costcenter",
                    ),
                ),
                (
                    "product",
                    tenancy.links.TenantLink(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.product",
                    ),
                ),
                (
                    "subscription",
                    tenancy.links.TenantLink(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.subscription",
                    ),
                ),
                (
                    "team",
                    tenancy.links.TenantLink(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
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
                "ordering": ("-fired_at", "-id"),
            },
        ),
        migrations.AlterModelOptions(
            name="quota",
            options={"ordering": ("-effective_from", "-id")},
        ),
        migrations.RemoveConstraint(
            model_name="quota",
            name="governance_quota_one_subject",
        ),
        migrations.RemoveConstraint(
            model_name="quota",
            name="governance_quota_product_start",
        ),
        migrations.RemoveConstraint(
            model_name="quota",
            name="governance_quota_subscription_start",
        ),
        migrations.AddField(
            model_name="quota",
            name="cost_center",
            field=tenancy.links.TenantLink(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="inventory.costcenter",
            ),
        ),
        migrations.AddField(
            model_name="quota",
            name="recorded_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.RunSQL(KNOWN_SINCE_THEIR_START, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="quota",
            name="recorded_at",
            field=models.DateTimeField(help_text="When it was written down."),
        ),
        migrations.AddField(
            model_name="quota",
            name="rollover",
            field=models.CharField(
                choices=[
                    ("none", "none: what is left ends with the period"),
                    ("unused", "what was left of the period before is added, once"),
                ],
                default="none",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="quota",
            name="span",
            field=models.CharField(
                choices=[
                    ("hour", "an hour"),
                    ("day", "a day"),
                    ("week", "a week"),
                    ("month", "a month"),
                    ("year", "a year"),
                ],
                default="month",
                max_length=8,
                verbose_name="period",
            ),
        ),
        migrations.AddField(
            model_name="quota",
            name="team",
            field=tenancy.links.TenantLink(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="inventory.team",
            ),
        ),
        migrations.AddField(
            model_name="quota",
            name="thresholds",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.PositiveSmallIntegerField(),
                blank=True,
                default=list,
                help_text="Percentages of the limit at which somebody is told. Empty: 50, 80, 90 and 100.",
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="quota",
            name="unit",
            field=models.CharField(
                choices=[("currency", "billing currency"), ("tokens", "tokens")],
                default="currency",
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="quota",
            name="limit",
            field=models.DecimalField(
                blank=True,
                decimal_places=4,
                help_text="In the billing currency, or in tokens. Empty: no limit from then on; a subscription then has its product's.",
                max_digits=24,
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="quota",
            name="product",
            field=tenancy.links.TenantLink(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="inventory.product",
            ),
        ),
        migrations.AlterField(
            model_name="quota",
            name="subscription",
            field=tenancy.links.TenantLink(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="inventory.subscription",
            ),
        ),
        migrations.AddIndex(
            model_name="quota",
            index=models.Index(
                condition=models.Q(("subscription__isnull", False)),
                fields=["tenant", "subscription", "effective_from"],
                name="governance_quota_subscription",
            ),
        ),
        migrations.AddConstraint(
            model_name="quota",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("cost_center__isnull", True),
                        ("product__isnull", False),
                        ("subscription__isnull", True),
                        ("team__isnull", True),
                    ),
                    models.Q(
                        ("cost_center__isnull", True),
                        ("product__isnull", True),
                        ("subscription__isnull", False),
                        ("team__isnull", True),
                    ),
                    models.Q(
                        ("cost_center__isnull", True),
                        ("product__isnull", True),
                        ("subscription__isnull", True),
                        ("team__isnull", False),
                    ),
                    models.Q(
                        ("cost_center__isnull", False),
                        ("product__isnull", True),
                        ("subscription__isnull", True),
                        ("team__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="governance_quota_one_subject",
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("cost_center__isnull", True),
                        ("product__isnull", False),
                        ("subscription__isnull", True),
                        ("team__isnull", True),
                    ),
                    models.Q(
                        ("cost_center__isnull", True),
                        ("product__isnull", True),
                        ("subscription__isnull", False),
                        ("team__isnull", True),
                    ),
                    models.Q(
                        ("cost_center__isnull", True),
                        ("product__isnull", True),
                        ("subscription__isnull", True),
                        ("team__isnull", False),
                    ),
                    models.Q(
                        ("cost_center__isnull", False),
                        ("product__isnull", True),
                        ("subscription__isnull", True),
                        ("team__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="governance_alert_one_subject",
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.UniqueConstraint(
                condition=models.Q(("resolved_at__isnull", True)),
                fields=(
                    "tenant",
                    "kind",
                    "subscription",
                    "product",
                    "team",
                    "cost_center",
                    "unit",
                    "span",
                    "period",
                    "threshold",
                ),
                name="governance_alert_one_open",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="approvergroup",
            constraint=models.UniqueConstraint(
                fields=("tenant", "name"), name="governance_group_name"
            ),
        ),
        migrations.AddConstraint(
            model_name="approvalpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("effective_until__isnull", True),
                    ("effective_until__gte", models.F("effective_from")),
                    _connector="OR",
                ),
                name="governance_policy_ends_after_start",
            ),
        ),
        migrations.AddConstraint(
            model_name="approvalpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(("expires_after_days__gte", 1), ("window_days__gte", 1)),
                name="governance_policy_days_positive",
            ),
        ),
        migrations.AddConstraint(
            model_name="budget",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gte", 0)), name="governance_budget_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="budget",
            constraint=models.CheckConstraint(
                condition=models.Q(("span__in", ("month", "year"))), name="governance_budget_span"
            ),
        ),
        migrations.AddConstraint(
            model_name="delegation",
            constraint=models.CheckConstraint(
                condition=models.Q(("absent", models.F("stand_in")), _negated=True),
                name="governance_delegation_to_another",
            ),
        ),
        migrations.AddConstraint(
            model_name="delegation",
            constraint=models.CheckConstraint(
                condition=models.Q(("effective_until__gt", models.F("effective_from"))),
                name="governance_delegation_ends_after_start",
            ),
        ),
        migrations.AddConstraint(
            model_name="groupmember",
            constraint=models.UniqueConstraint(
                fields=("tenant", "group", "person"), name="governance_group_member_once"
            ),
        ),
        migrations.AddIndex(
            model_name="quotarequest",
            index=models.Index(
                fields=["tenant", "state", "runs_out_on"], name="governance_request_inbox"
            ),
        ),
        migrations.AddConstraint(
            model_name="quotarequest",
            constraint=models.UniqueConstraint(
                fields=("tenant", "number"), name="governance_request_number"
            ),
        ),
        migrations.AddConstraint(
            model_name="quotarequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "increase",
                            "temporary",
                            "decrease",
                            "tier",
                            "subscription",
                            "reactivation",
                        ],
                    )
                ),
                name="governance_request_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="quotarequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        [
                            "draft",
                            "submitted",
                            "question",
                            "approved",
                            "rejected",
                            "withdrawn",
                            "expired",
                            "applied",
                            "failed",
                        ],
                    )
                ),
                name="governance_request_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="quotarequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("amount__gt", 0), ("kind__in", ("increase", "temporary", "decrease"))
                    ),
                    models.Q(
                        ("amount__isnull", True),
                        ("kind__in", ("tier", "subscription", "reactivation")),
                    ),
                    _connector="OR",
                ),
                name="governance_request_amount_of_its_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="quotarequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "temporary"), ("until__isnull", False)),
                    models.Q(
                        models.Q(("kind", "temporary"), _negated=True), ("until__isnull", True)
                    ),
                    _connector="OR",
                ),
                name="governance_request_end_of_its_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="quotarequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("gateway__isnull", False),
                        ("kind", "subscription"),
                        ("product__isnull", False),
                    ),
                    models.Q(
                        ("kind", "tier"),
                        ("product__isnull", False),
                        ("subscription__isnull", False),
                    ),
                    models.Q(("kind", "reactivation"), ("subscription__isnull", False)),
                    ("kind__in", ("increase", "temporary", "decrease")),
                    _connector="OR",
                ),
                name="governance_request_names_its_subject",
            ),
        ),
        migrations.AddConstraint(
            model_name="override",
            constraint=models.UniqueConstraint(
                fields=("tenant", "request"), name="governance_override_one_a_request"
            ),
        ),
        migrations.AddConstraint(
            model_name="override",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount", 0), _negated=True),
                name="governance_override_changes_something",
            ),
        ),
        migrations.AddConstraint(
            model_name="override",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("effective_until__isnull", True),
                    ("effective_until__gte", models.F("effective_from")),
                    _connector="OR",
                ),
                name="governance_override_ends_after_start",
            ),
        ),
        migrations.AddConstraint(
            model_name="approvalneed",
            constraint=models.UniqueConstraint(
                fields=("tenant", "request", "version", "position"), name="governance_need_position"
            ),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.UniqueConstraint(
                fields=("tenant", "request", "version", "person"),
                name="governance_approval_once_a_version",
            ),
        ),
        migrations.AddConstraint(
            model_name="override",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("subscription__isnull", False), ("team__isnull", True)),
                    models.Q(("subscription__isnull", True), ("team__isnull", False)),
                    _connector="OR",
                ),
                name="governance_override_one_subject",
            ),
        ),
        migrations.AddConstraint(
            model_name="budget",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("cost_center__isnull", True), ("team__isnull", False)),
                    models.Q(("cost_center__isnull", False), ("team__isnull", True)),
                    _connector="OR",
                ),
                name="governance_budget_one_subject",
            ),
        ),
        migrations.RunSQL(LINKS, UNLINK),
        row_security.Guard("QuotaRequest", grants="SELECT, INSERT, UPDATE"),
        row_security.Guard("RequestEvent", grants="SELECT, INSERT"),
        row_security.Guard("ApproverGroup"),
        row_security.Guard("GroupMember"),
        row_security.Guard("ApprovalPolicy", grants="SELECT, INSERT, UPDATE"),
        row_security.Guard("ApprovalNeed", grants="SELECT, INSERT, UPDATE"),
        row_security.Guard("Approval", grants="SELECT, INSERT"),
        row_security.Guard("Delegation", grants="SELECT, INSERT, UPDATE"),
        row_security.Guard("Override", grants="SELECT, INSERT, UPDATE"),
        row_security.Guard("Budget", grants="SELECT, INSERT"),
        row_security.Guard("Alert", grants="SELECT, INSERT, UPDATE"),
        migrations.RunSQL(REQUESTS, NO_REQUESTS),
        migrations.RunSQL(LIMITS, NO_LIMITS),
        migrations.RunSQL(migrations.RunSQL.noop, KEEP_WHAT_COULD_BE_SAID),
    ]
