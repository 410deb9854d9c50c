"""The files for running the workbench elsewhere: read as their programs read them, and true to the commands."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from tests.test_container import instructions
from workbench.cli.main import State, cli
from workbench.core.settings import load_settings

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
KUBERNETES = DEPLOY / "kubernetes"


def manifests() -> dict[str, dict[str, Any]]:
    """Every resource of the kustomization, by kind."""
    named = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["resources"]
    return {one["kind"]: one for name in named for one in yaml.safe_load_all((KUBERNETES / name).read_text())}


def commands() -> Iterator[tuple[str, list[str]]]:
    """The command lines of all files."""
    (image,) = [rest for word, rest in instructions((ROOT / "Dockerfile").read_text()) if word == "CMD"]
    yield "Dockerfile", yaml.safe_load(image)
    yield "compose", COMPOSE["services"]["workbench"]["command"]
    unit = (DEPLOY / "workbench.service").read_text()
    yield "systemd", shlex.split(re.findall(r"^ExecStart=(.*)$", unit, re.M)[0])
    yield "kubernetes", manifests()["Deployment"]["spec"]["template"]["spec"]["containers"][0]["args"]


@pytest.mark.parametrize(
    ("where", "words"), list(commands()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_command_line_is_one_that_the_workbench_takes(where: str, words: list[str]) -> None:
    assert Path(words[0]).name == "workbench"
    context = click.Context(cli, obj=State(None, None, None), **cli.context_settings)
    name, command, rest = cli.resolve_command(context, words[1:])
    assert (name, command is not None) == ("serve", True)
    assert command is not None
    command.make_context(name, rest, parent=context)


@pytest.mark.parametrize("file", ["compose/workbench.toml", "kubernetes/workbench.toml"])
def test_the_settings_are_right_and_say_who_may_see_what(file: str) -> None:
    access = load_settings(DEPLOY / file).access
    access.check_address("0.0.0.0")
    assert access.open or access.groups


def test_compose_publishes_on_this_machine_only_and_mounts_what_is_there() -> None:
    assert set(COMPOSE["services"]) == {"workbench", "prometheus", "loki", "tempo", "grafana"}
    for name, service in COMPOSE["services"].items():
        assert all(port.startswith("127.0.0.1:") for port in service["ports"]), name
        assert name == "workbench" or re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+", service["image"]), name
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            known = (DEPLOY / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]
            assert known, volume
        assert set(service.get("depends_on", [])) <= set(COMPOSE["services"])
    assert COMPOSE["services"]["tempo"]["user"] == "0", "its own user cannot write to a new volume"
    for file in DEPLOY.rglob("*.y*ml"):
        assert list(yaml.safe_load_all(file.read_text())), file


def test_the_sources_of_the_trial_are_services_of_it() -> None:
    for source in load_settings(DEPLOY / "compose/workbench.toml").sources.values():
        host, _, port = source.url.removeprefix("http://").partition(":")
        published = [one.split(":")[-1] for one in COMPOSE["services"][host]["ports"]]
        assert port in published


def test_prometheus_takes_its_configuration(omit) -> None:
    if shutil.which("promtool") is None:
        omit("promtool is not here")
    checked = subprocess.run(["promtool", "check", "config", "--syntax-only", DEPLOY / "compose/prometheus.yml"],
                             capture_output=True, text=True)  # fmt: skip
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_systemd_takes_the_unit(tmp_path: Path, omit) -> None:
    if shutil.which("systemd-analyze") is None:
        omit("systemd-analyze is not here")
    unit = (DEPLOY / "workbench.service").read_text().replace("/opt/workbench/bin/workbench", sys.executable)
    (tmp_path / "workbench.service").write_text(unit)
    checked = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / "workbench.service"], capture_output=True, text=True
    )
    said = [line for line in checked.stderr.splitlines() if "workbench.service" in line]
    assert not [line for line in said if not re.search(r"not be found|failed to .* (cgroup|bus)", line, re.I)], (
        checked.stderr
    )


def test_every_manifest_is_whole_and_refers_to_what_is_there() -> None:
    kustomization = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())
    kinds = manifests()
    assert all(one["apiVersion"] and one["metadata"]["name"] for one in kinds.values())
    pod = kinds["Deployment"]["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == kinds["ServiceAccount"]["metadata"]["name"]
    held = {next(iter(set(volume) - {"name"})): volume for volume in pod["volumes"]}
    assert (
        held["persistentVolumeClaim"]["persistentVolumeClaim"]["claimName"]
        == (kinds["PersistentVolumeClaim"]["metadata"]["name"])
    )
    (generated,) = kustomization["configMapGenerator"]
    assert held["configMap"]["configMap"]["name"] == generated["name"]
    assert all((KUBERNETES / file).exists() for file in generated["files"])
    (container,) = pod["containers"]
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    assert {image["name"] for image in kustomization["images"]} == {container["image"]}
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"http": 8501, "health": 9464}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["port"] in ports
    assert kinds["Service"]["spec"]["ports"][0]["targetPort"] in ports


def test_the_pod_runs_as_nobody_special_and_one_at_a_time() -> None:
    deployment = manifests()["Deployment"]["spec"]
    assert (deployment["replicas"], deployment["strategy"]["type"]) == (1, "Recreate")
    pod = deployment["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert not pod["automountServiceAccountToken"]
    secured = pod["containers"][0]["securityContext"]
    assert secured == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}
    }  # fmt: skip


def test_the_manifests_keep_the_schemas_of_kubernetes(omit) -> None:
    try:
        import kubernetes_validate
    except ImportError:
        omit("kubernetes-validate is not installed")
    for one in manifests().values():
        kubernetes_validate.validate(one, "1.31", strict=True)
