"""One suite, every transport: whatever carries the bytes, the same command does the same thing.

A class is made per transport from the groups of cases. Each case copies in both directions (push and pull)
where the transport lets it, and has its outcome judged by the walker.
"""

try:
    from . import transports
    from .cases_choosing import Choosing
    from .cases_command_line import CommandLine
    from .cases_copying import Copying
    from .cases_links import Links
    from .cases_renames import Renames
    from .support import SystemTest
except ImportError:
    import transports
    from cases_choosing import Choosing
    from cases_command_line import CommandLine
    from cases_copying import Copying
    from cases_links import Links
    from cases_renames import Renames
    from support import SystemTest

for _name, _factory in transports.TRANSPORTS.items():
    _class = type("Conformance_" + _name.replace("-", "_"),
                  (Copying, Choosing, CommandLine, Links, Renames, SystemTest),
                  {"make_transport": staticmethod(_factory), "__module__": __name__,
                   "__doc__": f"The conformance suite over {_name}."})
    globals()[_class.__name__] = _class
del _class
