"""What the composition root decides by itself, without a process beside it."""
