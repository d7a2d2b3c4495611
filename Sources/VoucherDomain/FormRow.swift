/// One row to be taken over from a file or a form: text by column, and where it stands in its file.
package struct FormRow: Hashable, Sendable {
    /// The line in the file; `nil` for a form.
    package let line: Int?
    package let fields: [String: String]
    /// What is wrong with the row itself, found where it was read; such a row is kept and never filed.
    package let problems: [FieldProblem]

    package init(line: Int?, fields: [String: String], problems: [FieldProblem] = []) {
        self.line = line
        self.fields = fields
        self.problems = problems
    }
}
