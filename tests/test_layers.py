"""Who may import whom: downward only, and sockettools nothing but the standard library."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# A package may import from those on lower lines, and within itself. Packages on one line do not
# know each other.
SOCKETTOOLS_LAYERS = (
    ("__main__",),
    ("cli",),
    ("tasks", "practice"),
    ("browser", "protocols"),
    ("http1", "net"),
    ("service_url",),
    ("progress",),
    ("url", "text", "units", "errors", "lifetime", "standard_streams"),
)
NETCRAWL_LAYERS = (
    ("settings", "addon"),
    ("commands",),
    ("outcome",),
    ("report",),
    ("spiders", "compare"),
    ("extract", "pipelines", "download", "feeds", "extensions"),
    ("frontier",),
    ("items", "arguments", "failures", "scope", "counting", "timings", "requests"),
    ("number_settings",),
    ("schemes",),
    ("parts",),  # names the others in strings; imports none
)


def _modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def _module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(path: Path) -> set[str]:
    """Return every module that ``path`` imports, those for types only included."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            # `from package import submodule` imports the submodule.
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


@pytest.mark.parametrize("path", _modules("sockettools"), ids=_module_name)
def test_sockettools_imports_only_the_standard_library(path: Path) -> None:
    tops = {name.partition(".")[0] for name in _imports(path)}

    assert tops <= {*sys.stdlib_module_names, "sockettools"}


@pytest.mark.parametrize(
    ("package", "layers"),
    [
        pytest.param("sockettools", SOCKETTOOLS_LAYERS, id="sockettools"),
        pytest.param("netcrawl", NETCRAWL_LAYERS, id="netcrawl"),
    ],
)
def test_imports_go_downward(package: str, layers: tuple[tuple[str, ...], ...]) -> None:
    rank = {room: number for number, rooms in enumerate(layers) for room in rooms}
    for path in _modules(package):
        room = _module_name(path).partition(".")[2].partition(".")[0]
        if not room:
            continue  # the package itself
        assert room in rank, f"{path} has no layer"
        for name in _imports(path):
            top, _, rest = name.partition(".")
            other = rest.partition(".")[0]
            if top == package and other in rank and other != room:
                assert rank[room] < rank[other], f"{path} imports {name}"
