# The same code on managed Postgres and Redis: web, worker and beat are three commands of one image.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 KOOGALLERY_ENV=production
WORKDIR /srv/koogallery
RUN pip install --no-cache-dir uv==0.13.9
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-dev
ENV PATH="/srv/koogallery/.venv/bin:$PATH"
COPY . .
RUN KOOGALLERY_ENV=embedded DATABASE_URL=postgres://none/none REDIS_URL=redis://none python manage.py collectstatic --no-input -v0 --ignore redoc --ignore rest_framework \
    && useradd --system --no-create-home koogallery && mkdir -p var && chown -R koogallery var
USER koogallery
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", "--blocking-threads", "6", "--http1-buffer-size", "65536", "koogallery.wsgi:application"]
