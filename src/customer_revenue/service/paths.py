"""Paths of requests within the application, wherever it is mounted."""

from __future__ import annotations

from starlette.types import Scope


def own_path(scope: Scope) -> str:
    """The path of a request below the place where the application is mounted.

    >>> own_path({"path": "/revenue/api/docs", "root_path": "/revenue"}), own_path({"path": "/livez"})
    ('/api/docs', '/livez')
    """
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path.removeprefix(root) or "/" if root and path.startswith(root) else path
