"""The dashboard under people: pages of a fresh process and warm ones, then 20 people over websockets.

Run with ``python tests/benchmarks/bench_dashboard.py [--minutes 10] [--people 20] [--archive FOLDER]``; without an
archive a demo up to now is built. Every click opens a page by its address, as a link does, and ends when the script of
the page has ended; a person waits eight seconds between two clicks.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

WORKBENCH = [str(Path(sys.executable).with_name("workbench"))]
SYSTEMS = ("conduit", "llm-ab-testing", "choreoai", "counterfactual-lab")
PAGES = ("", "slo", "performance", "cost", "quality", "capacity", "alerts")
PERIODS = ("", "7d", "1d", "last-month")
BETWEEN_S, DEADLINE_S = 8.0, 180.0


@dataclass
class Server:
    """A dashboard of its own, what its processes take, and how long it took to listen. [s]"""

    process: subprocess.Popen[bytes]
    port: int
    opened_s: float

    def stop(self) -> float:
        """End it; returns how long that took. [s]"""
        begun = time.perf_counter()
        self.process.terminate()
        self.process.wait(60)
        return time.perf_counter() - begun

    def family(self) -> list[int]:
        """Process ids of the server and all below it."""
        parents = {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                text = path.read_text()
            except OSError:
                continue
            parents[int(path.parent.name)] = int(text.rpartition(")")[2].split()[1])
        found = [self.process.pid]
        for pid in found:
            found += [child for child, parent in parents.items() if parent == pid]
        return found

    def processors_s(self) -> tuple[float, float, float]:
        """Processor time of the web process, of the workers, and of what loads modules for workers to come. [s]"""
        ticks = os.sysconf("SC_CLK_TCK")
        web, (made, *workers) = (self.family()[0], self.family()[1:] or [0])
        return _ticks(web) / ticks, sum(map(_ticks, workers)) / ticks, _ticks(made) / ticks

    def memory_mb(self) -> tuple[float, float]:
        """Resident memory of the web process, and of all processes with shared pages counted once. [MB]"""
        sizes = []
        for pid in self.family():
            try:
                text = Path(f"/proc/{pid}/smaps_rollup").read_text()
            except OSError:
                continue
            sizes.append(next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")) / 1000)
        return sizes[0], sum(sizes)

    def processor_s(self) -> float:
        """Processor time of all processes. [s]"""
        return sum(self.processors_s())


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(map(int, fields[11:15]))


@dataclass
class Clicks:
    """Times of clicks [s] and what went wrong; the first look at a page, system and period apart from later ones."""

    seconds: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def share(seconds: list[float], share: float) -> float:
    """Return the time that a share of clicks stayed below. [s]"""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def started(config: Path) -> Server:
    port = free_port()
    command = [*WORKBENCH, "--config", str(config), "dashboard", "--no-open", "--port", str(port)]
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return Server(process, port, time.perf_counter() - begun)
        time.sleep(0.1)
    raise SystemExit("The dashboard did not start.")


def ready(server: Server) -> None:
    """Wait until the server has loaded its pages and answers."""
    for _ in range(600):
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{server.port}/_stcore/health") as answer:
            if answer.status == HTTPStatus.OK:
                return
        time.sleep(0.02)
    raise SystemExit("The dashboard did not answer.")


async def opened(port: int, page: str, query: str) -> tuple[float, str]:
    """Open a page; time until its script ended [s], and the first exception on it."""
    begun, error = time.perf_counter(), ""
    url = f"ws://127.0.0.1:{port}/_stcore/stream"
    async with websockets.connect(url, subprotocols=["streamlit"], max_size=None, open_timeout=60) as peer:
        ask = BackMsg()
        ask.rerun_script.query_string = query
        ask.rerun_script.page_name = page
        await peer.send(ask.SerializeToString())
        while True:
            message = ForwardMsg()
            message.ParseFromString(await asyncio.wait_for(peer.recv(), DEADLINE_S))
            kind = message.WhichOneof("type")
            if kind == "delta" and message.delta.WhichOneof("type") == "new_element":
                element = message.delta.new_element
                if element.WhichOneof("type") == "exception":
                    error = error or f"{page}?{query}: {element.exception.message[:200]}"
            if kind == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                return time.perf_counter() - begun, error


def query(system: str, period: str) -> str:
    return "&".join(part for part in (f"system={system}", f"period={period}" if period else "") if part)


async def person(port: int, seed: int, until: float, clicks: Clicks, seen: set[tuple[str, str, str]]) -> None:
    chance = random.Random(seed)
    await asyncio.sleep(chance.uniform(0, BETWEEN_S))
    while time.monotonic() < until:
        page, system, period = chance.choice(PAGES), chance.choice(SYSTEMS), chance.choice(PERIODS)
        looked = page, system if page else "", period
        kind = clicks.again if looked in seen else clicks.first
        seen.add(looked)
        try:
            seconds, error = await opened(port, page, query(system, period))
            clicks.seconds.append(seconds)
            kind.append(seconds)
            if error:
                clicks.errors.append(error)
        except Exception as error:
            clicks.errors.append(f"{page}: {error!r}")
        await asyncio.sleep(BETWEEN_S)


async def crowd(server: Server, people: int, minutes: float) -> tuple[Clicks, list[tuple[float, float]]]:
    clicks, memory = Clicks(), list[tuple[float, float]]()
    until = time.monotonic() + minutes * 60
    seen = {(page, SYSTEMS[0] if page else "", "") for page in PAGES}
    everybody = [asyncio.create_task(person(server.port, seed, until, clicks, seen)) for seed in range(people)]
    while not all(task.done() for task in everybody):
        await asyncio.wait(everybody, timeout=10)
        memory.append(server.memory_mb())
    return clicks, memory


def told(what: str, value: float, bar: float, unit: str) -> None:
    verdict = "ok" if value <= bar else "MISSED"
    print(f"{what:<52} {value:9.2f} {unit:<3} bar {bar:g} {unit:<3} {verdict}", flush=True)


def page_times(server: Server, label: str, bars: dict[str, float]) -> None:
    for page in PAGES:
        before = server.processor_s()
        seconds, error = asyncio.run(opened(server.port, page, query(SYSTEMS[0], "")))
        used = server.processor_s() - before
        told(f"{label}: {page or 'overview'} ({used:.2f} s of processor time)", seconds, bars.get(page, bars["*"]), "s")
        if error:
            print(f"  ERROR {error}")


def page_costs(server: Server, bars: dict[str, float]) -> None:
    """Processor time of each page of a process that has started: what is computed, drawn, sent and written down.

    What workers answer ahead while the web process starts is of the first page, and counts as such. Modules that are
    loaded meanwhile for workers to come are of no page, and are said apart.
    """
    ready(server)
    web, workers, _ = server.processors_s()
    before = web
    for page in PAGES:
        asyncio.run(opened(server.port, page, query(SYSTEMS[0], "")))
        web, workers, loading = server.processors_s()
        told(f"processor time: {page or 'overview'}", web + workers - before, bars.get(page, float("inf")), "s")
        before = web + workers
    print(f"loaded meanwhile for workers to come: {loading:.2f} s of processor time")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--archive", type=Path, help="folder with a demo up to now")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        archive = given.archive or Path(folder) / "demo"
        if given.archive is None:
            subprocess.run([*WORKBENCH, "demo", "build", "--to", str(archive)], check=True, stdout=subprocess.DEVNULL)
        config, other = Path(folder) / "workbench.toml", Path(folder) / "other.toml"
        for file, home in ((config, "home"), (other, "other")):
            file.write_text(f'home = "{home}"\n[sources.demo]\nkind = "archive"\npath = "{archive.resolve()}"\n')
        server = started(other)
        page_costs(server, {"": 3.0, "performance": 1.5, "cost": 1.0, "capacity": 1.5})
        server.stop()
        server = started(config)
        print(f"the port is open {server.opened_s:.1f} s after the start; times of pages begin then")
        page_times(server, "nothing stored", {"*": 3.0})
        page_times(server, "warm", {"": 1.0, "*": 0.5})
        print(f"stopped after {server.stop():.1f} s")
        server = started(config)
        page_times(server, "fresh process, answers stored", {"*": 3.0})
        before = server.processor_s()
        clicks, memory = asyncio.run(crowd(server, given.people, given.minutes))
        print(f"{given.people} people, {given.minutes:g} minutes, {len(clicks.seconds)} clicks")
        told("median of a click", share(clicks.seconds, 0.5), 0.7, "s")
        told("95 % of clicks", share(clicks.seconds, 0.95), 2.0, "s")
        for name, several in (("first looks", clicks.first), ("later looks", clicks.again)):
            print(f"{len(several)} {name}: median {share(several, 0.5):.2f} s, 95 % {share(several, 0.95):.2f} s")
        told("slowest click", share(clicks.seconds, 1.0), float("inf"), "s")
        told("clicks with an error", float(len(clicks.errors)), 0.0, "")
        told("memory of the web process, most", max(web for web, _ in memory), 1200.0, "MB")
        told("memory of all processes, most", max(whole for _, whole in memory), 1200.0, "MB")
        half = memory[len(memory) // 2][1]
        print(f"memory of all processes, half way and at the end: {half:.0f} and {memory[-1][1]:.0f} MB")
        used = server.processor_s() - before
        print(f"processor time a click: {used / max(len(clicks.seconds), 1):.2f} s")
        for error in clicks.errors[:5]:
            print(f"  ERROR {error}")
        print(f"stopped after {server.stop():.1f} s")


if __name__ == "__main__":
    main()
