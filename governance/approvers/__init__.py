"""Whose approval a request needs, and who may give it.

`policies` and `groups` (what is needed, of whom), `routing` (the needs of one request), `trials`
(what a policy would have asked), `delegations` (who stands in), `deciders` (who may decide now).
"""
