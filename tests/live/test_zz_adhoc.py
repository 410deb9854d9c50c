import json, urllib.parse, urllib.request, urllib.error, pytest
from tests.servers.fixtures import *  # noqa
from tests.servers.samples import START_MS, END_MS, sample_set
from workbench.promql import MemoryStore, evaluate_range, evaluate_instant
from workbench.core.errors import WorkbenchError

Q = '''rate(temperature[5m])
increase(up[1h]) + rate(temperature[5m])
quantile_over_time(1.5, temperature[20m])
quantile(-1, up)
histogram_quantile(2, duration_seconds_bucket)
histogram_quantile(0.5, up)
histogram_quantile(0.9, rate(duration_seconds_bucket[5m]) * -1)
histogram_quantile(0.9, duration_seconds_bucket - 2 * duration_seconds_bucket)
histogram_fraction(0, 0.3, duration_seconds_bucket)
histogram_fraction(0.07, 0.9, rate(duration_seconds_bucket[5m]))
histogram_fraction(-1, 0.001, rate(duration_seconds_bucket[5m]))
histogram_fraction(0.2, +Inf, rate(duration_seconds_bucket[5m]))
histogram_fraction(-Inf, 0.2, rate(duration_seconds_bucket[5m]))
histogram_fraction(5, 2, rate(duration_seconds_bucket[5m]))
requests_total * up
requests_total * on(instance) up
up * on(instance) requests_total
up * on(job) group_left requests_total
requests_total{status="200"} * on(instance) group_right up
rate({job="api"}[5m])
-{job="api"}
{job="api"} * 2
label_replace(up, "instance", "x", "job", ".*")
label_replace(up, "a b", "x", "job", ".*")
label_replace(up, "x", "$1", "job", "(")
sum by (instance) (up) == on(instance) group_left up
topk(NaN, up)
topk(1e300, up)
up[5m]
"x"
foo(up)
up{a=~"(?=x)"}
sum(
up +
rate(up)
up{
up offset
up @ foo
1 + * 2
sum(up) by
{}
up{x="a",x=~"b|"}
predict_linear(temperature[15m], 3600)
absent(up{job="x"} > 2)
clamp(up, 5, 1)
round(temperature, 0)
count_values("v", temperature{room="attic"})
quantile_over_time(scalar(up{instance="a:80"}), temperature[5m])
label_join(up, "", "-", "job")
label_replace(up, "__name__", "new", "", "")
sum without (instance) (label_replace(up, "__name__", "new_$1", "instance", "(.).*"))
limitk(2, up)
sort_by_label(up, "instance")
min by (__name__) (up)
up and on() vector(1)
vector(1) > bool 0
1 > bool 0
time() > 5
up ^ up ^ 2
stddev by (instance)(requests_total)
deriv(once[1h])
day_of_year(temperature * 1e8)
scalar(requests_total)
changes(requests_total[5m:])
max_over_time(timestamp(up)[10m:1m])
'''.strip().splitlines()

def ask(url, q, s, e, st):
    form={"query":q,"start":s/1000,"end":e/1000,"step":st/1000}
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{url}/api/v1/query_range", urllib.parse.urlencode(form).encode()),timeout=60) as a: return json.load(a)
    except urllib.error.HTTPError as x: return json.loads(x.read().decode())

def test_x(prometheus_v3, capsys):
    st=MemoryStore(sample_set())
    S=START_MS+3600_000; E=S+3600_000
    with capsys.disabled():
        for q in Q:
            j=ask(prometheus_v3.url,q,S,E,300_000)
            try:
                m=evaluate_range(q,st,start_ms=S,end_ms=E,step_ms=300_000); err=None
            except WorkbenchError as x: err=x; m=None
            if j['status']=='error' or err:
                print('\n'+q,'\n   P:',j.get('error') or 'OK', '\n   W:',getattr(err,'message',None) or 'OK', '|', getattr(err,'position',''))
                continue
            ann=(j.get('warnings',[]),j.get('infos',[])); ours=(list(m.meta['warnings']),list(m.meta['infos']))
            theirs={tuple(sorted(r['metric'].items())):r['values'] for r in j['data']['result']}
            mine={tuple(sorted(l.items())):[[t/1000,v] for t,v,p in zip(m.times.tolist(),vals.tolist(),pr.tolist()) if p] for l,vals,pr in zip(m.labels,m.values,m.present)}
            same=theirs.keys()==mine.keys() and all(len(theirs[k])==len(mine[k]) and all(a[0]==b[0] and (float(a[1])==b[1] or abs(float(a[1])-b[1])<=1e-12*max(abs(b[1]),1e-300) or (a[1]=='NaN' and b[1]!=b[1])) for a,b in zip(theirs[k],mine[k])) for k in theirs)
            if not same or ann!=ours:
                print('\n'+q,'\n   values','same' if same else 'DIFFER','\n   P:',ann,'\n   W:',ours)
                if not same:
                    for k in list(theirs)[:2]: print('    ',k,theirs[k][:3],mine.get(k,[])[:3])
