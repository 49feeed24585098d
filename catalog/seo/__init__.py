"""What search engines and social networks read of the storefront."""
