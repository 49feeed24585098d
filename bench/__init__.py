"""Measurements: how fast the shop is, run by hand and never asserted as seconds in a test."""
