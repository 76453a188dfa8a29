"""May it be spent, and is it so at the gateway.

In the order of the data:
`limits` (what binds a subscription now, by how much, and why), `decisions` (the desired state of
every subscription, with reasons), `enforcement` (compare, guard, act, verify, record) and
`suspensions`, `budgets`;
`roles` (who asks, who approves), `consequences` (what a team asks for, and what would follow),
`approvers` (whose approval it needs, who may give it), `front_door` (the life of a request: asked
for, decided on, carried out);
`alerts` (thresholds that are reached; `fresh`: is usage read up to now), `notifications` and
`channels` (telling people of it).
"""
