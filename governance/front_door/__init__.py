"""The life of a request: asked for, decided on, carried out.

`requests` (asking, until it is decided; `keys` make asking by program harmless to repeat),
`timeline` (all that happened to it), `approvals` (the decision) and `overrides` (what it adds to a
limit), `waiting` and `desk` (what approvers have before them), `lapsing` (what waited too long),
`applying` and `at_gateway` (carrying it out there), `handover` (of a new key).
"""
