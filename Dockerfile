FROM python:3.12-slim AS build
WORKDIR /src
COPY . .
RUN pip wheel --no-deps --wheel-dir /wheels .

FROM python:3.12-slim
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir "$(ls /wheels/*.whl)[auth,fast,objects,postgres,xlsx]" && rm -r /wheels \
 && useradd --create-home --uid 10001 workbench \
 && install -d -o workbench -m 700 /home/workbench/data
USER workbench
WORKDIR /home/workbench
ENV WORKBENCH_HOME=/home/workbench/data
# Compiled readers are kept with the data: everything else may be mounted read-only, and they would never be used.
ENV NUMBA_CACHE_DIR=/home/workbench/data/.numba
VOLUME /home/workbench/data
EXPOSE 8501
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:9464/readyz', timeout=8)"]
# Inside a container loopback is nobody's address, so it listens on all. It refuses to start until the settings, mounted at
# /home/workbench/workbench.toml, say who may see what ([access], docs/access.md).
CMD ["workbench", "serve", "--address", "0.0.0.0"]
