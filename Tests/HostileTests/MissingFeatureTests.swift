// A peer that is honest but cannot do what the job asks for: nothing starts, and both sides are told why.

import LifterProtocol
import LifterSystem
import Superlifter
import Testing

@Suite(.serialized) struct MissingFeatureTests {
    @Test("A server that does not know SHA-256, pushed to and pulled from", arguments: [true, false])
    func sha256(pushes: Bool) throws {
        let arena = try Arena()
        let place = arena.destination + "/"
        var view = PeerView.closed
        let ending = try RealEnd.run(
            { (descriptor) throws(SuperlifterError) in
                var client = Client()
                client.options.digest = .sha256
                do throws(SuperlifterError) {
                    if pushes {
                        _ = try client.push(
                            [bytes(place)], toPath: bytes("x"), input: descriptor, output: descriptor
                        ) { _ in }
                    } else {
                        _ = try client.pull([bytes("x/")], to: bytes(place), input: descriptor, output: descriptor) {
                            _ in
                        }
                    }
                } catch {
                    // The code is what scripts look at.
                    throw SuperlifterError(error.code, "exit \(error.code.exitCode): \(error.description)")
                }
            },
            against: { peer in
                guard peer.greetClient() != nil else { return }
                view = peer.listen()
            })
        guard case .failed(let text) = ending, case .abort(let told) = view else {
            Issue.record("\(ending), \(view)")
            return
        }
        #expect(text.hasPrefix("exit 4: --checksum-choice sha256: hostile at the other end does not know it"))
        #expect(told.contains("--checksum-choice sha256"))
        #expect(arena.harm() == nil)
    }
}
