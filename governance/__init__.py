"""May it be spent, and is it so at the gateway.

In the order of the data:
`quotas` (what binds a subscription now), `decisions` (the desired state of every subscription,
with reasons), `enforcement` (compare, guard, act, verify, record).
"""
