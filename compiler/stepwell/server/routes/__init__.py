"""The routes, by what they are about. Each says the scope it needs; `door` enforces it."""

from __future__ import annotations

from fastapi import APIRouter

from . import connections, deployments, flows, keys, nodes, projects, runs, variables, versions, workflows

ROUTERS: tuple[APIRouter, ...] = (
    projects.router,
    keys.router,
    connections.router,
    variables.router,
    workflows.router,
    versions.router,
    deployments.router,
    runs.router,
    nodes.router,
    flows.router,
)
