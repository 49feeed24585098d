"""Invoices (guide 8, RULES 5): applied for by buyers, issued by sellers or the platform, returned with a credit note.

`models.py` what is kept · `rules.py` what may be · `services/` the verbs · `documents.py` the PDF · `views/`, `api.py`, `admin.py`.
"""
