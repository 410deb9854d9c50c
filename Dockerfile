FROM python:3.11-slim AS build
WORKDIR /src
COPY . .
RUN pip wheel --no-deps --wheel-dir /wheels .

FROM python:3.11-slim
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir "$(ls /wheels/*.whl)[fast,postgres]" && rm -r /wheels \
 && useradd --create-home --uid 10001 workbench
USER workbench
WORKDIR /home/workbench
ENV WORKBENCH_HOME=/home/workbench/data
VOLUME /home/workbench/data
EXPOSE 8501
# Inside a container loopback is nobody's address; publish the port to loopback of the host: -p 127.0.0.1:8501:8501
CMD ["workbench", "dashboard", "--address", "0.0.0.0", "--no-open"]
