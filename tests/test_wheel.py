"""The wheel holds everything, and what is installed from it works in any directory."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "*.egg-info", "tests", "notebooks")

PROBLEM = """\
include: {gpu: h100_sxm}
variables:
  blocks: {min: 1, max: gpu.sm_count}
constraints:
  - gpu.sm_count % blocks == 0
  - blocks < gpu.sm_count
prefer:
  - blocks: largest
"""


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy: nothing is left in the source tree nor taken from an old build."""
    pytest.importorskip("build", reason="the wheel is built by the package 'build'")
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    shutil.copytree(ROOT, source, ignore=LEFT_OUT)
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, cwd=source)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    """The scripts of a new environment with the wheel; its dependencies are those of this environment."""
    folder = wheel.parent / "environment"
    venv.create(folder, with_pip=False)
    scripts = Path(sysconfig.get_path("scripts", "venv", {"base": str(folder)}))
    python = scripts / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", wheel, cwd=folder)
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)}))
    # A folder that a .pth names is searched last, and its own .pth files (an editable install) are not read.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return scripts


def test_the_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    expected = {
        f"{target}/{path.relative_to(ROOT / folder).as_posix()}"
        for folder, target in (
            ("constrint", "constrint"),
            ("flashrnn", "flashrnn"),
            ("hardware_profiles", "flashrnn/hardware_profiles"),
        )
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix not in (".pyc", ".so") and not path.name.startswith(".")
    }
    assert {"constrint/py.typed", "flashrnn/py.typed", "flashrnn/hardware_profiles/h200.yaml"} <= expected
    held = set(zipfile.ZipFile(wheel).namelist())
    assert expected - held == set()
    assert not [name for name in held if name.startswith(("tests/", "examples/", "benchmarks/"))]


def test_an_installed_profile_is_found_by_name_from_any_folder(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "problem.yaml").write_text(PROBLEM, encoding="utf-8")
    answer = json.loads(
        run(installed / "constrint", "solve", "problem.yaml", "--format", "json", cwd=tmp_path)
    )
    assert answer["solutions"] == [{"blocks": 66}]


def test_what_is_imported_there_is_the_installed_package(installed: Path, tmp_path: Path) -> None:
    code = "import constrint, flashrnn.hardware; print(constrint.__file__); print(flashrnn.hardware.__file__)"
    for path in run(installed / "python", "-c", code, cwd=tmp_path).splitlines():
        assert Path(path).is_relative_to(installed.parent)
