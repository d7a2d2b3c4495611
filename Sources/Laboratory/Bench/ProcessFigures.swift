import Foundation

/// What Linux tells of a running process (proc(5)).
struct ProcessFigures {
    let process: pid_t

    // MARK: Memory

    struct Memory: Encodable {
        /// Of the process, with what it shares with others.
        let resident_megabytes: Double
        /// The same, each shared page divided among those that share it.
        let proportional_megabytes: Double
        /// Heaps and stacks; the rest of what is resident is files.
        let anonymous_megabytes: Double
        /// As far as it lies in pages of 2 MB.
        let huge_megabytes: Double
        /// The most that was ever resident.
        let peak_megabytes: Double
        /// The mappings that most of it is in, the largest first.
        let largest: [Mapping]
    }

    /// All mappings of one name.
    struct Mapping: Encodable {
        let name: String
        let resident_megabytes: Double
        let anonymous_megabytes: Double
    }

    func memory() throws -> Memory {
        let mappings = try mappings()
        func total(_ field: String) -> Double {
            Double(mappings.values.reduce(0) { $0 + ($1[field] ?? 0) }) / 1_024
        }
        let largest = mappings.map { name, sizes in
            Mapping(
                name: name, resident_megabytes: Double(sizes["Rss:"] ?? 0) / 1_024,
                anonymous_megabytes: Double(sizes["Anonymous:"] ?? 0) / 1_024)
        }.sorted { ($0.resident_megabytes, $0.name) > ($1.resident_megabytes, $1.name) }
        return Memory(
            resident_megabytes: Double(try statusKilobytes("VmRSS:")) / 1_024, proportional_megabytes: total("Pss:"),
            anonymous_megabytes: total("Anonymous:"), huge_megabytes: total("AnonHugePages:"),
            peak_megabytes: Double(try statusKilobytes("VmHWM:")) / 1_024, largest: Array(largest.prefix(12)))
    }

    /// A size of `status`, such as `VmHWM:`.
    func statusKilobytes(_ name: String) throws -> Int {
        guard let line = try text("status").split(separator: "\n").first(where: { $0.hasPrefix(name) }),
            let size = ProcessFigures.number(line, 1)
        else { throw Sample.Failure(message: "process \(process) tells no \(name)") }
        return size
    }

    /// The sizes of `smaps` in KiB, by the mapped file's name and then by what they are.
    private func mappings() throws -> [String: [String: Int]] {
        var mappings: [String: [String: Int]] = [:]
        var name = ""
        for line in try text("smaps").split(separator: "\n") {
            let words = line.split(separator: " ", omittingEmptySubsequences: true)
            guard let first = words.first else { continue }
            if first.hasSuffix(":") {
                guard words.count > 1, let size = Int(words[1]) else { continue }
                mappings[name, default: [:]][String(first), default: 0] += size
            } else {
                // Address, rights, offset, device, inode, and a path where there is one.
                let path = words.count > 5 ? words[5] : "anonymous"
                name = String(path.split(separator: "/").last ?? path)
            }
        }
        return mappings
    }

    // MARK: Processor

    /// What the process's threads have done so far.
    struct Work {
        /// User's and system's time in seconds, by the clock's ticks of 10 ms.
        let ticked: Double
        /// Each thread's time on a processor in seconds, and how often it was given one.
        let threads: [String: (seconds: Double, turns: Int)]
    }

    func work() throws -> Work {
        // The name in parentheses may have spaces in it; the third field follows it.
        let stat = try text("stat")
        guard let end = stat.lastIndex(of: ")"), let user = ProcessFigures.number(stat[end...], 12),
            let system = ProcessFigures.number(stat[end...], 13)
        else { throw Sample.Failure(message: "process \(process) tells no processor time") }
        var threads: [String: (seconds: Double, turns: Int)] = [:]
        for thread in try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task") {
            // One may end in between.
            guard let name = try? text("task/\(thread)/comm"), let times = try? text("task/\(thread)/schedstat"),
                let nanoseconds = ProcessFigures.number(times, 0), let turns = ProcessFigures.number(times, 2)
            else { continue }
            let label = "\(name.trimmingCharacters(in: .newlines)) \(thread)"
            threads[label] = (seconds: Double(nanoseconds) / 1e9, turns: turns)
        }
        return Work(ticked: Double(user + system) / Double(sysconf(Int32(_SC_CLK_TCK))), threads: threads)
    }

    private func text(_ file: String) throws -> String {
        try String(contentsOfFile: "/proc/\(process)/\(file)", encoding: .utf8)
    }

    /// The number that is a line's word at a place, from 0.
    private static func number(_ line: some StringProtocol, _ place: Int) -> Int? {
        let words = line.split(whereSeparator: \.isWhitespace)
        return words.count > place ? Int(words[place]) : nil
    }
}
