"""What the Lab consists of: its targets, and the labels every series carries."""

from __future__ import annotations

from workbench.core.series import Labels
from workbench.demo.engine.day import Target

SYSTEM = "counterfactual-lab"

REPLICAS = tuple(Target("counterfactual-lab", f"lab-{number}:8000") for number in (1, 2, 3))
#: The replica with the accelerator: it runs the generations.
GENERATOR = REPLICAS[2]
NODES = (Target("node", "node-1:9100"), Target("node", "node-2:9100"))
CADVISORS = (Target("cadvisor", "node-1:8080"), Target("cadvisor", "node-2:8080"))
BLACKBOX, REDIS, POSTGRES = (
    Target("blackbox", "blackbox:9115"),
    Target("redis", "redis:9121"),
    Target("postgres", "postgres:9187"),
)
TARGETS = (*REPLICAS, *NODES, *CADVISORS, BLACKBOX, REDIS, POSTGRES)

#: Containers by the cAdvisor that sees them; a replica's container is named like its process.
CONTAINERS = {
    CADVISORS[0]: ("counterfactual-lab-1", "counterfactual-lab-2", "redis"),
    CADVISORS[1]: ("counterfactual-lab-3", "postgres"),
}
PROCESS_OF = {f"counterfactual-lab-{number}": f"lab-{number}:8000" for number in (1, 2, 3)}


def labels(target: Target, metric: str, /, **more: str) -> Labels:
    """Label set of a series of a target."""
    return {"__name__": metric, "system": SYSTEM, "job": target.job, "instance": target.instance, **more}
