// Everything that makes claims and journals is shared with the laboratory, and is at hand wherever this target is.
@_exported public import GeneratedJournals
