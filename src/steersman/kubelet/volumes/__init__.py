"""Volumes: each kind of source makes a directory on the node that containers mount."""
