"""What the tests share: cases and their float64 equations, golden tables, configs, targets. No tests."""
