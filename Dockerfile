# syntax=docker/dockerfile:1
# Two images from one file:
#   docker build --target product -t apportion .            web, worker, beat, migrations
#   docker build --target demo    -t apportion-demo .       the same, with the simulated Azure
# Pin the base by digest where builds must be repeatable: --build-arg PYTHON=python:3.11-slim-bookworm@sha256:…
ARG PYTHON=python:3.11-slim-bookworm

FROM ${PYTHON} AS base
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PATH=/opt/venv/bin:$PATH

# Requirements apart from the code: they change rarely and are the slow part.
FROM base AS product-requirements
COPY requirements-product.lock /tmp/
RUN python -m venv /opt/venv && \
    pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /tmp/requirements-product.lock

FROM base AS demo-requirements
COPY requirements-demo.lock /tmp/
RUN python -m venv /opt/venv && \
    pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /tmp/requirements-demo.lock

FROM base AS code
# A fixed number, so that volumes and pod security can name it.
RUN groupadd --system --gid 10001 apportion && \
    useradd --system --uid 10001 --gid 10001 --home-dir /app --shell /usr/sbin/nologin apportion
WORKDIR /app
COPY . /app
RUN python -m compileall -q /app && install -d -o apportion -g apportion /app/.apportion
USER 10001:10001
EXPOSE 8000

FROM code AS demo
COPY --from=demo-requirements /opt/venv /opt/venv
ENV APPORTION_WEB_HOST=0.0.0.0 APPORTION_WEB_PORT=8000
VOLUME /app/.apportion
CMD ["python", "-m", "portal.demo"]

FROM code AS product
COPY --from=product-requirements /opt/venv /opt/venv
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=4 \
    CMD ["python", "-c", "import sys, urllib.request as r; sys.exit(r.urlopen('http://127.0.0.1:8000/healthz', timeout=4).status != 200)"]
CMD ["gunicorn", "portal.wsgi:application", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--workers", "2", "--threads", "8", "--worker-tmp-dir", "/dev/shm", "--no-control-socket", "--access-logfile", "-", "--graceful-timeout", "25"]
