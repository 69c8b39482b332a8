"""Admission plugins that are off unless `enable_admission_plugins` names them; only then is their module imported."""
