"""All hits of a query: a point in time, pages after the last sort values, and the count at the end as proof."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from workbench.core.errors import AnswerUnreadable, QueryRejected, SourceError
from workbench.query.http.client import BackendClient

#: Hits of one page. [count]
PAGE = 4000

_KEEP = "2m"


class Pages:
    """Reads hits page by page; ``warnings`` grows while it does, and ``partial``, what was left out of the answers.

    Parameters
    ----------
    web : BackendClient
        Client of the server, with its address and credentials.
    index : str
        Names of indices, comma-separated.
    opensearch : bool
        Whether the server speaks OpenSearch's dialect.
    """

    def __init__(self, web: BackendClient, index: str, *, opensearch: bool) -> None:
        self._web, self._index, self._opensearch = web, index, opensearch
        self.warnings: dict[str, None] = {}
        self.partial: dict[str, None] = {}

    def __call__(self, query: dict[str, Any], time: str) -> Iterator[list[dict[str, Any]]]:
        """Give the hits of a query by time, each exactly once; hits of one millisecond are never in two pieces.

        Raises
        ------
        AnswerUnreadable
            The server repeats pages, gives no sort values, or fewer hits than it counted.
        SourceError
        """
        pit = self._open()
        try:
            yield from self._pages(query, time, pit)
        finally:
            if pit:
                with suppress(SourceError):
                    self._close(pit)

    def _pages(self, query: dict[str, Any], time: str, pit: str) -> Iterator[list[dict[str, Any]]]:
        tiebreak = ["_shard_doc"] if pit and not self._opensearch else ["_index", "_id"]
        order = {"order": "asc", "numeric_type": "date_nanos", "unmapped_type": "date"}
        body: dict[str, Any] = {
            "size": PAGE,
            "query": query,
            "sort": [{time: order}, *({name: {"order": "asc"}} for name in tiebreak)],
            "track_total_hits": True,
        }
        path = "/_search" if pit else f"/{self._index}/_search?ignore_unavailable=true&allow_no_indices=true"
        held: list[dict[str, Any]] = []
        count, total, exact = 0, 0, False
        while True:
            answer = self._web.document(
                path, method="POST", body={**body, **({"pit": {"id": pit, "keep_alive": _KEEP}} if pit else {})}
            )
            pit = answer.get("pit_id") or pit
            hits = answer["hits"]["hits"]
            self._note(answer)
            if "search_after" not in body:
                total, exact = hits_total(answer), is_exact(answer)
            count += len(hits)
            if len(hits) > PAGE or (pit and exact and count > total):
                asked = f"{PAGE:,} hits asked for" if len(hits) > PAGE else f"{total:,} hits counted"
                raise AnswerUnreadable(
                    f"The server gives more than the {asked}.",
                    source=self._web.name,
                    hint="Does it imitate Elasticsearch? Lines may stand twice, so none are shown as all.",
                )
            self._check(hits, body.get("search_after"))
            if len(hits) < PAGE:
                yield held + hits
                break
            last = hits[-1]["sort"][0] // 1_000_000
            tail = (
                next(at for at in range(len(hits), 0, -1) if at == 1 or hits[at - 2]["sort"][0] // 1_000_000 < last) - 1
            )
            if tail:
                yield held + hits[:tail]
                held = hits[tail:]
            else:
                held += hits
            body["search_after"], body["track_total_hits"] = hits[-1]["sort"], False
        if count < total and not self.partial:
            raise AnswerUnreadable(
                f"The server counts {total:,} hits and gives {count:,}.",
                source=self._web.name,
                hint="Does it imitate Elasticsearch? Lines may be missing, so none are shown as all.",
            )

    def _check(self, hits: list[dict[str, Any]], after: list[Any] | None) -> None:
        if any("sort" not in hit for hit in hits[:1] + hits[-1:]):
            raise AnswerUnreadable(
                "The hits have no sort values, so there is no way to go on from them.",
                source=self._web.name,
                hint="Does the server imitate Elasticsearch without search_after?",
            )
        if hits and after is not None and tuple(hits[0]["sort"]) <= tuple(after):
            raise AnswerUnreadable(
                "The server gives the same page again: it ignores search_after.",
                source=self._web.name,
                hint=f"It imitates Elasticsearch; a range with fewer than {PAGE:,} lines can be read from it.",
            )

    def _note(self, answer: dict[str, Any]) -> None:
        self.partial |= dict.fromkeys(partial_warnings(answer))
        self.warnings |= self.partial

    def _open(self) -> str:
        fields = [("keep_alive", _KEEP), ("ignore_unavailable", "true")]
        path = "_search/point_in_time" if self._opensearch else "_pit"
        address = "&".join(f"{name}={value}" for name, value in fields)
        try:
            reply = self._web.reply(f"/{self._index}/{path}?{address}", method="POST", fine=(404, 405))
        except QueryRejected as error:
            if "closed" in error.message:
                raise
            reply = None
        answer = self._web.json(reply) if reply is not None and reply.status == 200 else {}
        pit = str(answer.get("pit_id") or answer.get("id") or "")
        self._note(answer)
        if not pit:
            self.warnings["The server keeps no point in time: lines written while they were read may be missing."] = (
                None
            )
        return pit

    def _close(self, pit: str) -> None:
        path, body = ("/_search/point_in_time", {"pit_id": [pit]}) if self._opensearch else ("/_pit", {"id": pit})
        self._web.reply(path, method="DELETE", body=body, fine=(404,), timeout_s=5)


def partial_warnings(answer: dict[str, Any]) -> list[str]:
    """Say what an answer of status 200 leaves out: shards that failed, time that ran out, clusters that are away."""
    warnings = []
    if answer.get("timed_out") is True:
        warnings.append("The search ran out of the server's time: the answer is partial.")
    shards = answer.get("_shards") or {}
    total, failed = int(shards.get("total") or 0), int(shards.get("failed") or 0)
    # A shard that no node holds did not fail: it is counted in the total alone.
    if away := total - int(shards.get("successful", total - failed)):
        reasons = {
            str(((failure.get("reason") or {}).get("reason")) or failure.get("reason"))
            for failure in shards.get("failures") or ()
        }
        why = f" ({'; '.join(sorted(reasons))[:300]})" if reasons else ""
        verb = "failed" if failed else "did not answer"
        warnings.append(f"{max(away, failed):,} of {total:,} shards {verb}{why}: the answer is partial.")
    if answer.get("terminated_early") is True:
        warnings.append("The search ended early: the answer is partial.")
    if answer.get("is_partial") is True or (answer.get("_clusters") or {}).get("skipped"):
        warnings.append("A cluster was left out: the answer is partial.")
    return warnings


def is_exact(answer: dict[str, Any]) -> bool:
    """Whether the count of hits is exact, as it was asked for."""
    total = answer["hits"].get("total")
    return isinstance(total, dict) and total.get("relation") == "eq"


def hits_total(answer: dict[str, Any]) -> int:
    """Count of hits, or the least it can be: a bare number and ``gte`` are what older servers and imitations give."""
    total = answer["hits"].get("total")
    return int(total["value"] if isinstance(total, dict) else total or 0)
