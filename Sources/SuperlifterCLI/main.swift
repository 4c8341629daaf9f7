// `superlifter`: flags in, exit code out. The way leads from here through Program.swift.

import Glibc

exit(Program.run(arguments: ProgramSurroundings.arguments(), perform: perform).code)
