"""Sellers' Markdown as safe HTML: rendered without raw HTML, then cleaned by an allow-list."""

from functools import lru_cache

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

TAGS = {"p", "h3", "h4", "h5", "h6", "ul", "ol", "li", "strong", "em", "code", "pre", "blockquote", "a", "hr", "br",
        "table", "thead", "tbody", "tr", "th", "td"}  # fmt: skip
# The page has the h1 and the sections their h2, so a seller's headings begin at h3, whether he begins with # or ##.
SHIFT = {f"h{level}": f"h{min(6, max(3, level + 1))}" for level in range(1, 7)}


@lru_cache(maxsize=512)
def render_markdown(text: str) -> SafeString:
    """HTML of `text`: no raw HTML, no scripts, links only to web and mail addresses."""
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table")
    tokens = parser.parse(text)
    for token in tokens:
        token.tag = SHIFT.get(token.tag, token.tag)
    html = parser.renderer.render(tokens, parser.options, {})
    clean = nh3.clean(
        html,
        tags=TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener",
    )
    return mark_safe(clean)  # cleaned one line above by an allow-list
