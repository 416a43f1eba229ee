"""`k8s/` as kustomize renders it: each overlay, and the documented combinations."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.kit.certificates import Authority
from tests.kit.prerequisites import require

Json = dict[str, Any]

REPOSITORY = Path(__file__).resolve().parents[3]
TREE = REPOSITORY / "k8s"


@dataclass(frozen=True, slots=True)
class Rendered:
    """The objects of one variant."""

    name: str
    objects: tuple[Json, ...]

    def of(self, *kinds: str) -> list[Json]:
        return [each for each in self.objects if each["kind"] in kinds]

    def one(self, kind: str, name: str) -> Json:
        """The object of that name; a ConfigMap's or Secret's may have a hash behind it."""
        found = [each for each in self.of(kind) if each["metadata"]["name"] == name]
        assert len(found) == 1, f"{self.name}: {len(found)} {kind} {name}"
        return found[0]

    def pods(self) -> list[tuple[str, Json]]:
        """The name and the pod template of each workload."""
        return [(each["metadata"]["name"], each["spec"]["template"]) for each in self.of("StatefulSet")]


def kustomize() -> list[str]:
    """The command that renders a folder: $KUSTOMIZE, the one in .cache, or kubectl's."""
    built = REPOSITORY / ".cache" / "kustomize"
    if own := os.environ.get("KUSTOMIZE"):
        return [own, "build"]
    if built.exists():
        return [str(built), "build"]
    require(shutil.which("kubectl") is not None, "kubectl, or a kustomize (tools/build-kustomize builds one)")
    return ["kubectl", "kustomize"]


def render(folder: Path) -> tuple[Json, ...]:
    """The objects of ``folder``, which has to render without output on standard error."""
    found = subprocess.run(
        [*kustomize(), str(folder)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (found.returncode, found.stderr) == (0, ""), f"{folder}: {found.stderr}"
    return tuple(yaml.safe_load_all(found.stdout))


def variants(folder: Path) -> Iterator[Rendered]:
    """Every variant, rendered in a copy under ``folder``."""
    tree = folder / "k8s"
    shutil.copytree(TREE, tree, ignore=shutil.ignore_patterns("secrets"))
    _make_secrets(tree / "overlays" / "production-with-secrets" / "secrets")
    for name, components in VARIANTS.items():
        overlay, _, _ = name.partition("+")
        yield Rendered(name, render(_with(tree, overlay, components)))


VARIANTS = {
    "demo": (),
    "demo+pod": ("restart-by-pod",),
    "demo+workload": ("restart-by-workload",),
    "production": (),
    "production+pod": ("restart-by-pod",),
    "production+workload": ("restart-by-workload",),
    "production-with-secrets": (),
}


def _with(tree: Path, overlay: str, components: tuple[str, ...]) -> Path:
    """An overlay that adds ``components`` to ``overlay``, as an operator writes it."""
    if not components:
        return tree / "overlays" / overlay
    own = tree / "overlays" / "-".join((overlay, *components))
    own.mkdir()
    lines = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": "federation",
        "resources": [f"../{overlay}"],
        "components": [f"../../components/{each}" for each in components],
    }
    (own / "kustomization.yaml").write_text(yaml.safe_dump(lines))
    return own


def _make_secrets(folder: Path) -> None:
    """What a person puts there: certificates of etcd's authority, and a user."""
    authority = Authority(folder.parent / "ca")
    pair = authority.issue("sidecar", common_name=False)
    folder.mkdir()
    for name, text in {
        "ca.crt": authority.cert.read_text(),
        "tls.crt": pair.cert.read_text(),
        "tls.key": pair.key.read_text(),
        "user": "federation",
        "password": "a password",
    }.items():
        (folder / name).write_text(text)


def containers(template: Json) -> list[Json]:
    """All of a pod's containers."""
    spec = template["spec"]
    return [*spec.get("initContainers", []), *spec["containers"]]


def walk(thing: object, visit: Callable[[str, object], None], path: str = "") -> None:
    """Call ``visit`` with the path and the value of everything in ``thing``."""
    visit(path, thing)
    if isinstance(thing, dict):
        for key, value in thing.items():
            walk(value, visit, f"{path}.{key}")
    elif isinstance(thing, list):
        for index, value in enumerate(thing):
            walk(value, visit, f"{path}[{index}]")
