from __future__ import annotations

import pytest

from stepwell.bundle.toolchain import Toolchain, ensure


@pytest.fixture(scope="session")
def toolchain() -> Toolchain:
    return ensure()
