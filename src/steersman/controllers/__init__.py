"""The controllers: one module each, which exports CONTROLLER and is found by that. Modules without one are helpers."""
