# The sidecar's image: docker build -t federation-sidecar .
#
# Both stages need the same Python at the same path. The final stage needs only Python 3.11 or newer and a C library;
# `tools/base-images` builds such base images from Debian packages, without a registry.
ARG BUILD_BASE=python:3.12-slim
ARG RUNTIME_BASE=python:3.12-slim

FROM ${BUILD_BASE} AS build
WORKDIR /source
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_COMPILE=1 PYTHONDONTWRITEBYTECODE=1
# The final environment has no pip; a separate pip installs into it.
RUN python3 -m venv /pip && python3 -m venv --without-pip /opt/sidecar
# The dependencies come first, so that they are downloaded again only when their lock changes. They include those
# of `--restart docker`.
COPY requirements requirements
RUN /pip/bin/pip install --quiet --require-hashes -r requirements/build.lock \
 && /pip/bin/pip --python /opt/sidecar/bin/python install --quiet --require-hashes -r requirements/docker.lock
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY sidecar sidecar
# Leaves out the dependencies' tests and C sources, and setuptools, which pbr needs only for builds. Bytecode is
# compiled here, because the image runs read-only. Unchecked hashes instead of times make the build reproducible, and
# a start does not read the sources.
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
# Removes the pip of the base image. A new named volume takes the owner of the folder that it is mounted on.
RUN rm -rf /usr/local/lib/python3*/site-packages/* /usr/local/lib/python3*/ensurepip /usr/local/bin/pip* \
 && echo 'sidecar:x:10001:10001::/state:/usr/sbin/nologin' >> /etc/passwd \
 && echo 'sidecar:x:10001:' >> /etc/group \
 && mkdir -m 0750 /config /state \
 && chown 10001:10001 /config /state
COPY --from=build /opt/sidecar /opt/sidecar
ENV PATH=/opt/sidecar/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 SIDECAR_STATE_DIR=/state
WORKDIR /config
# A number, so that Kubernetes can verify that it is not root.
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["sidecar", "health", "livez"]
ENTRYPOINT ["sidecar"]
CMD ["run"]
