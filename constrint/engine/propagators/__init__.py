"""One family of propagators a module. Each class states the consistency it reaches."""
