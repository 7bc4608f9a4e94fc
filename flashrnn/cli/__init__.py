"""The command line `flashrnn`."""
