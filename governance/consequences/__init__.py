"""What a team asks for, and what would follow from it.

`asked` and `asked_before` (what is asked, and what was of late), `granted` and `recent_mix` (what
the limit and the use came from), `shares` (of budgets), `whatif` (all of it), `figures` (its answer
in values).
"""
