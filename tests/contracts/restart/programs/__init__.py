"""Programs that run next to the sidecar in the restart contract; each is a script without imports of ours."""
