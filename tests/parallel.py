"""What each worker of a parallel test run has of its own: a Valkey, and a folder for files and indexes.

Its database pytest-django names after it. Loaded as a plugin, because settings are read before any conftest.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from koogallery.kernel.embedded import Valkey
from koogallery.kernel.running import end_with_parent

if "PYTEST_XDIST_WORKER" in os.environ:
    _folder = Path(tempfile.mkdtemp(prefix="kgw"))
    atexit.register(shutil.rmtree, _folder, ignore_errors=True)
    _valkey = Valkey(_folder / "v.sock", _folder / "valkey.log", before_start=end_with_parent)
    _valkey.start()
    atexit.register(_valkey.stop)
    os.environ |= {
        "REDIS_URL": f"unix://{_folder / 'v.sock'}",
        "MEDIA_ROOT": str(_folder / "media"),
        "SEARCH_INDEX_DIR": str(_folder / "search"),
    }
