/// The policy that a new registry publishes at its first start.
package enum DefaultPolicy {
    /// The file `default_policy.json`, byte for byte.
    package static var document: [UInt8] { PackageResources.default_policy_json }
}
