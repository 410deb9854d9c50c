"""Tables, JSON and CSV as a terminal and a spreadsheet will read them."""

import csv
import io
import json
import os
import subprocess
import sys

from workbench.cli.shared.output import print_csv, print_json, print_table
from workbench.core.units import number_text, unbounded

HOSTILE = "\x1b[31mred\x07\n=cmd|' /C calc'!A0"


def test_control_characters_of_a_label_do_not_reach_the_terminal(capsys):
    print_table([{"message": HOSTILE}])
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "\\x1b[31mred" in out


def test_a_cell_that_a_spreadsheet_would_run_is_defused(capsys):
    print_csv([{"name": "=1+1", "value": -3.5}])
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert rows == [{"name": "'=1+1", "value": "-3.5"}]


def test_json_is_one_document(capsys):
    print_json({"name": "é", "value": None})
    assert json.loads(capsys.readouterr().out) == {"name": "é", "value": None}


def test_no_rows_leave_stdout_empty(capsys):
    print_table([])
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "no rows" in captured.err


def test_help_does_not_import_the_heavy_libraries():
    code = (
        "import sys\nfrom workbench.cli.main import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'pandas', 'numpy', 'streamlit', 'plotly', 'pyarrow', 'sqlalchemy'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_version_is_the_packages():
    from importlib.metadata import version

    from workbench import __version__

    assert version("slo-workbench") == __version__


def test_a_console_that_cannot_print_a_sign_gets_a_mark():
    code = "import workbench.cli.main as m; m.show_what_the_console_can(); print('größer – 日')"
    for encoding, shown in (("latin-1", "größer ? ?"), ("ascii", "gr??er ? ?"), ("utf-8", "größer – 日")):
        console = {**os.environ, "PYTHONIOENCODING": encoding}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=console)
        assert done.stdout.decode(encoding).strip() == shown


def test_nan_and_the_infinities_are_three_different_outputs():
    assert [number_text(value) for value in (float("nan"), float("inf"), float("-inf"), 1.5)] == [
        "NaN", "+Inf", "-Inf", "1.5"]  # fmt: skip
    assert [unbounded(value) for value in (float("nan"), float("-inf"), 1.5, None, "NaN")] == [
        True, True, False, False, False]  # fmt: skip
