import FederationHTTP
import Hummingbird
import Testing

@Suite("What people type into a search")
struct TypedQuestionTests {
    private func typed(_ value: String) throws -> String? {
        try Question(typed: Request.form("/console/claims?q=\(value)"), known: ["q"]).text("q")
    }

    @Test(
        "white space around a value is nothing, and a run of it within is one space",
        arguments: [
            ("%09HT-1%0D%0A", "HT-1"), ("++a%09+%0Ab++", "a b"), ("%E3%80%80%E4%BA%91%E3%80%80%E5%B2%AD%C2%A0", "云 岭"),
            ("a%C2%85b", "a b"), ("a+b", "a b"), ("%E4%BA%91%E5%B2%AD", "云岭"),
            // The accent stands on the space: it is one letter with it, and stays all the same.
            ("a+%CC%81b", "a \u{301}b"),
        ])
    func folded(value: String, text: String) throws {
        #expect(try typed(value)?.unicodeScalars.elementsEqual(text.unicodeScalars) == true)
    }

    @Test("white space alone is as good as nothing", arguments: ["", "+", "%09", "%0D%0A%E3%80%80"])
    func empty(value: String) throws {
        #expect(try typed(value) == nil)
    }

    @Test("a control character that nobody types is refused, and a program's white space as well")
    func refused() throws {
        for value in ["%00", "a%07b", "%7F"] {
            #expect(throws: Problem.self, "\(value)") { try typed(value) }
        }
        #expect(throws: Problem.self) {
            try Question(Request.form("/v1/claims?name=a%09"), known: ["name"])
        }
    }
}
