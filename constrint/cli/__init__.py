"""The command line: `constrint solve FILE` and its kin."""
