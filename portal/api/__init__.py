"""The REST API, ``/api/v1/``: what a tenant's own programs read, with a token of that tenant.

`authentication` says who asks, `views` opens the tenant's scope round each request, `queries` and
`fields` read what was asked for, `paging` walks lists, `schema` describes it all. One module per
resource: `index`, `teams`, `subscriptions`, `usage`, `costs`, `statements`.
"""
