// swift-tools-version: 6.3
import PackageDescription

/// Settings of every Swift target: strict memory safety, no warnings, imports that say what they
/// show.
let strict: [SwiftSetting] = [
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// Modules the I/O path runs through: `package` members must inline across modules
/// (Docs/Decisions/001-cross-module-optimization.md).
let hot: [SwiftSetting] =
  strict + [.unsafeFlags(["-enable-cmo-everything"], .when(configuration: .release))]

let collections = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")

/// The fuzzer's program needs libFuzzer, so it is there for `make fuzz` only.
let fuzzers: [Target] =
  Context.environment["ISCSIFS_FUZZ"] == nil
  ? []
  : [
    .systemLibrary(name: "CFuzzer", path: "Tests/Fuzz/CFuzzer"),
    .executableTarget(
      name: "Fuzz", dependencies: ["FuzzTargets", "CFuzzer"], path: "Tests/Fuzz/Driver",
      swiftSettings: strict,
      linkerSettings: [
        .linkedLibrary("stdc++"), .unsafeFlags(["-Xlinker", "-z", "-Xlinker", "muldefs"]),
      ]),
  ]

let package = Package(
  name: "iscsifs",
  products: [
    .executable(name: "iscsifs", targets: ["iscsifs"]),
    // For the tests: loaded before libc, it counts what the daemon allocates.
    .library(name: "AllocationCounter", type: .dynamic, targets: ["AllocationCounter"]),
    // For a drill: loaded before libc, it moves the daemon's clock of the day.
    .library(name: "ClockJump", type: .dynamic, targets: ["ClockJump"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    // liburing is taken in: it is small, and the program needs no further library where it runs.
    .target(name: "CLinux", linkerSettings: [.linkedLibrary(":liburing.a")]),
    .target(name: "CFUSE", dependencies: ["CFUSE3"]),
    .systemLibrary(name: "CFUSE3", pkgConfig: "fuse3", providers: [.apt(["libfuse3-dev"])]),

    .target(name: "Wire", dependencies: ["CLinux"], swiftSettings: hot),
    .target(name: "SCSI", dependencies: ["Wire"], swiftSettings: hot),
    .target(name: "LogicalUnit", dependencies: ["SCSI"], swiftSettings: hot),
    .target(name: "ISCSI", dependencies: ["Wire", "SCSI", crypto], swiftSettings: hot),
    .target(
      name: "LinuxIO", dependencies: ["CLinux", system, collections], swiftSettings: hot),
    .target(
      name: "FUSE", dependencies: ["LinuxIO", "CFUSE", "CFUSE3", "CLinux", system, collections],
      swiftSettings: hot),
    .target(
      name: "Reactor",
      dependencies: [
        "LogicalUnit", "ISCSI", "SCSI", "Wire", "FUSE", "LinuxIO", "CLinux", system, collections,
      ],
      swiftSettings: strict),
    .target(name: "Records", dependencies: [system, crypto], swiftSettings: strict),
    .target(
      name: "ControlPlane",
      dependencies: [
        "Reactor", "Records", "LogicalUnit", "ISCSI", "SCSI", "Wire", "LinuxIO", logging, system,
      ],
      swiftSettings: strict),
    .target(
      name: "Tree",
      dependencies: [
        "ControlPlane", "Reactor", "LogicalUnit", "ISCSI", "SCSI", "FUSE", system,
      ],
      swiftSettings: strict),
    .target(
      name: "TargetSimulator",
      dependencies: ["ISCSI", "SCSI", "Wire", "LinuxIO", crypto, system],
      swiftSettings: strict),
    .executableTarget(
      name: "iscsifs",
      dependencies: [
        "Tree", "ControlPlane", "Records", "Reactor", "FUSE", "ISCSI", "LinuxIO",
        "TargetSimulator", "CLinux", logging, system,
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ],
      swiftSettings: strict,
      // The same specialisation of a standard-library generic in two hot modules is one function.
      linkerSettings: [
        .unsafeFlags(["-Xlinker", "-z", "-Xlinker", "muldefs"], .when(configuration: .release))
      ]),

    .testTarget(name: "WireTests", dependencies: ["Wire", "CLinux"], swiftSettings: strict),
    .testTarget(name: "SCSITests", dependencies: ["SCSI", "Wire"], swiftSettings: strict),
    .testTarget(
      name: "LogicalUnitTests", dependencies: ["LogicalUnit", "SCSI"], swiftSettings: strict),
    // Wireshark's dissector, an oracle for what a PDU says.
    .target(
      name: "Dissector", dependencies: ["ISCSI", "SCSI", "Wire", "Lab"],
      path: "Tests/Support/Dissector", swiftSettings: strict),
    .testTarget(
      name: "ISCSITests", dependencies: ["ISCSI", "SCSI", "Wire", "Dissector", "Lab"],
      swiftSettings: strict),
    .target(name: "AllocationCounter", path: "Tests/Support/AllocationCounter"),
    .target(
      name: "LoopbackPeer", dependencies: ["LinuxIO", "CLinux", system],
      path: "Tests/Support/LoopbackPeer", swiftSettings: strict),
    .target(
      name: "Guest", dependencies: ["LinuxIO"], path: "Tests/Support/Guest",
      resources: [.embedInCode("Resources/init.sh")], swiftSettings: strict),
    .executableTarget(
      name: "KernelBenchmark",
      dependencies: [
        "Guest", "LinuxIO",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Tests/KernelBenchmark", swiftSettings: strict),
    .testTarget(
      name: "GuestTests", dependencies: ["Guest", "KernelBenchmark"], swiftSettings: strict),
    // For `make tsan`: all tests are one program, which has it if one of them has.
    .target(name: "VisibleLocks", path: "Tests/Support/VisibleLocks"),
    .testTarget(
      name: "LinuxIOTests",
      dependencies: ["LinuxIO", "LoopbackPeer", "VisibleLocks", "CLinux", system],
      swiftSettings: strict),
    .testTarget(
      name: "FUSETests", dependencies: ["FUSE", "LinuxIO", "CLinux", system],
      swiftSettings: strict),
    .testTarget(
      name: "ReactorTests",
      dependencies: ["Reactor", "FUSE", "ISCSI", "SCSI", "LogicalUnit", "LinuxIO", "Wire", system],
      swiftSettings: strict),
    .testTarget(name: "RecordsTests", dependencies: ["Records", system], swiftSettings: strict),
    .testTarget(
      name: "ControlPlaneTests",
      dependencies: [
        "ControlPlane", "Reactor", "Records", "LogicalUnit", "ISCSI", "SCSI", "Wire", "LinuxIO",
        "TargetSimulator", "LoopbackPeer", logging, system,
      ],
      swiftSettings: strict),
    .testTarget(
      name: "TreeTests",
      dependencies: [
        "Tree", "ControlPlane", "Reactor", "LogicalUnit", "ISCSI", "SCSI", "Wire", "FUSE",
        "LinuxIO",
        "CLinux", system,
      ],
      swiftSettings: strict),
    .testTarget(
      name: "TargetSimulatorTests", dependencies: ["TargetSimulator", "ISCSI", "SCSI", "Wire"],
      swiftSettings: strict),
    .testTarget(
      name: "CommandLineTests",
      dependencies: [
        "iscsifs", "Records", logging, system,
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    .target(
      name: "ProcessUsage", path: "Tests/Support/ProcessUsage", swiftSettings: strict),
    // Processes, mounts and a real target, for whoever runs the program as people do.
    .target(
      name: "Lab", dependencies: ["LinuxIO"], path: "Tests/Support/Lab",
      swiftSettings: strict),
    // A port before a target's that treats connections badly.
    .target(
      name: "ChaosProxy", dependencies: ["Lab", "LinuxIO"], path: "Tests/Support/ChaosProxy",
      swiftSettings: strict),
    .target(name: "ClockJump", path: "Tests/Support/ClockJump"),
    // Drawings for the docs.
    .target(name: "Plotting", path: "Tests/Support/Plotting", swiftSettings: strict),
    // `make bench`: never installed.
    .executableTarget(
      name: "benchmark",
      dependencies: [
        "Lab", "Plotting", system,
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ],
      path: "Tests/Benchmark", swiftSettings: strict),
    // `make interop`: never installed.
    .executableTarget(
      name: "Interop",
      dependencies: [
        "Lab", "ChaosProxy", "Guest", "LinuxIO",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Tests/Interop", swiftSettings: strict),
    // `make drills`: never installed.
    .executableTarget(
      name: "Drills",
      dependencies: [
        "Lab", "ChaosProxy", "Guest", "LinuxIO", "Plotting", "TargetSimulator", "ISCSI",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Tests/Drills", swiftSettings: strict),
    .testTarget(name: "InteropTests", dependencies: ["Interop"], swiftSettings: strict),
    .testTarget(
      name: "DrillsTests",
      dependencies: ["Drills", "ChaosProxy", "LoopbackPeer", "Lab", "LinuxIO", system],
      swiftSettings: strict),
    .testTarget(
      name: "BenchmarkTests",
      dependencies: [
        "benchmark", "Lab", "Plotting",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      exclude: ["Fixtures"], swiftSettings: strict),
    .testTarget(
      name: "EndToEndTests",
      dependencies: [
        "iscsifs", "TargetSimulator", "ProcessUsage", "ISCSI", "LinuxIO", "Lab", "Interop",
        "Drills", "Dissector",
        system,
      ],
      swiftSettings: strict),
    .testTarget(name: "TidyTests", swiftSettings: strict),
    // What a fuzzer holds the program to, and its corpus run as a test.
    .target(
      name: "FuzzTargets",
      dependencies: ["Tree", "ControlPlane", "Records", "ISCSI", "SCSI", "Wire"],
      path: "Tests/Fuzz/Targets", swiftSettings: strict),
    .testTarget(name: "FuzzTests", dependencies: ["FuzzTargets"], swiftSettings: strict),
    // The reactor against a target that is played, from one seed: `make sim`, and its tests.
    .target(
      name: "Simulation",
      dependencies: [
        "ControlPlane", "Reactor", "LogicalUnit", "ISCSI", "SCSI", "Wire", "FUSE", "LinuxIO",
      ],
      path: "Tests/Support/Simulation", swiftSettings: strict),
    .testTarget(name: "SimulationTests", dependencies: ["Simulation"], swiftSettings: strict),
    .executableTarget(
      name: "Simulate",
      dependencies: [
        "Simulation", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Tests/Simulate", swiftSettings: strict,
      linkerSettings: [
        .unsafeFlags(["-Xlinker", "-z", "-Xlinker", "muldefs"], .when(configuration: .release))
      ]),
    // What many targets, sessions and LUNs cost: `swift run -c release Scale`.
    .executableTarget(
      name: "Scale",
      dependencies: [
        "TargetSimulator", "ProcessUsage",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Tests/Scale", swiftSettings: strict,
      linkerSettings: [
        .unsafeFlags(["-Xlinker", "-z", "-Xlinker", "muldefs"], .when(configuration: .release))
      ]),
  ] + fuzzers,
  swiftLanguageModes: [.v6]
)
