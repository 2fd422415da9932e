"""What stands beside a probe's accuracy: control tasks, baselines, an untrained network."""
