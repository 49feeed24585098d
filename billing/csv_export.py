"""Rows as a CSV file: it lives in `koogallery.kernel.web.csv_export`."""

from koogallery.kernel.web.csv_export import csv_file

__all__ = ["csv_file"]
