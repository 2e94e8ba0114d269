"""Recipe fingerprints of Python functions. Runs in worker processes, where the project is imported.

``reach``      the entry: a function in, its fingerprint and the code behind it out
``walk``       the graph of code, walked breadth first
``functions``, ``classes``, ``modules``, ``effects``   what the digest of each kind of node holds
``resolve``    a name in the text to the object it stands for, and where code reaches further than its names
``values``     constants, closures and instances by content
``source``     files, syntax trees; ``canonical`` their meaning; ``names`` what they mention
``origin``     project, library or Upriver
"""

from upriver.lineage.python.reach import Reach, reach
from upriver.lineage.python.source import Sources

__all__ = ["Reach", "Sources", "reach"]
