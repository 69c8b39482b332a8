"""One module per part process: `run(config, started)` builds the part from its Config and serves until cancelled."""
