"""Admission plugins that are on unless `disable_admission_plugins` names them: one module each, called as the plugin."""
