# The service in one image: `order-service api | consume | migrate up` and `python -m producer`.
# It runs as an unprivileged user and writes nothing but /tmp, so the root file system can be
# mounted read-only.
ARG PYTHON_IMAGE=python:3.13-slim-trixie

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# No pip of its own: the running image has no use for an installer.
RUN python -m venv --without-pip /opt/order-service
# The dependencies before the code, so that a change of the code reuses this layer.
COPY requirements/service.lock requirements/
RUN pip --python /opt/order-service/bin/python install \
    --require-hashes --only-binary :all: -r requirements/service.lock
COPY pyproject.toml README.md LICENSE config.yml ./
COPY migrations migrations
COPY web web
COPY src src
COPY producer producer
RUN pip --python /opt/order-service/bin/python install --no-deps .

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="order-service" \
      org.opencontainers.image.description="Takes orders from Kafka, keeps them in Postgres, answers lookups from a Redis cache" \
      org.opencontainers.image.licenses="MIT"
ENV PATH=/opt/order-service/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HTTP_HOST=0.0.0.0 \
    LOG_FORMAT=json
RUN groupadd --gid 10001 order-service \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin order-service
COPY --from=build /opt/order-service /opt/order-service
WORKDIR /opt/order-service
USER 10001:10001
EXPOSE 8080 9108
STOPSIGNAL SIGTERM
# For the API, which is the default command; other commands bring a check of their own or none.
# No urllib here: it would send the request through a proxy that the environment names.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import http.client, os; c = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('HTTP_PORT', '8080')), timeout=2); c.request('GET', '/health/live'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["order-service"]
CMD ["api"]
