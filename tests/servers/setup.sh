#!/usr/bin/env bash
# Set up the real servers and the browser that the live tests need; see README.md beside this file.
# On Debian as root it installs what is missing. Elsewhere it says in one line what is missing. A second run is instant.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
servers=$root/.servers
prometheus3=$servers/prometheus3
opensearch_version=2.19.3  # the last line that runs on Java 17
jaeger_version=1.76.0
loki_version=v1.6.2-0.20210406003638-babea82ef558  # 2.2.1, the last under the Apache License
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
mkdir -p "$servers"

# Postgres' programs are not on the PATH of a Debian system.
PATH=$PATH:/usr/sbin:/sbin
for directory in /usr/lib/postgresql/*/bin; do PATH=$PATH:$directory; done

is_debian() { [ -r /etc/os-release ] && (. /etc/os-release && [ "${ID:-}" = debian ]); }

# program | Debian package | tests that go without it
needs='prometheus|prometheus|live tests against Prometheus 2
prometheus-alertmanager|prometheus-alertmanager|live tests of Alertmanager
prometheus-node-exporter|prometheus-node-exporter|live tests of a scraping Prometheus
initdb|postgresql|store tests on PostgreSQL
chromium|chromium|browser tests
openssl|openssl|TLS tests
victoria-metrics|victoria-metrics|live tests against VictoriaMetrics
java|default-jre-headless|live tests against OpenSearch
mvn|maven|live tests against OpenSearch'

missing_packages() {
  while IFS='|' read -r program package _; do
    command -v "$program" >/dev/null || echo "$package"
  done <<<"$needs"
}

install_packages() {
  local policy=/usr/sbin/policy-rc.d kept=
  # Installed services must not start: the tests start their own, on ports of their own.
  if [ -e $policy ]; then kept=$(mktemp "$servers/policy-rc.d.XXXXXX") && cp -p $policy "$kept"; fi
  # shellcheck disable=SC2064
  trap "if [ -n '$kept' ]; then cp -p '$kept' $policy && rm -f '$kept'; else rm -f $policy; fi" EXIT
  printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy
  apt-get -o DPkg::Lock::Timeout=600 update -qq || echo "servers: apt-get update was not clean; trying with the lists at hand" >&2
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends "$@" \
    -o Dpkg::Options::=--force-confold -o Dpkg::Use-Pty=0 >"$servers/apt-install.log" 2>&1 ||
    { tail -n 20 "$servers/apt-install.log" >&2; return 1; }
}

prometheus3_runs() {
  [[ $("$prometheus3/usr/bin/prometheus" --version 2>&1) == "prometheus, version 3."* ]] &&
    [[ $("$prometheus3/usr/bin/promtool" --version 2>&1) == "promtool, version 3."* ]]
}

# Unpack Prometheus 3 from a newer suite aside. apt works on lists of its own, so the system's packages,
# sources and pins stay as they are, and it verifies the suite against Debian's keyring as always.
unpack_prometheus3() {
  local suite work=$servers/apt
  for suite in forky sid; do
    rm -rf "$work" && mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/tree"
    touch "$work/state/status"
    echo "deb [signed-by=$keyring target=Packages] http://deb.debian.org/debian $suite main" >"$work/sources.list"
    local aside=(-qq -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null
      -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null -o APT::Sandbox::User=root
      -o Dir::State="$work/state" -o Dir::State::status="$work/state/status" -o Dir::Cache="$work/cache")
    apt-get "${aside[@]}" -o APT::Update::Error-Mode=any update ||
      { echo "servers: suite $suite cannot be read or does not verify against $keyring" >&2; continue; }
    [[ $(apt-cache "${aside[@]}" policy prometheus) == *"Candidate: 3."* ]] || continue
    (cd "$work" && apt-get "${aside[@]}" download prometheus promtool) || continue
    for package in "$work"/*.deb; do dpkg -x "$package" "$work/tree"; done
    rm -rf "$prometheus3" && mv "$work/tree" "$prometheus3" && rm -rf "$work"
    if prometheus3_runs; then return 0; fi
    echo "servers: Prometheus 3 of $suite does not run here:" >&2
    "$prometheus3/usr/bin/prometheus" --version >&2 || true
    return 1
  done
  echo "servers: no suite among forky and sid gave Prometheus 3" >&2
  return 1
}

opensearch_there() { compgen -G "$servers/opensearch/opensearch-*.zip" >/dev/null; }

# A whole node, as the project publishes it for tests of others; Maven verifies its checksum.
fetch_opensearch() {
  local aside=$servers/opensearch.part
  rm -rf "$aside" && mkdir -p "$aside" "$servers/opensearch"
  mvn -q -B -C org.apache.maven.plugins:maven-dependency-plugin:copy -DoutputDirectory="$aside" \
    -Dartifact="org.opensearch.distribution.integ-test-zip:opensearch:$opensearch_version:zip" \
    >"$servers/opensearch-fetch.log" 2>&1 || { tail -n 5 "$servers/opensearch-fetch.log" >&2; return 1; }
  mv "$aside"/opensearch-*.zip "$servers/opensearch/" && rm -rf "$aside"
}

# Jaeger's own module, compiled here by the Go at hand; no other Go is fetched for it. Minutes, so only when asked for.
build_jaeger() {
  local work=$servers/jaeger.part
  command -v go >/dev/null || { echo "servers: no go to build Jaeger with" >&2; return 1; }
  rm -rf "$work" && mkdir -p "$work" "$servers/jaeger"
  (cd "$work" && export GOTOOLCHAIN=local GOFLAGS=-buildvcs=false && go mod init jaeger.part &&
    go get -tool "github.com/jaegertracing/jaeger/cmd/all-in-one@v$jaeger_version" &&
    go build -trimpath -ldflags "-s -w" -o jaeger github.com/jaegertracing/jaeger/cmd/all-in-one) \
    >"$servers/jaeger-build.log" 2>&1 || { tail -n 5 "$servers/jaeger-build.log" >&2; return 1; }
  mv "$work/jaeger" "$servers/jaeger/jaeger" && rm -rf "$work"
}

# Loki's own module. What it replaces counts only in its own go.mod, so that is copied; three old libraries that a
# newer Go refuses are raised.
build_loki() {
  local work=$servers/loki.part module=github.com/grafana/loki folder
  command -v go >/dev/null || { echo "servers: no go to build Loki with" >&2; return 1; }
  rm -rf "$work" && mkdir -p "$work" "$servers/loki"
  (cd "$work" && export GOTOOLCHAIN=local GOFLAGS="-buildvcs=false -mod=mod" && go mod init loki.part &&
    folder=$(cd / && go mod download -json "$module@$loki_version" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p') &&
    grep '^replace ' "$folder/go.mod" >>go.mod &&
    go mod edit -require="$module@$loki_version" -require=golang.org/x/sys@v0.30.0 \
      -require=github.com/modern-go/reflect2@v1.0.2 -require=github.com/json-iterator/go@v1.1.12 &&
    go build -trimpath -ldflags "-s -w -checklinkname=0" -o loki "$module/cmd/loki") \
    >"$servers/loki-build.log" 2>&1 || { tail -n 5 "$servers/loki-build.log" >&2; return 1; }
  mv "$work/loki" "$servers/loki/loki" && rm -rf "$work"
}

exec 9>"$servers/lock" && flock 9

if [ "${1:-}" = jaeger ] || [ "${1:-}" = loki ]; then
  [ -x "$servers/$1/$1" ] || "build_$1"
  exit
fi

# A Tempo that can be asked for more than one trace is under the AGPL: a person brings the server.
if [ "${1:-}" = tempo ]; then
  if [ -n "${WORKBENCH_TEMPO_URL:-}" ]; then echo "servers: WORKBENCH_TEMPO_URL names a Tempo; make test-servers runs on it"; exit; fi
  echo "servers: Tempo is not built here (versions that can search are under the AGPL). Start one with the settings of" \
    "tests/servers/README.md, set WORKBENCH_TEMPO_URL, and run make test-servers." >&2
  exit 1
fi

if is_debian; then
  mapfile -t packages < <(missing_packages)
  if [ ${#packages[@]} -gt 0 ] && [ "$(id -u)" = 0 ]; then
    echo "servers: installing ${packages[*]}"
    install_packages "${packages[@]}" || true
  fi
  if ! prometheus3_runs; then
    echo "servers: unpacking Prometheus 3 into .servers/prometheus3"
    unpack_prometheus3 || true
  fi
fi

if ! opensearch_there && command -v mvn >/dev/null && command -v java >/dev/null; then
  echo "servers: fetching OpenSearch $opensearch_version into .servers/opensearch"
  fetch_opensearch || true
fi

left_out=()
while IFS='|' read -r program package tests; do
  command -v "$program" >/dev/null || left_out+=("$package ($tests)")
done <<<"$needs"
opensearch_there || left_out+=(".servers/opensearch (live tests against OpenSearch)")
prometheus3_runs || left_out+=(".servers/prometheus3 (live tests against Prometheus 3)")

if [ ${#left_out[@]} -gt 0 ]; then
  list=$(printf '%s, ' "${left_out[@]}")
  echo "servers: missing ${list%, }; these tests are left out. Debian as root gets them from tests/servers/setup.sh." >&2
  [ "${WORKBENCH_STRICT:-}" != 1 ] || exit 1
fi
