"""Request paths relative to the application, wherever it is mounted."""

from __future__ import annotations

from starlette.types import Scope


def own_path(scope: Scope) -> str:
    """The path of a request, relative to the path that the application is mounted under.

    >>> own_path({"path": "/revenue/api/docs", "root_path": "/revenue"})
    '/api/docs'
    >>> own_path({"path": "/livez"})
    '/livez'
    """
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    if root and (path == root or path.startswith(f"{root}/")):
        return path[len(root) :] or "/"
    return path
