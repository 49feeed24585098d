"""The limit: a bare Django view that renders twenty rows of one indexed query with a template, and nothing else."""

import os

import django
import environ
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.template import Context, Engine
from django.urls import path

settings.configure(
    SECRET_KEY="of a measurement",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    DATABASES={"default": environ.Env().db_url_config(os.environ["DATABASE_URL"]) | {"CONN_MAX_AGE": 600}},
    USE_TZ=True,
)
django.setup()

TEMPLATE = Engine().from_string(
    "<!doctype html><html><head><title>Products</title></head><body><ul>"
    "{% for row in rows %}<li><a href='/products/{{ row.0 }}/'>{{ row.1 }}</a><p>{{ row.2 }}</p><b>{{ row.3 }}</b></li>{% endfor %}"
    "</ul></body></html>"
)
QUERY = (
    "SELECT slug, name, tagline, lowest_price FROM catalog_product WHERE status = 'published'"
    " ORDER BY popularity DESC, id LIMIT 20"
)


def rows(request: HttpRequest) -> HttpResponse:
    """Twenty products."""
    with connection.cursor() as cursor:
        cursor.execute(QUERY)
        page = TEMPLATE.render(Context({"rows": cursor.fetchall()})).encode()
    return HttpResponse(page, headers={"Content-Length": str(len(page))})


urlpatterns = [path("", rows)]
application = get_wsgi_application()
