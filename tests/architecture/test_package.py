"""The wheel holds everything and works outside the checkout."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(ROOT)], check=True, timeout=300)
    return next(folder.glob("dashboard311-*.whl"))


def test_the_wheel_holds_the_four_packages_and_the_assets(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for path in [*ROOT.glob("assets/*"), *ROOT.glob("assets/**/*")]:
        if path.is_file():
            assert f"dashboard/_assets/{path.relative_to(ROOT / 'assets')}" in names
    for package in ("dashboard", "layouts", "callbacks", "data_access"):
        for path in (ROOT / package).rglob("*.py"):
            assert str(path.relative_to(ROOT)) in names
    assert not [name for name in names if name.startswith(("tests/", "assets/"))]


def test_the_installed_package_serves_a_page_from_another_folder(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    script = """
import dashboard, pathlib
assert pathlib.Path(dashboard.__file__).is_relative_to(pathlib.Path("site").resolve()), dashboard.__file__
from dashboard.app import create_app
from dashboard.settings import Settings
client = create_app(Settings(data=pathlib.Path("data").resolve(), cache="memory")).server.test_client()
page = client.get("/")
assert page.status_code == 200 and b"dashboard.css" in page.data
assert client.get("/assets/tokens.css").status_code == 200
assert client.get("/healthz").status_code == 503  # nothing imported yet, and it says so
"""
    environment = {"PYTHONPATH": str(tmp_path / "site"), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr


def test_the_first_page_does_not_wait_for_what_it_does_not_need():
    heavy = {
        "scipy.stats",
        "scipy.optimize",
        "scipy.sparse",
        "scipy.spatial",
        "scipy.fft",
        "highspy",
        "alembic",
        "authlib",
        "redis",
        "geopandas",
        "xlsxwriter",
    }
    script = f"import sys, dashboard.app; print(*sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
