"""Who and what: `gateways`, `products`, `subscriptions`, `deployments` as Azure has them,
`teams`, `cost_centers` and `ownership` as the organisation has them; `sync` reads Azure.
"""
