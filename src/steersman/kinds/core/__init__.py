"""The core group: pods and what surrounds them."""
