"""Service tickets (guide 9.7, 9.9, 9.11, 8 NOTE, 2.1): a thread between an account and operations, with a clock for the answer."""
