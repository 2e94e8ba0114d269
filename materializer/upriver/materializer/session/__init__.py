"""The session: the operations of a project, carried out in this process."""

from upriver.materializer.session.session import Session

__all__ = ["Session"]
