"""Mistakes that a command does not stop at: they are printed before its answer."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from workbench.cli.main import cli

GROUPS = """
[access]
sign_in = "proxy"

[access.proxy]
addresses = ["127.0.0.1"]

[access.groups.ops]
systems = ["condiut"]
"""


def test_a_command_names_groups_whose_system_does_not_exist(tmp_path: Path) -> None:
    config = tmp_path / "workbench.toml"
    config.write_text(GROUPS)
    ended = CliRunner().invoke(cli, ["--config", str(config), "--home", str(tmp_path / "home"), "catalog", "list"])
    assert ended.exit_code == 0, ended.output
    assert "Warning: Group 'ops' names the system 'condiut', which does not exist." in ended.stderr
