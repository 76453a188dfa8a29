"""The demonstration: the whole product against a simulated Azure, told as a story.

`setting` makes the two tenants through the product's own verbs; `story` runs the main job step
by step; `summary` says what happened; ``python -m portal.demo`` does it all.
"""
