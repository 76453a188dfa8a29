"""Telling people: what happened becomes notices, notices become deliveries, deliveries leave.

``collecting`` reads what happened · ``telling`` writes a notice and whom it is for ·
``preferences`` and ``endpoints`` say how · ``delivering`` and ``digests`` send what is due ·
``inbox`` and ``log`` show it. Verbs of the business never send: they write rows, and these find
them.
"""
