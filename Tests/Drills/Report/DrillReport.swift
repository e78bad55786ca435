/// Results as markdown: a table of the drills, and one of the promises they bear on.
struct DrillReport {
  var results: [DrillResult]

  /// A row a drill.
  var drills: String {
    let rows = results.map { result in
      Self.row([
        result.name, result.action, result.criterion, result.figures, duration(result),
        result.outcome,
      ])
    }
    return
      ([
        Self.row(["drill", "what is done", "what must hold", "measured", "took", ""]),
        Self.row(Array(repeating: "---", count: 6)),
      ] + rows).joined(separator: "\n")
  }

  /// A row a promise.
  var promises: String {
    let rows = Promise.all.map { promise in
      let names = results.filter { result in
        result.verdict.figures.contains { $0.promises.contains(promise.number) }
      }.map(\.name)
      let commands =
        (names.isEmpty ? [] : ["`make drills DRILL='\(names.joined(separator: " "))'`"])
        + promise.commands.map { "`\($0)`" }
      return Self.row([
        "P\(promise.number)", promise.text,
        (figures(for: promise) + promise.figures).joined(separator: "<br>"),
        commands.joined(separator: ", "),
      ])
    }
    return
      ([
        Self.row(["", "promise", "measured (drill)", "command"]),
        Self.row(Array(repeating: "---", count: 4)),
      ] + rows).joined(separator: "\n")
  }

  /// What the drills measured of a promise, each with its drills: many have measured the same.
  private func figures(for promise: Promise) -> [String] {
    var texts: [String] = []
    var drills: [String: [String]] = [:]
    for result in results {
      for figure in result.verdict.figures where figure.promises.contains(promise.number) {
        if drills[figure.text] == nil { texts.append(figure.text) }
        if drills[figure.text]?.last != result.name {
          drills[figure.text, default: []].append(result.name)
        }
      }
    }
    return texts.map { "\($0) (\(drills[$0, default: []].joined(separator: ", ")))" }
  }

  /// What the drill that has two initiators says of each, side by side; empty without it.
  var comparison: String {
    guard let figures = results.first(where: { $0.name == "beside" })?.verdict.figures else {
      return ""
    }
    let sides = ["iscsifs: ", "qemu: "].map { prefix in
      figures.map(\.text).filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
    }
    let rows = (0..<max(sides[0].count, sides[1].count)).map { index in
      Self.row(sides.map { index < $0.count ? $0[index] : "" })
    }
    return
      ([Self.row(["iscsifs", "qemu-storage-daemon"]), Self.row(["---", "---"])] + rows)
      .joined(separator: "\n")
  }

  /// What stands between the markers of the page.
  var section: String {
    let machines = Set(results.map { "\($0.version) on \($0.machine)" }).sorted()
    let days = Set(results.map(\.day)).sorted()
    return """
      \(machines.joined(separator: "; ")), \(days.joined(separator: ", ")).

      ![\(WaitPlot.title)](\(DrillRecord.plotLink))

      \(drills)

      ### One frozen target, two initiators

      \(comparison)

      ### Promises

      \(promises)
      """
  }

  private func duration(_ result: DrillResult) -> String {
    let form =
      result.factor == 1 ? "" : result.factor == 0 ? ", short form" : ", at \(result.factor)"
    return "\(result.seconds) s\(form)"
  }

  private static func row(_ cells: [String]) -> String {
    let safe = cells.map { $0.replacing("|", with: "/").replacing("\n", with: " ") }
    return "| \(safe.joined(separator: " | ")) |"
  }
}
