import VoucherDomain

/// What an officer is told of a key or a certificate, from sixty days before its end.
enum ExpiryNotice {
    case key
    /// What the registry shows on TLS.
    case certificate
    /// The registry's CA, which came with the join token.
    case trustAnchor

    /// In Chinese and English, as all notices are.
    ///
    /// - Returns: `nil` while more than sixty days are left, and where the end is not known.
    func text(_ expiry: Expiry?, now: UInt64) -> String? {
        guard let expiry, expiry.stage(now: now) != .current else { return nil }
        let day = expiry.day.iso8601
        let isOver = expiry.stage(now: now) == .over
        switch self {
        case .key:
            return "本市密钥应在 \(day) 前更换\(isOver ? "，现已过期" : "")，期间照常工作：请向登记中心索取 rotate-key 令牌，停止节点后运行 "
                + "city-node join / this city's key \(isOver ? "was" : "is") to be replaced by \(day), and everything goes on "
                + "until it is: ask the registry's operators for a token of city rotate-key, stop the node, and run city-node "
                + "join with it"
        case .certificate:
            return "登记中心的证书有效期至 \(day)：请告知其操作员；到期后无法联网，录入照常 / the registry's certificate "
                + "\(isOver ? "ended" : "ends") on \(day): tell its operators; from then on the registry is not reached, and "
                + "what is filed waits"
        case .trustAnchor:
            return "本节点所信任的登记中心根证书有效期至 \(day)：到期后无法联网，请向登记中心索取带有新证书的 rotate-key 令牌，停止节点后运行 "
                + "city-node join / the registry's CA that this node trusts \(isOver ? "ended" : "ends") on \(day), and from "
                + "then on the registry is not reached: ask its operators for a token of city rotate-key that has the new "
                + "one, stop the node, and run city-node join with it"
        }
    }
}
