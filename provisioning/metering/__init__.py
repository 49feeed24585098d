"""Time used: when pay-per-use subscriptions ran, to the second, and what it comes to hour by hour (RULES 8)."""
