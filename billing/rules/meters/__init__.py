"""Reads what Azure's price list calls its meters. Pure.

``reading`` has the verb; ``vocabulary`` and ``model_names`` are the tables it reads by,
``grammar`` the rules, ``products`` says where which words hold.
"""
