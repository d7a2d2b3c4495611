import Foundation

/// The Chinese of what the domain, the stores and the APIs say in English, for pages, as gettext has it: the English is
/// the key.
///
/// An entry is a sentence, or a template with placeholders `{0}`, `{1}`, … for what is put into it. What stands in such
/// a place is itself translated where it is a message, and else stays as it is.
package struct MessageCatalogue: Sendable {
    package struct Failure: Error, CustomStringConvertible { package let description: String }

    /// Entries without placeholders.
    private let sentences: [String: String]
    /// Entries with placeholders, the closest fit first.
    private let templates: [Template]
    /// How many parts the English of an entry has at most.
    private let mostParts: Int

    /// What stands between sentences that are said at once. A sentence may have it within itself.
    private static let mark = "; "
    /// What stands in front of a message that another one quotes.
    private static let quotingMark = ": "
    /// The most sentences that are told apart: more are not read.
    private static let mostSentences = 200
    /// How deep messages within messages are translated.
    private static let deepest = 3

    /// - Parameter file: A JSON object of texts, Chinese by English.
    /// - Throws: ``Failure`` when an entry is there twice or is empty, or has a placeholder in one text and not in the
    ///   other, twice in the English, or right behind another one.
    package init(_ file: [UInt8]) throws {
        let texts = try MessageCatalogue.texts(file)
        var sentences: [String: String] = [:]
        var templates: [Template] = []
        var known: Set<[[UInt8]]> = []
        for index in stride(from: 1, to: texts.count, by: 2) {
            let (english, chinese) = (texts[index - 1], texts[index])
            let template = Template(english: MessageText(english), chinese: MessageText(chinese))
            if let fault = template.fault { throw Failure(description: "the message \"\(english)\" \(fault)") }
            guard known.insert(template.english.literals).inserted else {
                throw Failure(description: "the message \"\(english)\" is there twice")
            }
            if template.english.numbers.isEmpty { sentences[english] = chinese } else { templates.append(template) }
        }
        // Refuses whatever is no object of texts.
        _ = try JSONDecoder().decode([String: String].self, from: Data(file))
        self.sentences = sentences
        // The one with the most text of its own; of two with as much always the same.
        self.templates = templates.sorted {
            ($0.english.size, $1.english.text) > ($1.english.size, $0.english.text)
        }
        let counts = stride(from: 0, to: texts.count, by: 2).map { MessageCatalogue.parts(of: texts[$0]).count }
        mostParts = counts.max() ?? 1
    }

    /// The message in Chinese; `nil` where neither it nor one of the sentences in it is known.
    ///
    /// Several sentences that are joined by "; " are translated one by one, where they are no message as a whole.
    package func translated(_ message: String) -> String? { translated(message, depth: 0) }

    private func translated(_ message: String, depth: Int) -> String? {
        if let whole = sentence(message, depth: depth) { return whole }
        let parts = MessageCatalogue.parts(of: message)
        guard (2...MessageCatalogue.mostSentences).contains(parts.count) else {
            return filled(message, depth: depth, withMarks: true)
        }
        let (text, known, unknown) = joined(parts, depth: depth)
        if unknown == 0 { return text }
        return filled(message, depth: depth, withMarks: true) ?? (known > 0 ? text : nil)
    }

    private func sentence(_ message: String, depth: Int) -> String? {
        sentences[message] ?? filled(message, depth: depth, withMarks: false)
    }

    /// Several sentences, and how many of them are known and are not.
    private func joined(_ parts: [String], depth: Int) -> (text: String, known: Int, unknown: Int) {
        var texts: [String] = []
        var unknown = 0
        var rest = parts[...]
        while let first = rest.first {
            var count = min(mostParts, rest.count)
            var text: String?
            while count > 0 {
                text = sentence(rest.prefix(count).joined(separator: MessageCatalogue.mark), depth: depth)
                if text != nil { break }
                count -= 1
            }
            if text == nil { unknown += 1 }
            texts.append(text ?? first)
            rest = rest.dropFirst(max(1, count))
        }
        return (texts.joined(separator: "；"), texts.count - unknown, unknown)
    }

    /// The message in Chinese, where a template with something put into it makes it up.
    ///
    /// - Parameter withMarks: Whether what was put into it may look like several sentences, or like one that quotes
    ///   another. The template is then rather one that begins with words of its own, as whatever quotes does.
    private func filled(_ message: String, depth: Int, withMarks: Bool) -> String? {
        let bytes = Array(message.utf8)
        let quoting = withMarks ? templates.filter(\.beginsWithText) : []
        for template in quoting + templates {
            guard let places = template.english.places(in: bytes) else { continue }
            let values = places.map { String(decoding: bytes[$0], as: UTF8.self) }
            guard withMarks || !values.contains(where: MessageCatalogue.hasMark) else { continue }
            let texts = values.map { value in
                depth < MessageCatalogue.deepest ? translated(value, depth: depth + 1) ?? value : value
            }
            return template.chinese.filled(
                Dictionary(uniqueKeysWithValues: zip(template.english.numbers, texts)))
        }
        return nil
    }

    private static func parts(of message: String) -> [String] { message.components(separatedBy: mark) }

    private static func hasMark(_ value: String) -> Bool { value.contains(mark) || value.contains(quotingMark) }

    /// The texts of a JSON object in their order, each key before its value. A decoder keeps one of two equal keys.
    private static func texts(_ file: [UInt8]) throws -> [String] {
        var list = [UInt8(ascii: "[")]
        var start: Int?
        var isEscaped = false
        for (index, byte) in file.enumerated() {
            guard let first = start else {
                if byte == UInt8(ascii: "\"") { start = index }
                continue
            }
            if byte == UInt8(ascii: "\""), !isEscaped {
                if list.count > 1 { list.append(UInt8(ascii: ",")) }
                list += file[first...index]
                start = nil
            }
            isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
        }
        list.append(UInt8(ascii: "]"))
        return try JSONDecoder().decode([String].self, from: Data(list))
    }
}

/// An entry of the catalogue.
private struct Template: Sendable {
    let english: MessageText
    let chinese: MessageText

    var beginsWithText: Bool { !(english.literals.first ?? []).isEmpty }

    /// What makes it unusable, or `nil`.
    var fault: String? {
        if !english.hasText || !chinese.hasText { return "or its translation is empty" }
        let numbers = Set(english.numbers)
        if numbers.count != english.numbers.count { return "has a placeholder twice" }
        if numbers != Set(chinese.numbers) { return "has other placeholders than its translation" }
        let between = english.literals.dropFirst().dropLast()
        return between.contains(where: \.isEmpty) ? "has nothing between two placeholders" : nil
    }
}

/// A text with placeholders in it.
private struct MessageText: Sendable {
    let text: String
    /// What stands around the placeholders, in order: one more than these.
    let literals: [[UInt8]]
    let numbers: [Int]

    init(_ text: String) {
        var literals: [[UInt8]] = [[]]
        var numbers: [Int] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "{"), let end = rest.firstIndex(of: UInt8(ascii: "}")),
                let number = Int(String(decoding: rest[..<end], as: UTF8.self))
            {
                numbers.append(number)
                literals.append([])
                rest = rest[(end + 1)...]
            } else {
                literals[literals.count - 1].append(byte)
            }
        }
        self.text = text
        self.literals = literals
        self.numbers = numbers
    }

    /// How many bytes it has besides its placeholders.
    var size: Int { literals.reduce(0) { $0 + $1.count } }

    var hasText: Bool { literals.contains { literal in literal.contains { $0 > UInt8(ascii: " ") } } }

    /// What stands in the places of the placeholders when the message is this text from its first to its last byte.
    ///
    /// Each literal is taken where it first occurs behind the one before: if any places fit, these do, and nothing is
    /// tried again.
    func places(in message: [UInt8]) -> [Range<Int>]? {
        let (first, last) = (literals[0], literals[literals.count - 1])
        let end = message.count - last.count
        guard first.count <= end, message.starts(with: first), message[end...].elementsEqual(last) else { return nil }
        var places: [Range<Int>] = []
        var start = first.count
        for literal in literals.dropFirst().dropLast() {
            guard let place = MessageText.place(of: literal, in: message[start..<end]) else { return nil }
            places.append(start..<place)
            start = place + literal.count
        }
        places.append(start..<end)
        return places
    }

    private static func place(of literal: [UInt8], in message: ArraySlice<UInt8>) -> Int? {
        guard literal.count <= message.count else { return nil }
        return (message.startIndex...message.endIndex - literal.count).first { message[$0...].starts(with: literal) }
    }

    /// The text with values in the places of its placeholders.
    func filled(_ values: [Int: String]) -> String {
        var bytes = literals[0]
        for (number, literal) in zip(numbers, literals.dropFirst()) {
            bytes += Array((values[number] ?? "").utf8)
            bytes += literal
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
