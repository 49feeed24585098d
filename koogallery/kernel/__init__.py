"""What every room stands on: clock, money, identifiers, errors, timers, outbox, web and API plumbing.

Imports no app of the marketplace.
"""
