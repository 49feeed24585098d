"""A drawn tile for products and sellers that have no logo: same name, same tile, everywhere."""

import hashlib

from django.utils.html import format_html

# Two ends of a gradient each; white text stands on all of them with a contrast of at least 4.5.
GRADIENTS = [
    ("#3558e8", "#1b2fb0"),
    ("#0b7f62", "#046a5c"),
    ("#c2410c", "#9a2a12"),
    ("#7c3aed", "#4a1fb8"),
    ("#0e7490", "#155e75"),
    ("#be185d", "#831843"),
    ("#1f2a4d", "#0f172a"),
    ("#4d7c0f", "#365314"),
]


def generated(name: str) -> str:
    """An SVG document, 60 by 60, with the initial of `name` on a gradient chosen by the name."""
    digest = hashlib.sha256(name.encode()).digest()
    start, end = GRADIENTS[digest[0] % len(GRADIENTS)]
    initial = next((letter for letter in name if letter.isalnum()), "K").upper()
    return format_html(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 60 60"><defs>'
        '<linearGradient id="g" x1="0" y1="0" x2="1" y2="1"><stop stop-color="{}"/>'
        '<stop offset="1" stop-color="{}"/></linearGradient></defs>'
        '<rect width="60" height="60" rx="14" fill="url(#g)"/>'
        '<circle cx="48" cy="{}" r="20" fill="#fff" fill-opacity=".1"/>'
        '<text x="30" y="40" text-anchor="middle" fill="#fff" font-family="system-ui, sans-serif" font-size="28"'
        ' font-weight="700">{}</text></svg>',
        start,
        end,
        8 + digest[1] % 44,
        initial,
    )
