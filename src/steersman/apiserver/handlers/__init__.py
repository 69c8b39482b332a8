"""One file per verb: what a resource request does once it is known who asks and that they may."""
