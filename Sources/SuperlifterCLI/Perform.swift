// Where a checked request meets the library.

/// Carries out a request and says how the program ends.
func perform(_ request: Request) -> Outcome {
    StandardStream.error.write(ProblemLine.line("this command is not connected to the library"))
    return .ended(.unsupported)
}
