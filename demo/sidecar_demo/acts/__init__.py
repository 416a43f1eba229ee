"""The story of the demo: each act a title, a few words, and a small function that plays it on a stage.

Belongs here: what is done to the network, and what must hold then. Acts build on each other, in the order
of `ACTS`. Forbidden here: drawing, knowing how a node is started, and asking the product's code what holds.
"""

from sidecar_demo.acts.act import Act
from sidecar_demo.acts.curtain import CURTAIN
from sidecar_demo.acts.failures import ETCD_AWAY, LEADER_DIES
from sidecar_demo.acts.growing import DATABASE, IN_STEP, JOIN, STRANGER
from sidecar_demo.acts.leaving import READMIT, REMOVE
from sidecar_demo.acts.tampering import FORGED_FILE, LIVE_EDIT

ACTS: tuple[Act, ...] = (
    IN_STEP,
    DATABASE,
    JOIN,
    STRANGER,
    FORGED_FILE,
    LIVE_EDIT,
    REMOVE,
    READMIT,
    LEADER_DIES,
    ETCD_AWAY,
    CURTAIN,
)

__all__ = ["ACTS", "Act"]
