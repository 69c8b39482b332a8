"""Admission plugins: each module exports one ADMISSION, found by discovery."""
