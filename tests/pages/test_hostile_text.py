"""The corpus of hostile text on every page, in a real browser: nothing is live, and nothing is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.pages.browsing import dashboard, visiting
from tests.pages.hostile import CORPUS, HOST, build_hostile
from workbench.core.settings import load_settings
from workbench.core.shipped import shipped
from workbench.store import Annotation, open_store

pytestmark = [pytest.mark.live, pytest.mark.slow]

#: What stands on a page although nobody wrote it there: elements that a text of the corpus would have made.
LIVE = """host => {
  const found = [];
  for (const one of document.querySelectorAll("a[href], img[src], iframe, script, object, embed, form, svg image")) {
    const said = one.outerHTML.slice(0, 300);
    if (said.includes(host) || said.includes("javascript:") || said.includes("pwned")) found.push(said);
  }
  for (const one of document.querySelectorAll("[onerror], [onload], [onclick], .katex")) found.push(one.outerHTML.slice(0, 300));
  for (const one of document.querySelectorAll("[style]"))
    if (one.getAttribute("style").includes(host)) found.push(one.outerHTML.slice(0, 300));
  if (window.pwned) found.push("a script ran");
  return found;
}"""  # noqa: E501

#: Pages of records show ChoreoAI's, all others Conduit's.
RECORDS = ("logs", "traces", "investigate")
NAMES = sorted(page.stem for page in shipped("pages").glob("*.py") if page.stem not in ("app", "overview"))

PAGES = [
    ("", {}),
    *((name, {"system": "choreoai" if name in RECORDS else "conduit", "period": "1d"}) for name in NAMES),
    ("slo", {"system": "conduit", "slo": "hostile", "period": "1d"}),
    ("traces", {"system": "choreoai", "trace": f"{1:032x}"}),
]

SLO = """
apiVersion: openslo/v1
kind: SLO
metadata:
  name: conduit-hostile
  displayName: {title}
  labels: {{system: conduit}}
spec:
  description: {text}
  service: conduit
  indicator:
    metadata: {{name: conduit-hostile}}
    spec:
      ratioMetric:
        counter: true
        good:
          metricSource: {{type: prometheus, spec: {{query: 'conduit_http_requests_total{{status_code!~"5.."}}'}}}}
        total:
          metricSource: {{type: prometheus, spec: {{query: conduit_http_requests_total}}}}
  timeWindow: [{{duration: 30d, isRolling: true}}]
  budgetingMethod: Occurrences
  objectives: [{{target: 0.99}}]
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    import json

    folder: Path = tmp_path_factory.mktemp("hostile")
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    build_hostile(folder, now)
    (folder / "slos").mkdir()
    title, text = json.dumps(CORPUS[0] + CORPUS[5]), json.dumps(" ".join(CORPUS[:8]))
    (folder / "slos" / "hostile.yaml").write_text(SLO.format(title=title, text=text).lstrip())
    settings = folder / "workbench.toml"
    settings.write_text('home = "home"\nslos = ["slos"]\n[sources.demo]\nkind = "archive"\npath = "demo"\n')
    store = open_store(load_settings(settings))
    for system in ("conduit", "choreoai"):
        for one in CORPUS:
            text = one.replace("\x00", "\x01")  # no database keeps a zero byte
            store.add_annotation(Annotation(system, "comment", now, text, now, text[:100]))
    with dashboard(folder, WORKBENCH_CONFIG=str(settings)) as found:
        yield found


def test_no_page_obeys_or_loads_anything_of_it(chromium, address):
    faults: dict[str, list[str]] = {}
    drawn = 0
    with visiting(chromium, address) as visit:
        visit.page.on("dialog", lambda dialog: faults.setdefault("dialog", []).append(dialog.message))
        for path, query in PAGES:
            page = visit.open(path, **query)
            for summary in page.locator("summary").all()[:12]:
                if summary.is_visible():
                    summary.click()
            visit.settle()
            name = f"{path}?{query}"
            if found := page.evaluate(LIVE, HOST):
                faults[name] = found
            text = page.inner_text("body")
            if "could not be built" in text:
                faults[name] = ["the page could not be built"]
            drawn += any(one in text for one in ("pwned", HOST))
            assert not {"\u202e", "\x1b", "\u2066"} & set(text), name
        assert visit.strangers == []
        assert faults == {}
        assert visit.errors == []
    assert drawn >= 3, "the corpus is on no page: the test looks at nothing"
