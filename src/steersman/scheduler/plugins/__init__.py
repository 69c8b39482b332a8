"""Scheduling rules, one file each; every module exports PLUGIN and is found by discovery."""
