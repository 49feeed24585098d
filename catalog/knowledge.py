"""What this process knows of the catalogue's state, for caches of pages."""

import time

from catalog.search.engine import chosen
from catalog.search.index.engine import IndexEngine
from koogallery.kernel.web.page_cache import Known

# The feed is looked at once a second.
FRESH_SECONDS = 4.0


def known() -> Known:
    """The state that the search index's follower has read; not fresh where nobody follows."""
    engine = chosen()
    if not isinstance(engine, IndexEngine):
        return Known()
    engine.start()
    generation = engine.follower.generation
    fresh = time.monotonic() - generation.looked_at < FRESH_SECONDS
    return Known(generation.shop, generation.anything, engine.follower.last_changes, fresh)
