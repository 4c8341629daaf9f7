"""One suite, every transport: whatever carries the bytes, the same command does the same thing.

A class is made per transport from the groups of cases. Each case copies in both directions (push and pull)
where the transport lets it, and has its outcome judged by the walker. Trees too large to be tried over every
transport go over three of them.
"""

try:
    from . import transports
    from .cases_choosing import Choosing
    from .cases_command_line import CommandLine
    from .cases_copying import Copying
    from .cases_links import Links
    from .cases_renames import Renames
    from .cases_whole_trees import LargeTrees, WholeTrees
    from .support import SystemTest
except ImportError:
    import transports
    from cases_choosing import Choosing
    from cases_command_line import CommandLine
    from cases_copying import Copying
    from cases_links import Links
    from cases_renames import Renames
    from cases_whole_trees import LargeTrees, WholeTrees
    from support import SystemTest


def _suite(kind, transport, cases):
    name = f"{kind}_{transport.replace('-', '_')}"
    factory = staticmethod(transports.TRANSPORTS[transport])
    globals()[name] = type(name, (*cases, SystemTest), {"make_transport": factory, "__module__": __name__})


for _name in transports.TRANSPORTS:
    _suite("Conformance", _name, [Copying, WholeTrees, Choosing, CommandLine, Links, Renames])
for _name in ["local", "command", "ssh"]:
    _suite("LargeTrees", _name, [LargeTrees])
