"""What one node decides, tested as pure functions of its view."""
