"""Kills and stops anything at any moment under a steady flow of orders, then asks whether one was lost, doubled or got a wrong state."""
