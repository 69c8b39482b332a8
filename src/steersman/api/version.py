"""Which Kubernetes this is: every part says the same of itself."""

from __future__ import annotations

from typing import Final

MAJOR: Final = 1
MINOR: Final = 37
RELEASE: Final = f"{MAJOR}.{MINOR}"
KUBERNETES: Final = f"v{RELEASE}.0"
