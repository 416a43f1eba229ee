"""The steps of the demo: each has a title, a description, and a small function that runs it.

Belongs here: actions on the network, and the conditions that must hold then. Steps build on each other, in
the order of `STEPS`. Forbidden here: drawing, starting nodes other than through the network, and
conditions that use the code of the product.
"""

from sidecar_demo.steps.failures import ETCD_DOWN, LEADER_DIES
from sidecar_demo.steps.final_state import FINAL_STATE
from sidecar_demo.steps.joining import DATABASE, IN_STEP, JOIN, REFUSED_SERVER
from sidecar_demo.steps.manual_edits import FORGED_FILE, LIVE_EDIT
from sidecar_demo.steps.removal import READMIT, REMOVE
from sidecar_demo.steps.step import Step

STEPS: tuple[Step, ...] = (
    IN_STEP,
    DATABASE,
    JOIN,
    REFUSED_SERVER,
    FORGED_FILE,
    LIVE_EDIT,
    REMOVE,
    READMIT,
    LEADER_DIES,
    ETCD_DOWN,
    FINAL_STATE,
)

__all__ = ["STEPS", "Step"]
