-- What each subject bore day by day, how far its usage has been read, and what its period came to.
-- Grain: subject × local day since `since`, and one row without a day for what of the period lies
-- before; a subject without any has one row without day and amounts. Subjects are subscriptions,
-- teams or cost centers, as `kind` says: a team and a cost center bear the days that were theirs
-- (inventory_owner; without a cost center of its own an ownership is booked to its team's).
-- Reads billing_ratedday, billing_usagefeed. A gateway that was never read holds back nothing: it
-- has no usage yet. Null cost is unpriced.
WITH borne AS MATERIALIZED (
    SELECT subscription.id AS subject, subscription.id AS subscription_id,
           '-infinity'::date AS from_day, 'infinity'::date AS until_day
      FROM inventory_subscription subscription
     WHERE %(kind)s = 'subscription'
       AND subscription.tenant_id = %(tenant)s
       AND subscription.id = ANY(%(subjects)s::bigint[])
     UNION ALL
    SELECT owner.team_id, owner.subscription_id, owner.from_day,
           coalesce(owner.until_day, 'infinity')
      FROM inventory_owner owner
     WHERE %(kind)s = 'team'
       AND owner.tenant_id = %(tenant)s
       AND owner.team_id = ANY(%(subjects)s::bigint[])
     UNION ALL
    SELECT center.id, owner.subscription_id, owner.from_day,
           coalesce(owner.until_day, 'infinity')
      FROM inventory_owner owner
      LEFT JOIN inventory_team team
             ON team.tenant_id = owner.tenant_id AND team.id = owner.team_id
      JOIN inventory_costcenter center
        ON center.tenant_id = owner.tenant_id
       AND center.id = coalesce(owner.cost_center_id, team.cost_center_id)
     WHERE %(kind)s = 'cost_center'
       AND owner.tenant_id = %(tenant)s
       AND center.id = ANY(%(subjects)s::bigint[])
), reading AS (
    SELECT borne.subject, min(feed.through) AS through
      FROM borne
      JOIN inventory_subscription subscription
        ON subscription.tenant_id = %(tenant)s AND subscription.id = borne.subscription_id
      JOIN billing_usagefeed feed
        ON feed.tenant_id = %(tenant)s AND feed.gateway_id = subscription.gateway_id
     WHERE borne.until_day > least(%(since)s, %(first_day)s)
     GROUP BY borne.subject
), days AS (
    SELECT borne.subject,
           CASE WHEN rated.day >= %(since)s THEN rated.day END AS day,
           sum(rated.cost) AS cost,
           sum(rated.tokens) AS tokens,
           sum(rated.quantity) FILTER (WHERE rated.cost IS NULL) AS unpriced_tokens
      FROM borne
      JOIN billing_ratedday rated
        ON rated.tenant_id = %(tenant)s
       AND rated.subscription_id = borne.subscription_id
       AND rated.day >= borne.from_day
       AND rated.day < borne.until_day
     WHERE rated.day >= least(%(since)s, %(first_day)s)
       AND rated.day < %(until)s
       AND (rated.day >= %(since)s OR rated.day < %(end_day)s)
     GROUP BY 1, 2
)
SELECT reading.subject, reading.through, days.day,
       coalesce(days.cost, 0) AS cost,
       coalesce(days.tokens, 0)::bigint AS tokens,
       coalesce(days.unpriced_tokens, 0)::bigint AS unpriced_tokens
  FROM reading
  LEFT JOIN days ON days.subject = reading.subject
 ORDER BY reading.subject, days.day NULLS FIRST
