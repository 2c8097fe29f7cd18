"""Where the files that ship with the program are: `templates/` and `config/`.

In a wheel they lie in `newsletter/_data/`; in a checkout or an editable install they lie beside the package. This
module only finds them; it does not parse them.
"""

from __future__ import annotations

from pathlib import Path

from newsletter.errors import ResourceError

_PACKAGE = Path(__file__).resolve().parent


def resource(*parts: str, package: Path = _PACKAGE) -> Path:
    """Return the path of a shipped file or folder, for example `resource("config", "default.toml")`.

    Raises:
        ResourceError: neither the installed package nor the checkout holds it.
    """
    for root in (package / "_data", package.parent):
        path = root.joinpath(*parts)
        if path.exists():
            return path
    raise ResourceError(f"{'/'.join(parts)} is missing from the installation; install the package again")
