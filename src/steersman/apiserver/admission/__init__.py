"""The admission chain and, in plugins/, one file per plugin exporting ADMISSION."""
