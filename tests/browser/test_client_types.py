"""The type declarations say what the client does."""

import subprocess

import pytest

from tests.browser.host import PACKAGES


def test_typed_pages_compile_and_wrong_ones_do_not():
    compiler = PACKAGES / "typescript" / "bin" / "tsc"
    if not compiler.exists():
        pytest.fail("TypeScript is missing: npm ci --prefix tests/browser", pytrace=False)
    command = ["node", compiler, "--project", PACKAGES.parent]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
