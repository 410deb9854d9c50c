"""Queries over ``tests.servers.samples``: a list that names every function, and a grammar that composes them."""

from __future__ import annotations

from hypothesis import strategies as st

LISTED = """
requests_total
{job="api",status=~"4..|5..",method!="POST"}
temperature{room!~"a.*"}
holes
once
late_total
nothing_of_this_name
rate(requests_total[5m])
increase(requests_total[1h])
delta(temperature[10m])
irate(requests_total[2m])
idelta(temperature[2m])
deriv(temperature[15m])
predict_linear(temperature[15m], 3600)
resets(requests_total[1h])
changes(temperature[30m])
rate(rare_total[1h])
rate(late_total[5m])
increase(big_total[10m])
rate(cost_total[1m])
rate(requests_total[20s])
avg_over_time(temperature[5m])
min_over_time(holes[5m])
max_over_time(holes[5m])
sum_over_time(temperature[37s])
count_over_time(requests_total[7m])
last_over_time(once[1h])
present_over_time(once[1h])
stddev_over_time(temperature[20m])
stdvar_over_time(temperature[20m])
quantile_over_time(0.9, temperature[20m])
quantile_over_time(1.5, temperature[20m])
absent_over_time(once[10m])
absent(once)
absent(nothing{job="x",kind=~"y"})
sum(rate(requests_total[5m]))
sum by (status) (rate(requests_total[5m]))
sum without (instance) (rate(requests_total[5m]))
avg by (method) (cost_total)
min by (method) (requests_total)
max without (status) (requests_total)
count by (job) (up)
group by (job) (up)
stddev by (method) (cost_total)
stdvar(temperature)
quantile by (instance) (0.75, rate(requests_total[5m]))
topk(3, temperature)
bottomk by (unit) (2, temperature)
count_values("value", up)
histogram_quantile(0.95, sum by (le) (rate(duration_seconds_bucket[5m])))
histogram_quantile(0.5, rate(duration_seconds_bucket[5m]))
histogram_quantile(0.99, duration_seconds_bucket)
rate(duration_seconds_sum[5m]) / rate(duration_seconds_count[5m])
sum(rate(requests_total{status=~"5.."}[5m])) / sum(rate(requests_total[5m]))
sum by (method) (rate(requests_total{status="500"}[5m])) / sum by (method) (rate(requests_total[5m]))
requests_total{status="500"} / ignoring(status) requests_total{status="200"}
requests_total / ignoring(status) group_left sum without (status) (requests_total)
requests_total * on(instance) group_left(job) up
sum by (instance) (requests_total) / on(instance) group_right up
requests_total{status="500"} / requests_total{status="200"}
requests_total > 1000
requests_total > bool 1000
up == 0
1 - up
-temperature
temperature ^ 2
temperature % 7
7 % temperature
temperature atan2 up
up and on(instance) requests_total{status="500"}
up or temperature
up unless on(instance) (requests_total{status="500"} > 20)
temperature - temperature offset 10m
avg_over_time(temperature[5m] offset 1h)
temperature offset -5m
rate(requests_total[5m] @ end())
temperature @ start()
temperature @ 1793500000
max_over_time(sum(rate(requests_total[5m]))[1h:1m])
avg_over_time(rate(requests_total[5m])[30m:])
min_over_time(temperature[30m:7s] offset 3m)
sum_over_time((temperature > 20)[10m:30s])
abs(temperature - 20)
ceil(temperature)
floor(temperature)
round(temperature, 0.3)
exp(up)
ln(temperature{room="attic"})
log2(cost_total)
log10(cost_total)
sqrt(cost_total)
sgn(temperature - 20)
clamp(temperature, 19, 21)
clamp_min(temperature, 20)
clamp_max(temperature, 20)
sin(up) + cosh(up)
deg(rad(temperature))
timestamp(temperature)
time() - timestamp(up)
hour(vector(time()))
minute()
day_of_week(timestamp(up))
day_of_month(timestamp(up)) + month() + year() + days_in_month()
vector(3) + scalar(sum(up))
scalar(up)
label_replace(up, "host", "$1", "instance", "(.*):.*")
label_replace(up, "host", "<${1}>", "instance", "([ab]):(.*)")
label_join(requests_total, "key", "-", "method", "status", "absent")
sort(temperature)
sort_desc(temperature)
sum(holes)
avg(holes)
max(holes)
holes * 0
1 / (up - 1)
big_total - 123456789012345678
stddev_over_time(big_total[10m])
tiny * tiny
sum_over_time(tiny[5m])
flat
rate(requests_total[5m]) * 60 > 2 < 100
1 + 2 * 3 ^ 2
"text"
pi()
sum(up) by (instance) == bool on(instance) count(up) by (instance)
""".strip().splitlines()

_NAMES = ("requests_total", "cost_total", "temperature", "up", "late_total", "duration_seconds_count", "holes", "flat")
_MATCHERS = ("", '{job="api"}', '{status=~"5..|404"}', '{method!="GET"}', '{instance=~"[ab]:80"}', '{room!~"a.*"}')
_DURATIONS = ("20s", "1m", "5m", "7m13s", "30m", "2h")
_OVER = ["rate", "increase", "delta", "irate", "idelta", "deriv", "resets", "changes"] + [
    f"{name}_over_time"
    for name in ["avg", "min", "max", "sum", "count", "last", "present", "stddev", "stdvar", "absent"]
]
_EACH = ["abs", "ceil", "floor", "sgn", "exp", "sqrt", "ln", "log2", "timestamp", "-", "absent", "minute", "cos"]
_LABELS = ("job", "instance", "method", "status", "room", "le")
_SHIFTS = (
    *("", "", "", "", "", ""),
    *(" offset 10m", " offset -3m20s", " @ end()", " @ start()", " @ 1793500000.5", " @ 1793505000 offset 1h"),
)
_SHARES = ("0", "0.1", "0.5", "0.99", "1")


def _one(*choices: str) -> st.SearchStrategy[str]:
    return st.sampled_from(choices)


@st.composite
def _selectors(draw: st.DrawFn) -> str:
    return draw(_one(*_NAMES)) + draw(_one(*_MATCHERS))


@st.composite
def _shifted_selectors(draw: st.DrawFn) -> str:
    return draw(_selectors()) + draw(_one(*_SHIFTS))


@st.composite
def _over_time(draw: st.DrawFn, inner: st.SearchStrategy[str] | None = None) -> str:
    length = draw(_one(*_DURATIONS))
    if inner is None:
        ranged = f"{draw(_selectors())}[{length}]"
    else:
        ranged = f"({draw(inner)})[{length}:{draw(_one('', '13s', '1m'))}]"
    kind = draw(st.integers(0, 11))
    if kind == 1:
        # Without @: there 2.42 lets the window move on from the second step.
        ranged += draw(_one("", " offset 10m"))
        return f"predict_linear({ranged}, {draw(_one('0', '600', '-3600'))})"
    ranged += draw(_one(*_SHIFTS))
    if kind == 0:
        return f"quantile_over_time({draw(_one(*_SHARES))}, {ranged})"
    return f"{draw(_one(*_OVER))}({ranged})"


@st.composite
def _quantiles(draw: st.DrawFn) -> str:
    """Quantiles and fractions of the classic histogram, summed, shifted or as they are."""
    buckets = "duration_seconds_bucket" + draw(_one("", '{method="GET"}', '{le!="0.5"}', '{le=~"0.*|[+]Inf"}'))
    shift = draw(_one(*_SHIFTS))
    inner = draw(_one(f"{buckets}{shift}", f"rate({buckets}[{draw(_one(*_DURATIONS))}]{shift})"))
    if draw(st.booleans()):
        inner = f"sum by ({draw(_one('le', 'le, method', 'method'))}) ({inner})"
    if draw(st.integers(0, 2)) == 0:
        low, high = draw(_one("-Inf", "0", "0.1")), draw(_one("0.3", "2", "+Inf", "0.05"))
        return f"histogram_fraction({low}, {high}, {inner})"
    return f"histogram_quantile({draw(_one(*_SHARES))}, {inner})"


@st.composite
def _aggregated(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    labels = ", ".join(sorted(draw(st.sets(st.sampled_from(_LABELS), max_size=2))))
    grouping = draw(_one("", f"by ({labels})", f"without ({labels})"))
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return f"quantile {grouping} ({draw(_one(*_SHARES))}, {draw(inner)})"
    if kind == 1:
        # Which of equals is kept is the server's own choice; how many are kept is not.
        ranked = f"{draw(_one('topk', 'bottomk'))} {grouping} ({draw(_one('1', '2', '5'))}, {draw(inner)})"
        return f"{draw(_one('sum', 'count'))}({ranked})"
    if kind == 2:
        return f'count_values {grouping} ("{draw(_one("value", "job"))}", round({draw(inner)}, 10))'
    name = draw(_one("sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"))
    return f"{name} {grouping} ({draw(inner)})"


@st.composite
def _joined(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    op = draw(_one("+", "-", "*", "/", "%", "^", "atan2", "==", "!=", "<", "<=", ">", ">=", "and", "or", "unless"))
    left, right = draw(inner), draw(inner)
    if op in ("and", "or", "unless"):
        return f"({left}) {op} {draw(_one('', 'on(instance)', 'ignoring(status)', 'on()'))} ({right})"
    if draw(st.booleans()):
        right, how = draw(_one("2", "0", "-1.5", "time()", "scalar(sum(up))")), ""
    else:
        how = draw(
            _one(
                *("", "on(instance) group_left", "on(method, instance) group_right", "ignoring(job)"),
                *("on(job)", "on(instance) group_left(job)", "ignoring(status, method) group_right(room)"),
            )
        )
    compares = op in ("==", "!=", "<", "<=", ">", ">=")
    bool_word = draw(_one(" bool", "")) if compares else ""
    if draw(st.integers(0, 5)) == 0 and not how:
        left, right = right, left
    return f"({left}) {op}{bool_word} {how} ({right})"


@st.composite
def _applied(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    kind = draw(st.integers(0, 7))
    if kind == 0:
        template, source, pattern = draw(_one("$1", "x-${1}", "")), draw(_one(*_LABELS)), draw(_one("(.).*", "a.*", ""))
        return f'label_replace({draw(inner)}, "{draw(_one("copy", "job"))}", "{template}", "{source}", "{pattern}")'
    if kind == 1:
        return f'label_join({draw(inner)}, "joined", "-", "{draw(_one(*_LABELS))}", "{draw(_one(*_LABELS))}")'
    if kind == 2:
        return f"clamp({draw(inner)}, {draw(_one('0', '-1', '5'))}, {draw(_one('3', '100', 'Inf'))})"
    if kind == 3:
        return f"round({draw(inner)}, {draw(_one('1', '0.3', '5'))})"
    return f"{draw(_one(*_EACH))}({draw(inner)})"


#: Queries of a few levels; most are valid, the rest must be refused on both sides.
COMPOSED: st.SearchStrategy[str] = st.recursive(
    _shifted_selectors() | _over_time() | _quantiles(),
    lambda inner: _aggregated(inner) | _joined(inner) | _applied(inner) | _over_time(inner),
    max_leaves=4,
)
