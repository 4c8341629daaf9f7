// `superlifter`: flags in, exit code out. The way leads from here through Program.swift.

import Glibc
import Superlifter

Superlifter.prepareProgram()
exit(Program.run(arguments: ProgramSurroundings.arguments(), perform: perform).code)
