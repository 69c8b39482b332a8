"""The kinds: `types` holds the generated objects, `<group>/<kind>.py` each kind's behaviour, `catalog` finds them all."""
