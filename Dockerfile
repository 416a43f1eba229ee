# The sidecar's image: docker build -t federation-sidecar .
#
# Both stages have to bring the same Python at the same place. The final one needs nothing but a Python 3.11 or
# newer and a C library; `tools/base-images` makes such bases from Debian packages where no registry is.
ARG BUILD_BASE=python:3.12-slim
ARG RUNTIME_BASE=python:3.12-slim

FROM ${BUILD_BASE} AS build
WORKDIR /source
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_COMPILE=1 PYTHONDONTWRITEBYTECODE=1
# What is installed does not hold pip: a pip beside it installs into it.
RUN python3 -m venv /pip && python3 -m venv --without-pip /opt/sidecar
# First what changes seldom: the dependencies are downloaded again only when their lock was touched. With what
# `--restart docker` needs.
COPY requirements requirements
RUN /pip/bin/pip install --quiet --require-hashes -r requirements/build.lock \
 && /pip/bin/pip --python /opt/sidecar/bin/python install --quiet --require-hashes -r requirements/docker.lock
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY sidecar sidecar
# Out of it stay the dependencies' tests and C sources, and setuptools, which pbr names for builds alone. Bytecode is
# compiled once, here: where the image runs it is read-only. Unchecked hashes instead of times: the same sources give
# the same bytes, and no start looks at the sources.
RUN /pip/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /pip/bin/pip --python /opt/sidecar/bin/python install --quiet --no-deps /wheels/*.whl \
 && cd /opt/sidecar/lib/python3*/site-packages \
 && rm -rf setuptools* pkg_resources _distutils_hack distutils-precedence.pth \
 && find . -type d \( -name tests -o -name test \) -prune -exec rm -rf {} + \
 && find . -type f \( -name '*.pyx' -o -name '*.pxd' -o -name '*.pyi' -o -name '*.c' -o -name '*.h' \) -delete \
 && /opt/sidecar/bin/python -m compileall -q --invalidation-mode unchecked-hash .

FROM ${RUNTIME_BASE}
# The version of sidecar/__init__.py; `make release-check` compares them.
ARG VERSION=0.1.0
ARG REVISION=
LABEL org.opencontainers.image.title="federation-sidecar" \
      org.opencontainers.image.description="Keeps the server list of a federation network the same in every configuration file, through etcd." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# A base with a pip loses it. New named volumes take over the owner of the folder that they are mounted on.
RUN rm -rf /usr/local/lib/python3*/site-packages/* /usr/local/lib/python3*/ensurepip /usr/local/bin/pip* \
 && echo 'sidecar:x:10001:10001::/state:/usr/sbin/nologin' >> /etc/passwd \
 && echo 'sidecar:x:10001:' >> /etc/group \
 && mkdir -m 0750 /config /state \
 && chown 10001:10001 /config /state
COPY --from=build /opt/sidecar /opt/sidecar
ENV PATH=/opt/sidecar/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 SIDECAR_STATE_DIR=/state
WORKDIR /config
# A number, so that Kubernetes can tell that it is not root.
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["sidecar", "health", "livez"]
ENTRYPOINT ["sidecar"]
CMD ["run"]
