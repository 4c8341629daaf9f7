// swift-tools-version: 6.2
import PackageDescription

// The staircase: a target may import only those below it. `contrib/check` holds it to that.
//
//     SuperlifterCLI   flags in, exit code out
//     LifterService    the serving end: which mode, whose paths, what is allowed
//     Superlifter      the library: push, pull, compare, list, serve over any two descriptors
//     LifterTransport  ways to reach a peer; each yields a Connection
//     LifterFiles      the disk: scan, filter, read, stage, commit, delete
//     LifterProtocol   frames, messages, sender and receiver machines; no I/O
//     LifterDelta      what two versions of a file have in common; pure
//     LifterCodec      zstd, zlib, xxh3, sha256
//     LifterSystem     descriptors, system calls, processes

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let package = Package(
    name: "superlifter",
    products: [
        .library(name: "Superlifter", targets: ["Superlifter"]),
        .executable(name: "superlifter", targets: ["SuperlifterCLI"]),
    ],
    targets: [
        .executableTarget(
            name: "SuperlifterCLI",
            dependencies: ["Superlifter", "LifterService"], swiftSettings: settings),
        .target(
            name: "LifterService",
            dependencies: ["Superlifter", "LifterTransport", "LifterSystem", "CTOML"], swiftSettings: settings),
        .target(
            name: "Superlifter",
            dependencies: ["LifterTransport", "LifterFiles", "LifterProtocol", "LifterCodec", "LifterSystem"],
            swiftSettings: settings),
        .target(name: "LifterTransport", dependencies: ["LifterSystem"], swiftSettings: settings),
        .target(
            name: "LifterFiles",
            dependencies: ["LifterProtocol", "LifterDelta", "LifterCodec", "LifterSystem"],
            swiftSettings: settings),
        .target(name: "LifterProtocol", dependencies: ["LifterCodec"], swiftSettings: settings),
        .target(name: "LifterDelta", dependencies: ["LifterCodec"], swiftSettings: settings),
        .target(name: "LifterCodec", dependencies: ["CXXHash", "CZstd", "CZlib", "CSHA256"], swiftSettings: settings),
        .target(name: "LifterSystem", dependencies: ["CSuperlifter"], swiftSettings: settings),
        .target(name: "CSuperlifter"),
        // libcrypto, opened only by jobs that ask for SHA-256.
        .target(name: "CSHA256"),
        // toml++, a header of libtomlplusplus-dev, behind a C face.
        .target(name: "CTOML"),
        .systemLibrary(name: "CXXHash", pkgConfig: "libxxhash", providers: [.apt(["libxxhash-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

        .target(name: "TestPlace", path: "Tests/TestPlace", swiftSettings: settings),
        .testTarget(name: "LifterSystemTests", dependencies: ["LifterSystem", "TestPlace"], swiftSettings: settings),
        .testTarget(name: "LifterCodecTests", dependencies: ["LifterCodec"], swiftSettings: settings),
        .testTarget(name: "LifterDeltaTests", dependencies: ["LifterDelta", "LifterCodec"], swiftSettings: settings),
        .testTarget(
            name: "LifterProtocolTests", dependencies: ["LifterProtocol", "LifterCodec", "LifterSystem"],
            exclude: ["Golden"], swiftSettings: settings),
        .testTarget(
            name: "LifterFilesTests",
            dependencies: ["LifterFiles", "LifterProtocol", "LifterCodec", "LifterSystem", "TestPlace"],
            swiftSettings: settings),
        .testTarget(
            name: "LifterTransportTests", dependencies: ["LifterTransport", "LifterSystem", "TestPlace"],
            swiftSettings: settings),
        .testTarget(
            name: "SuperlifterTests",
            dependencies: ["Superlifter", "LifterFiles", "LifterProtocol", "LifterSystem"], swiftSettings: settings),
        .testTarget(
            name: "SimulationTests",
            dependencies: [
                "Superlifter", "LifterFiles", "LifterProtocol", "LifterCodec", "LifterSystem", "TestPlace",
            ], swiftSettings: settings),
        .testTarget(
            name: "HostileTests",
            dependencies: [
                "Superlifter", "SuperlifterCLI", "LifterFiles", "LifterProtocol", "LifterCodec", "LifterSystem",
                "TestPlace",
            ], swiftSettings: settings),
        .testTarget(
            name: "SuperlifterCLITests",
            dependencies: ["SuperlifterCLI", "LifterService"], swiftSettings: settings),
        .testTarget(
            name: "LifterServiceTests", dependencies: ["LifterService", "LifterTransport", "LifterSystem"],
            swiftSettings: settings),
    ],
    cxxLanguageStandard: .cxx17
)

// `contrib/fuzz/run` builds these; nobody else has to.
if Context.environment["SUPERLIFTER_FUZZ"] == "1" {
    for name in ["FuzzFrames", "FuzzMessages", "FuzzDecompression"] {
        package.targets.append(
            .executableTarget(
                name: name, dependencies: ["LifterProtocol", "LifterCodec"], path: "contrib/fuzz/\(name)",
                swiftSettings: settings))
    }
}

// `contrib/bench/delta/main.swift` says how to build and run it.
if Context.environment["SUPERLIFTER_BENCH"] == "1" {
    package.targets.append(
        .executableTarget(
            name: "BenchDelta", dependencies: ["LifterDelta", "LifterCodec"], path: "contrib/bench/delta",
            swiftSettings: settings))
}
