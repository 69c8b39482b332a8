"""How traffic reaches pods from outside, and which traffic may."""
