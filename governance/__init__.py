"""May it be spent, and is it so at the gateway.

In the order of the data:
`quotas` and `limits` (what binds a subscription now, by how much, and why), `decisions` (the
desired state of every subscription, with reasons), `enforcement` (compare, guard, act, verify,
record), `budgets`;
`asked` (what a team asks for), `whatif` and `consequences` (what would follow), `policies` and
`routing` (whose approvals it needs), `requests` (asking, until it is decided), `deciders` (who may
decide, and who stands in: `delegations`), `approvals` (the decision), `overrides` (what it adds to
a limit), `applying` and `handover` (carrying it to the gateway), `lapsing` (what waited too long);
`alerts` (thresholds that are reached), `notifications` and `channels` (telling people of it).
"""
