import Arbitration
import Foundation
import Replication
import Testing
import VoucherDomain

@testable import FederationWire

@Suite("Golden bytes")
struct GoldenTests {
    @Test("every published line is what this build writes, and every kind that it writes has a line")
    func published() throws {
        let computed = try GoldenSamples.all()
        #expect(Set(computed.map(\.name)).count == computed.count)
        if ProcessInfo.processInfo.environment["ADD_GOLDEN"] != nil {
            let known = Set(((try? GoldenLine.published()) ?? []).map(\.name))
            return try GoldenLine.add(computed.filter { !known.contains($0.name) })
        }
        let lines = Dictionary(grouping: try GoldenLine.published(), by: \.name)
        #expect(lines.values.allSatisfy { $0.count == 1 }, "a name is there twice")

        for line in computed {
            guard let golden = lines[line.name]?.first else {
                Issue.record("\(line.name) has no line: set ADD_GOLDEN to add it")
                continue
            }
            #expect(
                golden.bytes == line.bytes,
                "\(line.name): golden bytes never change; what is written otherwise is a kind of its own with a new line"
            )
        }
        let gone = Set(lines.keys).subtracting(computed.map(\.name))
        #expect(gone.isEmpty, "nobody writes \(gone.sorted()) any more: a kind is never given up")
    }

    @Test("every line is read as the message that it says and written as the same bytes")
    func readAndWritten() throws {
        let lines = try GoldenLine.published()
        #expect(lines.count > 200)
        for line in lines {
            let type = try #require(WireType.named(line.message), "\(line.message)")
            #expect(try type.again(line.bytes) == line.bytes, "\(line.name)")
            #expect(try type.fromJSON(line.json) == line.bytes, "\(line.name)")
        }
    }

    @Test("hashes and signatures of published lines are over their bytes")
    func hashed() throws {
        var (hashes, signatures) = (0, 0)
        for line in try GoldenLine.published() {
            guard let domain = line.domain else { continue }
            if let hash = line.hash {
                #expect(Digest(domain, line.bytes).rawValue == hash, "\(line.name)")
                hashes += 1
            }
            if let signature = line.signature {
                let signed = SignedBytes(body: line.bytes, signature: signature)
                let key = domain == .seal ? SigningKey.city.publicKey : SigningKey.registry.publicKey
                #expect(signed.isValid(domain, by: key), "\(line.name)")
                signatures += 1
            }
        }
        #expect(hashes > 60 && signatures == 9)
    }

    @Test("every message of the .proto, and every field of it, is in a line")
    func everyField() throws {
        let proto = try ProtoFile()
        #expect(Set(proto.messages.keys) == Set(WireType.all.map(\.name)))
        var used: [String: Set<String>] = [:]
        for line in try GoldenLine.published() {
            let json = try #require(JSONSerialization.jsonObject(with: Data(line.json)) as? [String: Any])
            used[line.message, default: []].formUnion(json.keys)
        }
        for (message, fields) in proto.messages {
            let missing = fields.subtracting(used[message] ?? [])
            #expect(missing.isEmpty, "\(message): no line has \(missing.sorted())")
        }
    }

    @Test("every entry kind that the rule book reads has an entry, which it still reads")
    func everyKind() throws {
        var seen: Set<UInt32> = []
        for line in try GoldenLine.published() where line.name.hasPrefix("entry/") {
            let entry = try EntryCoding.decode(line.bytes)
            #expect(entry.hash.rawValue == line.hash)
            let content = PayloadCoding.content(of: entry)
            #expect(!content.isFaulty, "\(line.name): \(content)")
            #expect((content == .unsupported) == (entry.kind == GoldenSamples.future), "\(line.name)")
            seen.insert(entry.kind.rawValue)
        }
        let known = (UInt32(0)..<1_000).filter {
            PayloadCoding.content(of: EntryDraft.of(EntryKind(rawValue: $0), []).entry) != .unsupported
        }
        #expect(known.count > 20)
        #expect(seen == Set(known).union([GoldenSamples.future.rawValue]))
    }

    @Test("every decision, key kind and payment stage has a feed entry that is read as it was meant")
    func everyDecision() throws {
        let lines = Dictionary(uniqueKeysWithValues: try GoldenLine.published().map { ($0.name, $0) })
        for (name, sealed) in try GoldenSamples.feedEntries() {
            let line = try #require(lines["feed/\(name)"])
            #expect(try FeedCoding.decode(line.bytes) == sealed, "\(name)")
        }
        let entries = try GoldenSamples.feedEntries().map(\.sealed.entry)
        #expect(Set(entries.map(\.decision)) == Set(Outcome.Decision.allCases))
        #expect(Set(entries.flatMap(\.taken).map(\.kind)) == Set(KeyKind.allCases.filter(\.isPublished)))
        #expect(Set(entries.flatMap(\.effects).compactMap(\.payment)) == Set(Payment.Stage.allCases))
    }

    @Test("every finding, case event and message is read from its line as it was meant")
    func everyDetail() throws {
        let lines = Dictionary(uniqueKeysWithValues: try GoldenLine.published().map { ($0.name, $0) })
        func bytes(_ name: String) throws -> [UInt8] { try #require(lines[name], "\(name)").bytes }
        for (index, finding) in GoldenSamples.findings.enumerated() {
            let reasons = try ReasonCoding.decode(bytes("detail/finding-\(index + 1)")).reasons
            #expect(reasons.map(\.finding) == [finding])
            #expect(reasons.map(\.blocking) == [GoldenSamples.blocking])
        }
        for (name, event) in GoldenSamples.events() {
            #expect(try ReasonCoding.event(bytes("notice/\(name)")) == event)
        }
        for sample in MessageSample.allCases {
            let read = try sample.decode(bytes("message/\(sample.rawValue)"), as: .protobuf)
            #expect(AnyHashable(read) == AnyHashable(sample.value))
        }
        for name in ["hello", "restoredHello", "helloWithSoftware"] {
            let read = try Hello(bytes("message/\(name)"), as: .protobuf)
            #expect(read.epoch == .sample && read.promise == 0, "\(name)")
        }
    }
}

extension JournalEntry.Content {
    fileprivate var isFaulty: Bool { if case .faulty = self { true } else { false } }
}
