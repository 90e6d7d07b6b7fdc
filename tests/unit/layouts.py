"""Small repositories in the styles that public ones have, written into a folder for tests.

Each function writes files only: it makes no Git repository of them, and needs none.
"""

from tests.unit.layout_files import BOOT, pom, write
from tests.unit.layouts_jvm import gradle, petclinic, piggymetrics, single
from tests.unit.layouts_mixed import boutique, workspaces

__all__ = ["BOOT", "boutique", "gradle", "petclinic", "piggymetrics", "pom", "single", "workspaces", "write"]
