"""One control of the Pod Security Standards per module, each exporting CONTROL, found by discovery."""
