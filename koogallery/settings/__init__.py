"""Every setting, typed, read from the environment (docs/operations.md has one line for each).

With no `DATABASE_URL` and no `REDIS_URL` the embedded Postgres and Valkey of this checkout are used
(`koogallery/kernel/embedded.py`); production names its servers and says `KOOGALLERY_ENV=production`.
"""

from koogallery.settings.applications import *  # noqa: F403
from koogallery.settings.doors import *  # noqa: F403
from koogallery.settings.environment import *  # noqa: F403
from koogallery.settings.people import *  # noqa: F403
from koogallery.settings.rules import *  # noqa: F403
from koogallery.settings.stores import *  # noqa: F403
