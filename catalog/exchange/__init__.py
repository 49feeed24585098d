"""The catalogue as data: products in and out as JSON Lines or CSV (docs/catalogue-data.md)."""
