# SPDX-License-Identifier: AGPL-3.0-or-later
"""Packages of the npm registry for the page of a browser: installed and bundled below build/, once for this tree."""

import os
import shutil
import subprocess

from . import proc, tandem

TOOLS = ("esbuild@0.28.2", "events@3.3.0")  # the latter is a part of Node that browsers lack
LIMIT_S = 240.0


class Bundle:
    """One package as a script that makes one global @symbol."""

    def __init__(self, package, version, symbol):
        self.package, self.version, self.symbol = package, version, symbol
        self.directory = os.path.join(tandem.ROOT, "build", "npm", package)
        self.path = os.path.join(self.directory, f"{package}-{version}.js")

    def missing(self):
        """Why it cannot be had, or None."""
        if os.path.exists(self.path) or shutil.which("npm"):
            return None
        return f"npm is not installed, and {self.package} not built: make deps-live"

    def build(self):
        """Make it unless it is there; proc.Absent when npm cannot have the package."""
        if os.path.exists(self.path):
            return
        os.makedirs(self.directory, exist_ok=True)
        entry = os.path.join(self.directory, "entry.js")
        with open(entry, "w", encoding="ascii") as file:
            file.write(f'export * from "{self.package}";\n')
        self._run("npm", "install", "--prefix", self.directory, "--ignore-scripts", "--no-audit", "--no-fund", "--no-save",
                  f"{self.package}@{self.version}", *TOOLS)
        self._run(f"{self.directory}/node_modules/.bin/esbuild", entry, "--bundle", "--format=iife",
                  f"--global-name={self.symbol}", "--define:global=globalThis", f"--outfile={self.path}.new")
        os.replace(self.path + ".new", self.path)

    def _run(self, *argv):
        try:
            done = subprocess.run(argv, cwd=self.directory, capture_output=True, text=True, timeout=LIMIT_S, check=False)
        except subprocess.TimeoutExpired:
            raise proc.Absent(f"{self.package}: {argv[0]} took longer than {LIMIT_S} s") from None
        if done.returncode:
            raise proc.Absent(f"{self.package} could not be built: {done.stderr.strip()[:300]}")
