// `serve --check-config`: what a configuration means, or everything that is wrong with it.

import LifterTransport

struct ConfigurationCheck {
    let options: ServeOptions
    let say: (String) -> Void
    let show: (String) -> Void

    func run() -> Int32 {
        guard let path = options.configuration else { return 1 }
        do throws(ConfigurationFailure) {
            let configuration = try ConfigurationReader.read(path)
            let problems = configuration.problems(listeningOn: configuration.listen)
            guard problems.isEmpty else { throw ConfigurationFailure(lines: problems, exitCode: 1) }
            for line in configuration.summary { show(line) }
            return 0
        } catch {
            for line in error.lines { say(line) }
            return error.exitCode
        }
    }
}
