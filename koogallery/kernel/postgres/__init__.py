"""Django's Postgres, with a cheaper look at whether a kept connection still lives."""
