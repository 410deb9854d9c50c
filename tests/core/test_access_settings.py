"""Who may see what, as the settings say it: roles add up, mistakes name their line, nothing is open by accident."""

import pytest

from workbench.core.access.identity import Grant, Identity, local_admin
from workbench.core.errors import AccessRefused, SettingsError
from workbench.core.settings import load_settings

PROXY = '[access]\nsign_in = "proxy"\n[access.proxy]\naddresses = ["127.0.0.1"]\n'
LAB = '[access.groups.lab]\nsystems = ["lab"]\n'


def read(tmp_path, text):
    file = tmp_path / "workbench.toml"
    file.write_text(text)
    return load_settings(file)


def test_grants_of_all_groups_of_a_person_hold_each_in_its_systems(tmp_path):
    text = PROXY + LAB + '[access.groups.ops]\nrole = "editor"\nsystems = ["gateway"]\nmembers = ["ana"]\n'
    access = read(tmp_path, text).access
    ana = access.identity("ana", {"lab", "strangers"})
    assert ana.scope == ("gateway", "lab")
    assert ana.may("editor", "gateway")
    assert not ana.may("editor", "lab")
    assert access.identity("ben", ()).scope == ()
    assert not access.identity("ben", ()).sees("lab")


def test_somebody_in_no_group_sees_nothing_and_is_told_so():
    stranger = Identity("eve")
    assert stranger.scope == ()
    with pytest.raises(AccessRefused, match="cannot see a system 'lab'"):
        stranger.require("viewer", "lab")


def test_a_viewer_is_told_which_role_is_missing_and_who_gives_it():
    with pytest.raises(AccessRefused, match="needs the role editor for the system 'lab'; ana has viewer") as refused:
        Identity("ana", (Grant("viewer", ("lab",)),)).require("editor", "lab")
    assert "access.groups" in refused.value.hint


def test_whoever_is_on_the_machine_is_admin():
    assert local_admin("me").scope is None
    local_admin("me").require("admin")


def test_a_member_of_everybody_is_whoever_signed_in(tmp_path):
    access = read(tmp_path, PROXY + '[access.groups.all]\nsystems = ["*"]\nmembers = ["*"]\n').access
    assert access.identity("anyone", ()).scope is None
    assert access.identity("anyone", ()).role("lab") == "viewer"


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("[access]\nopenn = true\n", 2, "Did you mean 'open'"),
        ('[access]\nsign_in = "oidc"\n', 1, "needs [access.oidc]"),
        ('[access]\nsign_in = "proxy"\nopen = true\n[access.proxy]\naddresses = ["10.0.0.1"]\n' + LAB, 1, "contradict"),
        (PROXY, 1, "needs at least one group"),
        (LAB, 1, 'groups need sign_in = "oidc" or "proxy"'),
        (PROXY + '[access.groups.lab]\nrole = "viewr"\nsystems = ["a"]\n', 6, "'viewer', 'editor' or 'admin'"),
        (PROXY + '[access.groups.lab]\nrole = "admin"\nsystems = ["a"]\n', 5, "an admin sees everything"),
        (PROXY + '[access.groups.lab]\nrole = "viewer"\n', 5, "a group needs systems"),
        (PROXY + LAB + 'member = ["ana"]\n', 7, "Did you mean 'members'"),
        ('[access]\nsign_in = "proxy"\n[access.proxy]\naddresses = ["0.0.0.0/0"]\n' + LAB, 3, "is everybody"),
        ('[access]\nsign_in = "proxy"\n[access.proxy]\naddresses = ["proxy"]\n' + LAB, 3, "does not appear to be"),
    ],
)
def test_a_mistake_names_file_and_line(tmp_path, text, line, why):
    with pytest.raises(SettingsError) as refused:
        read(tmp_path, text)
    assert why in refused.value.message
    assert f"workbench.toml:{line}: access" in refused.value.message


OIDC = (
    '[access]\nsign_in = "oidc"\n[access.oidc]\nclient_id = "workbench"\nclient_secret = {{ env = "OIDC_SECRET" }}\n'
    'cookie_secret = {{ file = "/run/secrets/cookie" }}\nmetadata_url = "{metadata}"\nredirect_uri = "{redirect}"\n'
)


def test_a_provider_in_the_open_is_refused_but_on_this_machine(tmp_path):
    loopback = OIDC.format(metadata="http://127.0.0.1:9000/x", redirect="http://localhost:8501/oauth2callback")
    assert read(tmp_path, loopback + LAB).access.oidc.groups_claim == "groups"
    for metadata, redirect, why in (
        ("http://idp.example/x", "https://slo.example/oauth2callback", "metadata_url must be https"),
        ("https://idp.example/x", "http://slo.example/oauth2callback", "redirect_uri must be https"),
        ("https://idp.example/x", "https://slo.example/callback", "ends in /oauth2callback"),
    ):
        with pytest.raises(SettingsError, match=why):
            read(tmp_path, OIDC.format(metadata=metadata, redirect=redirect) + LAB)


def test_a_secret_in_the_file_is_refused(tmp_path):
    text = OIDC.format(metadata="https://idp.example/x", redirect="https://slo.example/oauth2callback")
    text = text.replace('{ env = "OIDC_SECRET" }', '"hunter2"')
    with pytest.raises(SettingsError, match="a secret may not stand in this file") as refused:
        read(tmp_path, text + LAB)
    assert "hunter2" not in str(refused.value)
