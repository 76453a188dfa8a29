"""What it cost, and who bears it.

In the order of the data:
`prices` (catalogue → meters → mapping), `exchange` rates, `usage` (window in, window replaced),
`rating` (quantity × price in force, fused with the day's rollup), `rollups` (the only source of
figures on pages), `statements`, `documents` (one format a file), `findings` (what needs a person).
"""
