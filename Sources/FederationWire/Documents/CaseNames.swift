package import Arbitration

// What cases are called outside: in JSON, on the command line and on screens.

extension CaseEvent.Kind {
    package var name: String { "\(self)" }
}

extension CaseAnswer.Kind {
    package var name: String {
        switch self {
        case .withdraw: "withdraw"
        case .contest: "contest"
        case .cofunded: "co-funded"
        case .notDuplicate: "not-a-duplicate"
        case .appeal: "appeal"
        }
    }
}

extension Ruling.Code {
    package var name: String {
        switch self {
        case .confirmed: "confirmed"
        case .falsePositive: "false-positive"
        case .noResponse: "no-response"
        case .cofunded: "co-funded"
        case .errorInData: "error-in-data"
        }
    }
}
