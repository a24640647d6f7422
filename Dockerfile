# syntax=docker/dockerfile:1
# One image for the web server, the worker, the scheduler and the migrations.

FROM python:3.12-slim AS build
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
RUN pip install --no-cache-dir "uv>=0.9,<1"
WORKDIR /app
# The environment first: it changes less often than the code.
COPY pyproject.toml uv.lock ./
RUN --mount=type=cache,target=/root/.cache/uv uv sync --locked --no-default-groups
COPY . .
# The names and secrets below serve to collect static files only; none stays in the image.
RUN DJANGO_SETTINGS_MODULE=cpts_portal.settings.production \
    SECRET_KEY=only-for-the-build-only-for-the-build-only-for-the-build-0 \
    DATABASE_URL=postgres://build@build.invalid/build \
    CELERY_BROKER_URL=redis://build.invalid/0 \
    ALLOWED_HOSTS=build.invalid \
    PORTAL_URL=https://build.invalid \
    EMAIL_URL=smtp://build.invalid:25 \
    DEFAULT_FROM_EMAIL=build@build.invalid \
    MEDIA_ROOT=/app/var/media \
    .venv/bin/python manage.py collectstatic --no-input

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home-dir /app portal
WORKDIR /app
COPY --from=build /app /app
RUN mkdir -p var/media && chown portal var var/media
ENV PATH=/app/.venv/bin:$PATH \
    DJANGO_SETTINGS_MODULE=cpts_portal.settings.production \
    PYTHONUNBUFFERED=1 \
    XDG_CACHE_HOME=/tmp/cache
USER portal
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=15s --start-period=30s \
    CMD ["python", "cpts_portal/probe.py", "readyz"]
CMD ["gunicorn", "cpts_portal.wsgi", "--bind", "0.0.0.0:8000", "--threads", "4", \
     "--timeout", "60", "--no-control-socket", "--worker-tmp-dir", "/dev/shm", \
     "--access-logfile", "-", "--logger-class", "cpts_portal.logs.AccessLogger"]
