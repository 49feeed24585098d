"""What the web server runs."""

import gc
import os

from django.core.wsgi import get_wsgi_application

from koogallery.kernel.web.bodies import giving_up_bodies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "koogallery.settings")
application = giving_up_bodies(get_wsgi_application())

# What was loaded by now stays: the garbage collector need not look at it again and again. Requests leave little that
# only the collector can free, so it may wait for more.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 50)
