"""SaaS by machine: the signed calls that we make to sellers, and the interface that they call back (RULES 2)."""
