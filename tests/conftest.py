"""What every test may rely on."""

import signal

# A shell starts what runs in its background with interrupts ignored; Python and its children take that over.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
