"""What limits a subscription at an instant, by how much, and why.

`binding` (a limit, and which of several binds), `quotas` (setting one; what is in force; the one
answer, `quotas.of`), `tiers` (what a product gives), `limited` (whom a limit concerns), `effects`
(what one would do, before it is set), `running_out` (when it is reached, and by which first).
"""
