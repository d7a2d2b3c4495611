/// What can go wrong in a simulated world. The comment names the fault of the catalogue.
package enum FaultKind: String, CaseIterable, Hashable, Sendable {
    /// F1: a city's process ends at any step; what it had not committed is lost.
    case cityCrash = "city-crash"
    /// F2: the registry's process ends at any step.
    case registryCrash = "registry-crash"
    /// F10: a message is lost, and the sender learns of it only by its time-out.
    case loss
    /// F10: a request arrives twice.
    case duplication
    /// F10: a message takes so long that later ones overtake it.
    case reordering
    /// A connection is cut before the request has an effect.
    case cutBefore = "cut-before"
    /// A connection is cut after the request had its effect.
    case cutAfter = "cut-after"
    /// F9: nothing passes between a city and the registry.
    case partition
    /// F9: requests pass and answers do not, or the other way round.
    case oneWay = "one-way"
    /// F9: a link that goes and comes.
    case flapping
    /// F11: a city's clock is ahead, behind, years off, or stands still.
    case cityClock = "city-clock"
    /// F11: the registry's clock is.
    case registryClock = "registry-clock"
    /// F14: a city's store is put back from a backup, with the mark that the command sets.
    case restore
    /// F30: an old copy of the store is put back by hand, without the mark.
    case unmarkedCopy = "unmarked-copy"
    /// F12, F13: a second node with the same key and store.
    case clone
    /// F15: a recorded request is sent again, or one that was lost arrives after all, any time later.
    case replay
    /// F16, F17: a city that lies.
    case liar
    /// A city's disk is gone; it joins again with its key or a new one.
    case diskGone = "disk-gone"
    /// The registry's operators suspend a city, and let it in again later. New kinds follow here: what was drawn for those
    /// above stays the same.
    case suspension
    /// F29: the bank does not answer in time; it has acted or not.
    case bankTimeout = "bank-timeout"
    /// F29: the bank refuses an instruction for good.
    case bankRefusal = "bank-refusal"
}
