"""Finding products: text, facets with true counts, order, page. One door for the pages, the API and other apps.

OR inside a group of filters, AND between groups; a group's own choice does not narrow its own counts.
"""

from catalog.search.engine import Facet
from catalog.search.found import Found, Suggestions, count, find, suggest
from catalog.search.query import (
    GROUPS,
    LONGEST_TEXT,
    ORDERINGS,
    PAGE_SIZE,
    PRICE_RANGES,
    CategoryTree,
    Search,
    as_query,
    category_tree,
    read_search,
    without,
)

__all__ = [
    "GROUPS",
    "LONGEST_TEXT",
    "ORDERINGS",
    "PAGE_SIZE",
    "PRICE_RANGES",
    "CategoryTree",
    "Facet",
    "Found",
    "Search",
    "Suggestions",
    "as_query",
    "category_tree",
    "count",
    "find",
    "read_search",
    "suggest",
    "without",
]
