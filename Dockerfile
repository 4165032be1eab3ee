# docker build -t archiver .
# docker run --rm -v "$PWD:/archive" archiver run --once article.html
# docker run -d --name archiver --stop-timeout 45 --restart on-failure -v archive:/archive archiver
#
# /archive holds everything that is kept: config.toml, archive.db, its key (archive.db.key) and what is added by hand.
FROM python:3.12-slim AS build
WORKDIR /source
COPY requirements.lock ./
RUN python -m venv /opt/archiver \
 && /opt/archiver/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock
COPY pyproject.toml README.md ./
COPY archiver archiver
RUN /opt/archiver/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation .

FROM python:3.12-slim
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /archive archiver \
 && install -d -o archiver -g archiver /archive
COPY --from=build /opt/archiver /opt/archiver
ENV PATH=/opt/archiver/bin:$PATH PYTHONUNBUFFERED=1
USER 10001:10001
VOLUME /archive
WORKDIR /archive
# SIGTERM finishes what is under way, for at most 30 seconds; SIGHUP reads config.toml again.
STOPSIGNAL SIGTERM
ENTRYPOINT ["archiver"]
CMD ["run", "--log", "json"]
