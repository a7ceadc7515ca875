"""The real runtime on this machine: workerd, driven from here, without an account."""

from stepwell.local.spec import worker_spec

__all__ = ["worker_spec"]
