-- Deployments of which nobody knows the model, used in a range of local days.
-- Grain: deployment. Their tokens have no price unless somebody mapped them by hand; some are of
-- subscriptions that a team owned, so that they are told beside the reasons, not among them.
SELECT deployment.id,
       gateway.name AS gateway,
       deployment.host,
       deployment.name,
       sum(rated.cost) AS cost,
       sum(rated.tokens)::bigint AS tokens,
       coalesce(sum(rated.quantity) FILTER (WHERE rated.cost IS NULL), 0)::bigint
           AS unpriced_tokens,
       min(rated.day) AS first_day,
       max(rated.day) AS last_day
  FROM billing_ratedday rated
  JOIN inventory_deployment deployment
    ON deployment.tenant_id = rated.tenant_id AND deployment.id = rated.deployment_id
  JOIN inventory_gateway gateway
    ON gateway.tenant_id = rated.tenant_id AND gateway.id = deployment.gateway_id
 WHERE rated.tenant_id = %(tenant)s
   AND rated.day >= %(first_day)s
   AND rated.day < %(end_day)s
   AND deployment.model = ''
 GROUP BY deployment.id, gateway.name, deployment.host, deployment.name
 ORDER BY unpriced_tokens DESC, tokens DESC, gateway.name, deployment.host, deployment.name
