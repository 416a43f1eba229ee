"""Facts that are not in the code: a sentence for each path, key and status field. None may be missing."""

from __future__ import annotations

ADMIN_PATHS = {
    "/": "The status page, for a browser.",
    "/livez": "200: the sidecar runs. Says nothing about etcd, which is no reason to kill a sidecar.",
    "/readyz": (
        "200 when it has read the network's state, its file holds the list, and its lease is alive; "
        "otherwise 503 with the reasons."
    ),
    "/startupz": "200 once the file was checked and the process may start; otherwise 503 with the reason.",
    "/metrics": "[Metrics](metrics.md) for Prometheus.",
    "/api/v1/status": "All of it as JSON: below.",
}

STATUS_KEYS = {
    "format": "The number of this format. It rises when a key changes its meaning or goes.",
    "node_id": "The node's NodeID.",
    "role": "`federated` or `database`.",
    "url": "The server's own URL.",
    "network": "The network's name.",
    "phase": "What the node does now: [the phases](../troubleshooting.md#a-phase).",
    "reason": "Why the node is in this phase, for people.",
    "phase_since": "When the phase began, in seconds since 1970.",
    "ready": "Whether `/readyz` answers 200.",
    "synced": "Whether it has read the network's state since it started.",
    "file_up_to_date": "Whether its file holds the canonical list.",
    "lease_alive": "Whether its lease in etcd is alive.",
    "boot_checked": "Whether the file was checked, so that the process may start.",
    "leading": "Whether it leads the network.",
    "healthy": "Whether its process is healthy.",
    "pid": "The process, where it is one of this machine.",
    "canonical_version": "The version of the canonical list.",
    "loaded_version": "The version that the process was started on.",
    "FederatedServers": "The canonical list.",
    "rollout_block": "What blocks the network's rollout.",
    "counters.starts": "How often the process was started.",
    "counters.restarts": "How often it was restarted after a change of the list.",
    "counters.crashes": "How often it died by itself.",
    "counters.file_writes": "How often the list was written into the file.",
    "counters.rejected_edits": "How many edits were rejected.",
    "counters.store_errors": "How often etcd did not answer, or not in time.",
    "counters.leader_terms": "How often this sidecar became leader.",
    "sidecar_version": "The sidecar's version.",
}

LEADER = "the leader, fenced"

ETCD_KEYS = {
    "shared/canonical": ("Canonical", LEADER, "for ever"),
    "shared/policy": ("Policy", "an operator", "for ever"),
    "shared/rollout-block": ("RolloutBlock", LEADER, "while the rollout is blocked"),
    "node/<NodeID>/grant": ("Grant", LEADER, "until its node is healthy on that version"),
    "node/<NodeID>/pause": ("Exemption", LEADER, "until the node is resumed"),
    "node/<NodeID>/skip": (
        "Exemption",
        LEADER,
        "until the node runs the list, or serves while a newer version exists",
    ),
    "node/<NodeID>/verdict": ("Verdict", LEADER, "until it no longer holds"),
    "node/<NodeID>/conflict/<instance>": (
        "NodeLocation",
        "the node that is kept out",
        "under that node's lease, until it claims the NodeID or URL no more",
    ),
    "report/<NodeID>": ("Report", "that node", "under its lease"),
    "leader/<lease>": ("Candidate", "a federated server that may lead", "under its lease"),
    "request/<request_id>": (
        "Request",
        "a newcomer (`request/join-<NodeID>`), an operator's command",
        "a newcomer's under its lease, until answered; an operator's until read, 5 minutes at most",
    ),
    "token/<token_id>": (
        "TokenRecord",
        "an operator; the uses left by the leader",
        "until used up or revoked",
    ),
    "member/<NodeID>": ("Member", LEADER, "while the node is in the network"),
    "tombstone/<NodeID or URL>": ("Tombstone", LEADER, "until the node is readmitted"),
    "rollout/last-healthy": ("Canonical", LEADER, "for ever"),
    "quarantine/<version>": (
        "Quarantine",
        LEADER,
        "until an operator readmits a server, or every node is healthy on that list",
    ),
    "history/<version>": ("Canonical", LEADER, "the newest 100 (`history` of the policy)"),
}
