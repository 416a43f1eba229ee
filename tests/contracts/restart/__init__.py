"""What every way of restarting does: one contract, one harness a driver, next to real processes."""
