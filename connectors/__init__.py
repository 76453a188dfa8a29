"""Azure over the wire, with Microsoft's SDKs. Knows no Django and no other part of the product.

In the order in which a call passes through them:

- ``settings``: where Azure is, whom to trust, how patient to be
- ``credentials``: who calls; one token cache per principal
- ``transport``: time-outs, repeats, tokens on requests
- ``session``: one principal at one Azure, with its clients
- ``paging``: lists in pages, read whole or not at all
- ``records``: addresses and answers as frozen values
- ``apim``, ``cognitive``, ``log_analytics``, ``retail_prices``: the verbs
- ``kql``: instants, intervals and whole numbers into a literal query
- ``failures``: every way in which a call can fail; ``translation`` turns SDK errors into them
"""
