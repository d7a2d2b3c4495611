import Foundation

/// How a server's memory is managed.
package enum ProcessMemory {
    /// Keeps what is freed together: by default glibc has eight heaps a core, and each keeps the most that its threads ever
    /// used. A registry to which a thousand cities come back at one moment takes half the memory so (`bench reconnect`).
    package static func keepTogether() {
        // Swift's Glibc module has no malloc.h; another C library has no such function, and no such heaps.
        guard let symbol = dlsym(nil, "mallopt") else { return }
        let mallopt = unsafeBitCast(symbol, to: (@convention(c) (CInt, CInt) -> CInt).self)
        let arenaMax: CInt = -8
        _ = mallopt(arenaMax, 2)
    }

    /// Gives the system back what is free. By default glibc keeps it for what is asked for next, which after an import, or a
    /// month that was caught up on, is a long time.
    package static func giveBack() {
        guard let symbol = dlsym(nil, "malloc_trim") else { return }
        let trim = unsafeBitCast(symbol, to: (@convention(c) (Int) -> CInt).self)
        _ = trim(0)
    }
}
