"""What it cost, and who bears it.

In the order of the data: `prices` (catalogue → meters → mapping), `exchange` rates, `usage`
(window in, window replaced), `marking` (days to rate), `rating` (quantity × price in force, fused
with the day's rollup), `rollups` (what enforcement reads), `spend` and `details` (what pages and
API read), `statements` and their check, `documents` (one format a file).
"""
